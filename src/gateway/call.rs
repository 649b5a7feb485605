//! Drives one call along its route: tries, waits, goes on after a failure in mid-answer, and ends with exactly one
//! terminal event.
use super::{
    guard::{Guard, Policies},
    model::{ChatEvent, ChatRequest, Failure, FailureKind, FinishReason, MAX_OUTPUT, Usage, estimate_tokens},
    provider::{ModelCall, ProviderEvent, ProviderStream},
    providers::Providers,
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
}

/// How an attempt ended.
enum Ended {
    Finished(FinishReason, Option<Usage>),
    Failed(Failure),
    /// By a guardrail.
    Blocked,
}

pub(super) fn drive(call: Call) -> impl Stream<Item = ChatEvent> + Send {
    stream! {
        let Call { providers, policies, grant, route, request, random, mut record } = call;
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
        let input_tokens = guard.request(true).texts().map(estimate_tokens).sum();
        let draw = |below: u64| u64::from_le_bytes(random.bytes()) % below.max(1);
        let mut journey = Journey::new(route.clone(), draw);
        let mut said = Said::default();
        // Whether a provider was told what another one may not be.
        let mut told_inside = false;
        let failed = loop {
            let target = match journey.next(draw) {
                Next::GiveUp(kind) => break kind.plain(),
                Next::Wait(wait) if Instant::now() + wait >= deadline => break FailureKind::Timeout.plain(),
                Next::Wait(wait) => {
                    sleep(wait).await;
                    continue;
                }
                Next::Try(target) => target,
            };
            let internal = guard.is_internal(&target.provider);
            if !internal && told_inside && said.is_anything() {
                // It would go on with words that may quote what is kept from it.
                journey.skipped(Duration::MAX);
                continue;
            }
            let (provider, admitted) = match providers.admit(&target) {
                Ok(admitted) => admitted,
                Err(wait) => {
                    journey.skipped(wait);
                    continue;
                }
            };
            record.attempt(&target);
            if !internal {
                guard.note_kept();
            }
            told_inside |= internal && guard.keeps_inside();
            let before = said.text.len();
            let known: Arc<str> = guard.known(&said.text).into();
            let call = model_call(&route, guard.request(internal), target, known.clone());
            let mut answer = Attempt::new(provider.chat(call), &route, deadline, &known);
            let ended = loop {
                match answer.next().await {
                    Step::Event(event) => {
                        record.said();
                        if let ChatEvent::Delta { text } = &event {
                            said.characters += text.chars().count();
                            if said.characters > MAX_OUTPUT {
                                break Ended::Finished(FinishReason::Length, None);
                            }
                            said.text.push_str(text);
                        } else {
                            said.more = true;
                        }
                        if let Some(event) = guard.pass(event).await {
                            yield event;
                        }
                        if guard.is_blocked() {
                            break Ended::Blocked;
                        }
                    }
                    Step::Quiet => {}
                    Step::Ended(ended) => break ended,
                }
            };
            let estimate = || Usage {
                input_tokens,
                cached_input_tokens: 0,
                output_tokens: estimate_tokens(&said.text[before..]),
            };
            match ended {
                // A refusal before the first word is a failure that another target may mend.
                Ended::Finished(FinishReason::ContentPolicy, usage) if !said.is_anything() => {
                    let failure = FailureKind::ContentPolicy.plain();
                    admitted.succeeded();
                    record.attempt_ended(LlmCallStatus::Failed, Some(failure), usage.unwrap_or_default());
                    journey.failed(failure.kind, None);
                }
                Ended::Finished(reason, usage) => {
                    admitted.succeeded();
                    let status = status(&reason);
                    record.attempt_ended(status, None, usage.unwrap_or_else(estimate));
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
                    record.attempt_ended(LlmCallStatus::Blocked, None, estimate());
                    guard.note();
                    record.end(LlmCallStatus::Blocked, None);
                    yield ChatEvent::Failed(FailureKind::Guardrail.plain());
                    return;
                }
                Ended::Failed(failure) => {
                    let usage = if said.text.len() > before { estimate() } else { Usage::default() };
                    admitted.failed(failure);
                    record.attempt_ended(LlmCallStatus::Failed, Some(failure), usage);
                    let for_good = said.more || route.stream_failure == StreamFailure::Terminate;
                    if Instant::now() >= deadline || (said.is_anything() && for_good) {
                        break failure;
                    }
                    journey.failed(failure.kind, failure.retry_after);
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
            false => (LlmCallStatus::Failed, failed),
        };
        record.end(status, None);
        yield ChatEvent::Failed(failed);
    }
}

fn model_call(route: &Route, request: &Arc<ChatRequest>, target: Target, prefill: Arc<str>) -> ModelCall {
    ModelCall {
        model: target.model,
        request: request.clone(),
        prefill,
        max_output_tokens: request.max_output_tokens.unwrap_or(route.max_output_tokens),
    }
}

fn status(reason: &FinishReason) -> LlmCallStatus {
    match reason {
        FinishReason::EndOfTurn | FinishReason::ToolUse => LlmCallStatus::Completed,
        FinishReason::Length | FinishReason::ContentPolicy => LlmCallStatus::Incomplete,
    }
}

/// One provider's stream, with its time limits, joined to what was said before.
struct Attempt {
    answer: ProviderStream,
    seam: Seam,
    /// Until when the next word has to come.
    due: Instant,
    between: Duration,
    deadline: Instant,
    /// What comes after the text that the seam still held back.
    after: Option<Ended>,
}

enum Step {
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

    async fn next(&mut self) -> Step {
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

    /// What the seam held back comes before the end.
    fn end(&mut self, ended: Ended) -> Step {
        match self.seam.finish() {
            text if text.is_empty() => Step::Ended(ended),
            text => {
                self.after = Some(ended);
                Step::Event(ChatEvent::Delta { text })
            }
        }
    }
}
