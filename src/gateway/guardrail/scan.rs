//! One walk over a text, from left to right, which a whole text and a stream take alike.
//!
//! At each place where something could begin, the detectors are asked in a fixed order; the first that finds
//! something wins and the walk goes on behind it. What a detector says depends on the text before (at most
//! [`super::reader::BEHIND`] bytes) and on what it reads forwards, and it reads a bounded stretch: so the walk is
//! linear, and where a stream's text ends too early it just waits.
use super::{
    mask, pii,
    policy::Kind,
    reader::{Look, More, Reader, char_at, is_unspaced, is_word},
    secret,
    topic::Topics,
};

/// Bytes of a word that are read to see what follows it; a letter follows where it is longer.
const MAX_WORD: usize = 64;

/// What a policy looks for, each with the rule that asked for it.
#[derive(Clone, Debug, Default)]
pub struct Scanner {
    /// By place in [`Kind::PERSONAL`].
    pub personal: [Option<usize>; Kind::PERSONAL.len()],
    pub secret: Option<usize>,
    pub topics: Vec<(usize, Topics)>,
    /// Whether placeholders in the text matter: where something may be masked.
    pub literals: bool,
}

/// Something found, as bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// By which rule; `None` for a literal placeholder.
    Found(Found, Option<usize>),
    /// Nothing begins before this place.
    Clear(usize),
}

impl Scanner {
    pub fn is_idle(&self) -> bool {
        self.personal.iter().all(Option::is_none) && self.secret.is_none() && self.topics.is_empty()
    }

    /// What is at `at`, or as far as surely nothing begins; always a step forwards. `Err` where that depends on
    /// text that has not come.
    pub fn step(&self, text: &str, at: usize, complete: bool) -> Look<Step> {
        let Some(first) = char_at(text, at) else {
            return if complete { Ok(Step::Clear(at)) } else { Err(More) };
        };
        let here = Reader::new(text, at, complete);
        if self.may_begin(first, here.before())
            && let Some((found, rule)) = self.find(first, here)?
        {
            return Ok(Step::Found(found, rule));
        }
        Ok(Step::Clear(self.next_start(text, at + first.len_utf8(), first)))
    }

    fn may_begin(&self, first: char, before: Option<char>) -> bool {
        if is_word(first) {
            return !before.is_some_and(is_word);
        }
        match first {
            '+' | '(' | ':' | '-' | '[' | '\\' => true,
            _ => is_unspaced(first) && !self.topics.is_empty(),
        }
    }

    /// The next place from `at` where something may begin. `last` is the character before.
    fn next_start(&self, text: &str, mut at: usize, mut last: char) -> usize {
        while let Some(c) = char_at(text, at) {
            if self.may_begin(c, Some(last)) {
                break;
            }
            at += c.len_utf8();
            last = c;
        }
        at
    }

    fn find(&self, first: char, here: Reader<'_>) -> Look<Option<(Found, Option<usize>)>> {
        if self.literals
            && matches!(first, '[' | '\\')
            && let Some(placeholder) = mask::placeholder(here)?
        {
            let found = Found { kind: Kind::Literal, start: here.at(), end: placeholder.end };
            return Ok(Some((found, None)));
        }
        let after = self.after_word(first, here)?;
        if let Some(rule) = self.secret
            && let Some((start, end)) = secret::find(first, after, here)?
        {
            return Ok(Some((Found { kind: Kind::Secret, start, end }, Some(rule))));
        }
        for (rule, topics) in &self.topics {
            if let Some(end) = topics.find(first, here)? {
                return Ok(Some((Found { kind: Kind::Topic, start: here.at(), end }, Some(*rule))));
            }
        }
        if let Some((kind, end)) = pii::find(first, after, here, |kind| self.rule_of(kind).is_some())? {
            return Ok(Some((Found { kind, start: here.at(), end }, self.rule_of(kind))));
        }
        Ok(None)
    }

    /// What follows the word that begins here: tells most detectors that they need not look. `None` where it is of
    /// no use.
    fn after_word(&self, first: char, mut here: Reader<'_>) -> Look<Option<char>> {
        if !is_word(first) || self.secret.is_none() && self.rule_of(Kind::Email).is_none() {
            return Ok(None);
        }
        here.eat_while(MAX_WORD, is_word)?;
        Ok(Some(here.peek()?.unwrap_or(' ')))
    }

    fn rule_of(&self, kind: Kind) -> Option<usize> {
        let [email, phone, card, iban, ip, national_id] = self.personal;
        match kind {
            Kind::Email => email,
            Kind::Phone => phone,
            Kind::Card => card,
            Kind::Iban => iban,
            Kind::IpAddress => ip,
            Kind::NationalId => national_id,
            _ => None,
        }
    }
}
