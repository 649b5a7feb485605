//! What came of a check: for the caller with places, for a log without a word of the text.
use super::policy::{Action, Kind, OnError, Rule};
use chrono::TimeDelta;
use serde::Serialize;

/// Places that a decision names; further ones are only counted.
const MAX_SPANS: usize = 1_000;

/// Offsets into the text as it came, in UTF-16 code units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

/// All findings of one kind by one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static str,
    pub kind: Kind,
    pub action: Action,
    pub count: usize,
    /// Where; empty for what is about the whole text.
    pub spans: Vec<Span>,
}

/// A check that could not check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub check: &'static str,
    pub reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The strongest of all findings' actions, and of what faults ask for.
    pub action: Action,
    pub findings: Vec<Finding>,
    pub faults: Vec<Fault>,
    pub duration: TimeDelta,
    /// The text as it may go on: masked where a rule says so, empty where one blocks.
    pub text: String,
}

impl Decision {
    pub fn is_blocked(&self) -> bool {
        self.action == Action::Block
    }
}

/// Gathers what is found on the way.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    on_error: OnError,
    action: Action,
    findings: Vec<Finding>,
    faults: Vec<Fault>,
}

impl Tally {
    pub fn new(on_error: OnError) -> Self {
        Self { on_error, action: Action::Allow, findings: vec![], faults: vec![] }
    }

    pub fn is_blocked(&self) -> bool {
        self.action == Action::Block
    }

    pub fn so_far(&self) -> (&[Finding], &[Fault]) {
        (&self.findings, &self.faults)
    }

    pub fn place(&mut self, rule: &Rule, kind: Kind, span: Span) {
        self.note(rule, kind, Some(span));
    }

    pub fn whole(&mut self, rule: &Rule, kind: Kind) {
        self.note(rule, kind, None);
    }

    pub fn fault(&mut self, rule: &Rule, reason: &'static str) {
        let fault = Fault { check: rule.check.name(), reason };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
        if self.on_error == OnError::FailClosed {
            self.action = Action::Block;
        }
    }

    fn note(&mut self, rule: &Rule, kind: Kind, span: Option<Span>) {
        self.action = self.action.stronger(rule.action);
        let (check, action) = (rule.check.name(), rule.action);
        let same =
            |finding: &&mut Finding| (finding.check, finding.kind, finding.action) == (check, kind, action);
        match self.findings.iter_mut().find(same) {
            Some(finding) => {
                finding.count += 1;
                if finding.spans.len() < MAX_SPANS {
                    finding.spans.extend(span);
                }
            }
            None => {
                let spans = span.into_iter().collect();
                self.findings.push(Finding { check, kind, action, count: 1, spans });
            }
        }
    }

    pub fn decide(self, text: String, duration: TimeDelta) -> Decision {
        let text = if self.is_blocked() { String::new() } else { text };
        Decision { action: self.action, findings: self.findings, faults: self.faults, duration, text }
    }
}
