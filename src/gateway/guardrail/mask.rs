//! Reversible masking: a value gives way to `[EMAIL_1]`, and comes back where the answer says `[EMAIL_1]`.
//!
//! The form is one that models repeat faithfully: a word, a number, brackets. Nobody can forge one: a text that has
//! something of the form is remembered before a number is given out, so no value gets a number that a text had; and
//! where a text comes later with a number that is taken, that piece of text is itself a value and gets a placeholder
//! ([`Kind::Literal`]). So unmasking what was masked gives the text back to the letter, whatever stood in it.
use super::{
    decision::Span,
    policy::Kind,
    reader::{Look, Reader},
};
use crate::shared::text::utf16_len;
use std::collections::{BTreeSet, HashMap};

/// Values of one call. Beyond it a check counts as failed.
pub const MAX_VALUES: usize = 5_000;
/// Digits of a placeholder's number.
const MAX_NUMBER: usize = 6;
/// Bytes of a placeholder in any of its forms: what a stream holds back at most.
const MAX_PLACEHOLDER: usize = 40;

/// The kinds that placeholders are made for.
const KINDS: [Kind; 9] = [
    Kind::Email,
    Kind::Phone,
    Kind::Card,
    Kind::Iban,
    Kind::IpAddress,
    Kind::NationalId,
    Kind::Secret,
    Kind::Topic,
    Kind::Literal,
];

/// A kind and a number.
pub type Label = (Kind, u32);

/// A placeholder as it was read, in whichever of its forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholder {
    pub label: Label,
    pub end: usize,
}

/// The placeholders of one call and what they stand for.
#[derive(Clone, Default)]
pub struct Masks {
    by_value: HashMap<(Kind, String), u32>,
    values: HashMap<Label, Value>,
    /// Numbers that a text had before they were given out.
    taken: BTreeSet<Label>,
    last: HashMap<Kind, u32>,
}

#[derive(Clone)]
struct Value {
    text: String,
    /// Whether an answer gets it back.
    returns: bool,
}

/// The placeholders of a masked text and the values behind them, in order, by UTF-16 offsets.
#[derive(Clone, Debug, Default)]
pub struct Overlay(Vec<Place>);

#[derive(Clone, Copy, Debug)]
struct Place {
    masked: Span,
    original: Span,
}

impl Overlay {
    /// Where a stretch of the masked text is in the original. What begins or ends within a placeholder has all of its
    /// value.
    pub fn original(&self, masked: Span) -> Span {
        let start = self.last(|place| place.masked.start <= masked.start);
        let end = self.last(|place| place.masked.start < masked.end);
        Span {
            start: match start {
                Some(place) if masked.start < place.masked.end => place.original.start,
                Some(place) => place.original.end + (masked.start - place.masked.end),
                None => masked.start,
            },
            end: match end {
                Some(place) => place.original.end + masked.end.saturating_sub(place.masked.end),
                None => masked.end,
            },
        }
    }

    fn last(&self, is_before: impl Fn(&Place) -> bool) -> Option<&Place> {
        self.0.partition_point(is_before).checked_sub(1).and_then(|last| self.0.get(last))
    }
}

/// There is no room for a further value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Masks {
    /// The placeholder of a value, the same each time. `returns` is whether unmasking gives the value back.
    pub fn mask(&mut self, kind: Kind, value: &str, returns: bool) -> Result<String, Full> {
        if let Some(number) = self.by_value.get(&(kind, value.to_owned())) {
            return Ok(written((kind, *number)));
        }
        if self.values.len() >= MAX_VALUES {
            return Err(Full);
        }
        let mut number = self.last.get(&kind).copied().unwrap_or_default() + 1;
        while self.taken.contains(&(kind, number)) {
            number += 1;
        }
        self.last.insert(kind, number);
        self.by_value.insert((kind, value.to_owned()), number);
        self.values.insert((kind, number), Value { text: value.to_owned(), returns });
        Ok(written((kind, number)))
    }

    /// What a placeholder that a text already has gives way to; `None` where it stays.
    pub(super) fn literal(&mut self, label: Label, text: &str) -> Result<Option<String>, Full> {
        if self.values.contains_key(&label) {
            return self.mask(Kind::Literal, text, true).map(Some);
        }
        if self.taken.len() >= MAX_VALUES {
            return Err(Full);
        }
        self.taken.insert(label);
        Ok(None)
    }

    /// Remembers a placeholder that a model made up, so that no value gets it.
    pub(super) fn reserve(&mut self, label: Label) {
        if !self.values.contains_key(&label) && self.taken.len() < MAX_VALUES {
            self.taken.insert(label);
        }
    }

    /// Whether nothing was masked that would come back.
    pub fn is_empty(&self) -> bool {
        !self.values.values().any(|value| value.returns)
    }

    /// The text with every placeholder that stands for a value replaced by it.
    pub fn unmask(&self, text: &str) -> String {
        let mut stream = Unmasking::default();
        let mut all = stream.push(self, text);
        all.push_str(&stream.finish(self));
        all
    }

    /// How a masked text lies over the one that it was made of.
    pub fn overlay(&self, masked: &str) -> Overlay {
        let (mut places, mut done, mut masked_to, mut original_to) = (vec![], 0, 0, 0);
        for (at, _) in masked.match_indices(['[', '\\']) {
            if at < done {
                continue;
            }
            let Ok(Some(found)) = placeholder(Reader::new(masked, at, true)) else { continue };
            let Some(value) = self.value(found.label) else { continue };
            let length = |from: usize, to: usize| utf16_len(masked.get(from..to).unwrap_or_default());
            let start = masked_to + length(done, at);
            let masked_span = Span { start, end: start + length(at, found.end) };
            let start = original_to + length(done, at);
            let original = Span { start, end: start + utf16_len(value) };
            (done, masked_to, original_to) = (found.end, masked_span.end, original.end);
            places.push(Place { masked: masked_span, original });
        }
        Overlay(places)
    }

    fn value(&self, label: Label) -> Option<&str> {
        self.values.get(&label).filter(|value| value.returns).map(|value| value.text.as_str())
    }
}

/// Says how much it holds and never what.
impl std::fmt::Debug for Masks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masks").field("values", &self.values.len()).finish_non_exhaustive()
    }
}

fn written((kind, number): Label) -> String {
    format!("[{}_{number}]", kind.name())
}

/// The placeholder that begins here. Models change letters' case, take a blank for the underscore, and escape for
/// Markdown: all these are one placeholder, in texts that come in as in answers.
pub(super) fn placeholder(here: Reader<'_>) -> Look<Option<Placeholder>> {
    let mut reader = here;
    let escaped = reader.eat('\\')?;
    if !reader.eat('[')? {
        return Ok(None);
    }
    for kind in KINDS {
        let mut ahead = reader;
        if name(&mut ahead, kind)?
            && let Some(number) = number(&mut ahead, escaped)?
        {
            return Ok(Some(Placeholder { label: (kind, number), end: ahead.at() }));
        }
    }
    Ok(None)
}

fn name(reader: &mut Reader<'_>, kind: Kind) -> Look<bool> {
    for letter in kind.name().chars() {
        let fits = if letter == '_' {
            gap(reader)?
        } else {
            reader.next_if(|c| c.eq_ignore_ascii_case(&letter))?.is_some()
        };
        if !fits {
            return Ok(false);
        }
    }
    gap(reader)
}

fn gap(reader: &mut Reader<'_>) -> Look<bool> {
    reader.eat('\\')?;
    Ok(reader.next_if(|c| matches!(c, '_' | ' ' | '-'))?.is_some())
}

/// The number and the bracket behind it, escaped where the first one was: a backslash before a value stays its own.
fn number(reader: &mut Reader<'_>, escaped: bool) -> Look<Option<u32>> {
    let from = reader.at();
    let limit = reader.read() + MAX_NUMBER;
    reader.eat_while(limit, |c| c.is_ascii_digit())?;
    let digits = reader.since(from);
    let number = if digits.starts_with('0') { None } else { digits.parse().ok() };
    if escaped && !reader.eat('\\')? {
        return Ok(None);
    }
    Ok(if reader.eat(']')? { number } else { None })
}

/// Unmasks an answer that comes in pieces. Held back is only what may still become a placeholder.
#[derive(Clone, Debug, Default)]
pub struct Unmasking {
    held: String,
}

impl Unmasking {
    pub fn push(&mut self, masks: &Masks, chunk: &str) -> String {
        if masks.values.is_empty() && self.held.is_empty() {
            return chunk.to_owned();
        }
        self.held.push_str(chunk);
        self.release(masks, false)
    }

    pub fn finish(mut self, masks: &Masks) -> String {
        self.release(masks, true)
    }

    fn release(&mut self, masks: &Masks, complete: bool) -> String {
        let mut out = String::with_capacity(self.held.len());
        let mut done = 0;
        while let Some(found) = self.held.get(done..).and_then(|rest| rest.find(['[', '\\'])) {
            let at = done + found;
            out.push_str(self.held.get(done..at).unwrap_or_default());
            match placeholder(Reader::new(&self.held, at, complete)) {
                Err(_) if self.held.len() - at <= MAX_PLACEHOLDER => {
                    self.held.drain(..at);
                    return out;
                }
                Ok(Some(placeholder)) => {
                    let as_written = self.held.get(at..placeholder.end).unwrap_or_default();
                    out.push_str(masks.value(placeholder.label).unwrap_or(as_written));
                    done = placeholder.end;
                }
                _ => {
                    out.push_str(self.held.get(at..=at).unwrap_or_default());
                    done = at + 1;
                }
            }
        }
        out.push_str(self.held.get(done..).unwrap_or_default());
        self.held.clear();
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::text::slice_utf16;
    use proptest::prelude::*;

    fn masks() -> Masks {
        let mut masks = Masks::default();
        masks.mask(Kind::Email, "anna@example.com", true).unwrap();
        masks.mask(Kind::NationalId, "078-05-1120", true).unwrap();
        masks.mask(Kind::Phone, "+49 30 1234", false).unwrap();
        masks
    }

    #[test]
    fn a_value_keeps_its_placeholder_and_another_gets_the_next() {
        let mut masks = masks();
        assert_eq!(masks.mask(Kind::Email, "anna@example.com", true).unwrap(), "[EMAIL_1]");
        assert_eq!(masks.mask(Kind::Email, "tom@example.com", true).unwrap(), "[EMAIL_2]");
    }

    #[test]
    fn an_answer_is_unmasked_however_the_model_writes_the_placeholder() {
        for text in ["[EMAIL_1]", "[email_1]", "[Email 1]", "[EMAIL\\_1]", "\\[EMAIL\\_1\\]", "[EMAIL-1]"] {
            assert_eq!(masks().unmask(&format!("to {text}!")), "to anna@example.com!", "{text}");
        }
        assert_eq!(masks().unmask("[NATIONAL_ID_1] [national id 1]"), "078-05-1120 078-05-1120");
    }

    #[test]
    fn what_stands_for_nothing_stays() {
        for text in
            ["[EMAIL_2]", "[EMAIL_01]", "EMAIL_1", "[EMAIL_1", "[PHONE_1]", "[x](y)", "\\[a\\]", "[EMAIL_1x]"]
        {
            assert_eq!(masks().unmask(text), text);
        }
    }

    #[test]
    fn numbers_that_a_text_has_are_not_given_out_and_taken_ones_become_values() {
        let mut masks = Masks::default();
        assert_eq!(masks.literal((Kind::Email, 1), "[EMAIL_1]"), Ok(None));
        assert_eq!(masks.mask(Kind::Email, "anna@example.com", true).unwrap(), "[EMAIL_2]");
        let literal = masks.literal((Kind::Email, 2), "[email 2]").unwrap().unwrap();
        assert_eq!(
            masks.unmask(&format!("[EMAIL_1] [EMAIL_2] {literal}")),
            "[EMAIL_1] anna@example.com [email 2]"
        );
    }

    #[test]
    fn a_stretch_of_a_masked_text_is_found_in_the_original() {
        let masks = masks();
        let (masked, original) = (
            "😀 to [EMAIL_1] and [EMAIL_1]: [PHONE_1].",
            "😀 to anna@example.com and anna@example.com: [PHONE_1].",
        );
        assert_eq!(masks.unmask(masked), original);
        let overlay = masks.overlay(masked);
        for part in
            ["to [EMAIL_1]", "[EMAIL_1]", "and [EMAIL_1]: [PHONE", "😀", " and ", "[EMAIL_1] and [EMAIL_1]"]
        {
            let at = masked.find(part).unwrap();
            let start = utf16_len(&masked[..at]);
            let Span { start, end } = overlay.original(Span { start, end: start + utf16_len(part) });
            assert_eq!(slice_utf16(original, start, end), Some(&*masks.unmask(part)), "{part}");
        }
        let within = overlay.original(Span { start: 8, end: 9 });
        assert_eq!(slice_utf16(original, within.start, within.end), Some("anna@example.com"));
    }

    #[test]
    fn its_debug_form_tells_no_value() {
        assert!(!format!("{:?}", masks()).contains("anna"));
    }

    proptest! {
        #[test]
        fn a_stream_unmasks_like_the_whole(
            text in r"(\[EMAIL_1\]|\[NATIONAL_ID_1\]|[\[\]\\_a-zA-Z1 ü]|\[EMAIL){0,30}",
            cuts in prop::collection::vec(1_usize..6, 1..40),
        ) {
            let masks = masks();
            let mut stream = Unmasking::default();
            let (mut out, mut rest) = (String::new(), text.chars());
            for cut in cuts.into_iter().cycle() {
                let chunk: String = rest.by_ref().take(cut).collect();
                if chunk.is_empty() { break; }
                out.push_str(&stream.push(&masks, &chunk));
                prop_assert!(stream.held.len() <= MAX_PLACEHOLDER);
            }
            out.push_str(&stream.finish(&masks));
            prop_assert_eq!(out, masks.unmask(&text));
        }
    }
}
