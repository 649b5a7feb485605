//! Subscriptions as `multipart/mixed`, by Apollo's multipart subscription protocol 1.0: each part is
//! `{"payload": answer}`, or `{}` as a sign of life. A stream that ends without the closing boundary was cut.
//!
//! A client knows that a part is whole by the boundary after it: that goes with the part, or each event would come
//! one event late.
use super::door::Answers;
use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use serde::Serialize;
use std::{future::Future, time::Duration};
use tokio::time::timeout;

const CONTENT_TYPE: &str = "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0";
const BOUNDARY: &str = "\r\n--graphql";
const END: &str = "--\r\n";
/// Proxies hang up on connections that are silent for longer than this.
const HEARTBEAT: Duration = Duration::from_secs(12);

#[derive(Serialize)]
struct Envelope {
    payload: async_graphql::Response,
}

#[derive(Serialize)]
struct SignOfLife {}

pub(super) fn respond(mut answers: Answers, cut: impl Future<Output = ()> + Send + 'static) -> Response {
    let parts = async_stream::stream! {
        yield Ok(BOUNDARY.to_owned());
        loop {
            match timeout(HEARTBEAT, answers.next()).await {
                Ok(Some(payload)) => yield part(&Envelope { payload }),
                Ok(None) => break,
                Err(_) => yield part(&SignOfLife {}),
            }
        }
        yield Ok(END.to_owned());
    };
    let body = Body::from_stream(parts.take_until(Box::pin(cut)));
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response()
}

fn part(content: &impl Serialize) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(content)?;
    Ok(format!("\r\ncontent-type: application/json\r\n\r\n{json}{BOUNDARY}"))
}
