//! What becomes of a call is noted, however it ends: also where its caller goes away.
use super::{
    guard::{GuardrailUse, Uses},
    model::{Failure, FailureKind, FinishReason, Usage},
    price::{self, Cost},
};
use crate::{
    config::{Prices, Target},
    shared::{
        actor::Principal,
        id::{LlmCallId, RunId, TurnId, WorkspaceId},
        stored,
    },
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{
    mem,
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

stored! {
    /// Where a call or an attempt is in its life.
    LlmCallStatus {
        Running = "RUNNING",
        Completed = "COMPLETED",
        /// It broke off, or was cut at its greatest length.
        Incomplete = "INCOMPLETE",
        Failed = "FAILED",
        /// A budget or a guardrail did not let it pass.
        Blocked = "BLOCKED",
        /// Its caller went away.
        Cancelled = "CANCELLED",
    }
}

/// What a call was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Turn(TurnId),
    Step { run: RunId, key: String },
}

/// A call as the usage log keeps it. Nothing of its contents.
#[derive(Clone, Debug, PartialEq)]
pub struct LlmCall {
    pub id: LlmCallId,
    pub workspace: WorkspaceId,
    pub principal: Principal,
    pub origin: Option<Origin>,
    pub route: String,
    /// The first target's model.
    pub model_requested: Option<String>,
    /// Of the attempt that was the last to say something.
    pub model_used: Option<String>,
    pub status: LlmCallStatus,
    pub finish_reason: Option<FinishReason>,
    /// Of all attempts together.
    pub usage: Usage,
    /// `None` where a model has no price.
    pub cost: Option<Cost>,
    pub time_to_first_token: Option<Duration>,
    pub duration: Duration,
    pub attempts: Vec<Attempt>,
    /// What guardrails did.
    pub guardrails: Vec<GuardrailUse>,
    pub started_at: DateTime<Utc>,
}

/// One target tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub provider: String,
    pub model: String,
    pub status: LlmCallStatus,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<FailureKind>,
    pub input_tokens: u32,
    pub cached_input_tokens: u32,
    pub output_tokens: u32,
}

/// Where calls go that have ended. Taking one must be quick: callers wait for it.
pub trait Sink: Send + Sync + std::fmt::Debug {
    fn take(&self, call: LlmCall);
}

/// Grows with the call and is handed to the sink once, when it ends or is dropped.
#[derive(Debug)]
pub(super) struct Record {
    call: Option<LlmCall>,
    began: Instant,
    prices: Arc<Prices>,
    sink: Arc<dyn Sink>,
    guardrails: Uses,
}

impl Record {
    pub(super) fn begin(call: LlmCall, prices: Arc<Prices>, sink: Arc<dyn Sink>) -> Self {
        Self { call: Some(call), began: Instant::now(), prices, sink, guardrails: Uses::default() }
    }

    /// Where the call's guardrails leave what they did, before it ends.
    pub(super) fn guardrails(&self) -> Uses {
        self.guardrails.clone()
    }

    pub(super) fn attempt(&mut self, target: &Target) {
        let Some(call) = &mut self.call else { return };
        call.attempts.push(Attempt {
            provider: target.provider.clone(),
            model: target.model.clone(),
            status: LlmCallStatus::Running,
            error: None,
            input_tokens: 0,
            cached_input_tokens: 0,
            output_tokens: 0,
        });
    }

    /// The attempt said something.
    pub(super) fn said(&mut self) {
        let elapsed = self.began.elapsed();
        let Some(call) = &mut self.call else { return };
        call.time_to_first_token.get_or_insert(elapsed);
        call.model_used = call.attempts.last().map(|attempt| attempt.model.clone());
    }

    pub(super) fn attempt_ended(&mut self, status: LlmCallStatus, error: Option<Failure>, usage: Usage) {
        let attempt = self.call.as_mut().and_then(|call| call.attempts.last_mut());
        let Some(attempt) = attempt.filter(|attempt| attempt.status == LlmCallStatus::Running) else {
            return;
        };
        attempt.status = status;
        attempt.error = error.map(|failure| failure.kind);
        attempt.input_tokens = usage.input_tokens;
        attempt.cached_input_tokens = usage.cached_input_tokens;
        attempt.output_tokens = usage.output_tokens;
    }

    /// The call's usage so far, all attempts together.
    pub(super) fn usage(&self) -> Usage {
        let attempts = self.call.iter().flat_map(|call| &call.attempts);
        attempts.fold(Usage::default(), |sum, attempt| sum.saturating_add(attempt.usage()))
    }

    pub(super) fn end(&mut self, status: LlmCallStatus, finish_reason: Option<FinishReason>) {
        let Some(mut call) = self.call.take() else { return };
        call.status = status;
        call.finish_reason = finish_reason;
        call.usage = call.attempts.iter().fold(Usage::default(), |sum, a| sum.saturating_add(a.usage()));
        call.cost = cost(&call.attempts, &self.prices);
        call.duration = self.began.elapsed();
        call.guardrails = mem::take(&mut *self.guardrails.lock().unwrap_or_else(PoisonError::into_inner));
        self.sink.take(call);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.end(LlmCallStatus::Cancelled, None);
    }
}

impl Attempt {
    pub(super) fn usage(&self) -> Usage {
        Usage {
            input_tokens: self.input_tokens,
            cached_input_tokens: self.cached_input_tokens,
            output_tokens: self.output_tokens,
        }
    }
}

/// Unknown where an attempt that used something has no price, or where prices are of several currencies: never zero.
fn cost(attempts: &[Attempt], prices: &Prices) -> Option<Cost> {
    let mut sum: Option<Cost> = None;
    for attempt in attempts.iter().filter(|attempt| attempt.usage() != Usage::default()) {
        let price = prices.get(&attempt.model)?;
        let amount = price::cost(price, attempt.usage());
        sum = match sum {
            None => Some(Cost { amount, currency: price.currency.clone() }),
            Some(cost) if cost.currency == price.currency => {
                Some(Cost { amount: cost.amount.saturating_add(amount), ..cost })
            }
            Some(_) => return None,
        };
    }
    sum
}
