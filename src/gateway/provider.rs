use super::model::{ChatRequest, Failure, FailureKind, FinishReason, Quote, ToolUse, Usage};
use futures_util::{FutureExt, future::BoxFuture, stream::BoxStream};
use std::{fmt, sync::Arc};

/// A wire format behind which there are models. A new kind of provider implements this, nothing else.
pub trait Provider: Send + Sync + fmt::Debug {
    /// Streams the answer. Dropping the stream ends the work for it, upstream too.
    fn chat(&self, call: ModelCall) -> ProviderStream;

    /// One vector for each text, all of one length.
    fn embed(&self, _model: &str, _texts: Vec<String>) -> BoxFuture<'static, Result<Embeddings, Failure>> {
        async { Err(FailureKind::Rejected.plain()) }.boxed()
    }

    /// The names of its models, as far as it tells. Also how its health is looked at: cheap, and free of charge.
    fn models(&self) -> BoxFuture<'static, Result<Vec<String>, Failure>> {
        async { Ok(vec![]) }.boxed()
    }
}

/// One call of one model.
#[derive(Clone, Debug)]
pub struct ModelCall {
    pub model: String,
    pub request: Arc<ChatRequest>,
    /// What another model has said of the answer already: this one goes on after it, and does not repeat it.
    pub prefill: Arc<str>,
    pub max_output_tokens: u32,
}

pub type ProviderStream = BoxStream<'static, Result<ProviderEvent, Failure>>;

/// What a provider says. `Finished` or an error is its last word; what follows is not read.
#[derive(Clone, Debug, PartialEq)]
pub enum ProviderEvent {
    Delta { text: String },
    Citation(Quote),
    Tool(ToolUse),
    Finished { reason: FinishReason, usage: Option<Usage> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    pub vectors: Vec<Vec<f32>>,
    pub input_tokens: u32,
}
