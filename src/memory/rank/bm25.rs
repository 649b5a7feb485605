//! BM25 of the entries, of their windows (each with its neighbours) and of the collections, as documents of their own:
//! all from the postings of the entries. Sums are taken word by word in the order of the query's set, so that both
//! databases and every copy give the same scores to the last bit.
use super::parameters::{B, K1};
use crate::memory::index::{Replica, Statistics};
use std::collections::BTreeSet;

/// What one sort of documents scores in one copy.
#[derive(Debug)]
pub struct Field {
    scores: Vec<f32>,
    /// Documents with a score above zero.
    found: Vec<u32>,
    /// Of one word, while it is looked at: how often it is in a document, and the documents where it is.
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

    fn touch(&mut self, document: u32, frequency: u32) {
        let Some(sum) = self.frequencies.get_mut(document as usize) else { return };
        if *sum == 0 {
            self.touched.push(document);
        }
        *sum += frequency;
    }

    /// Adds what the word that was looked at is worth.
    fn take(&mut self, rarity: f32, average: f32, length: impl Fn(u32) -> u64) {
        for document in self.touched.drain(..) {
            let frequency = std::mem::take(&mut self.frequencies[document as usize]) as f32;
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

    fn touch(&mut self, copy: &Replica, word: &str) {
        for posting in copy.postings(word) {
            let (entry, frequency) = (posting.entry(), posting.frequency());
            let Some(held) = copy.get(entry) else { continue };
            self.entries.touch(entry, frequency);
            for window in [held.previous, entry, held.next] {
                self.windows.touch(window, frequency);
            }
            self.collections.touch(held.collection, frequency);
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
pub fn score(copies: &[&Replica], query: &BTreeSet<String>) -> Vec<Lexical> {
    let mut scored: Vec<_> = copies.iter().map(|copy| Lexical::new(copy)).collect();
    let sum = |of: fn(&Statistics) -> u64| -> u64 { copies.iter().map(|copy| of(&copy.statistics())).sum() };
    let (entries, collections) = (sum(|of| of.entries), sum(|of| of.collections));
    let lengths = (
        average(sum(|of| of.length), entries),
        average(sum(|of| of.windows_length), entries),
        average(sum(|of| of.collections_length), collections),
    );
    for word in query {
        for (scored, copy) in scored.iter_mut().zip(copies) {
            scored.touch(copy, word);
        }
        let with = |of: fn(&Lexical) -> &Field| -> u64 {
            scored.iter().map(|scored| of(scored).touched.len() as u64).sum()
        };
        let of_word = OfWord {
            entries: (rarity(entries, with(|it| &it.entries)), lengths.0),
            windows: (rarity(entries, with(|it| &it.windows)), lengths.1),
            collections: (rarity(collections, with(|it| &it.collections)), lengths.2),
        };
        for (scored, copy) in scored.iter_mut().zip(copies) {
            scored.take(copy, &of_word);
        }
    }
    scored
}

fn average(length: u64, documents: u64) -> f32 {
    (length as f64 / documents.max(1) as f64).max(1.0) as f32
}

/// Inverse document frequency in the form that is never negative (Lucene's).
fn rarity(documents: u64, with_word: u64) -> f32 {
    let (documents, with_word) = (documents as f64, with_word as f64);
    (1.0 + (documents - with_word + 0.5) / (with_word + 0.5)).ln() as f32
}
