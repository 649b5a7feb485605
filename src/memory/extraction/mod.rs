//! What of a text is worth remembering: rules for English, pure. [`propose`] finds candidates (`clause` cuts a text
//! into statements and passes over what is none, `rules` say what a statement is); [`gate`] says which of them may be
//! kept, and why the others not. A model's candidates (`told`) go through the same gate.
//!
//! A candidate of the rules is a part of its source word for word: nothing is made up, and its quote and offsets are
//! the text itself.
mod again;
mod clause;
#[cfg(test)]
mod evaluation;
mod facts;
pub(super) mod gate;
mod gist;
pub(super) mod named;
mod phrases;
mod rules;
mod subject;
pub(super) mod told;
mod weigh;
mod weights;
mod when;

pub(super) use clause::words;
pub(super) use gist::Gist;

use super::{model::MemoryKind, terms::Terms};
use crate::shared::{
    id::{MemoryId, MessageId},
    stored,
    text::utf16_len,
};
use chrono::{DateTime, Utc};
use std::{collections::BTreeSet, ops::Range};

stored! {
    /// What a candidate is about.
    CandidateTopic {
        /// What somebody likes, avoids or wants done in some way.
        Preference = "PREFERENCE",
        /// What is so of a person, or of what belongs to them.
        Fact = "FACT",
        /// When something is.
        Date = "DATE",
        /// What was settled.
        Decision = "DECISION",
        /// What somebody is going to do.
        Commitment = "COMMITMENT",
    }
}

impl CandidateTopic {
    pub fn kind(self) -> MemoryKind {
        match self {
            Self::Preference => MemoryKind::Preference,
            Self::Fact | Self::Date => MemoryKind::Fact,
            Self::Decision | Self::Commitment => MemoryKind::Note,
        }
    }
}

/// One text that is read: a message of a session, or what was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    pub text: String,
    /// Where it stands in a session.
    pub message: Option<MessageId>,
    /// Who says it, where that is known and is not the one whose memories these are.
    pub speaker: Option<String>,
    /// When it was said, where that is known.
    pub at: Option<DateTime<Utc>>,
}

/// What may be worth remembering, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub topic: CandidateTopic,
    pub text: String,
    /// 0 to 1.
    pub confidence: f64,
    /// Why it was taken up, in plain words.
    pub reason: String,
    pub speaker: Option<String>,
    /// Of the passages that were read.
    pub passage: usize,
    /// Bytes of the passage's text.
    pub range: Range<usize>,
    /// Whether a model worded it.
    pub worded: bool,
    /// What is remembered and speaks against it; the gate finds it.
    pub contradicts: Vec<MemoryId>,
}

impl Candidate {
    /// The words of its source. Empty where it stands nowhere.
    pub fn quote<'a>(&self, passages: &'a [Passage]) -> &'a str {
        let text = passages.get(self.passage).map(|passage| passage.text.as_str()).unwrap_or_default();
        text.get(self.range.clone()).unwrap_or_default()
    }

    /// Where the quote stands in the passage's text, in UTF-16 code units.
    pub fn offsets(&self, passages: &[Passage]) -> Range<usize> {
        let text = passages.get(self.passage).map(|passage| passage.text.as_str()).unwrap_or_default();
        let start = utf16_len(text.get(..self.range.start).unwrap_or_default());
        start..start + utf16_len(self.quote(passages))
    }
}

/// Numbers in a text, also in words, and days and months, as the index has them.
pub(super) fn numbers(text: &str) -> BTreeSet<String> {
    let in_words = phrases::list!(
        "two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, fourteen, fifteen, sixteen, \
        seventeen, eighteen, nineteen, twenty, thirty, forty, fifty, sixty, seventy, eighty, ninety, hundred, thousand"
    );
    let of_date = |word: &clause::Word<'_>| {
        word.lower.bytes().any(|byte| byte.is_ascii_digit())
            || in_words.contains(&word.lower)
            || word.text.starts_with(char::is_uppercase) && when::is_of_calendar(&word.lower)
    };
    let found = words(text).into_iter().filter(of_date);
    found.flat_map(|word| Terms::of(word.text).counts.into_keys()).collect()
}

/// Below it a statement is not even told of.
const NEARLY: f64 = 0.35;

/// What the rules find, in the order of the texts.
pub fn propose(passages: &[Passage]) -> Vec<Candidate> {
    let mut found = vec![];
    for (place, passage) in passages.iter().enumerate() {
        for statement in clause::statements(&passage.text) {
            let clause = clause::Clause::new(&passage.text, statement.range.clone());
            let hit = rules::read(&clause, &statement);
            let features = weigh::Features::of(&passage.text, &clause, &statement, hit.as_ref());
            let text = &passage.text[statement.range.clone()];
            let confidence = weigh::confidence(&features, hit.as_ref());
            if confidence < NEARLY {
                continue;
            }
            let (topic, reason) = match hit {
                Some(hit) => (hit.topic, hit.reason),
                None => (weigh::topic(&features.signs), weigh::reason(&features.signs)),
            };
            found.push(Candidate {
                topic,
                text: text.to_owned(),
                confidence,
                reason,
                speaker: statement.speaker.or_else(|| passage.speaker.clone()),
                passage: place,
                range: statement.range,
                worded: false,
                contradicts: vec![],
            });
        }
    }
    found
}
