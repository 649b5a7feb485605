//! The second pass: what entries score, a block of them at a time.
use super::{Best, List, Rarity, Scores, Sorts, counted::Across, worth};
use crate::memory::index::{Place, Replica};
use std::ops::Range;

/// Entries of a block: what is added up for them is 100 KiB.
pub const BLOCK: u32 = 4096;

/// How often a word is in an entry and in its window, in parts.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    itself: u32,
    window: u32,
}

/// By [`super::Documents::dampening`]; zero as long as nobody has asked.
#[derive(Clone, Copy, Debug, Default)]
struct Dampening {
    itself: f32,
    window: f32,
}

/// The entries from `begin` on, word by word.
#[derive(Debug)]
pub struct Block<'a> {
    places: &'a [Place],
    sorts: &'a Sorts,
    begin: u32,
    /// Of the last block.
    end: u32,
    /// Of the word that is looked at, and the entries that have some: the word is in their windows.
    parts: Vec<Parts>,
    touched: Vec<u32>,
    scores: Vec<Scores>,
    dampening: Vec<Dampening>,
    /// A bit for each entry that has a score.
    found: Vec<u64>,
    best: Best,
}

impl<'a> Block<'a> {
    /// The first of these.
    pub fn of(copy: &'a Replica, sorts: &'a Sorts, blocks: Range<usize>) -> Self {
        let places = copy.places();
        let size = places.len().min(BLOCK as usize);
        Self {
            places,
            sorts,
            begin: blocks.start as u32 * BLOCK,
            end: blocks.end as u32 * BLOCK,
            parts: vec![Parts::default(); size],
            touched: vec![],
            scores: vec![Scores::default(); size],
            dampening: vec![Dampening::default(); size],
            found: vec![0; size.div_ceil(64)],
            best: Best::default(),
        }
    }

    pub fn begin(&self) -> u32 {
        self.begin
    }

    pub fn is_at_end(&self) -> bool {
        self.begin >= self.end
    }

    /// Of all blocks so far.
    pub fn best(&self) -> Best {
        self.best
    }

    /// Takes the postings of this block from the list.
    pub fn touch(&mut self, list: &mut List) {
        let end = self.begin + BLOCK;
        let mut passed = 0;
        for posting in list.postings.iter().take_while(|posting| posting.entry() < end) {
            passed += 1;
            let (entry, parts) = (posting.entry(), posting.frequency() * list.parts);
            let place = self.places[entry as usize];
            if place.is_live() {
                self.add(entry, parts, parts);
                self.add(place.previous, 0, parts);
                self.add(place.next, 0, parts);
            }
        }
        list.postings = &list.postings[passed..];
    }

    /// Takes what entries of other blocks add to the windows of this one, of this word.
    pub fn touch_across(&mut self, across: &mut &[Across], word: u32) {
        while let Some((first, rest)) = across.split_first() {
            if first.word != word || first.block() != self.begin / BLOCK {
                break;
            }
            self.add(first.entry, 0, first.parts);
            *across = rest;
        }
    }

    /// Nothing for an entry of another block: see [`Across`].
    fn add(&mut self, entry: u32, itself: u32, window: u32) {
        let here = entry.wrapping_sub(self.begin);
        let Some(parts) = self.parts.get_mut(here as usize) else { return };
        if parts.window == 0 {
            self.touched.push(here);
        }
        parts.itself += itself;
        parts.window += window;
    }

    /// Adds what the word that was looked at is worth.
    pub fn take(&mut self, rarity: &Rarity) {
        let Self { places, sorts, begin, parts, touched, scores, dampening, found, best, .. } = self;
        let length = |entry: u32| places.get(entry as usize).map_or(0, |place| u64::from(place.length));
        for here in touched.drain(..) {
            let place = here as usize;
            let parts = std::mem::take(&mut parts[place]);
            let (scores, dampening) = (&mut scores[place], &mut dampening[place]);
            if scores.window == 0.0 {
                found[place / 64] |= 1 << (place % 64);
                let Place { previous, next, length: own, .. } = places[*begin as usize + place];
                let window = length(previous) + u64::from(own) + length(next);
                dampening.itself = sorts.entries.dampening(own.into());
                dampening.window = sorts.windows.dampening(window);
            }
            scores.window += worth(rarity.windows, parts.window, dampening.window);
            best.window = best.window.max(scores.window);
            if parts.itself > 0 {
                scores.itself += worth(rarity.entries, parts.itself, dampening.itself);
                best.entry = best.entry.max(scores.itself);
            }
        }
    }

    /// Tells what was found, in the order of the entries, and goes on to the next block.
    pub fn finish(&mut self, all: &mut Vec<(u32, Scores)>) {
        for (word, bits) in (0..).zip(&mut self.found) {
            while *bits != 0 {
                let here = word * 64 + bits.trailing_zeros();
                *bits &= *bits - 1;
                all.push((self.begin + here, std::mem::take(&mut self.scores[here as usize])));
            }
        }
        self.begin += BLOCK;
    }
}
