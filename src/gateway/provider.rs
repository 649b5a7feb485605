use super::model::{ChatRequest, Failure, FinishReason, Quote, Usage};
use futures_util::stream::BoxStream;
use std::{fmt, sync::Arc};

/// What stands behind a route. A new kind of provider implements this, nothing else.
pub trait Provider: Send + Sync + fmt::Debug {
    /// Streams the answer. Dropping the stream ends the work for it, upstream too.
    fn chat(&self, request: Arc<ChatRequest>) -> ProviderStream;
}

pub type ProviderStream = BoxStream<'static, Result<ProviderEvent, Failure>>;

/// What a provider says. `Finished` or an error is its last word; what follows is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderEvent {
    Delta { text: String },
    Citation(Quote),
    Finished { reason: FinishReason, usage: Usage },
}
