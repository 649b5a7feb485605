//! Ranking: pure, over copies of the index. The recipe is a sum of shares, each 1 for the best entry of all that the
//! actor may recall; filters hide entries and change no score.
//!
//! An entry by itself: its words and those that say nearly the same (`bm25`), its meaning (`meaning`), and the words of
//! its window. To that come its neighbours, the words of its collection, and how it fits the dates that the query names
//! (`dates`). `parameters` has all numbers; docs/decisions/0070-retrieval.md tells what each part is worth.
mod bm25;
mod dates;
mod meaning;
mod parameters;
mod recency;
#[cfg(test)]
mod tests;
mod top;

pub use parameters::HITS_OF_GROUP;
pub use recency::Recency;

use super::{
    MemoryKind,
    embedding::{Embedder, Related, Vector},
    index::{Held, ItemId, Moment, NONE, Replica, spoken_term},
    terms::Terms,
};
use bm25::{Asked, Lexical, WHOLE};
use dates::Dates;
use meaning::Meaning;
use parameters::{
    DATED, LIKELY, MEANING, MOST, NEXT, PREVIOUS, RELATED, SPOKEN, TELLS_WHEN, TO_COLLECTION, TO_ENTRY,
    WINDOW, WORDS,
};
use std::{collections::HashMap, sync::Arc};
use top::Top;

/// A query as it is compared.
#[derive(Clone, Debug)]
pub struct Query {
    words: Vec<Asked>,
    vector: Vector,
    dates: Dates,
    asks_when: bool,
    /// Of what is said by somebody whom it names.
    speakers: Vec<String>,
}

impl Query {
    /// `None` where the text has no word that tells anything.
    pub fn of(text: &str) -> Option<Self> {
        let words: Vec<_> = Terms::asked(text).into_iter().map(asked).collect();
        (!words.is_empty()).then(|| Self {
            speakers: words.iter().map(|asked| spoken_term(&asked.term)).collect(),
            words,
            vector: Embedder::embedded().embed(text),
            dates: Dates::of(text),
            asks_when: dates::asks_when(text),
        })
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

/// How an entry stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    pub item: ItemId,
    /// 0 to 1.
    pub score: f32,
    /// BM25.
    pub lexical: f32,
    /// Cosine.
    pub vector: f32,
    /// 0 to 1, where it was asked for.
    pub recency: Option<f32>,
}

/// How a collection stands, with its best entries.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedGroup {
    pub collection: Arc<str>,
    /// 0 to 1.
    pub score: f32,
    pub best: Vec<Ranked>,
}

/// The best `limit` entries, best first; among equals the older first.
pub fn rank(
    copies: &[&Replica],
    query: &Query,
    wanted: &Wanted,
    recency: Option<Recency>,
    limit: usize,
) -> Vec<Ranked> {
    let views = View::all(copies, query, wanted);
    let ranked =
        views.iter().flat_map(|view| view.candidates().into_iter().map(|entry| view.ranked(entry, recency)));
    top::best(ranked.flatten(), limit, |ranked| (ranked.score, ranked.item))
}

/// The best `limit` collections, best first; among equals in the order of their names. What lies in no collection is in none of them.
pub fn rank_groups(
    copies: &[&Replica],
    query: &Query,
    wanted: &Wanted,
    recency: Option<Recency>,
    limit: usize,
) -> Vec<RankedGroup> {
    let mut groups: HashMap<Arc<str>, Grouped> = HashMap::new();
    let views = View::all(copies, query, wanted);
    let most = views.first().map_or(MOST, View::most);
    for view in views {
        for entry in view.candidates() {
            let Some(name) = view.collection_of(entry) else { continue };
            let Some(ranked) = view.ranked(entry, recency) else { continue };
            let group = groups.entry(name.clone()).or_default();
            group.share = group.share.max(view.collection_share(entry));
            group.first = group.first.max(view.score_in_group(entry, recency));
            group.ranked.push(ranked);
        }
    }
    let groups = groups.into_iter().map(|(collection, Grouped { share, first, ranked })| {
        let best = top::best(ranked, HITS_OF_GROUP, |ranked| (ranked.score, ranked.item));
        let score = (first * most + share * TO_COLLECTION) / (most + TO_COLLECTION);
        RankedGroup { collection, score, best }
    });
    top::best(groups, limit, |group| (group.score, group.collection.clone()))
}

/// What was found of a collection.
#[derive(Default)]
struct Grouped {
    /// Of its own words.
    share: f32,
    /// Of its best entry.
    first: f32,
    ranked: Vec<Ranked>,
}

/// A copy with what its parts scored, and the best scores of all copies.
struct View<'a> {
    copy: &'a Replica,
    query: &'a Query,
    lexical: Lexical,
    meaning: Meaning<'a>,
    best: Best,
    wanted: &'a Wanted,
    /// By collection: whether its name fits. `None` where every one does.
    names_fit: Option<Vec<bool>>,
    /// By entry: whether it tells a time. Empty where the query does not ask for one.
    telling: Vec<bool>,
    /// By entry: whether somebody says it whom the query names. Empty where nobody does.
    spoken: Vec<bool>,
    /// Whether somebody does in any of the copies.
    some_spoken: bool,
}

/// The best score of each part in all copies.
#[derive(Clone, Copy, Debug)]
struct Best {
    words: bm25::Best,
    product: i32,
}

impl<'a> View<'a> {
    fn all(copies: &[&'a Replica], query: &'a Query, wanted: &'a Wanted) -> Vec<Self> {
        let lexical = bm25::score(copies, &query.words);
        let meaning: Vec<_> = copies.iter().map(|copy| Meaning::of(copy, &query.vector)).collect();
        let best = Best {
            words: bm25::Best::of(lexical.iter().map(Lexical::best)),
            product: meaning.iter().map(Meaning::best).max().unwrap_or_default(),
        };
        let spoken: Vec<_> = copies.iter().map(|copy| marked(copy, &query.speakers)).collect();
        let some_spoken = spoken.iter().any(|spoken| !spoken.is_empty());
        let parts = copies.iter().zip(lexical).zip(meaning).zip(spoken);
        parts
            .map(|(((copy, lexical), meaning), spoken)| {
                let prefix = wanted.collection_prefix.as_deref().filter(|prefix| !prefix.is_empty());
                let names = copy.collections().iter().map(|collection| &collection.name);
                let names_fit = prefix.map(|prefix| names.map(|name| name.starts_with(prefix)).collect());
                Self {
                    copy,
                    query,
                    lexical,
                    meaning,
                    best,
                    wanted,
                    names_fit,
                    telling: telling(copy, query),
                    spoken,
                    some_spoken,
                }
            })
            .collect()
    }

    /// Wanted entries that may be worth something: where a word of the query is in their window, the best by meaning,
    /// and the neighbours of these.
    fn candidates(&self) -> Vec<u32> {
        let mut found = self.meaning.alike(|entry| self.is_wanted(entry));
        let neighbours = found.iter().filter_map(|entry| self.copy.place(*entry));
        let neighbours: Vec<u32> = neighbours.flat_map(|place| [place.previous, place.next]).collect();
        found.extend(neighbours);
        found.retain(|entry| self.is_wanted(*entry));
        found.extend(self.likely());
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Wanted entries that have words of the query in their windows: the best by these.
    fn likely(&self) -> Vec<u32> {
        let mut likely = Top::new(LIKELY);
        for entry in self.lexical.found().iter().copied() {
            likely.offer(self.words(entry), || {
                let item = self.copy.get(entry).map(Held::item);
                self.is_wanted(entry).then_some((item, entry))
            });
        }
        likely.into_best()
    }

    fn is_wanted(&self, entry: u32) -> bool {
        let both = self.copy.place(entry).zip(self.copy.get(entry));
        both.is_some_and(|(place, held)| {
            place.is_live() && self.has_collection(place.collection) && self.has_kind(held) && self.fits(held)
        })
    }

    fn has_kind(&self, held: &Held) -> bool {
        match (&self.wanted.kinds, held.kind) {
            (Some(kinds), Some(kind)) => kinds.contains(&kind),
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    fn fits(&self, held: &Held) -> bool {
        self.wanted.moment.as_ref().is_none_or(|moment| held.times.fit(moment))
    }

    fn has_collection(&self, collection: u32) -> bool {
        let fits = |names_fit: &Vec<bool>| names_fit.get(collection as usize).is_some_and(|fits| *fits);
        self.names_fit.as_ref().is_none_or(fits)
    }

    fn collection_of(&self, entry: u32) -> Option<&Arc<str>> {
        let place = self.copy.place(entry)?;
        self.copy.collection(place.collection).map(|collection| &collection.name)
    }

    /// `None` where nothing speaks for it.
    fn ranked(&self, entry: u32, recency: Option<Recency>) -> Option<Ranked> {
        let held = self.copy.get(entry)?;
        let spoken = if is_marked(&self.spoken, entry) { SPOKEN } else { 0.0 };
        Some(Ranked {
            item: held.item(),
            score: self.share_of_most(self.worth(entry)? + spoken, held, recency),
            lexical: self.lexical.entry(entry),
            vector: self.meaning.cosine(entry),
            recency: recency.map(|recency| recency.of(held.at)),
        })
    }

    /// What an entry is worth to its collection. Who says it tells lines apart, not conversations: all who take part are in
    /// each.
    fn score_in_group(&self, entry: u32, recency: Option<Recency>) -> f32 {
        let held = self.copy.get(entry).zip(self.worth(entry));
        held.map_or(0.0, |(held, worth)| self.share_of_most(worth, held, recency))
    }

    fn most(&self) -> f32 {
        self.query.most(self.some_spoken)
    }

    fn share_of_most(&self, worth: f32, held: &Held, recency: Option<Recency>) -> f32 {
        let score = worth / self.most();
        recency.map_or(score, |recency| recency.weigh(score, recency.of(held.at)))
    }

    /// Whoever says it. `None` where nothing speaks for it.
    fn worth(&self, entry: u32) -> Option<f32> {
        let (held, place) = (self.copy.get(entry)?, self.copy.place(entry)?);
        let near = self.own(entry) + PREVIOUS * self.own(place.previous) + NEXT * self.own(place.next);
        let worth = near
            + TO_ENTRY * self.collection_share(entry)
            + DATED * self.query.dates.share(held.at)
            + if is_marked(&self.telling, entry) { TELLS_WHEN } else { 0.0 };
        (near > 0.0).then_some(worth)
    }

    /// What an entry is worth by itself and its window's words.
    fn own(&self, entry: u32) -> f32 {
        self.words(entry) + MEANING * self.meaning.share(entry, self.best.product)
    }

    fn words(&self, entry: u32) -> f32 {
        let words = share(self.lexical.entry(entry), self.best.words.entry);
        let window = share(self.lexical.window(entry), self.best.words.window);
        WORDS * words + WINDOW * window
    }

    fn collection_share(&self, entry: u32) -> f32 {
        let number = self.copy.place(entry).map_or(NONE, |place| place.collection);
        share(self.lexical.collection(number), self.best.words.collection)
    }
}

fn telling(copy: &Replica, query: &Query) -> Vec<bool> {
    if query.asks_when { marked(copy, &dates::TELLING) } else { vec![] }
}

/// By entry: whether it has one of these terms. Empty where none has.
fn marked(copy: &Replica, terms: &[String]) -> Vec<bool> {
    let mut marked = vec![];
    for term in terms {
        copy.postings(term).for_each(|posting| {
            if marked.is_empty() {
                marked = vec![false; copy.entries().len()];
            }
            if let Some(mark) = marked.get_mut(posting.entry() as usize) {
                *mark = true;
            }
        });
    }
    marked
}

fn is_marked(marked: &[bool], entry: u32) -> bool {
    marked.get(entry as usize).is_some_and(|mark| *mark)
}

fn share(score: f32, best: f32) -> f32 {
    if best > 0.0 { score / best } else { 0.0 }
}
