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

/// What one sort of documents scores in one copy.
#[derive(Debug)]
pub struct Field {
    scores: Vec<f32>,
    /// Documents with a score above zero.
    found: Vec<u32>,
    /// Of one word, while it is looked at: how often it is in a document, in parts, and the documents where it is.
    frequencies: Vec<u32>,
    touched: Vec<u32>,
}

impl Field {
    fn new(documents: usize) -> Self {
        Self { scores: vec![0.0; documents], found: vec![], frequencies: vec![0; documents], touched: vec![] }
    }

    pub fn score(&self, document: u32) -> f32 {
        self.scores.get(document as usize).copied().unwrap_or_default()
    }

    pub fn found(&self) -> &[u32] {
        &self.found
    }

    pub fn best(&self) -> f32 {
        self.found.iter().map(|document| self.score(*document)).fold(0.0, f32::max)
    }

    fn touch(&mut self, document: u32, parts: u32) {
        let Some(sum) = self.frequencies.get_mut(document as usize) else { return };
        if *sum == 0 {
            self.touched.push(document);
        }
        *sum += parts;
    }

    /// Adds what the word that was looked at is worth.
    fn take(&mut self, rarity: f32, average: f32, length: impl Fn(u32) -> u64) {
        for document in self.touched.drain(..) {
            let frequency = std::mem::take(&mut self.frequencies[document as usize]) as f32 / WHOLE as f32;
            let length = length(document) as f32 / average;
            let score = &mut self.scores[document as usize];
            if *score == 0.0 {
                self.found.push(document);
            }
            *score += rarity * frequency * (K1 + 1.0) / (frequency + K1 * (1.0 - B + B * length));
        }
    }
}

/// The three sorts of documents of one copy.
#[derive(Debug)]
pub struct Lexical {
    pub entries: Field,
    pub windows: Field,
    pub collections: Field,
}

impl Lexical {
    fn new(copy: &Replica) -> Self {
        let entries = copy.entries().len();
        Self {
            entries: Field::new(entries),
            windows: Field::new(entries),
            collections: Field::new(copy.collections().len()),
        }
    }

    fn touch(&mut self, copy: &Replica, word: &str, parts: u32) {
        for posting in copy.postings(word) {
            let (entry, parts) = (posting.entry(), posting.frequency() * parts);
            let Some(held) = copy.get(entry) else { continue };
            self.entries.touch(entry, parts);
            for window in [held.previous, entry, held.next] {
                self.windows.touch(window, parts);
            }
            self.collections.touch(held.collection, parts);
        }
    }

    fn take(&mut self, copy: &Replica, of_word: &OfWord) {
        let length = |entry: u32| copy.get(entry).map_or(0, |held| u64::from(held.length));
        let window = |entry: u32| {
            copy.get(entry).map_or(0, |held| length(held.previous) + length(entry) + length(held.next))
        };
        let collection = |number: u32| copy.collection(number).map_or(0, |collection| collection.length);
        self.entries.take(of_word.entries.0, of_word.entries.1, length);
        self.windows.take(of_word.windows.0, of_word.windows.1, window);
        self.collections.take(of_word.collections.0, of_word.collections.1, collection);
    }
}

/// Rarity of a word, and average length, of each sort of documents in all copies together.
struct OfWord {
    entries: (f32, f32),
    windows: (f32, f32),
    collections: (f32, f32),
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
            entries: (rarity(entries, with.entries), lengths.0),
            windows: (rarity(entries, with.windows), lengths.1),
            collections: (rarity(collections, with.collections), lengths.2),
        };
        for (scored, copy) in scored.iter_mut().zip(copies) {
            scored.take(copy, &of_word);
        }
    }
    scored
}

fn touch(scored: &mut [Lexical], copies: &[&Replica], term: &str, parts: u32) {
    for (scored, copy) in scored.iter_mut().zip(copies) {
        scored.touch(copy, term, parts);
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
        let count = |of: fn(&Lexical) -> &Field| -> u64 {
            scored.iter().map(|scored| of(scored).touched.len() as u64).sum()
        };
        Self {
            entries: count(|it| &it.entries),
            windows: count(|it| &it.windows),
            collections: count(|it| &it.collections),
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
