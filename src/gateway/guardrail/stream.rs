//! Checks an answer while it comes: what is safe is released, what may still become part of a finding is held back.
//!
//! Held back is at most what a detector reads without having decided: in prose the word that the piece ends in, in
//! groups of digits some 40 characters, in a private key or a web token up to 8 KiB; beside it 64 bytes of what was
//! released are kept, as detectors look back so far.
use super::{
    Decision, Fault, Finding, Guardrail, Masks, Shape,
    decision::Tally,
    policy::{Check, Rule},
    reader::BEHIND,
    walk::Walk,
};
use chrono::TimeDelta;
use std::sync::Arc;

/// Released text is dropped once it is so long, so that each byte moves a bounded number of times.
const DROP: usize = 1_024;

/// One answer on its way through a [`Guardrail`].
#[derive(Clone, Debug)]
pub struct Checking {
    guardrail: Arc<Guardrail>,
    text: String,
    walk: Walk,
    tally: Tally,
    chars: usize,
    /// The whole text, where a check needs it.
    whole: Option<String>,
    duration: TimeDelta,
}

impl Checking {
    pub(super) fn new(guardrail: Arc<Guardrail>) -> Self {
        let about_the_whole =
            |rule: &Rule| matches!(rule.check, Check::Schema | Check::Language { .. } | Check::Injection);
        Self {
            text: String::new(),
            walk: Walk::default(),
            tally: Tally::new(guardrail.policy.on_error),
            chars: 0,
            whole: guardrail.policy.rules.iter().any(about_the_whole).then(String::new),
            duration: TimeDelta::zero(),
            guardrail,
        }
    }

    /// Takes the next piece and gives what may be shown by now. Once blocked nothing more comes.
    pub fn push(&mut self, masks: &mut Masks, chunk: &str) -> String {
        let guardrail = Arc::clone(&self.guardrail);
        let start = guardrail.clock.now();
        let mut out = String::new();
        if !self.is_blocked() {
            let (chunk, too_long) = self.within_length(&guardrail, chunk);
            self.keep_whole(chunk);
            self.text.push_str(chunk);
            self.advance(false, masks, &mut out);
            if let Some(rule) = too_long.filter(|_| !self.is_blocked()) {
                self.tally.whole(rule, super::Kind::Length);
            }
        }
        self.duration += guardrail.clock.now() - start;
        out
    }

    /// The rest of the text, and what came of it all. Checks of the whole text are made only now.
    pub fn finish(mut self, masks: &mut Masks, shape: Option<Shape<'_>>) -> Decision {
        let start = self.guardrail.clock.now();
        let mut out = String::new();
        if !self.is_blocked() {
            self.advance(true, masks, &mut out);
        }
        if let Some(whole) = self.whole.take().filter(|_| !self.tally.is_blocked()) {
            self.guardrail.about_the_whole(&whole, shape, &mut self.tally);
        }
        let duration = self.duration + (self.guardrail.clock.now() - start);
        // What was found to block came after this text, which may still be shown.
        let mut decision = self.tally.decide(String::new(), duration);
        decision.text = out;
        decision
    }

    pub fn is_blocked(&self) -> bool {
        self.tally.is_blocked()
    }

    /// What is held back.
    pub fn held(&self) -> &str {
        self.text.get(self.walk.at..).unwrap_or_default()
    }

    /// What was found so far, what could not check, and how long it took.
    pub fn so_far(&self) -> (&[Finding], &[Fault], TimeDelta) {
        let (findings, faults) = self.tally.so_far();
        (findings, faults, self.duration)
    }

    fn advance(&mut self, complete: bool, masks: &mut Masks, out: &mut String) {
        self.walk.advance(&self.guardrail, &self.text, complete, masks, &mut self.tally, out);
        if self.walk.at > DROP {
            let mut done = self.walk.at - BEHIND;
            while !self.text.is_char_boundary(done) {
                done -= 1;
            }
            self.walk.forget(&self.text, done);
            self.text.drain(..done);
        }
    }

    /// The part of a piece that keeps to the greatest length, and the rule that it passes for the first time. What
    /// follows is cut only where that rule blocks.
    fn within_length<'c, 'g>(
        &mut self,
        guardrail: &'g Guardrail,
        chunk: &'c str,
    ) -> (&'c str, Option<&'g Rule>) {
        let before = self.chars;
        self.chars += chunk.chars().count();
        for rule in &guardrail.policy.rules {
            let Check::Length { max } = rule.check else { continue };
            if before <= max && self.chars > max {
                let blocks = rule.action == super::Action::Block;
                let end = chunk.char_indices().nth(max - before).map_or(chunk.len(), |(byte, _)| byte);
                return (if blocks { chunk.get(..end).unwrap_or_default() } else { chunk }, Some(rule));
            }
        }
        (chunk, None)
    }

    fn keep_whole(&mut self, chunk: &str) {
        if let Some(whole) = &mut self.whole
            && whole.len() + chunk.len() <= super::MAX_TEXT
        {
            whole.push_str(chunk);
        }
    }
}
