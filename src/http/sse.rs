//! GraphQL over Server-Sent Events, by the protocol graphql-sse with a connection for each operation: `next` events,
//! then `complete`, with a line of empty data, for browsers drop events that have none.
//!
//! An event's id is the cursor that it carries, so that an EventSource, which sends the last one it saw as
//! `Last-Event-ID`, goes on where it was cut.
use super::{call::Next, stream::Wire};

pub(super) const WIRE: Wire = Wire {
    content_type: "text/event-stream",
    beginning: "",
    part,
    sign_of_life: ":\n\n",
    end: "event: complete\ndata:\n\n",
};

fn part(answer: &Next) -> serde_json::Result<String> {
    let id = answer.cursor().map(|cursor| format!("id: {cursor}\n")).unwrap_or_default();
    // JSON in one line.
    Ok(format!("event: next\n{id}data: {}\n\n", answer.json()?))
}
