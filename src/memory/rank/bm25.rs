//! BM25 of the entries, of their windows (each with its neighbours) and of the collections, as documents of their own:
//! all from the postings of the entries. A related word counts as a part of an occurrence of the word that was asked for,
//! in whole parts, so that it does not matter in which order they are added. Sums are taken word by word in the order of the query's set, so that both
//! databases and every copy give the same scores to the last bit.
use super::parameters::{B, K1};
use crate::memory::index::{Replica, Statistics};

/// An occurrence of a word itself, in the parts that related words count in.
pub const WHOLE: u32 = 256;

/// A word of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub term: String,
    /// Words that say nearly the same, each with the parts that an occurrence counts for.
    pub related: Vec<(String, u32)>,
}

/// Of an entry: what it scores by itself, and as the middle of its window.
#[derive(Clone, Copy, Debug, Default)]
struct Scores {
    itself: f32,
    window: f32,
}

/// How often a word is in an entry and in its window, in parts.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    itself: u32,
    window: u32,
}

/// What the entries and the collections of one copy score. All that is looked up for an entry lies together, for there are
/// many and each is somewhere else in memory.
#[derive(Debug)]
pub struct Lexical {
    /// By entry.
    scores: Vec<Scores>,
    /// Entries with a score above zero: a word of the query is in their windows.
    found: Vec<u32>,
    /// By collection.
    collections: Vec<f32>,
    best: Best,
    word: Word,
}

/// The best scores of one copy, or of all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Best {
    pub entry: f32,
    pub window: f32,
    pub collection: f32,
}

impl Best {
    pub fn of(all: impl Iterator<Item = Self>) -> Self {
        all.fold(Self::default(), |best, other| Self {
            entry: best.entry.max(other.entry),
            window: best.window.max(other.window),
            collection: best.collection.max(other.collection),
        })
    }
}

/// The word that is looked at.
#[derive(Debug)]
struct Word {
    /// By entry, and the entries that have some: the word is in their windows.
    parts: Vec<Parts>,
    touched: Vec<u32>,
    /// Entries that have the word themselves.
    with: u64,
    /// By collection, and the collections that have some.
    of_collections: Vec<u32>,
    touched_collections: Vec<u32>,
}

impl Word {
    fn touch(&mut self, copy: &Replica, word: &str, parts: u32) {
        copy.postings(word).for_each(|posting| {
            let (entry, parts) = (posting.entry(), posting.frequency() * parts);
            let Some(place) = copy.place(entry) else { return };
            self.add(entry, parts, parts);
            self.add(place.previous, 0, parts);
            self.add(place.next, 0, parts);
            let Some(of_collection) = self.of_collections.get_mut(place.collection as usize) else { return };
            if *of_collection == 0 {
                self.touched_collections.push(place.collection);
            }
            *of_collection = of_collection.saturating_add(parts);
        });
    }

    fn add(&mut self, entry: u32, itself: u32, window: u32) {
        let Some(parts) = self.parts.get_mut(entry as usize) else { return };
        if parts.window == 0 {
            self.touched.push(entry);
        }
        self.with += u64::from(parts.itself == 0 && itself > 0);
        parts.itself += itself;
        parts.window += window;
    }
}

impl Lexical {
    fn new(copy: &Replica) -> Self {
        let (entries, collections) = (copy.entries().len(), copy.collections().len());
        let word = Word {
            parts: vec![Parts::default(); entries],
            touched: vec![],
            with: 0,
            of_collections: vec![0; collections],
            touched_collections: vec![],
        };
        Self {
            scores: vec![Scores::default(); entries],
            found: vec![],
            collections: vec![0.0; collections],
            best: Best::default(),
            word,
        }
    }

    pub fn found(&self) -> &[u32] {
        &self.found
    }

    pub fn best(&self) -> Best {
        self.best
    }

    pub fn entry(&self, entry: u32) -> f32 {
        self.scores.get(entry as usize).map_or(0.0, |scores| scores.itself)
    }

    pub fn window(&self, entry: u32) -> f32 {
        self.scores.get(entry as usize).map_or(0.0, |scores| scores.window)
    }

    pub fn collection(&self, collection: u32) -> f32 {
        self.collections.get(collection as usize).copied().unwrap_or_default()
    }

    /// Adds what the word that was looked at is worth.
    fn take(&mut self, copy: &Replica, of_word: &OfWord) {
        let Self { scores, found, collections, best, word } = self;
        let places = copy.places();
        let length = |entry: u32| places.get(entry as usize).map_or(0, |place| u64::from(place.length));
        word.with = 0;
        for entry in word.touched.drain(..) {
            let parts = std::mem::take(&mut word.parts[entry as usize]);
            let (place, scores) = (places[entry as usize], &mut scores[entry as usize]);
            if scores.window == 0.0 {
                found.push(entry);
            }
            let window = length(place.previous) + u64::from(place.length) + length(place.next);
            scores.window += of_word.windows.worth(parts.window, window);
            best.window = best.window.max(scores.window);
            if parts.itself > 0 {
                scores.itself += of_word.entries.worth(parts.itself, place.length.into());
                best.entry = best.entry.max(scores.itself);
            }
        }
        for number in word.touched_collections.drain(..) {
            let parts = std::mem::take(&mut word.of_collections[number as usize]);
            let length = copy.collection(number).map_or(0, |collection| collection.length);
            let score = &mut collections[number as usize];
            *score += of_word.collections.worth(parts, length);
            best.collection = best.collection.max(*score);
        }
    }
}

/// Rarity of a word, and average length, of each sort of documents in all copies together.
struct OfWord {
    entries: Weight,
    windows: Weight,
    collections: Weight,
}

#[derive(Clone, Copy)]
struct Weight {
    rarity: f32,
    average: f32,
}

impl Weight {
    /// What a word adds to a document that has it so often.
    fn worth(self, parts: u32, length: u64) -> f32 {
        let frequency = parts as f32 / WHOLE as f32;
        let length = length as f32 / self.average;
        self.rarity * frequency * (K1 + 1.0) / (frequency + K1 * (1.0 - B + B * length))
    }
}

/// Scores of all copies, by statistics of all of them together.
pub fn score(copies: &[&Replica], query: &[Asked]) -> Vec<Lexical> {
    let mut scored: Vec<_> = copies.iter().map(|copy| Lexical::new(copy)).collect();
    let sum = |of: fn(&Statistics) -> u64| -> u64 { copies.iter().map(|copy| of(&copy.statistics())).sum() };
    let (entries, collections) = (sum(|of| of.entries), sum(|of| of.collections));
    let lengths = (
        average(sum(|of| of.length), entries),
        average(sum(|of| of.windows_length), entries),
        average(sum(|of| of.collections_length), collections),
    );
    for Asked { term, related } in query {
        touch(&mut scored, copies, term, WHOLE);
        let itself = With::of(&scored);
        for (term, parts) in related {
            touch(&mut scored, copies, term, *parts);
        }
        let with = itself.or(With::of(&scored));
        let of_word = OfWord {
            entries: Weight { rarity: rarity(entries, with.entries), average: lengths.0 },
            windows: Weight { rarity: rarity(entries, with.windows), average: lengths.1 },
            collections: Weight { rarity: rarity(collections, with.collections), average: lengths.2 },
        };
        for (scored, copy) in scored.iter_mut().zip(copies) {
            scored.take(copy, &of_word);
        }
    }
    scored
}

fn touch(scored: &mut [Lexical], copies: &[&Replica], term: &str, parts: u32) {
    for (scored, copy) in scored.iter_mut().zip(copies) {
        scored.word.touch(copy, term, parts);
    }
}

/// In how many documents a word is.
#[derive(Clone, Copy)]
struct With {
    entries: u64,
    windows: u64,
    collections: u64,
}

impl With {
    /// The word that is looked at.
    fn of(scored: &[Lexical]) -> Self {
        let sum = |of: fn(&Word) -> u64| -> u64 { scored.iter().map(|scored| of(&scored.word)).sum() };
        Self {
            entries: sum(|word| word.with),
            windows: sum(|word| word.touched.len() as u64),
            collections: sum(|word| word.touched_collections.len() as u64),
        }
    }

    /// A word is as rare as it is itself, however often others say the same; where it is nowhere, as these.
    fn or(self, others: Self) -> Self {
        let or = |itself: u64, others: u64| if itself > 0 { itself } else { others };
        Self {
            entries: or(self.entries, others.entries),
            windows: or(self.windows, others.windows),
            collections: or(self.collections, others.collections),
        }
    }
}

fn average(length: u64, documents: u64) -> f32 {
    (length as f64 / documents.max(1) as f64).max(1.0) as f32
}

/// Inverse document frequency in the form that is never negative (Lucene's).
fn rarity(documents: u64, with_word: u64) -> f32 {
    let (documents, with_word) = (documents as f64, with_word as f64);
    (1.0 + (documents - with_word + 0.5) / (with_word + 0.5)).ln() as f32
}
