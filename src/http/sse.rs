//! GraphQL over Server-Sent Events, by the protocol graphql-sse with a connection for each operation: `next` events,
//! then `complete`, with a line of empty data, for browsers drop events that have none.
//!
//! An event's id is the cursor that it carries, so that an EventSource, which sends the last one it saw as
//! `Last-Event-ID`, goes on where it was cut.
use super::stream::Wire;
use async_graphql::{Response, Value};

pub(super) const WIRE: Wire = Wire {
    content_type: "text/event-stream",
    beginning: "",
    part,
    sign_of_life: ":\n\n",
    end: "event: complete\ndata:\n\n",
};

fn part(answer: &Response) -> Result<String, serde_json::Error> {
    let id = cursor(answer).map(|cursor| format!("id: {cursor}\n")).unwrap_or_default();
    // JSON in one line.
    Ok(format!("event: next\n{id}data: {}\n\n", serde_json::to_string(answer)?))
}

/// The field `cursor` of an event, where it was asked for. A client can call any text so: only what looks like a
/// cursor can be an id.
fn cursor(answer: &Response) -> Option<&str> {
    let Value::Object(data) = &answer.data else { return None };
    let Some(Value::Object(event)) = data.values().next() else { return None };
    let Some(Value::String(cursor)) = event.get("cursor") else { return None };
    let looks_so = cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    looks_so.then_some(cursor.as_str())
}
