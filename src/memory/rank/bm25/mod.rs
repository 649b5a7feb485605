//! BM25 of the entries, of their windows (each with its neighbours) and of the collections, as documents of their own:
//! all from the postings of the entries. A related word counts as a part of an occurrence of the word that was asked for,
//! in whole parts, so that it does not matter in which order they are added. Sums are taken word by word in the order of the query's set, so that both
//! databases and every copy give the same scores to the last bit.
//!
//! In two passes over the postings: how rare a word is can only be told when all of them were counted (`counted`). The second
//! goes through the entries block by block, with all words of the query at once, so that what is added up stays in the
//! processor's cache (`block`).
mod block;
mod counted;
#[cfg(test)]
mod tests;

use super::{
    among::Among,
    parameters::{B, K1},
};
use crate::memory::index::{Posting, Replica, Statistics};
use block::{BLOCK, Block};
use counted::{Across, Counted};

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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    pub itself: f32,
    pub window: f32,
}

/// What the entries and the collections of one copy score.
#[derive(Debug)]
pub struct Lexical {
    /// Entries with a score above zero, in their order: a word of the query is in their windows.
    found: Vec<(u32, Scores)>,
    /// By block: where it begins in `found`; and the end.
    begins: Vec<usize>,
    /// By collection.
    collections: Vec<f32>,
    best: Best,
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

impl Lexical {
    fn of(parts: Vec<Part>, counted: Counted) -> Self {
        let of_collections = Best { collection: counted.best, ..Best::default() };
        let best = Best::of(parts.iter().map(|part| part.best).chain([of_collections]));
        let (mut found, mut begins) = (vec![], vec![0]);
        for part in parts {
            begins.extend(part.ends.iter().map(|end| found.len() + end));
            // The first, and mostly the only one, stays where it is.
            if found.is_empty() { found = part.found } else { found.extend(part.found) }
        }
        Self { found, begins, collections: counted.collections, best }
    }

    pub fn found(&self) -> &[(u32, Scores)] {
        &self.found
    }

    pub fn best(&self) -> Best {
        self.best
    }

    pub fn scores(&self, entry: u32) -> Scores {
        let block = (entry / BLOCK) as usize;
        let bounds = self.begins.get(block).zip(self.begins.get(block + 1));
        let found = bounds.and_then(|(begin, end)| self.found.get(*begin..*end)).unwrap_or_default();
        let place = found.binary_search_by_key(&entry, |(entry, _)| *entry);
        place.map_or(Scores::default(), |place| found[place].1)
    }

    pub fn collection(&self, collection: u32) -> f32 {
        self.collections.get(collection as usize).copied().unwrap_or_default()
    }
}

/// Postings of one term, in the order of the entries, those of entries that are gone among them; with the parts that an
/// occurrence counts for.
#[derive(Clone, Copy, Debug)]
struct List<'a> {
    postings: &'a [Posting],
    parts: u32,
}

impl List<'_> {
    fn skip_to(&mut self, entry: u32) {
        let passed = self.postings.partition_point(|posting| posting.entry() < entry);
        self.postings = &self.postings[passed..];
    }
}

/// A word of a query in one copy: lists that have something.
#[derive(Clone, Debug)]
struct Word<'a> {
    itself: Vec<List<'a>>,
    related: Vec<List<'a>>,
}

impl<'a> Word<'a> {
    fn of(copy: &'a Replica, asked: &Asked) -> Self {
        let lists = |term: &str, parts: u32| {
            let lists = copy.lists(term).into_iter().filter(|postings| !postings.is_empty());
            lists.map(move |postings| List { postings, parts })
        };
        let related = asked.related.iter().flat_map(|(term, parts)| lists(term, *parts));
        Self { itself: lists(&asked.term, WHOLE).collect(), related: related.collect() }
    }
}

/// Rarity of a word in all copies together.
#[derive(Clone, Copy, Debug)]
struct Rarity {
    entries: f32,
    windows: f32,
    collections: f32,
}

/// Documents of a sort in all copies together.
#[derive(Clone, Copy, Debug)]
struct Documents {
    count: u64,
    /// Words of one.
    average: f32,
}

impl Documents {
    fn of(count: u64, length: u64) -> Self {
        Self { count, average: (length as f64 / count.max(1) as f64).max(1.0) as f32 }
    }

    /// Inverse document frequency in the form that is never negative (Lucene's).
    fn rarity(self, with_word: u64) -> f32 {
        let (documents, with_word) = (self.count as f64, with_word as f64);
        (1.0 + (documents - with_word + 0.5) / (with_word + 0.5)).ln() as f32
    }

    /// How far a document's length lets occurrences count less: above zero.
    fn dampening(self, length: u64) -> f32 {
        let length = length as f32 / self.average;
        K1 * (1.0 - B + B * length)
    }
}

/// What a word adds to a document that has it so often.
fn worth(rarity: f32, parts: u32, dampening: f32) -> f32 {
    let frequency = parts as f32 / WHOLE as f32;
    rarity * frequency * (K1 + 1.0) / (frequency + dampening)
}

#[derive(Clone, Copy, Debug)]
struct Sorts {
    entries: Documents,
    windows: Documents,
    collections: Documents,
}

impl Sorts {
    fn of(copies: &[&Replica]) -> Self {
        let sum =
            |of: fn(&Statistics) -> u64| -> u64 { copies.iter().map(|copy| of(&copy.statistics())).sum() };
        let entries = sum(|of| of.entries);
        Self {
            entries: Documents::of(entries, sum(|of| of.length)),
            windows: Documents::of(entries, sum(|of| of.windows_length)),
            collections: Documents::of(sum(|of| of.collections), sum(|of| of.collections_length)),
        }
    }
}

/// What was counted of the words of a query in all copies, for their scores.
#[derive(Debug)]
pub struct Scoring<'a> {
    sorts: Sorts,
    /// By copy, then by word.
    words: Vec<Vec<Word<'a>>>,
    rarities: Vec<Rarity>,
    counted: Vec<Counted>,
}

impl<'a> Scoring<'a> {
    pub fn of(copies: &[&'a Replica], query: &[Asked]) -> Self {
        let sorts = Sorts::of(copies);
        let words = copies.iter().map(|copy| query.iter().map(|asked| Word::of(copy, asked)).collect());
        let words: Vec<_> = words.collect();
        let (rarities, counted) = counted::count(copies, &words, &sorts);
        Self { sorts, words, rarities, counted }
    }

    /// Scores of all copies, by statistics of all of them together.
    pub fn scores(self, among: &Among) -> Vec<Lexical> {
        let Self { sorts, words, rarities, counted } = self;
        let parts = among.copies.iter().zip(words).zip(counted);
        let scored = parts.map(|((copy, words), counted)| {
            let blocks = copy.entries().len().div_ceil(BLOCK as usize);
            let parts = among.parts(blocks, |blocks| {
                Part::of(Block::of(copy, &sorts, blocks), words.clone(), &counted.across, &rarities)
            });
            Lexical::of(parts, counted)
        });
        scored.collect()
    }
}

/// Blocks that follow each other.
#[derive(Debug)]
struct Part {
    found: Vec<(u32, Scores)>,
    /// By block: where it ends in `found`.
    ends: Vec<usize>,
    best: Best,
}

impl Part {
    fn of(mut block: Block, mut words: Vec<Word>, across: &[Across], rarities: &[Rarity]) -> Self {
        let begin = block.begin();
        let mut across = &across[across.partition_point(|across| across.block() < begin / BLOCK)..];
        let lists = words.iter_mut().flat_map(|word| word.itself.iter_mut().chain(&mut word.related));
        lists.for_each(|list| list.skip_to(begin));
        let (mut found, mut ends) = (vec![], vec![]);
        while !block.is_at_end() {
            for (number, (word, rarity)) in (0..).zip(words.iter_mut().zip(rarities)) {
                word.itself.iter_mut().chain(&mut word.related).for_each(|list| block.touch(list));
                block.touch_across(&mut across, number);
                block.take(rarity);
            }
            block.finish(&mut found);
            ends.push(found.len());
        }
        Self { found, ends, best: block.best() }
    }
}
