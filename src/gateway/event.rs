//! What the log says of calls of models: that one ended, and whose it was; and that one did not fit into a budget.
use super::record::LlmCall;
use crate::{
    event::{Audience, Change, Cursor, Event, NewEvent},
    shared::{
        Error, Result,
        actor::Principal,
        id::{AnyId, BudgetId, LlmCallId},
    },
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

const CALL_ENDED: &str = "LLM_CALL_ENDED";
const BUDGET_EXCEEDED: &str = "BUDGET_EXCEEDED";

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

/// A call did not fit into it, the first one in its period.
pub(super) fn exceeded(budget: BudgetId) -> NewEvent {
    NewEvent::new(BUDGET_EXCEEDED, budget.uuid(), serde_json::json!({}))
}

/// What an event did to a budget; nothing where it is none of the gateway's.
pub fn changes(event: &Event) -> Vec<Change> {
    match event.kind.as_str() {
        BUDGET_EXCEEDED => {
            let budget = AnyId::Budget(BudgetId::from_uuid(event.subject));
            vec![Change::updated(budget).told_to(Audience::Admins)]
        }
        _ => vec![],
    }
}
