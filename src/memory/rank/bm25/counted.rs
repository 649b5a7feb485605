//! The first pass: how rare each word is, and what the collections score.
use super::{Documents, List, Rarity, Sorts, Word, block::BLOCK, worth};
use crate::memory::index::Replica;

/// What the first pass has found in one copy.
#[derive(Debug, Default)]
pub struct Counted {
    /// By collection: its score.
    pub collections: Vec<f32>,
    /// Of all collections.
    pub best: f32,
    /// In the order of their blocks, then of their words.
    pub across: Vec<Across>,
}

/// What an entry adds to the window of a neighbour in another block.
#[derive(Clone, Copy, Debug)]
pub struct Across {
    /// The neighbour.
    pub entry: u32,
    pub word: u32,
    pub parts: u32,
}

impl Across {
    pub fn block(&self) -> u32 {
        self.entry / BLOCK
    }
}

/// In how many documents a word is.
#[derive(Clone, Copy, Debug)]
struct With {
    entries: u64,
    windows: u64,
    collections: u64,
}

impl With {
    fn of(counting: &[Counting]) -> Self {
        let sum = |of: fn(&Counting) -> usize| -> u64 { counting.iter().map(|one| of(one) as u64).sum() };
        Self {
            entries: sum(|one| one.entries.count),
            windows: sum(|one| one.windows.count),
            collections: sum(|one| one.touched.len()),
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

/// Of the words of each copy.
pub fn count(copies: &[&Replica], words: &[Vec<Word>], sorts: &Sorts) -> (Vec<Rarity>, Vec<Counted>) {
    let mut counting: Vec<_> = copies.iter().map(|copy| Counting::of(copy)).collect();
    let of_query = words.first().map_or(0, Vec::len);
    let rarities = (0..of_query).map(|number| {
        for (counting, words) in counting.iter_mut().zip(words) {
            counting.begin(number as u32);
            words[number].itself.iter().for_each(|list| counting.touch(list, true));
        }
        let itself = With::of(&counting);
        for (counting, words) in counting.iter_mut().zip(words) {
            words[number].related.iter().for_each(|list| counting.touch(list, itself.entries == 0));
        }
        let with = itself.or(With::of(&counting));
        let rarity = Rarity {
            entries: sorts.entries.rarity(with.entries),
            windows: sorts.windows.rarity(with.windows),
            collections: sorts.collections.rarity(with.collections),
        };
        counting.iter_mut().for_each(|counting| counting.take(&sorts.collections, rarity.collections));
        rarity
    });
    let rarities = rarities.collect();
    (rarities, counting.into_iter().map(Counting::counted).collect())
}

/// One copy, word by word.
#[derive(Debug)]
struct Counting<'a> {
    copy: &'a Replica,
    word: u32,
    /// That have the word, themselves and in their windows.
    entries: Marks,
    windows: Marks,
    /// By collection: parts of the word; and the collections that have some.
    parts: Vec<u32>,
    touched: Vec<u32>,
    counted: Counted,
}

impl<'a> Counting<'a> {
    fn of(copy: &'a Replica) -> Self {
        let (entries, collections) = (copy.entries().len(), copy.collections().len());
        Self {
            copy,
            word: 0,
            entries: Marks::of(entries),
            windows: Marks::of(entries),
            parts: vec![0; collections],
            touched: vec![],
            counted: Counted { collections: vec![0.0; collections], ..Counted::default() },
        }
    }

    fn begin(&mut self, word: u32) {
        self.word = word;
        self.entries.clear();
        self.windows.clear();
    }

    /// Counts the entries and windows of this list only where its word is to be counted.
    fn touch(&mut self, list: &List, is_counted: bool) {
        for posting in list.postings {
            let (entry, parts) = (posting.entry(), posting.frequency() * list.parts);
            let place = self.copy.places()[entry as usize];
            if !place.is_live() {
                continue;
            }
            if is_counted {
                self.entries.mark(entry);
                self.windows.mark(entry);
                self.windows.mark(place.previous);
                self.windows.mark(place.next);
            }
            self.cross(entry, place.previous, parts);
            self.cross(entry, place.next, parts);
            let Some(of_collection) = self.parts.get_mut(place.collection as usize) else { continue };
            if *of_collection == 0 {
                self.touched.push(place.collection);
            }
            *of_collection = of_collection.saturating_add(parts);
        }
    }

    fn cross(&mut self, entry: u32, neighbour: u32, parts: u32) {
        if neighbour / BLOCK != entry / BLOCK && (neighbour as usize) < self.copy.places().len() {
            self.counted.across.push(Across { entry: neighbour, word: self.word, parts });
        }
    }

    /// Adds to the collections what the word is worth to them.
    fn take(&mut self, documents: &Documents, rarity: f32) {
        let counted = &mut self.counted;
        for number in self.touched.drain(..) {
            let parts = std::mem::take(&mut self.parts[number as usize]);
            let length = self.copy.collection(number).map_or(0, |collection| collection.length);
            let score = &mut counted.collections[number as usize];
            *score += worth(rarity, parts, documents.dampening(length));
            counted.best = counted.best.max(*score);
        }
    }

    fn counted(self) -> Counted {
        let mut counted = self.counted;
        counted.across.sort_unstable_by_key(|across| (across.block(), across.word));
        counted
    }
}

/// A bit for each entry, and how many are set.
#[derive(Debug)]
struct Marks {
    bits: Vec<u64>,
    count: usize,
}

impl Marks {
    fn of(entries: usize) -> Self {
        Self { bits: vec![0; entries.div_ceil(64)], count: 0 }
    }

    fn clear(&mut self) {
        if self.count > 0 {
            self.bits.fill(0);
            self.count = 0;
        }
    }

    /// Nothing for what is no entry.
    fn mark(&mut self, entry: u32) {
        let Some(bits) = self.bits.get_mut(entry as usize / 64) else { return };
        let marked = *bits | 1 << (entry % 64);
        self.count += usize::from(marked != *bits);
        *bits = marked;
    }
}
