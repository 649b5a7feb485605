//! One copy beside the query: which of its entries may be worth something, and what each is worth.
use super::{
    Candidate, Order, Query, Ranked, Wanted,
    among::Among,
    bm25::{self, Lexical, Scores, Scoring},
    dates,
    filter::Filter,
    importance,
    meaning::Meaning,
    nearest::nearest,
    parameters::{DATED, LIKELY, MEANING, NEXT, PREVIOUS, SPOKEN, TELLS_WHEN, TO_ENTRY, WINDOW, WORDS},
    provided::{Provided, Scale},
    share,
};
use crate::memory::index::{Held, ItemKind, NONE, Replica};
use std::{cmp::Reverse, sync::Arc};

/// A copy with what its parts scored, and the best scores of all copies.
pub struct View<'a> {
    copy: &'a Replica,
    query: &'a Query,
    lexical: Lexical,
    meaning: Meaning<'a>,
    provided: Provided,
    best: Best,
    filter: Filter<'a>,
    order: &'a Order,
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
    provided: Scale,
}

impl<'a> View<'a> {
    pub fn all(among: &Among<'a>, query: &'a Query, wanted: &'a Wanted, order: &'a Order) -> Vec<Self> {
        let copies = among.copies;
        let filters: Vec<_> = copies.iter().map(|copy| Filter::of(copy, wanted)).collect();
        let provided: Vec<_> =
            copies.iter().map(|copy| Provided::of(copy, query.provided.as_ref())).collect();
        let meaning = || -> Vec<_> {
            let of = |((copy, filter), provided): ((&&'a Replica, &Filter<'_>), &Provided)| {
                // What a provider's model has no vector of yet goes by the embedded one.
                let wanted = |entry| provided.cosine(entry).is_none() && filter.is_wanted(entry);
                Meaning::of(copy, wanted, &query.vector)
            };
            copies.iter().zip(&filters).zip(&provided).map(of).collect()
        };
        let (meaning, scoring) = among.both(meaning, || Scoring::of(copies, &query.words));
        let lexical = scoring.scores(among);
        let best = Best {
            words: bm25::Best::of(lexical.iter().map(Lexical::best)),
            product: meaning.iter().map(Meaning::best).max().unwrap_or_default(),
            provided: Scale::of(&provided),
        };
        let spoken: Vec<_> = copies.iter().map(|copy| marked(copy, &query.speakers)).collect();
        let some_spoken = spoken.iter().any(|spoken| !spoken.is_empty());
        let parts =
            copies.iter().zip(filters).zip(lexical).zip(meaning.into_iter().zip(provided)).zip(spoken);
        parts
            .map(|((((copy, filter), lexical), (meaning, provided)), spoken)| Self {
                copy,
                query,
                lexical,
                meaning,
                provided,
                best,
                filter,
                order,
                telling: telling(copy, query),
                spoken,
                some_spoken,
            })
            .collect()
    }

    /// Wanted entries that may be worth something: where a word of the query is in their window, the best by meaning,
    /// the neighbours of these, and what holds its phrases.
    pub fn candidates(&self) -> Vec<u32> {
        let is_wanted = |entry| self.filter.is_wanted(entry);
        let mut found = self.provided.alike(&self.best.provided, is_wanted);
        found.extend(self.meaning.alike());
        let neighbours = found.iter().filter_map(|entry| self.copy.place(*entry));
        let neighbours: Vec<u32> = neighbours.flat_map(|place| [place.previous, place.next]).collect();
        found.extend(neighbours);
        found.extend(self.order.holding.keys().filter_map(|item| self.copy.number(item.id)));
        found.retain(|entry| self.filter.is_wanted(*entry));
        found.extend(self.likely(self.lexical.found()));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Wanted entries that have all words of a phrase: the best by words. A phrase of words that the index does not have may
    /// be in all that is found.
    pub fn quoting(&self) -> Vec<u32> {
        let having: Vec<_> = self.query.phrases.iter().map(|phrase| phrase.having(self.copy)).collect();
        let found = if having.contains(&None) { self.candidates() } else { vec![] };
        let mut having: Vec<u32> = having.into_iter().flatten().flatten().chain(found).collect();
        having.sort_unstable();
        having.dedup();
        let having: Vec<_> = having.into_iter().map(|entry| (entry, self.lexical.scores(entry))).collect();
        self.likely(&having)
    }

    /// Wanted entries of these: the best by the words of the query in their windows.
    fn likely(&self, entries: &[(u32, Scores)]) -> Vec<u32> {
        // Not below zero, so their bits have their order.
        let keys: Vec<_> = entries.iter().map(|(_, scores)| Reverse(self.words(*scores).to_bits())).collect();
        let mut best = nearest(&keys, LIKELY, |place| self.filter.is_wanted(entries[place].0));
        if best.len() > LIKELY {
            let item = |place: usize| self.copy.get(entries[place].0).map(Held::item);
            best.sort_by_cached_key(|place| (keys[*place], item(*place)));
            best.truncate(LIKELY);
        }
        best.into_iter().map(|place| entries[place].0).collect()
    }

    pub fn collection_of(&self, entry: u32) -> Option<&Arc<str>> {
        let place = self.copy.place(entry)?;
        self.copy.collection(place.collection).map(|collection| &collection.name)
    }

    /// `None` where nothing speaks for it.
    pub fn candidate(&self, entry: u32) -> Option<Candidate<'a>> {
        let (held, worth) = (self.copy.get(entry)?, self.worth(entry)?);
        let spoken = if is_marked(&self.spoken, entry) { SPOKEN } else { 0.0 };
        let item = held.item();
        let phrases =
            self.query.has_phrases().then(|| self.order.holding.get(&item).copied().unwrap_or_default());
        let alone = self.weighed(worth + spoken, held);
        let ranked = Ranked {
            item,
            score: self.query.with_phrases(alone, phrases),
            lexical: self.lexical.scores(entry).itself,
            vector: self.provided.cosine(entry).unwrap_or_else(|| self.meaning.cosine(entry)),
            recency: self.order.recency.map(|recency| recency.of(held.at)),
            phrases,
        };
        // Who says it tells lines apart, not conversations: all who take part are in each.
        let in_group = self.weighed(worth, held);
        Some(Candidate { ranked, alone, in_group, vector: self.copy.vectors().get(entry as usize) })
    }

    pub fn most(&self) -> f32 {
        self.query.most(self.some_spoken)
    }

    /// As a share of the most, by its age and its importance.
    fn weighed(&self, worth: f32, held: &Held) -> f32 {
        let score = worth / self.most();
        let score = self.order.recency.map_or(score, |recency| recency.weigh(score, recency.of(held.at)));
        importance::weigh(score, held.importance)
    }

    /// Whoever says it. `None` where nothing speaks for it.
    fn worth(&self, entry: u32) -> Option<f32> {
        let (held, place) = (self.copy.get(entry)?, self.copy.place(entry)?);
        let near = match held.item().kind {
            ItemKind::Memory => {
                self.own(entry) + PREVIOUS * self.own(place.previous) + NEXT * self.own(place.next)
            }
            // Long documents would go before short ones, which have no neighbours; and lines of a talk before both.
            ItemKind::Chunk => (1.0 + PREVIOUS + NEXT) * self.own(entry),
        };
        let worth = near
            + TO_ENTRY * self.collection_share(entry)
            + DATED * self.query.dates.share(held.at)
            + if is_marked(&self.telling, entry) { TELLS_WHEN } else { 0.0 };
        (near > 0.0).then_some(worth)
    }

    /// What an entry is worth by itself and its window's words.
    fn own(&self, entry: u32) -> f32 {
        self.words(self.lexical.scores(entry)) + MEANING * self.meaning_share(entry)
    }

    /// By the provider's model; what has no vector of it yet goes by the embedded one.
    fn meaning_share(&self, entry: u32) -> f32 {
        let provided = self.provided.share(entry, &self.best.provided);
        provided.unwrap_or_else(|| self.meaning.share(entry, self.best.product))
    }

    fn words(&self, scores: Scores) -> f32 {
        let words = share(scores.itself, self.best.words.entry);
        let window = share(scores.window, self.best.words.window);
        WORDS * words + WINDOW * window
    }

    pub fn collection_share(&self, entry: u32) -> f32 {
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
