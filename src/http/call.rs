//! An operation on its way in, and what comes of it, whatever the transport.
use crate::{
    graphql::pipeline::{Files, JsonMap},
    graphql_kit::Told,
    shared::{TraceId, actor::Principal},
};
use async_graphql::{Response, Value};
use futures_util::{Stream, stream};
use std::{borrow::Cow, pin::Pin, sync::Arc};

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

pub(super) type Answers = Pin<Box<dyn Stream<Item = Next> + Send>>;

/// One answer of a stream.
pub(super) enum Next {
    Response(Box<Response>),
    /// As others are told it, too.
    Told(Arc<Told>),
}

impl Next {
    pub(super) fn json(&self) -> serde_json::Result<Cow<'_, str>> {
        match self {
            Self::Response(response) => serde_json::to_string(response).map(Cow::Owned),
            Self::Told(told) => Ok(Cow::Borrowed(&told.json)),
        }
    }

    pub(super) fn cursor(&self) -> Option<&str> {
        match self {
            Self::Response(response) => cursor(response),
            Self::Told(told) => told.cursor.as_deref(),
        }
    }
}

/// How an event is written that many are told.
pub(super) fn put_into_words(response: &Response) -> serde_json::Result<Told> {
    let cursor = cursor(response).map(str::to_owned);
    Ok(Told { json: serde_json::to_string(response)?, cursor })
}

/// The field `cursor` of an event, where it was asked for. A client can call any text so: only what looks like a
/// cursor is taken for one.
fn cursor(answer: &Response) -> Option<&str> {
    let Value::Object(data) = &answer.data else { return None };
    let Some(Value::Object(event)) = data.values().next() else { return None };
    let Some(Value::String(cursor)) = event.get("cursor") else { return None };
    let looks_so = cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    looks_so.then_some(cursor.as_str())
}

/// What comes of an operation: one answer, or those of a subscription.
pub(super) enum Answered {
    Once(Box<Response>),
    Stream { answers: Answers, of: Option<Principal> },
}

impl Answered {
    pub(super) fn into_stream(self) -> Answers {
        match self {
            Self::Once(response) => Box::pin(stream::once(std::future::ready(Next::Response(response)))),
            Self::Stream { answers, .. } => answers,
        }
    }
}
