//! Carries out what the scanner finds: what passes, what gives way to a placeholder, where the text stops.
use super::{
    Guardrail,
    decision::{Span, Tally},
    mask::{self, Full, Masks},
    policy::{Action, Kind, Rule, Stage},
    reader::Reader,
    scan::{Found, Step},
};
use crate::shared::text::utf16_len;
use std::borrow::Cow;

/// How far a text has been walked.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    /// Bytes of the text at hand that are done with.
    pub at: usize,
    /// A byte up to which UTF-16 code units were counted, and how many there were before it since the beginning.
    counted: (usize, usize),
}

impl Walk {
    /// Walks on as far as it can, and puts what may be released behind `out`.
    pub fn advance(
        &mut self,
        guardrail: &Guardrail,
        text: &str,
        complete: bool,
        masks: &mut Masks,
        tally: &mut Tally,
        out: &mut String,
    ) {
        let scanner = &guardrail.scanner;
        if scanner.is_idle() {
            let rest = text.get(self.at..).unwrap_or_default();
            self.at = text.len();
            if guardrail.placeholders_are_foreign() {
                pass(guardrail, rest, masks, tally, out);
            } else {
                out.push_str(rest);
            }
            return;
        }
        while self.at < text.len() && !tally.is_blocked() {
            let Ok(step) = scanner.step(text, self.at, complete) else { return };
            let end = match step {
                Step::Clear(end) => {
                    out.push_str(text.get(self.at..end).unwrap_or_default());
                    end
                }
                Step::Found(found, rule) => {
                    out.push_str(text.get(self.at..found.start).unwrap_or_default());
                    let rule = rule.and_then(|place| guardrail.rule(place));
                    let value = text.get(found.start..found.end).unwrap_or_default();
                    let span = rule.map(|rule| (rule, self.span(text, found)));
                    match span {
                        Some((rule, span)) => {
                            act(guardrail, rule, found.kind, span, value, masks, tally, out)
                        }
                        None => keep_literal(guardrail, value, masks, tally, out),
                    }
                    found.end
                }
            };
            self.at = end;
        }
    }

    /// Drops `bytes` from the front of the text at hand.
    pub fn forget(&mut self, text: &str, bytes: usize) {
        self.count_to(text, bytes.max(self.counted.0));
        self.at -= bytes;
        self.counted.0 -= bytes;
    }

    fn span(&mut self, text: &str, found: Found) -> Span {
        self.count_to(text, found.start);
        let start = self.counted.1;
        Span { start, end: start + utf16_len(text.get(found.start..found.end).unwrap_or_default()) }
    }

    fn count_to(&mut self, text: &str, byte: usize) {
        let (from, units) = self.counted;
        self.counted = (byte, units + utf16_len(text.get(from..byte).unwrap_or_default()));
    }
}

#[expect(clippy::too_many_arguments, reason = "one finding with all that it changes")]
fn act(
    guardrail: &Guardrail,
    rule: &Rule,
    kind: Kind,
    span: Span,
    value: &str,
    masks: &mut Masks,
    tally: &mut Tally,
    out: &mut String,
) {
    tally.place(rule, kind, span);
    match rule.action {
        Action::Block => {}
        // What an answer says of others stays hidden; what its owner said comes back.
        Action::Mask => {
            match masks.mask(kind, &raw(guardrail, value, masks), guardrail.policy.stage != Stage::Output) {
                Ok(placeholder) => out.push_str(&placeholder),
                Err(Full) => {
                    tally.fault(rule, "too many values to mask");
                    out.push_str(value);
                }
            }
        }
        Action::Allow | Action::Escalate => pass(guardrail, value, masks, tally, out),
    }
}

/// What was found, without placeholders of ours in it: values hold no values.
fn raw<'v>(guardrail: &Guardrail, value: &'v str, masks: &Masks) -> Cow<'v, str> {
    if guardrail.later { masks.unmask(value).into() } else { value.into() }
}

/// Text that goes on as it is, but for what looks like a placeholder in it.
fn pass(guardrail: &Guardrail, text: &str, masks: &mut Masks, tally: &mut Tally, out: &mut String) {
    let mut done = 0;
    for (at, _) in text.match_indices(['[', '\\']) {
        if at >= done
            && let Ok(Some(found)) = mask::placeholder(Reader::new(text, at, true))
        {
            out.push_str(text.get(done..at).unwrap_or_default());
            keep_literal(guardrail, text.get(at..found.end).unwrap_or_default(), masks, tally, out);
            done = found.end;
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
}

/// In an answer a placeholder is one that the model repeats, behind another guardrail one of ours; in what is asked it is
/// somebody's text.
fn keep_literal(guardrail: &Guardrail, text: &str, masks: &mut Masks, tally: &mut Tally, out: &mut String) {
    let Ok(Some(placeholder)) = mask::placeholder(Reader::new(text, 0, true)) else {
        out.push_str(text);
        return;
    };
    if !guardrail.placeholders_are_foreign() {
        masks.reserve(placeholder.label);
        out.push_str(text);
        return;
    }
    match masks.literal(placeholder.label, text) {
        Ok(Some(instead)) => out.push_str(&instead),
        Ok(None) => out.push_str(text),
        Err(Full) => {
            if let Some(rule) = guardrail.policy.rules.first() {
                tally.fault(rule, "too many values to mask");
            }
            out.push_str(text);
        }
    }
}
