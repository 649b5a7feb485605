//! Subscriptions as `multipart/mixed`, by Apollo's multipart subscription protocol 1.0: each part is
//! `{"payload": answer}`, or `{}` as a sign of life.
//!
//! A client knows that a part is whole by the boundary after it: that goes with the part, or each event would come
//! one event late.
use super::{call::Next, stream::Wire};

pub(super) const WIRE: Wire = Wire {
    content_type: "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0",
    beginning: "\r\n--graphql",
    part,
    sign_of_life: "\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql",
    end: "--\r\n",
};

fn part(answer: &Next) -> serde_json::Result<String> {
    let payload = answer.json()?;
    Ok(format!("\r\ncontent-type: application/json\r\n\r\n{{\"payload\":{payload}}}\r\n--graphql"))
}
