//! Two targets at once, where the first one is slow to say its first word: the first word wins.
use super::{
    Ended,
    attempt::{Attempt, Step},
};
use crate::{
    config::Target,
    gateway::{model::Failure, providers::Admitted},
};
use std::time::Duration;
use tokio::time::timeout;

/// A target that is being asked.
pub(super) struct Runner {
    pub(super) target: Target,
    pub(super) admitted: Admitted,
    pub(super) attempt: Attempt,
    /// Its place in the record.
    pub(super) place: usize,
}

/// How it went until the first word, or the end without one.
pub(super) struct Race {
    pub(super) winner: Runner,
    pub(super) step: Step,
    pub(super) loser: Option<Loser>,
}

pub(super) struct Loser {
    pub(super) runner: Runner,
    /// `None` where it was only slower.
    pub(super) failure: Option<Failure>,
}

/// Asks `second` for another target when the first one has said nothing for so long.
pub(super) async fn race(mut first: Runner, wait: Duration, second: impl FnOnce() -> Option<Runner>) -> Race {
    if let Ok(step) = timeout(wait, word(&mut first.attempt)).await {
        return Race { winner: first, step, loser: None };
    }
    let Some(mut second) = second() else {
        let step = word(&mut first.attempt).await;
        return Race { winner: first, step, loser: None };
    };
    let (is_first, step) = tokio::select! {
        step = word(&mut first.attempt) => (true, step),
        step = word(&mut second.attempt) => (false, step),
    };
    let (winner, mut loser) = if is_first { (first, second) } else { (second, first) };
    let Step::Ended(Ended::Failed(failure)) = step else {
        return Race { winner, step, loser: Some(Loser { runner: loser, failure: None }) };
    };
    // The other one may do better.
    let step = word(&mut loser.attempt).await;
    Race { winner: loser, step, loser: Some(Loser { runner: winner, failure: Some(failure) }) }
}

async fn word(attempt: &mut Attempt) -> Step {
    loop {
        match attempt.next().await {
            Step::Quiet => {}
            step => return step,
        }
    }
}
