//! The mutation.
use crate::{Call, Outcome, Refusal, json::Json};
use chrono::Utc;
use serde_json::json;
use uuid::Uuid;

pub async fn message(call: &Call<'_>) -> Outcome {
    let session = call.id("s", "cs")?;
    let text = call.variables["text"].as_str().ok_or(Refusal::BadInput)?;
    let (key, hash) = (&call.credential.key, &call.credential.hash);
    let (message, turn, now) = (Uuid::now_v7(), Uuid::now_v7(), Utc::now());
    let id = |prefix, id| {
        let mut text = vec![];
        crate::id::write(&mut text, prefix, id);
        String::from_utf8(text).unwrap_or_default()
    };
    let data = json!({ "turn": id("turn", turn), "status": "QUEUED", "message": id("msg", message), "reply": null,
        "started_at": null, "finished_at": null, "reason": null });
    let of = call.client;
    let count =
        of.client.execute(&of.send, &[key, hash, &session, &message, &turn, &text, &now, &data]).await?;
    if count != 1 {
        return Err(Refusal::BadInput);
    }
    let mut out = Vec::with_capacity(512);
    out.raw("{\"data\":{\"sendMessage\":{\"message\":{\"id\":");
    out.id("msg", message);
    out.raw(",\"role\":\"USER\",\"text\":");
    out.string(text);
    out.raw(",\"status\":\"COMPLETED\"},\"turn\":{\"id\":");
    out.id("turn", turn);
    out.raw(",\"status\":\"QUEUED\"},\"userErrors\":[]}}}");
    Ok(out)
}
