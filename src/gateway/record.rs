//! What becomes of a call is noted, however it ends: also where its caller goes away.
use super::{
    budget::Reservation,
    content::Content,
    guard::{GuardrailUse, Uses},
    model::{ChatEvent, ChatRequest, Failure, FailureKind, FinishReason, Usage},
    price::{self, Cost},
    size::Tokens,
    telemetry,
};
use crate::{
    config::{Prices, Target},
    shared::{
        TraceId,
        actor::Principal,
        amount::Amount,
        id::{LlmCallId, RunId, TurnId, WorkflowId, WorkspaceId},
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
use tracing::Span;

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
    /// Whose step it was made for, if any.
    pub workflow: Option<WorkflowId>,
    /// Of the request that caused it; `None` of calls from before it was kept.
    pub trace: Option<TraceId>,
    pub route: String,
    /// The first target's model.
    pub model_requested: Option<String>,
    /// Of the attempt that was the last to say something.
    pub model_used: Option<String>,
    pub status: LlmCallStatus,
    pub finish_reason: Option<FinishReason>,
    /// It was answered from memory: no model was asked.
    pub cache_hit: bool,
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

/// A call that has ended, and what it said where that is to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    pub call: LlmCall,
    pub content: Option<Content>,
}

/// Where calls go that have ended. Taking one must be quick: callers wait for it.
pub trait Sink: Send + Sync + std::fmt::Debug {
    fn take(&self, ended: Ended);
}

/// What the attempt under way was told and said so far: what it used, where its provider does not come to count it.
#[derive(Clone, Copy, Debug, Default)]
struct UnderWay {
    input_tokens: u32,
    /// Tokens after which it was to stop.
    most: u32,
    said: Option<Tokens>,
}

/// Grows with the call and is handed to the sink once, when it ends or is dropped.
#[derive(Debug)]
pub(super) struct Record {
    call: Option<LlmCall>,
    /// The attempt that is answering.
    current: usize,
    /// The call in traces, from here to its end.
    span: Span,
    began: Instant,
    under_way: UnderWay,
    prices: Arc<Prices>,
    sink: Arc<dyn Sink>,
    reservation: Reservation,
    guardrails: Uses,
    content: Option<Content>,
}

impl Record {
    pub(super) fn begin(
        call: LlmCall,
        operation: &'static str,
        prices: Arc<Prices>,
        sink: Arc<dyn Sink>,
    ) -> Self {
        let (span, reservation) = (telemetry::span(&call, operation), Reservation::default());
        let (began, under_way, guardrails) = (Instant::now(), UnderWay::default(), Uses::default());
        Self {
            call: Some(call),
            current: 0,
            span,
            began,
            under_way,
            prices,
            sink,
            reservation,
            guardrails,
            content: None,
        }
    }

    /// What providers are to see of the request is to be kept.
    pub(super) fn keep(&mut self, content: Option<Content>) {
        self.content = content;
    }

    /// What was answered, as guardrails let it pass.
    pub(super) fn answered(&mut self, answer: &str) {
        if let Some(content) = &mut self.content {
            // PostgreSQL takes no text with it.
            content.answer = Some(answer.replace('\0', "")).filter(|answer| !answer.is_empty());
        }
    }

    /// Where the call's guardrails leave what they did, before it ends.
    pub(super) fn guardrails(&self) -> Uses {
        self.guardrails.clone()
    }

    /// What providers are to see of the request is known: its budgets go by that.
    pub(super) fn measure(&mut self, request: &ChatRequest) {
        self.reservation.measure(request);
    }

    /// The call has leave to cost so much; what it does not cost goes back when it ends.
    pub(super) fn reserved(&mut self, reservation: Reservation) {
        self.reservation = reservation;
    }

    /// Whether budgets allow attempts with all of these targets, after `said` bytes of the answer.
    pub(super) async fn cover(&mut self, targets: &[&Target], said: usize) -> Result<(), FailureKind> {
        let Self { call, prices, reservation, .. } = self;
        let attempts = call.as_ref().map(|call| call.attempts.as_slice()).unwrap_or_default();
        reservation.cover(targets, said, |currency| cost_in(attempts, prices, currency)).await
    }

    /// A target is asked, which reads so much and may say `most` tokens; its place among the attempts.
    pub(super) fn attempt(&mut self, target: &Target, input_tokens: u32, most: u32) -> usize {
        self.under_way = UnderWay { input_tokens, most, said: None };
        let Some(call) = &mut self.call else { return 0 };
        self.current = call.attempts.len();
        call.attempts.push(Attempt {
            provider: target.provider.clone(),
            model: target.model.clone(),
            status: LlmCallStatus::Running,
            error: None,
            input_tokens: 0,
            cached_input_tokens: 0,
            output_tokens: 0,
        });
        self.current
    }

    /// What follows is of this attempt.
    pub(super) fn goes_on(&mut self, place: usize) {
        self.current = place;
    }

    /// The attempt said something.
    pub(super) fn said(&mut self, event: &ChatEvent) {
        self.under_way.said.get_or_insert_default().hear(event);
        self.begun();
    }

    /// The answer has begun.
    pub(super) fn begun(&mut self) {
        let elapsed = self.began.elapsed();
        let Some(call) = &mut self.call else { return };
        call.time_to_first_token.get_or_insert(elapsed);
        call.model_used = call.attempts.get(self.current).map(|attempt| attempt.model.clone());
    }

    /// What the attempt under way used, by our own count.
    pub(super) fn estimate(&self) -> Usage {
        let UnderWay { input_tokens, most, said } = self.under_way;
        Usage::estimated(input_tokens, said.unwrap_or_default(), most)
    }

    /// The same of an attempt that broke off: nothing, where it said nothing and was not carried out.
    pub(super) fn used(&self, failure: Failure) -> Usage {
        match self.under_way.said {
            None if !failure.kind.was_carried_out() => Usage::default(),
            _ => self.estimate(),
        }
    }

    pub(super) fn attempt_ended(&mut self, status: LlmCallStatus, error: Option<Failure>, usage: Usage) {
        let attempt = self.call.as_mut().and_then(|call| call.attempts.get_mut(self.current));
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
        for attempt in call.attempts.iter_mut().filter(|attempt| attempt.status == LlmCallStatus::Running) {
            attempt.status = LlmCallStatus::Cancelled;
        }
        call.usage = call.attempts.iter().fold(Usage::default(), |sum, a| sum.saturating_add(a.usage()));
        call.cost = if call.cache_hit { self.nothing(&call) } else { cost(&call.attempts, &self.prices) };
        call.duration = self.began.elapsed();
        call.guardrails = mem::take(&mut *self.guardrails.lock().unwrap_or_else(PoisonError::into_inner));
        telemetry::ended(&self.span, &call, &self.prices);
        self.reservation.settle(|currency| cost_in(&call.attempts, &self.prices, currency));
        self.sink.take(Ended { call, content: self.content.take() });
    }
}

impl Record {
    /// What an answer from memory costs, where the model has a currency.
    fn nothing(&self, call: &LlmCall) -> Option<Cost> {
        let price = self.prices.get(call.model_requested.as_ref()?)?;
        Some(Cost { amount: Amount::ZERO, currency: price.currency.clone() })
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // Each target that still runs has read the request, and the one that answers has said something.
        let estimate = self.estimate();
        for (place, attempt) in self.call.iter_mut().flat_map(|call| &mut call.attempts).enumerate() {
            if attempt.status == LlmCallStatus::Running {
                attempt.input_tokens = estimate.input_tokens;
                attempt.output_tokens = if place == self.current { estimate.output_tokens } else { 0 };
            }
        }
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

/// What the attempts cost in a currency; those of models without a price in it cost nothing that could be counted.
fn cost_in(attempts: &[Attempt], prices: &Prices, currency: &str) -> Amount {
    let prices = attempts.iter().filter_map(|attempt| Some((attempt, prices.get(&attempt.model)?)));
    let prices = prices.filter(|(_, price)| price.currency == currency);
    prices.fold(Amount::ZERO, |sum, (attempt, price)| sum.saturating_add(price::cost(price, attempt.usage())))
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
