//! What no client should send, over HTTP and over WebSocket: each is told by a typed error, and changes nothing.
mod inputs;
mod messages;

use crate::support::TestApp;
use serde_json::{Value, json};

/// The codes of an answer's errors and of its payloads' `userErrors`.
fn codes(answer: &Value) -> Vec<String> {
    let listed = |list: &Value, pointer: &str| -> Vec<String> {
        let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(|error| error.pointer(pointer)?.as_str().map(str::to_owned)).collect()
    };
    let payloads = answer["data"].as_object().into_iter().flat_map(|data| data.values());
    let mended = payloads.flat_map(|payload| listed(&payload["userErrors"], "/code"));
    listed(&answer["errors"], "/extensions/code").into_iter().chain(mended).collect()
}

async fn is_well(app: &TestApp) {
    app.ok(&app.owner, "{ viewer { id } }", json!({})).await;
}
