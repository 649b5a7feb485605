//! What the log says of calls of models: that one ended, and whose it was.
use super::record::LlmCall;
use crate::{
    event::{Cursor, Event, NewEvent},
    shared::{Error, Result, actor::Principal, id::LlmCallId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

const CALL_ENDED: &str = "LLM_CALL_ENDED";

#[derive(Serialize, Deserialize)]
struct Told {
    principal: Principal,
}

/// A call that ended.
#[derive(Clone, Copy, Debug)]
pub struct CallEnded {
    pub cursor: Cursor,
    pub at: DateTime<Utc>,
    pub call: LlmCallId,
    pub principal: Principal,
}

impl CallEnded {
    pub(super) fn of(event: &Event) -> Option<Self> {
        let told = Told::deserialize(&event.data).ok().filter(|_| event.kind == CALL_ENDED)?;
        let call = LlmCallId::from_uuid(event.subject);
        Some(Self { cursor: event.cursor(), at: event.at, call, principal: told.principal })
    }
}

pub(super) fn ended(call: &LlmCall) -> Result<NewEvent> {
    let told = serde_json::to_value(Told { principal: call.principal }).map_err(Error::internal)?;
    Ok(NewEvent::new(CALL_ENDED, call.id.uuid(), told))
}
