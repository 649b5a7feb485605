//! How likely a text says again what another one says, in its own words.
//!
//! Signs of both texts are weighed by a logistic regression that was fitted on labelled snippets (bench/extraction/fit.py).
//! What words have in common is taken softly: a word is as much in the other text as the word there that is nearest to it in
//! meaning, and a rare word counts for more.
use super::{
    clause::words,
    gist::Gist,
    phrases::{Phrases, phrases},
    weights::{Weights, likelihood},
};
use crate::memory::{
    contradiction,
    embedding::{Embedder, Vector, cosine},
    terms,
};
use std::sync::LazyLock;

/// Of the texts that one is held against, those nearest to it in meaning.
const NEAREST: usize = 8;

/// A text, made ready to be held against others.
#[derive(Debug)]
pub(super) struct Told {
    text: String,
    gist: Gist,
    vector: Vector,
}

/// A word that carries content.
struct Content {
    word: String,
    vector: Vector,
    /// How much it tells.
    weight: f64,
}

impl Told {
    pub fn new(text: &str, speaker: Option<&str>) -> Self {
        let vector = Embedder::embedded().embed(text);
        Self { text: text.to_owned(), gist: Gist::of(text, speaker), vector }
    }

    pub fn gist(&self) -> &Gist {
        &self.gist
    }

    /// The one of these that it most likely says again, and how likely that is. `told_again`: it says itself that it is known.
    pub fn most_likely_again<'a, K>(
        &self,
        others: &'a [(Self, K)],
        told_again: bool,
    ) -> Option<(f64, &'a K)> {
        let near = |other: &Self| cosine(&self.vector, &other.vector);
        let mut nearest: Vec<_> = others
            .iter()
            .filter(|(other, _)| !self.gist.is_of_others(&other.gist))
            .map(|(other, what)| (near(other), other, what))
            .collect();
        nearest.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
        let likely =
            nearest.into_iter().take(NEAREST).map(|(_, other, what)| (self.again(other, told_again), what));
        likely.max_by(|(one, _), (other, _)| one.total_cmp(other))
    }

    /// 0 to 1.
    fn again(&self, other: &Self, told_again: bool) -> f64 {
        if self.gist.says_no_more_than(&other.gist) {
            return 1.0;
        }
        let Some(signs) = self.signs(other, told_again) else { return 0.0 };
        let weights = &Weights::fitted().again;
        let sum: f64 = signs.iter().map(|(name, value)| weights.of(name) * value).sum();
        likelihood(weights.nothing + sum)
    }

    /// What speaks for it and against it, each 0 to 1. `None` where the two cannot both hold: that is new, however alike they
    /// are.
    pub(super) fn signs(&self, other: &Self, told_again: bool) -> Option<Vec<(&'static str, f64)>> {
        if contradiction::between(&self.text, &other.text).is_some() {
            return None;
        }
        let (own, others) = (self.content(), other.content());
        let (a, b) = (&self.gist, &other.gist);
        let both = a.terms.intersection(&b.terms).count();
        let share = |of: usize| both as f64 / of.max(1) as f64;
        let (said, repeated) = (covered(&own, &others), covered(&others, &own));
        let holds = |holds: bool| f64::from(u8::from(holds));
        Some(vec![
            ("words of the other", share(b.terms.len())),
            ("own words", share(a.terms.len())),
            ("words of both", share(a.terms.union(&b.terms).count())),
            ("meaning of own words", said),
            ("meaning of the other's words", repeated),
            ("meaning of both's words", said * repeated),
            ("meaning", cosine(&self.vector, &other.vector)),
            ("a few words", both.min(4) as f64 / 4.0),
            ("no word", holds(both == 0)),
            ("a new number", holds(!a.numbers.is_subset(&b.numbers))),
            ("a number less", holds(!b.numbers.is_subset(&a.numbers))),
            ("the same number", holds(!a.numbers.is_disjoint(&b.numbers))),
            ("a new name", holds(!a.names.is_subset(&b.terms))),
            ("the same name", holds(!a.names.is_disjoint(&b.terms))),
            ("denies", holds(a.denies() != b.denies())),
            ("turns", holds(words(&self.text).iter().any(|word| TURNS.contains(&word.lower)))),
            ("told again", holds(told_again)),
        ])
    }

    fn content(&self) -> Vec<Content> {
        let mut words = terms::content_words(&self.text);
        // Nobody is called so but in what is kept.
        words.retain(|word| word != "user" && word != "user's");
        let content = words.into_iter().map(|word| {
            let (vector, weight) = Embedder::embedded().embed_weighed(&word);
            Content { word, vector, weight }
        });
        content.collect()
    }
}

/// How much of what these words say the others say, too.
fn covered(words: &[Content], others: &[Content]) -> f64 {
    let nearest = |word: &Content| {
        let near =
            |other: &Content| if other.word == word.word { 1.0 } else { cosine(&word.vector, &other.vector) };
        others.iter().map(near).fold(0.0, f64::max)
    };
    let all: f64 = words.iter().map(|word| word.weight).sum();
    let said: f64 = words.iter().map(|word| word.weight * nearest(word)).sum();
    if all > 0.0 { said / all } else { 0.0 }
}

/// With which something new of what is known is told.
static TURNS: LazyLock<Phrases> = phrases!(
    "now, instead, moved, changed, changes, longer, since, actually, new, stopped, switched, anymore, \
    meanwhile, cancelled, postponed, update, correction, wrong, withdrew, closed, different, but"
);
