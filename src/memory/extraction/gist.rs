//! What a text says, as far as its words tell, and whether another says the same.
use super::{
    clause::words,
    numbers,
    phrases::{Phrases, phrases},
    subject::names,
};
use crate::memory::terms::Terms;
use std::{collections::BTreeSet, sync::LazyLock};

/// Words that two texts share of all that they have, where they say the same.
const SAME: f64 = 0.8;

#[derive(Debug)]
pub(in crate::memory) struct Gist {
    pub(in crate::memory) terms: BTreeSet<String>,
    denies: bool,
    /// Names in it, and numbers with days and months, as terms.
    pub(in crate::memory) names: BTreeSet<String>,
    pub(in crate::memory) numbers: BTreeSet<String>,
    /// The word it begins with.
    pub(in crate::memory) first: Option<String>,
    speaker: Option<String>,
}

/// That turn a statement into its contrary.
static DENIALS: LazyLock<Phrases> = phrases!(
    "not, no, never, without, cannot, hate, hates, dislike, dislikes, avoid, avoids, stopped, quit, \
    against, refuse"
);

impl Gist {
    pub fn of(text: &str, speaker: Option<&str>) -> Self {
        let terms = Terms::of(text).counts.into_keys().collect();
        let denies = words(text)
            .iter()
            .filter(|word| DENIALS.contains(word.lower.as_str()) || word.lower.ends_with("n't"))
            .count()
            % 2
            == 1;
        Self {
            terms,
            denies,
            names: names(text),
            numbers: numbers(text),
            first: first_word(text),
            speaker: speaker.map(str::to_lowercase),
        }
    }

    /// Whether the other text says all of this one, too.
    pub(super) fn says_no_more_than(&self, other: &Self) -> bool {
        let both = self.terms.intersection(&other.terms).count();
        let either = self.terms.union(&other.terms).count();
        let said = both == self.terms.len() && both > 1 || both as f64 >= SAME * either as f64 && either > 0;
        said && self.denies == other.denies
            && self.numbers.is_subset(&other.numbers)
            && self.names.is_subset(&other.terms)
            && !self.is_of_others(other)
    }

    /// Whether somebody else says it, where that is known of both.
    pub(super) fn is_of_others(&self, other: &Self) -> bool {
        matches!((&self.speaker, &other.speaker), (Some(own), Some(others)) if own != others)
    }

    pub fn terms(&self) -> impl Iterator<Item = &String> {
        self.terms.iter()
    }

    pub fn denies(&self) -> bool {
        self.denies
    }
}

fn first_word(text: &str) -> Option<String> {
    let first = text.split_whitespace().next()?;
    Some(first.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
}
