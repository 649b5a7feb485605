//! Ranking: pure, over copies of the index. The recipe is a sum of shares, each 1 for the best entry of all that the
//! actor may recall; filters hide entries and change no score.
//!
//! An entry by itself: its words and those that say nearly the same (`bm25`), its meaning (`meaning`, or
//! `provided` where a provider's model was asked), and the words of its window. To that come its neighbours, the words of its collection, and how it fits the dates that the query names
//! (`dates`). `parameters` has all numbers; docs/decisions/0070-retrieval.md tells what each part is worth.
//!
//! What is worth something is then weighed by its age and its importance; what holds a phrase of the query goes before what
//! does not (`phrases`), and what says the same as a better one may be moved down (`diversity`).
mod among;
mod bm25;
mod dates;
mod diversity;
mod filter;
mod importance;
mod meaning;
mod nearest;
mod parameters;
mod phrases;
mod provided;
mod recency;
#[cfg(test)]
mod tests;
mod top;
mod view;

pub use among::Among;
pub use parameters::HITS_OF_GROUP;
pub use provided::QueryVector;
pub use recency::Recency;

use super::{
    MemoryKind,
    embedding::{Embedder, Related, Vector},
    index::{ItemId, Moment, spoken_term},
    terms::{self, Terms},
};
use bm25::{Asked, WHOLE};
use dates::Dates;
use parameters::{DATED, DIVERSE, LOOKED_AT, MOST, RELATED, SPOKEN, TELLS_WHEN, TO_COLLECTION};
use phrases::Phrase;
use std::{collections::HashMap, sync::Arc};
use view::View;

/// A query as it is compared.
#[derive(Clone, Debug)]
pub struct Query {
    words: Vec<Asked>,
    vector: Vector,
    /// As a provider's model has it, where one was asked.
    provided: Option<QueryVector>,
    dates: Dates,
    asks_when: bool,
    /// Of what is said by somebody whom it names.
    speakers: Vec<String>,
    phrases: Vec<Phrase>,
}

impl Query {
    /// With what it has between quotation marks as phrases. `None` where the text has no word that tells anything.
    pub fn of(text: &str) -> Option<Self> {
        Self::with(text, Phrase::all(text))
    }

    /// Of a text that nobody wrote as a query: what it quotes is no order to find it.
    pub fn plain(text: &str) -> Option<Self> {
        Self::with(text, vec![])
    }

    fn with(text: &str, phrases: Vec<Phrase>) -> Option<Self> {
        let mut terms = Terms::asked(text);
        // Of a long query, too, whose shortest words are left out.
        terms.extend(phrases.iter().flat_map(Phrase::terms).cloned());
        let words: Vec<_> = terms.into_iter().map(asked).collect();
        (!words.is_empty()).then(|| Self {
            speakers: words.iter().map(|asked| spoken_term(&asked.term)).collect(),
            words,
            vector: Embedder::embedded().embed(text),
            provided: None,
            dates: Dates::of(text),
            asks_when: dates::asks_when(text),
            phrases,
        })
    }

    /// The same, its meaning told by a provider's model wherever an entry has a vector of it.
    pub fn with_vector(self, provided: Option<QueryVector>) -> Self {
        Self { provided, ..self }
    }

    /// Whether it has words between quotation marks.
    pub fn has_phrases(&self) -> bool {
        !self.phrases.is_empty()
    }

    /// How many of its phrases stand in one of these texts.
    pub fn phrases_in<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> usize {
        let texts: Vec<_> = texts.into_iter().map(terms::words).collect();
        self.phrases.iter().filter(|phrase| texts.iter().any(|text| phrase.is_in(text))).count()
    }

    /// A score with how many of the phrases are held: what holds more goes before what holds less, whatever else they are worth.
    fn with_phrases(&self, score: f32, phrases: Option<usize>) -> f32 {
        phrases.map_or(score, |phrases| (score + phrases as f32) / (1.0 + self.phrases.len() as f32))
    }

    /// The most that an entry can get: scores are shares of it.
    fn most(&self, spoken: bool) -> f32 {
        let dated = if self.dates.is_empty() { 0.0 } else { DATED };
        let telling = if self.asks_when { TELLS_WHEN } else { 0.0 };
        MOST + dated + telling + if spoken { SPOKEN } else { 0.0 }
    }
}

/// With the words that say nearly the same.
fn asked(term: String) -> Asked {
    let parts = |near: u8| (RELATED * f32::from(near) / 255.0 * WHOLE as f32).round() as u32;
    let related = Related::embedded().of(&term).map(|(other, near)| (other.to_owned(), parts(near)));
    Asked { related: related.filter(|(_, parts)| *parts > 0).collect(), term }
}

/// Which entries are shown.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub kinds: Option<Vec<MemoryKind>>,
    pub collection_prefix: Option<String>,
    /// Every time where there is none.
    pub moment: Option<Moment>,
}

/// What the order goes by beside the query.
#[derive(Clone, Debug, Default)]
pub struct Order {
    pub recency: Option<Recency>,
    /// How many of the query's phrases are in what has some, as far as it was looked at.
    pub holding: HashMap<ItemId, usize>,
    /// 0 to 1: how much it counts against an entry that it is like a better one.
    pub diversity: f32,
}

/// How an entry stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    pub item: ItemId,
    /// 0 to 1.
    pub score: f32,
    /// BM25.
    pub lexical: f32,
    /// Cosine, of the model that tells the entry's meaning.
    pub vector: f32,
    /// 0 to 1, where it was asked for.
    pub recency: Option<f32>,
    /// How many of the query's phrases it holds, where there are some.
    pub phrases: Option<usize>,
}

/// How a collection stands, with its best entries.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedGroup {
    pub collection: Arc<str>,
    /// 0 to 1.
    pub score: f32,
    pub best: Vec<Ranked>,
}

/// An entry that may be among the best.
struct Candidate<'a> {
    ranked: Ranked,
    /// Its score without the query's phrases.
    alone: f32,
    /// The same for its collection.
    in_group: f32,
    vector: Option<&'a Vector>,
}

/// The best `limit` entries, best first; among equals the older first.
pub fn rank(among: &Among, query: &Query, wanted: &Wanted, order: &Order, limit: usize) -> Vec<Ranked> {
    let views = View::all(among, query, wanted, order);
    let candidates =
        views.iter().flat_map(|view| view.candidates().into_iter().filter_map(|entry| view.candidate(entry)));
    best(candidates, order, limit)
}

/// The best collections, best first; among equals in the order of their names. What lies in no collection is in none of them.
pub fn rank_groups(
    among: &Among,
    query: &Query,
    wanted: &Wanted,
    order: &Order,
    limit: usize,
) -> Vec<RankedGroup> {
    let mut groups: HashMap<Arc<str>, Grouped> = HashMap::new();
    let views = View::all(among, query, wanted, order);
    let most = views.first().map_or(MOST, View::most);
    for view in &views {
        for entry in view.candidates() {
            let Some(name) = view.collection_of(entry) else { continue };
            let Some(candidate) = view.candidate(entry) else { continue };
            let group = groups.entry(name.clone()).or_default();
            group.share = group.share.max(view.collection_share(entry));
            group.first = group.first.max(candidate.in_group);
            group.phrases = group.phrases.max(candidate.ranked.phrases);
            group.candidates.push(candidate);
        }
    }
    let groups = groups.into_iter().map(|(collection, Grouped { share, first, phrases, candidates })| {
        let alone = (first * most + share * TO_COLLECTION) / (most + TO_COLLECTION);
        let score = query.with_phrases(alone, phrases);
        RankedGroup { collection, score, best: best(candidates, order, HITS_OF_GROUP) }
    });
    top::best(groups, limit, |group| (group.score, group.collection.clone()))
}

/// What was found of a collection.
#[derive(Default)]
struct Grouped<'a> {
    /// Of its own words.
    share: f32,
    /// Of its best entry.
    first: f32,
    /// Of the entry that holds most.
    phrases: Option<usize>,
    candidates: Vec<Candidate<'a>>,
}

/// What has all words of a phrase of the query, and so may hold it: the best, as many as are looked at.
pub fn quoting(among: &Among, query: &Query, wanted: &Wanted, order: &Order) -> Vec<Ranked> {
    let views = View::all(among, query, wanted, order);
    let candidates =
        views.iter().flat_map(|view| view.quoting().into_iter().filter_map(|entry| view.candidate(entry)));
    best(candidates, &Order::default(), LOOKED_AT)
}

/// Best first; among equals the older first.
fn best<'a>(candidates: impl IntoIterator<Item = Candidate<'a>>, order: &Order, limit: usize) -> Vec<Ranked> {
    let by = |ranked: &Ranked| (ranked.score, ranked.item);
    if order.diversity > 0.0 {
        let pool = top::best(candidates, DIVERSE.max(limit), |candidate| by(&candidate.ranked));
        return diversity::diverse(pool, order.diversity, limit);
    }
    top::best(candidates.into_iter().map(|candidate| candidate.ranked), limit, by)
}

fn share(score: f32, best: f32) -> f32 {
    if best > 0.0 { score / best } else { 0.0 }
}
