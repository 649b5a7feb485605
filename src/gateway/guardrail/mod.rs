//! What may go to a model and what may come from it: a [`Policy`] says which checks run on a text and what follows,
//! a [`Guardrail`] is a policy ready to run.
//!
//! Pure: text in, text and a [`Decision`] out. One walk (`scan`) looks for everything that has a place in the text,
//! for a whole text ([`Guardrail::evaluate`]) and for one that comes in pieces ([`Checking`]) alike. What is masked
//! goes into the [`Masks`] of the call, and an answer gets it back ([`Unmasking`]).
//!
//! A detector is advice: what a tool may do for an actor is the control.
mod decision;
mod injection;
mod language;
mod mask;
mod pii;
mod reader;
mod scan;
mod secret;
mod stream;
mod topic;
mod walk;

pub use decision::{Decision, Fault, Finding, Span};
pub use mask::{Masks, Overlay, Unmasking};
pub use policy::{Action, Check, Kind, OnError, Policy, Rule, Stage};
pub use stream::Checking;

use crate::{
    config::guardrail as policy,
    shared::{Clock, Result},
};
use decision::Tally;
use scan::Scanner;
use std::sync::Arc;
use topic::Topics;
use walk::Walk;

/// Bytes of one text. A gateway takes less; beyond it the checks count as failed.
pub const MAX_TEXT: usize = 2_000_000;

/// Says whether a JSON value has the form that was asked for.
pub type Shape<'a> = &'a (dyn Fn(&serde_json::Value) -> bool + Send + Sync);

/// A policy, ready to run.
#[derive(Clone, Debug)]
pub struct Guardrail {
    policy: Policy,
    scanner: Scanner,
    clock: Clock,
    /// Whether other guardrails with the same masks have seen the text before: then placeholders in it are ours.
    later: bool,
}

impl Guardrail {
    pub fn new(policy: Policy, clock: Clock) -> Result<Self> {
        policy.validate()?;
        Ok(Self::of_valid(policy, clock))
    }

    /// Of a policy that may be without rules: then it takes care of placeholders that a text has of its own.
    pub fn of_valid(policy: Policy, clock: Clock) -> Self {
        let mut scanner = Scanner { literals: true, ..Scanner::default() };
        for (place, rule) in policy.rules.iter().enumerate() {
            match &rule.check {
                Check::Pii { kinds } => {
                    for (slot, kind) in scanner.personal.iter_mut().zip(Kind::PERSONAL) {
                        if slot.is_none() && (kinds.is_empty() || kinds.contains(&kind)) {
                            *slot = Some(place);
                        }
                    }
                }
                Check::Secret => scanner.secret = scanner.secret.or(Some(place)),
                Check::Topic { phrases } => {
                    scanner.topics.push((place, Topics::new(phrases.iter().map(String::as_str))));
                }
                Check::Injection | Check::Length { .. } | Check::Language { .. } | Check::Schema => {}
            }
        }
        Self { policy, scanner, clock, later: false }
    }

    /// The same, for texts that come from another guardrail with the same masks.
    pub fn after_another(self) -> Self {
        Self { later: true, ..self }
    }

    /// Whether a placeholder in the text was in it before anything was masked.
    fn placeholders_are_foreign(&self) -> bool {
        !self.later && self.policy.stage != Stage::Output
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether it asks for the form of an answer.
    pub fn needs_shape(&self) -> bool {
        self.policy.rules.iter().any(|rule| rule.check == Check::Schema)
    }

    /// Checks a whole text. What is masked gets its placeholder from `masks`, which all texts of a call share.
    pub fn evaluate(&self, text: &str, masks: &mut Masks, shape: Option<Shape<'_>>) -> Decision {
        let start = self.clock.now();
        let mut tally = Tally::new(self.policy.on_error);
        let mut out = String::new();
        if text.len() > MAX_TEXT {
            for rule in &self.policy.rules {
                tally.fault(rule, "the text is too long to be checked");
            }
            out.push_str(text);
        } else {
            self.about_the_whole(text, shape, &mut tally);
            self.length(text, &mut tally);
            let mut walk = Walk::default();
            walk.advance(self, text, true, masks, &mut tally, &mut out);
        }
        tally.decide(out, self.clock.now() - start)
    }

    /// Checks a text that comes in pieces.
    pub fn stream(self: &Arc<Self>) -> Checking {
        Checking::new(Arc::clone(self))
    }

    fn rule(&self, place: usize) -> Option<&Rule> {
        self.policy.rules.get(place)
    }

    fn length(&self, text: &str, tally: &mut Tally) {
        for rule in &self.policy.rules {
            if let Check::Length { max } = rule.check
                && text.len() > max
                && text.chars().count() > max
            {
                tally.whole(rule, Kind::Length);
            }
        }
    }

    /// The checks that need the whole text, and whose findings have no place in it.
    fn about_the_whole(&self, text: &str, shape: Option<Shape<'_>>, tally: &mut Tally) {
        for rule in &self.policy.rules {
            let (kind, wrong) = match &rule.check {
                Check::Injection => (Kind::Injection, injection::is_attack(text)),
                Check::Language { allowed } => (Kind::Language, !language::is_allowed(text, allowed)),
                Check::Schema => (Kind::Schema, shape.is_some_and(|shape| !has_shape(text, shape))),
                Check::Pii { .. } | Check::Secret | Check::Topic { .. } | Check::Length { .. } => continue,
            };
            if wrong {
                tally.whole(rule, kind);
            }
        }
    }
}

fn has_shape(text: &str, shape: Shape<'_>) -> bool {
    serde_json::from_str(text).is_ok_and(|value| shape(&value))
}

#[cfg(test)]
mod evaluation;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
