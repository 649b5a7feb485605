//! An operation on its way in, and what comes of it, whatever the transport.
use crate::{
    graphql::pipeline::{Files, JsonMap},
    shared::{TraceId, actor::Principal},
};
use async_graphql::Response;
use futures_util::{Stream, stream};
use std::pin::Pin;

/// What a client asks, however it came.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Call {
    pub query: Option<String>,
    /// Names a document that is known, in place of `query`.
    #[serde(rename = "documentId")]
    pub document_id: Option<String>,
    #[serde(rename = "operationName")]
    pub operation_name: Option<String>,
    pub variables: Option<JsonMap>,
    /// `cost: true` asks for what the operation costs, `explain: true` for what it did, `persistedQuery` names its
    /// document; anything else is for somebody else.
    pub extensions: Option<JsonMap>,
    /// For some of the variables.
    #[serde(skip)]
    pub files: Files,
}

impl Call {
    pub(super) fn asks_for_cost(&self) -> bool {
        self.asks_for("cost")
    }

    pub(super) fn asks_to_explain(&self) -> bool {
        self.asks_for("explain")
    }

    fn asks_for(&self, what: &str) -> bool {
        self.extensions.as_ref().and_then(|extensions| extensions.get(what)?.as_bool()).unwrap_or(false)
    }
}

/// Who asks, and how.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub request_id: String,
    /// For what the operation causes.
    pub trace: TraceId,
    /// As in the header `Authorization`, not yet checked.
    pub credential: Option<String>,
    pub transport: &'static str,
    /// By GET, which must not change anything.
    pub read_only: bool,
    /// The cursor after which a subscription is to go on, where the transport tells it.
    pub after: Option<String>,
}

pub(super) type Answers = Pin<Box<dyn Stream<Item = Response> + Send>>;

/// What comes of an operation: one answer, or those of a subscription.
pub(super) enum Answered {
    Once(Box<Response>),
    Stream { answers: Answers, of: Option<Principal> },
}

impl Answered {
    pub(super) fn into_stream(self) -> Answers {
        match self {
            Self::Once(response) => Box::pin(stream::once(std::future::ready(*response))),
            Self::Stream { answers, .. } => answers,
        }
    }
}
