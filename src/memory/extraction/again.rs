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
use std::{cell::OnceCell, sync::LazyLock};

/// Of the texts that one is held against, those nearest to it in meaning are weighed.
const NEAREST: usize = 8;
/// Words of a text that are held against those of another: the work for two long texts has a bound.
const MOST_WORDS: usize = 100;

/// A text, made ready to be held against others.
#[derive(Debug)]
pub(super) struct Told {
    text: String,
    gist: Gist,
    vector: Vector,
    content: OnceCell<Vec<Content>>,
}

/// A word that carries content.
#[derive(Debug)]
struct Content {
    word: String,
    vector: Vector,
    /// How much it tells.
    weight: f64,
}

impl Content {
    /// The cosine of the other word that is nearest to it in meaning.
    fn nearest(&self, others: &[Self]) -> f64 {
        let near =
            |other: &Self| if other.word == self.word { 1.0 } else { cosine(&self.vector, &other.vector) };
        others.iter().map(near).fold(0.0, f64::max)
    }
}

impl Told {
    pub fn new(text: &str, speaker: Option<&str>) -> Self {
        let vector = Embedder::embedded().embed(text);
        Self { text: text.to_owned(), gist: Gist::of(text, speaker), vector, content: OnceCell::new() }
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
        if let Some((_, same)) = others.iter().find(|(other, _)| self.gist.says_no_more_than(&other.gist)) {
            return Some((1.0, same));
        }
        let likely = self.nearest(others).map(|(other, what)| (self.again(other, told_again), what));
        likely.max_by(|(one, _), (other, _)| one.total_cmp(other))
    }

    /// Those nearest to it in meaning that it may say again.
    pub(super) fn nearest<'a, K>(&self, others: &'a [(Self, K)]) -> impl Iterator<Item = &'a (Self, K)> {
        let others = others.iter().filter(|(other, _)| !self.gist.is_of_others(&other.gist));
        let mut near: Vec<_> = others.map(|known| (cosine(&self.vector, &known.0.vector), known)).collect();
        near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        near.into_iter().take(NEAREST).map(|(_, known)| known)
    }

    /// 0 to 1.
    fn again(&self, other: &Self, told_again: bool) -> f64 {
        let Some(signs) = self.signs(other, told_again) else { return 0.0 };
        let weights = &Weights::fitted().again;
        let sum: f64 = signs.iter().map(|(name, value)| weights.of(name) * value).sum();
        likelihood(weights.nothing + sum)
    }

    /// What speaks for it and against it, most of it from 0 to 1. `None` where it is new, however alike they are: where the two
    /// cannot both hold, or it has a number that the other has not, or a word in another one's place.
    pub(super) fn signs(&self, other: &Self, told_again: bool) -> Option<Vec<(&'static str, f64)>> {
        let (a, b) = (&self.gist, &other.gist);
        let has_new_number = !a.numbers.is_subset(&b.numbers);
        let is_contrary = a.denies() != b.denies() || contradiction::between_gists(a, b).is_some();
        if is_contrary || has_new_number && !told_again {
            return None;
        }
        let (own, others) = (self.content(), other.content());
        if !told_again && stands_in_place(own, others) {
            return None;
        }
        let both = a.terms.intersection(&b.terms).count();
        let share = |of: usize| both as f64 / of.max(1) as f64;
        let (said, repeated) = (covered(own, others), covered(others, own));
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
            ("a new number", holds(has_new_number)),
            ("a number less", holds(!b.numbers.is_subset(&a.numbers))),
            ("the same number", holds(!a.numbers.is_disjoint(&b.numbers))),
            ("a new name", holds(!a.names.is_subset(&b.terms))),
            ("the same name", holds(!a.names.is_disjoint(&b.terms))),
            ("turns", holds(words(&self.text).iter().any(|word| TURNS.contains(&word.lower)))),
            ("told again", holds(told_again)),
        ])
    }

    fn content(&self) -> &[Content] {
        self.content.get_or_init(|| {
            // Nobody is called so but in what is kept.
            let told = |word: &String| word != "user" && word != "user's";
            let words = terms::content_words(&self.text).into_iter().filter(told).take(MOST_WORDS);
            let content = words.map(|word| {
                let (vector, weight) = Embedder::embedded().embed_weighed(&word);
                Content { word, vector, weight }
            });
            content.collect()
        })
    }
}

/// Whether all but a word or two of both are the same, and those say something else: walnuts for peanuts.
fn stands_in_place(words: &[Content], others: &[Content]) -> bool {
    let few = |words: &[Content], others: &[Content]| {
        let other = words.iter().filter(|word| word.nearest(others) < SYNONYM).count();
        (1..=2).contains(&other) && other < words.len()
    };
    few(words, others) && few(others, words)
}

/// Two words from this cosine on say the same; `physician` and `doctor` have .63, `walnuts` and `peanuts` .37.
const SYNONYM: f64 = 0.6;

/// How much of what these words say the others say, too.
fn covered(words: &[Content], others: &[Content]) -> f64 {
    let all: f64 = words.iter().map(|word| word.weight).sum();
    let said: f64 = words.iter().map(|word| word.weight * word.nearest(others)).sum();
    if all > 0.0 { said / all } else { 0.0 }
}

/// With which something new of what is known is told.
static TURNS: LazyLock<Phrases> = phrases!(
    "now, instead, moved, changed, changes, longer, since, actually, new, stopped, switched, anymore, \
    meanwhile, cancelled, postponed, update, correction, wrong, withdrew, closed, different, but"
);
