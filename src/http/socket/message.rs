//! What is said over a socket, and how it is closed.
use crate::http::call::{Call, Next};
use async_graphql::ServerError;
use axum::extract::ws::close_code;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::fmt;

pub(super) const PROTOCOL: &str = "graphql-transport-ws";

/// Close codes of the protocol, and of WebSocket itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    BadRequest = 4400,
    Unauthorized = 4401,
    Forbidden = 4403,
    InitialisationTimeout = 4408,
    DuplicateId = 4409,
    TooManyInitialisations = 4429,
    Protocol = close_code::PROTOCOL as isize,
    NotText = close_code::INVALID as isize,
    TooLarge = close_code::SIZE as isize,
    Restart = close_code::RESTART as isize,
    TryAgainLater = close_code::AGAIN as isize,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum FromClient {
    ConnectionInit {
        payload: Option<serde_json::Map<String, serde_json::Value>>,
    },
    Subscribe {
        id: String,
        #[serde(deserialize_with = "object")]
        payload: Box<Call>,
    },
    Complete {
        id: String,
    },
    Ping {
        payload: Option<serde_json::Map<String, serde_json::Value>>,
    },
    Pong {},
}

/// Of an object alone: a list of its fields' values is none of the protocol's messages.
fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Call>, D::Error> {
    struct Object;
    impl<'de> Visitor<'de> for Object {
        type Value = Box<Call>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Box<Call>, A::Error> {
            Call::deserialize(MapAccessDeserializer::new(map)).map(Box::new)
        }
    }
    deserializer.deserialize_map(Object)
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToClient<'a> {
    ConnectionAck,
    Error { id: &'a str, payload: &'a [ServerError] },
    Complete { id: &'a str },
    Pong { payload: Option<serde_json::Map<String, serde_json::Value>> },
}

/// Of one answer of an operation: the envelope around what may be written already.
pub(super) fn written_next(id: &str, answer: &Next) -> Option<String> {
    let write = || {
        let (id, payload) = (serde_json::to_string(id)?, answer.json()?);
        Ok([r#"{"type":"next","id":"#, &id, r#","payload":"#, &payload, "}"].concat())
    };
    logged(write())
}

pub(super) fn written(message: &ToClient<'_>) -> Option<String> {
    logged(serde_json::to_string(message))
}

fn logged(written: serde_json::Result<String>) -> Option<String> {
    written.inspect_err(|error| tracing::error!(%error, "a message could not be written")).ok()
}
