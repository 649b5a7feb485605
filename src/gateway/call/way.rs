//! The way of a call to a target that answers: which one is next, whether it lets the call pass, whether budgets do, and
//! whether a second one is asked beside it.
use super::{
    Answer, Drive,
    attempt::Attempt,
    hedge::{self, Loser, Race, Runner},
};
use crate::{
    config::Target,
    gateway::{
        model::{Failure, FailureKind, Usage},
        provider::ModelCall,
        providers::{Passed, Refused},
        record::LlmCallStatus,
        route::{Next, Seam},
        size::estimate_tokens,
    },
    shared::Random,
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};

/// A number by chance, below another.
pub(super) fn draw(random: &Random) -> impl FnMut(u64) -> u64 {
    move |below| u64::from_le_bytes(random.bytes()) % below.max(1)
}

impl Drive {
    /// Asks the next target that lets the call pass; fails where there is none any more.
    pub(super) async fn ask(&mut self) -> Result<Answer, Failure> {
        let (target, passed) = self.next_target().await?;
        let known = self.guard.known(&self.said.text).await?;
        let hedge = self.cover(&target, &known).await?;
        let first = self.run(target, passed, &known);
        let Some(wait) = hedge else { return Ok(self.answer_of(first)) };
        let Race { winner, step, loser } = hedge::race(first, wait, || self.second(&known)).await;
        if let Some(loser) = loser {
            self.lost(loser, &winner);
        }
        Ok(Answer { next: Some(step), ..self.answer_of(winner) })
    }

    pub(super) async fn next_target(&mut self) -> Result<(Target, Passed), Failure> {
        loop {
            match self.journey.next(draw(&self.random)) {
                Next::GiveUp(failure) => return Err(failure),
                Next::Wait(wait) if Instant::now() + wait >= self.deadline => {
                    return Err(self.journey.last());
                }
                Next::Wait(wait) => sleep(wait).await,
                Next::Busy(targets) if targets.iter().any(|target| self.is_kept_from(target)) => {
                    return Err(self.journey.last());
                }
                Next::Busy(targets) => {
                    if let Some(found) = self.first_free(targets).await? {
                        return Ok(found);
                    }
                }
                Next::Try(target) if self.is_kept_from(&target) => self.journey.skipped(Duration::MAX),
                Next::Try(target) => match self.providers.admit(&target) {
                    Ok(passed) => return Ok((target, passed)),
                    Err(Refused::Rests(wait)) => self.journey.skipped(wait),
                    Err(Refused::Busy) => self.journey.busy(target),
                },
            }
        }
    }

    /// Whether the target would go on with words that may quote what is kept from it.
    fn is_kept_from(&self, target: &Target) -> bool {
        self.told_inside && self.said.is_anything() && !self.guard.is_internal(&target.provider)
    }

    /// `None` where the first of them that has room is left alone after all.
    async fn first_free(&mut self, targets: Vec<Target>) -> Result<Option<(Target, Passed)>, Failure> {
        let waited = timeout_at(self.deadline, self.providers.wait(&targets)).await;
        let (target, passed) = waited.map_err(|_| FailureKind::Timeout.plain())?;
        self.journey.turn_back(&target);
        match passed {
            Ok(passed) => Ok(Some((target, passed))),
            Err(wait) => {
                targets.into_iter().filter(|it| *it != target).for_each(|it| self.journey.busy(it));
                self.journey.skipped(wait);
                Ok(None)
            }
        }
    }

    /// Takes from the budgets what an attempt lacks. After how long a second target may be asked beside it: where the
    /// route says so, nothing was said yet, and budgets allow both.
    async fn cover(&mut self, target: &Target, known: &str) -> Result<Option<Duration>, Failure> {
        let said = self.said.text.len().max(known.len());
        let hedge = self.route.hedge_milliseconds.filter(|_| !self.said.is_anything());
        if let Some((wait, second)) = hedge.zip(self.journey.peek())
            && self.record.cover(&[target, second], said).await.is_ok()
        {
            return Ok(Some(Duration::from_millis(wait)));
        }
        self.record.cover(&[target], said).await.map_err(FailureKind::plain)?;
        Ok(None)
    }

    /// Begins an attempt, which goes on after what is `known` of the answer.
    fn run(&mut self, target: Target, (provider, admitted): Passed, known: &Arc<str>) -> Runner {
        let told = self.input_tokens.saturating_add(estimate_tokens(known));
        let internal = self.guard.is_internal(&target.provider);
        if !internal {
            self.guard.note_kept();
        }
        let request = self.guard.request(internal).clone();
        let max_output_tokens = request.max_output_tokens.unwrap_or(self.route.max_output_tokens);
        let place = self.record.attempt(&target, told, max_output_tokens);
        let call = ModelCall {
            model: target.model.clone(),
            request,
            prefill: known.clone(),
            max_output_tokens,
            traceparent: self.trace.traceparent(&self.random),
        };
        let seam = if provider.continues(&call) { Seam::default() } else { Seam::after(known) };
        let attempt = Attempt::new(provider.chat(call), &self.route, self.deadline, seam);
        Runner { target, admitted, attempt, place }
    }

    fn second(&mut self, known: &Arc<str>) -> Option<Runner> {
        let target = self.journey.peek()?.clone();
        let passed = self.providers.admit(&target).ok()?;
        Some(self.run(target, passed, known))
    }

    /// Of two, another target was faster than this one, or did better.
    fn lost(&mut self, loser: Loser, winner: &Runner) {
        let Loser { runner, failure } = loser;
        self.record.goes_on(runner.place);
        match failure {
            Some(failure) => {
                runner.admitted.failed(failure);
                let read = if failure.kind.was_carried_out() { self.input_tokens } else { 0 };
                let usage = Usage { input_tokens: read, ..Usage::default() };
                self.record.attempt_ended(LlmCallStatus::Failed, Some(failure), usage);
            }
            // It has read the request by then.
            None => {
                let usage = Usage { input_tokens: self.input_tokens, ..Usage::default() };
                self.record.attempt_ended(LlmCallStatus::Cancelled, None, usage);
            }
        }
        if runner.place < winner.place {
            if let Some(failure) = failure {
                self.journey.failed(failure);
            }
            self.journey.turn_back(&winner.target);
        }
    }

    /// What follows is of this one.
    fn answer_of(&mut self, runner: Runner) -> Answer {
        self.told_inside |= self.guard.is_internal(&runner.target.provider) && self.guard.keeps_inside();
        self.record.goes_on(runner.place);
        let Runner { admitted, attempt, .. } = runner;
        Answer { admitted, attempt, next: None }
    }
}
