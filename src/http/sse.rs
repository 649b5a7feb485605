//! GraphQL over Server-Sent Events, by the protocol graphql-sse with a connection for each operation: `next` events,
//! then `complete`, with `null` as data, for browsers drop events without any. A stream that ends without `complete`
//! was cut: the client connects again.
//!
//! An event's id is the cursor that it carries, so that an EventSource, which sends the last one it saw as
//! `Last-Event-ID`, goes on where it was cut.
use super::door::Answers;
use async_graphql::{Response as Answer, Value};
use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures_util::{StreamExt, stream};
use std::{future::Future, time::Duration};

/// Proxies hang up on connections that are silent for longer than this.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

pub(super) fn respond(answers: Answers, cut: impl Future<Output = ()> + Send + 'static) -> Response {
    let events = answers
        .map(|answer| {
            let event = Event::default().event("next");
            let event = match cursor(&answer) {
                Some(cursor) => event.id(cursor),
                None => event,
            };
            event.json_data(answer)
        })
        .chain(stream::once(async { Ok(Event::default().event("complete").data("null")) }));
    Sse::new(events.take_until(Box::pin(cut)))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

/// The field `cursor` of an event, where it was asked for. A client can call any text so: only what looks like a
/// cursor can be an id.
fn cursor(answer: &Answer) -> Option<&str> {
    let Value::Object(data) = &answer.data else { return None };
    let Some(Value::Object(event)) = data.values().next() else { return None };
    let Some(Value::String(cursor)) = event.get("cursor") else { return None };
    let looks_so = cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    looks_so.then_some(cursor.as_str())
}
