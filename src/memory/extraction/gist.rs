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
    terms: BTreeSet<String>,
    denies: bool,
    /// Names in it, and numbers with days and months, as terms.
    names: BTreeSet<String>,
    numbers: BTreeSet<String>,
    /// Whether it says that something is different now.
    turns: bool,
    speaker: Option<String>,
}

/// That turn a statement into its contrary.
static DENIALS: LazyLock<Phrases> = phrases!(
    "not, no, never, without, cannot, hate, hates, dislike, dislikes, avoid, avoids, stopped, quit, \
    longer, against, refuse"
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
        let turns = words(text).iter().any(|word| TURNS.contains(word.lower.as_str()));
        Self {
            terms,
            denies,
            names: names(text),
            numbers: numbers(text),
            turns,
            speaker: speaker.map(str::to_lowercase),
        }
    }

    /// Whether the other text says all of this one, too.
    pub(super) fn says_no_more_than(&self, other: &Self) -> bool {
        let both = self.terms.intersection(&other.terms).count();
        let either = self.terms.union(&other.terms).count();
        let said = both == self.terms.len() && both > 1 || both as f64 >= SAME * either as f64 && either > 0;
        let of_others = matches!((&self.speaker, &other.speaker), (Some(own), Some(others)) if own != others);
        said && self.denies == other.denies
            && self.numbers.is_subset(&other.numbers)
            && self.names.is_subset(&other.terms)
            && !of_others
    }

    pub fn terms(&self) -> impl Iterator<Item = &String> {
        self.terms.iter()
    }

    pub fn denies(&self) -> bool {
        self.denies
    }

    /// Whether it brings nothing beside what the other says of the same: most of that, and no number or turn of its own.
    /// Where somebody says that it is known already, less of it will do.
    pub(super) fn repeats(&self, other: &Self, told_again: bool) -> bool {
        let known: BTreeSet<_> = other.terms.iter().filter(|term| *term != "user").collect();
        let both = known.iter().filter(|term| self.terms.contains(**term)).count();
        let share = both as f64 / known.len().max(1) as f64;
        let enough = share >= if told_again { REPEATED_SO } else { REPEATED };
        let of_others = matches!((&self.speaker, &other.speaker), (Some(own), Some(others)) if own != others);
        enough
            && both > 0
            && self.numbers.is_subset(&other.numbers)
            && self.names.is_subset(&other.terms)
            && !self.turns
            && self.denies == other.denies
            && !of_others
    }
}

/// Shares of a known text that another one repeats.
const REPEATED: f64 = 0.7;
const REPEATED_SO: f64 = 0.3;

/// With which something new of what is known is told.
static TURNS: LazyLock<Phrases> = phrases!(
    "now, instead, moved, changed, changes, longer, since, actually, new, stopped, switched, anymore, \
    meanwhile, cancelled, postponed, update, correction, wrong, withdrew, closed, different, but"
);
