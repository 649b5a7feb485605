//! What the guardrails of one call did: check, action, count, duration. Never a word of the text.
use super::super::guardrail::{Action, Fault, Finding, OnError, Policy, Stage};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// The check that keeps sources from leaving for outside.
const EGRESS: &str = "EGRESS";

/// One check of one stage of a call, as the usage log keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardrailUse {
    pub stage: Stage,
    pub check: String,
    /// What was done with what it found, or would have been.
    pub action: Action,
    /// Findings; 0 where it found nothing.
    pub count: usize,
    /// Whether it could not check: then the action is what the policy asks for in that case.
    #[serde(default)]
    pub failed: bool,
    /// Of all checks of the stage together: they share their walks.
    pub duration_us: u64,
}

/// Where the uses of a call are left for its record, however it ends.
pub type Uses = Arc<Mutex<Vec<GuardrailUse>>>;

#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    uses: Vec<GuardrailUse>,
    /// By stage, in microseconds.
    durations: [u64; 3],
}

impl Ledger {
    /// The checks of a policy, which have found nothing yet.
    pub fn expect(&mut self, policy: &Policy) {
        for rule in &policy.rules {
            self.add(policy.stage, rule.check.name(), rule.action, false, 0);
        }
    }

    pub fn note(&mut self, policy: &Policy, findings: &[Finding], faults: &[Fault], duration: TimeDelta) {
        for finding in findings {
            self.add(policy.stage, finding.check, finding.action, false, finding.count);
        }
        let action = match policy.on_error {
            OnError::FailClosed => Action::Block,
            OnError::FailOpen => Action::Allow,
        };
        for fault in faults {
            self.add(policy.stage, fault.check, action, true, 1);
        }
        let duration = duration.num_microseconds().unwrap_or_default().unsigned_abs();
        if let Some(sum) = self.durations.get_mut(place(policy.stage)) {
            *sum = sum.saturating_add(duration);
        }
    }

    /// Sources that were kept from an outside provider.
    pub fn kept_inside(&mut self, count: usize) {
        self.add(Stage::Retrieval, EGRESS, Action::Block, false, count);
    }

    fn add(&mut self, stage: Stage, check: &str, action: Action, failed: bool, count: usize) {
        let same = |it: &&mut GuardrailUse| {
            (it.stage, &*it.check, it.action, it.failed) == (stage, check, action, failed)
        };
        match self.uses.iter_mut().find(same) {
            Some(known) => known.count = known.count.saturating_add(count),
            None => {
                let check = check.to_owned();
                self.uses.push(GuardrailUse { stage, check, action, count, failed, duration_us: 0 });
            }
        }
    }

    pub fn leave(&self, uses: &Uses) {
        let mut told = self.uses.clone();
        for it in told.iter_mut().filter(|it| it.check != EGRESS) {
            it.duration_us = self.durations.get(place(it.stage)).copied().unwrap_or_default();
        }
        *uses.lock().unwrap_or_else(PoisonError::into_inner) = told;
    }
}

fn place(stage: Stage) -> usize {
    match stage {
        Stage::Input => 0,
        Stage::Retrieval => 1,
        Stage::Output => 2,
    }
}
