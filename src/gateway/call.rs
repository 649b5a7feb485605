//! Drives one call along its route: tries, waits, goes on after a failure in mid-answer, and ends with exactly one
//! terminal event.
use super::{
    budget::{Caller, Ledger, Routes},
    guard::{Guard, Policies},
    hedge::{self, Loser, Runner},
    model::{ChatEvent, ChatRequest, Failure, FailureKind, FinishReason, MAX_OUTPUT, Usage, estimate_tokens},
    provider::{ModelCall, Provider, ProviderEvent, ProviderStream},
    providers::{Providers, Refused},
    record::{LlmCallStatus, Record},
    route::{Journey, Next, Seam},
};
use crate::{
    config::{Route, StreamFailure, Target},
    shared::{
        Random,
        actor::{Grant, Read},
    },
};
use async_stream::stream;
use futures_util::{Stream, StreamExt};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};

pub(super) struct Call {
    pub(super) caller: Caller,
    pub(super) ledger: Ledger,
    /// Those of the workspace, by name.
    pub(super) routes: Routes,
    pub(super) providers: Providers,
    pub(super) policies: Policies,
    pub(super) grant: Grant<Read>,
    pub(super) route: Arc<Route>,
    pub(super) request: Arc<ChatRequest>,
    pub(super) random: Random,
    pub(super) record: Record,
}

/// What was said so far, by all attempts.
#[derive(Default)]
struct Said {
    text: String,
    characters: usize,
    /// A citation or a tool went out, too: the answer cannot be begun anew.
    more: bool,
}

impl Said {
    fn is_anything(&self) -> bool {
        self.more || !self.text.is_empty()
    }

    /// Whether the answer is now as long as one may be; what is over that is cut off.
    fn take(&mut self, event: &mut ChatEvent) -> bool {
        let ChatEvent::Delta { text } = event else {
            self.more = true;
            return false;
        };
        let room = MAX_OUTPUT - self.characters;
        let over = text.char_indices().nth(room).map(|(at, _)| at);
        text.truncate(over.unwrap_or(text.len()));
        self.characters += text.chars().count();
        self.text.push_str(text);
        over.is_some()
    }
}

/// How an attempt ended.
pub(super) enum Ended {
    Finished(FinishReason, Option<Usage>),
    Failed(Failure),
    /// By a guardrail.
    Blocked,
}

pub(super) fn drive(call: Call) -> impl Stream<Item = ChatEvent> + Send {
    stream! {
        let Call {
            caller, ledger, routes, providers, policies, grant, route, request, random, mut record,
        } = call;
        let route = match ledger.reserve(&caller, &route, &routes, &request).await {
            Ok((reservation, route)) => {
                record.reserved(reservation);
                route
            }
            Err(kind) => {
                record.end(unanswered(kind), None);
                yield ChatEvent::Failed(kind.plain());
                return;
            }
        };
        let deadline = Instant::now() + Duration::from_millis(route.timeouts.total_milliseconds);
        let guard = Guard::begin(&policies, &grant, &route, request, record.guardrails());
        let guard = timeout_at(deadline, guard).await.unwrap_or(Err(FailureKind::Timeout.plain()));
        let mut guard = match guard {
            Ok(guard) => guard,
            Err(failure) => {
                record.end(LlmCallStatus::Failed, None);
                yield ChatEvent::Failed(failure);
                return;
            }
        };
        if guard.is_blocked() {
            guard.note();
            record.end(LlmCallStatus::Blocked, None);
            yield ChatEvent::Failed(FailureKind::Guardrail.plain());
            return;
        }
        let input_tokens: u32 = guard.request(true).texts().map(estimate_tokens).sum();
        let draw = |below: u64| u64::from_le_bytes(random.bytes()) % below.max(1);
        let mut journey = Journey::new(route.clone(), draw);
        let mut said = Said::default();
        // Whether a provider was told what another one may not be.
        let mut told_inside = false;
        let failed = loop {
            let (target, passed) = match journey.next(draw) {
                Next::GiveUp(failure) => break failure,
                Next::Wait(wait) if Instant::now() + wait >= deadline => break journey.last(),
                Next::Wait(wait) => {
                    sleep(wait).await;
                    continue;
                }
                Next::Busy(targets) if targets.iter().any(|it| keeps_from(&guard, it, told_inside, &said)) => {
                    break journey.last();
                }
                Next::Busy(targets) => match timeout_at(deadline, providers.wait(&targets)).await {
                    Err(_) => break FailureKind::Timeout.plain(),
                    Ok((target, passed)) => {
                        journey.turn_back(&target);
                        if passed.is_err() {
                            targets.into_iter().filter(|it| *it != target).for_each(|it| journey.busy(it));
                        }
                        (target, passed)
                    }
                },
                Next::Try(target) if keeps_from(&guard, &target, told_inside, &said) => {
                    journey.skipped(Duration::MAX);
                    continue;
                }
                Next::Try(target) => match providers.admit(&target) {
                    Ok(passed) => (target, Ok(passed)),
                    Err(Refused::Rests(wait)) => (target, Err(wait)),
                    Err(Refused::Busy) => {
                        journey.busy(target);
                        continue;
                    }
                },
            };
            let (provider, admitted) = match passed {
                Ok(passed) => passed,
                Err(wait) => {
                    journey.skipped(wait);
                    continue;
                }
            };
            let before = said.text.len();
            let mut hedge = route.hedge_milliseconds.filter(|_| !said.is_anything());
            if let Some(second) = journey.peek().filter(|_| hedge.is_some()).cloned()
                && record.cover(&[&target, &second], before).await.is_err()
            {
                hedge = None;
            }
            if let Err(kind) = record.cover(&[&target], before).await {
                break kind.plain();
            }
            let known: Arc<str> = guard.known(&said.text).into();
            let told = input_tokens.saturating_add(estimate_tokens(&known));
            let mut told_outside = false;
            let mut ask = |provider: Arc<dyn Provider>, target: Target, admitted| {
                let place = record.attempt(&target, told);
                let internal = guard.is_internal(&target.provider);
                told_outside |= !internal;
                let call = model_call(&route, guard.request(internal), &target, known.clone());
                let attempt = Attempt::new(provider.chat(call), &route, deadline, &known);
                Runner { target, admitted, attempt, place }
            };
            let mut runner = ask(provider, target, admitted);
            let mut step = None;
            if let Some(wait) = hedge {
                let second = || {
                    let target = journey.peek()?.clone();
                    let (provider, admitted) = providers.admit(&target).ok()?;
                    Some(ask(provider, target, admitted))
                };
                let race = hedge::race(runner, Duration::from_millis(wait), second).await;
                if let Some(loser) = race.loser {
                    let first = loser.runner.place < race.winner.place;
                    let failure = lost(loser, &mut record, input_tokens);
                    if first {
                        if let Some(failure) = failure {
                            journey.failed(failure);
                        }
                        journey.turn_back(&race.winner.target);
                    }
                }
                (runner, step) = (race.winner, Some(race.step));
            }
            if told_outside {
                guard.note_kept();
            }
            let Runner { target, admitted, attempt: mut answer, place } = runner;
            told_inside |= guard.is_internal(&target.provider) && guard.keeps_inside();
            record.goes_on(place);
            let ended = loop {
                let next = match step.take() {
                    Some(step) => step,
                    None => answer.next().await,
                };
                match next {
                    Step::Event(mut event) => {
                        let full = said.take(&mut event);
                        let characters = match &event {
                            ChatEvent::Delta { text } => Some(text.chars().count()),
                            _ => None,
                        };
                        if characters != Some(0) {
                            record.said(characters.unwrap_or(0));
                            if let Some(event) = guard.pass(event).await {
                                yield event;
                            }
                        }
                        if guard.is_blocked() {
                            break Ended::Blocked;
                        }
                        if full {
                            break Ended::Finished(FinishReason::Length, None);
                        }
                    }
                    Step::Quiet => {}
                    Step::Ended(ended) => break ended,
                }
            };
            // Whatever becomes of the call: this provider is no longer listened to.
            drop(answer);
            match ended {
                // A refusal before the first word is a failure that another target may mend.
                Ended::Finished(FinishReason::ContentPolicy, usage) if !said.is_anything() => {
                    let failure = FailureKind::ContentPolicy.plain();
                    admitted.succeeded();
                    record.attempt_ended(LlmCallStatus::Failed, Some(failure), usage.unwrap_or_default());
                    journey.failed(failure);
                }
                Ended::Finished(reason, usage) => {
                    admitted.succeeded();
                    let status = status(&reason);
                    record.attempt_ended(status, None, usage.unwrap_or_else(|| record.estimate()));
                    let usage = record.usage();
                    if let Some(text) = guard.finish(reason == FinishReason::EndOfTurn) {
                        yield ChatEvent::Delta { text };
                    }
                    guard.note();
                    if guard.is_blocked() {
                        record.end(LlmCallStatus::Blocked, None);
                        yield ChatEvent::Failed(FailureKind::Guardrail.plain());
                        return;
                    }
                    record.end(status, Some(reason));
                    yield ChatEvent::Finished { reason, usage };
                    return;
                }
                Ended::Blocked => {
                    record.attempt_ended(LlmCallStatus::Blocked, None, record.estimate());
                    guard.note();
                    record.end(LlmCallStatus::Blocked, None);
                    yield ChatEvent::Failed(FailureKind::Guardrail.plain());
                    return;
                }
                Ended::Failed(failure) => {
                    admitted.failed(failure);
                    let usage = record.used();
                    record.attempt_ended(LlmCallStatus::Failed, Some(failure), usage);
                    let for_good = said.more || route.stream_failure == StreamFailure::Terminate;
                    if Instant::now() >= deadline || (said.is_anything() && for_good) {
                        break failure;
                    }
                    journey.failed(failure);
                }
            }
        };
        if let Some(text) = guard.finish(false) {
            yield ChatEvent::Delta { text };
        }
        guard.note();
        let (status, failed) = match said.is_anything() {
            _ if guard.is_blocked() => (LlmCallStatus::Blocked, FailureKind::Guardrail.plain()),
            true => (LlmCallStatus::Incomplete, failed),
            false => (unanswered(failed.kind), failed),
        };
        record.end(status, None);
        yield ChatEvent::Failed(failed);
    }
}

/// Whether a target would go on with words that may quote what is kept from it.
fn keeps_from(guard: &Guard, target: &Target, told_inside: bool, said: &Said) -> bool {
    told_inside && said.is_anything() && !guard.is_internal(&target.provider)
}

/// Notes of a target that another one was faster than what it used, and tells what went wrong with it, if anything.
fn lost(loser: Loser, record: &mut Record, input_tokens: u32) -> Option<Failure> {
    let Loser { runner, failure } = loser;
    record.goes_on(runner.place);
    match failure {
        Some(failure) => {
            runner.admitted.failed(failure);
            record.attempt_ended(LlmCallStatus::Failed, Some(failure), Usage::default());
        }
        // It has read the request by then.
        None => {
            let usage = Usage { input_tokens, ..Usage::default() };
            record.attempt_ended(LlmCallStatus::Cancelled, None, usage);
        }
    }
    failure
}

fn model_call(route: &Route, request: &Arc<ChatRequest>, target: &Target, prefill: Arc<str>) -> ModelCall {
    ModelCall {
        model: target.model.clone(),
        request: request.clone(),
        prefill,
        max_output_tokens: request.max_output_tokens.unwrap_or(route.max_output_tokens),
    }
}

fn unanswered(kind: FailureKind) -> LlmCallStatus {
    match kind {
        FailureKind::Budget | FailureKind::NoPrice => LlmCallStatus::Blocked,
        _ => LlmCallStatus::Failed,
    }
}

fn status(reason: &FinishReason) -> LlmCallStatus {
    match reason {
        FinishReason::EndOfTurn | FinishReason::ToolUse => LlmCallStatus::Completed,
        FinishReason::Length | FinishReason::ContentPolicy => LlmCallStatus::Incomplete,
    }
}

/// One provider's stream, with its time limits, joined to what was said before.
pub(super) struct Attempt {
    answer: ProviderStream,
    seam: Seam,
    /// Until when the next word has to come.
    due: Instant,
    between: Duration,
    deadline: Instant,
    /// What comes after the text that the seam still held back.
    after: Option<Ended>,
}

pub(super) enum Step {
    Event(ChatEvent),
    /// Something came, of which nothing is to be told.
    Quiet,
    Ended(Ended),
}

impl Attempt {
    fn new(answer: ProviderStream, route: &Route, deadline: Instant, said: &str) -> Self {
        let first = Duration::from_millis(route.timeouts.first_token_milliseconds);
        Self {
            answer,
            seam: Seam::after(said),
            due: Instant::now() + first,
            between: Duration::from_millis(route.timeouts.between_tokens_milliseconds),
            deadline,
            after: None,
        }
    }

    pub(super) async fn next(&mut self) -> Step {
        if let Some(ended) = self.after.take() {
            return Step::Ended(ended);
        }
        let event = match timeout_at(self.due.min(self.deadline), self.answer.next()).await {
            Err(_) => return self.end(Ended::Failed(FailureKind::Timeout.plain())),
            Ok(None) => return self.end(Ended::Failed(FailureKind::CutOff.plain())),
            Ok(Some(Err(failure))) => return self.end(Ended::Failed(failure)),
            Ok(Some(Ok(event))) => event,
        };
        self.due = Instant::now() + self.between;
        match event {
            ProviderEvent::Delta { text } => match self.seam.pass(text) {
                text if text.is_empty() => Step::Quiet,
                text => Step::Event(ChatEvent::Delta { text }),
            },
            ProviderEvent::Citation(quote) => Step::Event(ChatEvent::Citation(quote)),
            ProviderEvent::Tool(tool) => Step::Event(ChatEvent::Tool(tool)),
            ProviderEvent::Finished { reason, usage } => self.end(Ended::Finished(reason, usage)),
        }
    }

    /// What the seam held back comes before the end. Of an attempt that broke off it may be half a repetition, and the
    /// next one goes on from before it.
    fn end(&mut self, ended: Ended) -> Step {
        if matches!(ended, Ended::Failed(_)) {
            return Step::Ended(ended);
        }
        match self.seam.finish() {
            text if text.is_empty() => Step::Ended(ended),
            text => {
                self.after = Some(ended);
                Step::Event(ChatEvent::Delta { text })
            }
        }
    }
}
