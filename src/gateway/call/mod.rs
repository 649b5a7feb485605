//! Drives one call: leave of the budgets, guardrails on what is asked, the way along the route ([`way`]), the words of
//! whoever answers, and the end.
mod attempt;
mod embed;
mod hedge;
mod said;
mod way;

use super::{
    budget::{Caller, Ledger, Routes},
    cache::{Keeping, Place},
    content::Content,
    guard::{Guard, Own, Policies},
    model::{ChatEvent, ChatRequest, Failure, FailureKind, FinishReason, Usage},
    providers::{Admitted, Providers},
    record::{LlmCallStatus, Record},
    route::Journey,
};
use crate::{
    config::{Route, StreamFailure},
    shared::{Random, TraceId},
};
use async_stream::stream;
use attempt::{Attempt, Step};
pub(super) use embed::embed;
use futures_util::Stream;
use said::Said;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

pub(super) struct Call {
    pub(super) caller: Caller,
    pub(super) trace: TraceId,
    pub(super) ledger: Ledger,
    /// Those of the workspace, by name.
    pub(super) routes: Routes,
    pub(super) providers: Providers,
    pub(super) policies: Policies,
    /// Policies of the workspace.
    pub(super) own: Own,
    pub(super) route: Arc<Route>,
    pub(super) request: Arc<ChatRequest>,
    pub(super) random: Random,
    pub(super) record: Record,
    /// Where the answer is kept.
    pub(super) place: Option<Place>,
    /// The workspace's number, where it wants contents of calls kept.
    pub(super) keeps: Option<i64>,
}

/// A call under way. Dropped in its midst, what guardrails did is left for the record before the record ends.
struct Drive {
    guard: Guard,
    record: Record,
    providers: Providers,
    random: Random,
    trace: TraceId,
    route: Arc<Route>,
    journey: Journey,
    deadline: Instant,
    /// Estimated, of what is asked.
    input_tokens: u32,
    said: Said,
    /// Whether a provider was told what another one may not be.
    told_inside: bool,
    keeping: Option<Keeping>,
}

/// A target's answer as it comes.
struct Answer {
    admitted: Admitted,
    attempt: Attempt,
    /// What comes next, where that is known.
    next: Option<Step>,
}

/// How an attempt ended.
enum Ended {
    Finished(FinishReason, Option<Usage>),
    Failed(Failure),
    /// By a guardrail.
    Blocked,
}

/// How a call ended.
type End = Result<FinishReason, Failure>;

pub(super) fn drive(call: Call) -> impl Stream<Item = ChatEvent> + Send {
    stream! {
        let mut drive = match Drive::begin(call).await {
            Ok(drive) => drive,
            Err(failure) => {
                yield ChatEvent::Failed(failure);
                return;
            }
        };
        let end = loop {
            let mut answer = match drive.ask().await {
                Ok(answer) => answer,
                Err(failure) => break Err(failure),
            };
            let ended = loop {
                match drive.hear(&mut answer).await {
                    Step::Event(event) => yield event,
                    Step::Quiet => {}
                    Step::Ended(ended) => break ended,
                }
            };
            if let Some(end) = drive.ended(answer, ended) {
                break end;
            }
        };
        let (rest, last) = drive.end(end).await;
        if let Some(rest) = rest {
            yield rest;
        }
        yield last;
    }
}

impl Drive {
    /// Asks for leave: of the budgets, which may lead along a cheaper route, and of the guardrails.
    async fn begin(call: Call) -> Result<Self, Failure> {
        let Call { caller, ledger, routes, providers, policies, own, request, random, trace, .. } = call;
        let (requested, mut record, place, keeps) = (call.route, call.record, call.place, call.keeps);
        let asked = ledger.reserve(&caller, &requested, &routes, &request).await;
        let (reservation, cheaper) = asked.map_err(|kind| refused(&mut record, kind.plain()))?;
        record.reserved(reservation);
        let mut routes: Vec<(&str, &Route)> = vec![(&request.route, &requested)];
        // What was asked for still holds, and what the cheaper route asks for holds, too.
        routes.extend(cheaper.iter().map(|(name, route)| (name.as_str(), &**route)));
        let layers = policies.of(&own, &routes);
        let route = cheaper.map_or_else(|| requested.clone(), |(_, route)| route);
        let deadline = Instant::now() + Duration::from_millis(route.timeouts.total_milliseconds);
        let guard = Guard::begin(policies, layers, request, record.guardrails());
        let guard = timeout_at(deadline, guard).await.unwrap_or(Err(FailureKind::Timeout.plain()));
        let guard = guard.map_err(|failure| refused(&mut record, failure))?;
        record.measure(guard.request(true));
        record.keep(keeps.and_then(|version| Content::of(guard.request(true), version)));
        let input_tokens = guard.request(true).estimate_tokens();
        Ok(Self {
            // What a cheaper route answers is not what was asked for.
            keeping: place.filter(|_| Arc::ptr_eq(&route, &requested)).map(Place::keeping),
            journey: Journey::new(route.clone(), way::draw(&random)),
            guard,
            record,
            providers,
            random,
            trace,
            route,
            deadline,
            input_tokens,
            said: Said::default(),
            told_inside: false,
        })
    }

    /// What an answer tells next, as its owner may see it.
    async fn hear(&mut self, answer: &mut Answer) -> Step {
        let step = match answer.next.take() {
            Some(step) => step,
            None => answer.attempt.next().await,
        };
        let Step::Event(mut event) = step else { return step };
        answer.admitted.answered();
        let taken = self.said.take(&mut event);
        if taken.is_full {
            answer.next = Some(Step::Ended(Ended::Finished(FinishReason::Length, None)));
        }
        if taken.is_nothing {
            return Step::Quiet;
        }
        self.record.said(&event);
        let passed = self.guard.pass(event).await;
        if self.guard.is_blocked() {
            answer.next = Some(Step::Ended(Ended::Blocked));
        } else if self.guard.is_full() {
            answer.next = Some(Step::Ended(Ended::Finished(FinishReason::Length, None)));
        }
        passed.map_or(Step::Quiet, |event| Step::Event(self.told(event)))
    }

    /// How the call ends with this answer; `None` where another target may give one, or go on with it.
    fn ended(&mut self, answer: Answer, ended: Ended) -> Option<End> {
        let Answer { admitted, attempt, .. } = answer;
        // Whatever becomes of the call: this provider is no longer listened to.
        drop(attempt);
        match ended {
            // A refusal before the first word is a failure that another target may mend.
            Ended::Finished(FinishReason::ContentPolicy, usage) if !self.said.is_anything() => {
                let failure = FailureKind::ContentPolicy.plain();
                admitted.succeeded();
                let usage = usage.unwrap_or_else(|| self.record.estimate());
                self.record.attempt_ended(LlmCallStatus::Failed, Some(failure), usage);
                self.journey.failed(failure);
                None
            }
            Ended::Finished(reason, usage) => {
                admitted.succeeded();
                let usage = usage.unwrap_or_else(|| self.record.estimate());
                self.record.attempt_ended(finished(&reason), None, usage);
                Some(Ok(reason))
            }
            Ended::Blocked => {
                self.record.attempt_ended(LlmCallStatus::Blocked, None, self.record.estimate());
                Some(Err(FailureKind::Guardrail.plain()))
            }
            Ended::Failed(failure) => {
                admitted.failed(failure);
                self.record.attempt_ended(LlmCallStatus::Failed, Some(failure), self.record.used(failure));
                let for_good = self.said.tool || self.route.stream_failure == StreamFailure::Terminate;
                if Instant::now() >= self.deadline || (self.said.is_anything() && for_good) {
                    return Some(Err(failure));
                }
                self.journey.failed(failure);
                None
            }
        }
    }

    /// What was held back of the answer, and the one terminal event.
    async fn end(mut self, end: End) -> (Option<ChatEvent>, ChatEvent) {
        let rest = self.guard.finish(end == Ok(FinishReason::EndOfTurn)).await;
        let rest = rest.map(|text| self.told(ChatEvent::Delta { text }));
        let end = match end {
            _ if self.guard.is_blocked() => Err(FailureKind::Guardrail.plain()),
            Ok(FinishReason::EndOfTurn) if self.guard.is_full() => Ok(FinishReason::Length),
            end => end,
        };
        self.guard.note();
        self.record.answered(self.guard.checked(&self.said.text));
        let last = match end {
            Ok(reason) => {
                let usage = self.record.usage();
                self.record.end(finished(&reason), Some(reason));
                ChatEvent::Finished { reason, usage }
            }
            Err(failure) => {
                self.record.end(failed(failure.kind, self.said.is_anything()), None);
                ChatEvent::Failed(failure)
            }
        };
        (rest, self.told(last))
    }

    fn told(&mut self, event: ChatEvent) -> ChatEvent {
        if let Some(keeping) = &mut self.keeping {
            keeping.take(&event);
        }
        event
    }
}

/// Of a call that no model is asked for.
fn refused(record: &mut Record, failure: Failure) -> Failure {
    record.end(failed(failure.kind, false), None);
    failure
}

fn failed(kind: FailureKind, said: bool) -> LlmCallStatus {
    match kind {
        FailureKind::Guardrail => LlmCallStatus::Blocked,
        _ if said => LlmCallStatus::Incomplete,
        FailureKind::Budget | FailureKind::NoPrice => LlmCallStatus::Blocked,
        _ => LlmCallStatus::Failed,
    }
}

fn finished(reason: &FinishReason) -> LlmCallStatus {
    match reason {
        FinishReason::EndOfTurn | FinishReason::ToolUse => LlmCallStatus::Completed,
        FinishReason::Length | FinishReason::ContentPolicy => LlmCallStatus::Incomplete,
    }
}
