//! One copy beside the query: which of its entries may be worth something, and what each is worth.
use super::{
    Candidate, Order, Query, Ranked, Wanted,
    bm25::{self, Lexical},
    dates, importance,
    meaning::Meaning,
    parameters::{DATED, LIKELY, MEANING, NEXT, PREVIOUS, SPOKEN, TELLS_WHEN, TO_ENTRY, WINDOW, WORDS},
    provided::{Provided, Scale},
    share,
    top::Top,
};
use crate::memory::index::{Held, ItemKind, NONE, Replica};
use std::sync::Arc;

/// A copy with what its parts scored, and the best scores of all copies.
pub struct View<'a> {
    copy: &'a Replica,
    query: &'a Query,
    lexical: Lexical,
    meaning: Meaning<'a>,
    provided: Provided,
    best: Best,
    wanted: &'a Wanted,
    order: &'a Order,
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
    provided: Scale,
}

impl<'a> View<'a> {
    pub fn all(copies: &[&'a Replica], query: &'a Query, wanted: &'a Wanted, order: &'a Order) -> Vec<Self> {
        let lexical = bm25::score(copies, &query.words);
        let meaning: Vec<_> = copies.iter().map(|copy| Meaning::of(copy, &query.vector)).collect();
        let provided: Vec<_> =
            copies.iter().map(|copy| Provided::of(copy, query.provided.as_ref())).collect();
        let best = Best {
            words: bm25::Best::of(lexical.iter().map(Lexical::best)),
            product: meaning.iter().map(Meaning::best).max().unwrap_or_default(),
            provided: Scale::of(&provided),
        };
        let spoken: Vec<_> = copies.iter().map(|copy| marked(copy, &query.speakers)).collect();
        let some_spoken = spoken.iter().any(|spoken| !spoken.is_empty());
        let parts = copies.iter().zip(lexical).zip(meaning.into_iter().zip(provided)).zip(spoken);
        parts
            .map(|(((copy, lexical), (meaning, provided)), spoken)| {
                let prefix = wanted.collection_prefix.as_deref().filter(|prefix| !prefix.is_empty());
                let names = copy.collections().iter().map(|collection| &collection.name);
                let names_fit = prefix.map(|prefix| names.map(|name| name.starts_with(prefix)).collect());
                Self {
                    copy,
                    query,
                    lexical,
                    meaning,
                    provided,
                    best,
                    wanted,
                    order,
                    names_fit,
                    telling: telling(copy, query),
                    spoken,
                    some_spoken,
                }
            })
            .collect()
    }

    /// Wanted entries that may be worth something: where a word of the query is in their window, the best by meaning,
    /// the neighbours of these, and what holds its phrases.
    pub fn candidates(&self) -> Vec<u32> {
        let mut found = self.provided.alike(&self.best.provided, |entry| self.is_wanted(entry));
        let by_static = |entry| self.provided.cosine(entry).is_none() && self.is_wanted(entry);
        found.extend(self.meaning.alike(by_static));
        let neighbours = found.iter().filter_map(|entry| self.copy.place(*entry));
        let neighbours: Vec<u32> = neighbours.flat_map(|place| [place.previous, place.next]).collect();
        found.extend(neighbours);
        found.extend(self.order.holding.keys().filter_map(|item| self.copy.number(item.id)));
        found.retain(|entry| self.is_wanted(*entry));
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
        self.likely(&having)
    }

    /// Wanted entries of these: the best by the words of the query in their windows.
    fn likely(&self, entries: &[u32]) -> Vec<u32> {
        let mut likely = Top::new(LIKELY);
        for entry in entries.iter().copied() {
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
            lexical: self.lexical.entry(entry),
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
        self.words(entry) + MEANING * self.meaning_share(entry)
    }

    /// By the provider's model; what has no vector of it yet goes by the embedded one.
    fn meaning_share(&self, entry: u32) -> f32 {
        let provided = self.provided.share(entry, &self.best.provided);
        provided.unwrap_or_else(|| self.meaning.share(entry, self.best.product))
    }

    fn words(&self, entry: u32) -> f32 {
        let words = share(self.lexical.entry(entry), self.best.words.entry);
        let window = share(self.lexical.window(entry), self.best.words.window);
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
