//! Which entries a word is in. What was there at the last compaction lies packed, in the order of the words; what came
//! since, in a map.
use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashMap},
    ops::Range,
};

/// An entry with how often the word is in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Posting(u32);

const FREQUENCY_BITS: u32 = 6;
/// More than so often counts as so often: long before, BM25 has stopped counting.
const MAX_FREQUENCY: u32 = (1 << FREQUENCY_BITS) - 1;
/// Entries that can be told apart.
pub const MAX_ENTRIES: usize = 1 << (u32::BITS - FREQUENCY_BITS);

impl Posting {
    fn new(entry: u32, frequency: u32) -> Self {
        Self(entry << FREQUENCY_BITS | frequency.min(MAX_FREQUENCY))
    }

    pub fn entry(self) -> u32 {
        self.0 >> FREQUENCY_BITS
    }

    pub fn frequency(self) -> u32 {
        self.0 & MAX_FREQUENCY
    }
}

#[derive(Debug, Default)]
pub struct Words {
    /// All packed words behind each other.
    letters: String,
    /// Where each word ends in `letters`, and its postings in `postings`.
    ends: Vec<(u32, u32)>,
    postings: Vec<Posting>,
    recent: HashMap<Box<str>, Vec<Posting>>,
    recent_postings: usize,
}

impl Words {
    pub fn add(&mut self, word: &str, entry: u32, frequency: u32) {
        let posting = Posting::new(entry, frequency);
        match self.recent.get_mut(word) {
            Some(postings) => postings.push(posting),
            None => {
                self.recent.insert(word.into(), vec![posting]);
            }
        }
        self.recent_postings += 1;
    }

    /// Those of entries that are gone among them, in the order of the entries.
    pub fn postings(&self, word: &str) -> impl Iterator<Item = Posting> {
        self.lists(word).into_iter().flatten().copied()
    }

    /// The same as they lie: one list behind the other.
    pub fn lists(&self, word: &str) -> [&[Posting]; 2] {
        [self.packed(word), self.recent.get(word).map(Vec::as_slice).unwrap_or_default()]
    }

    fn packed(&self, word: &str) -> &[Posting] {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.word(middle).unwrap_or_default().cmp(word) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return self.packed_at(middle),
            }
        }
        &[]
    }

    fn packed_at(&self, place: usize) -> &[Posting] {
        let begin = place.checked_sub(1).map_or(0, |before| self.ends[before].1);
        &self.postings[begin as usize..self.ends[place].1 as usize]
    }

    /// The words that begin so, each with its postings, those of entries that are gone among them; in no order, and what
    /// was packed and is recent comes twice.
    pub fn beginning(&self, with: char) -> impl Iterator<Item = (&str, &[Posting])> {
        let packed =
            self.places(with).filter_map(move |place| Some((self.word(place)?, self.packed_at(place))));
        let recent = self.recent.iter().map(|(word, postings)| (&**word, postings.as_slice()));
        packed.chain(recent.filter(move |(word, _)| word.starts_with(with)))
    }

    /// Of the packed words that begin so, which stand together.
    fn places(&self, with: char) -> Range<usize> {
        let first = |place: usize| self.word(place).and_then(|word| word.chars().next());
        let at = |is_before: &dyn Fn(Option<char>) -> bool| {
            let (mut low, mut high) = (0, self.ends.len());
            while low < high {
                let middle = low.midpoint(high);
                if is_before(first(middle)) { low = middle + 1 } else { high = middle }
            }
            low
        };
        at(&|letter| letter < Some(with))..at(&|letter| letter <= Some(with))
    }

    fn word(&self, place: usize) -> Option<&str> {
        let (end, _) = *self.ends.get(place)?;
        let begin = place.checked_sub(1).map_or(0, |before| self.ends[before].0);
        self.letters.get(begin as usize..end as usize)
    }

    /// Whether so much came since the last compaction that another one pays.
    pub fn is_loose(&self) -> bool {
        self.recent_postings > self.postings.len() / 2 + 4096
    }

    /// With the entries' new numbers; without those that have none.
    pub fn compacted(&self, number: impl Fn(u32) -> Option<u32>) -> Self {
        let packed = (0..self.ends.len()).filter_map(|place| self.word(place));
        let words: BTreeSet<&str> = packed.chain(self.recent.keys().map(|word| &**word)).collect();
        let mut compacted = Self::default();
        compacted.postings.reserve_exact(self.postings.len() + self.recent_postings);
        for word in words {
            let before = compacted.postings.len();
            let kept = self
                .postings(word)
                .filter_map(|posting| Some(Posting::new(number(posting.entry())?, posting.frequency())));
            compacted.postings.extend(kept);
            if compacted.postings.len() > before {
                compacted.letters.push_str(word);
                compacted.ends.push((compacted.letters.len() as u32, compacted.postings.len() as u32));
            }
        }
        compacted.letters.shrink_to_fit();
        compacted.ends.shrink_to_fit();
        compacted.postings.shrink_to_fit();
        compacted
    }

    pub fn bytes(&self) -> usize {
        let packed = self.letters.capacity() + self.ends.capacity() * 8 + self.postings.capacity() * 4;
        // A word of its own takes some 100 bytes with its map's and its list's overhead.
        packed + self.recent.len() * 100 + self.recent_postings * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn a_word_has_the_same_postings_however_often_it_was_compacted(
            added in prop::collection::vec(("[ab]{1,3}", 0_u32..20, 1_u32..5, any::<bool>()), 0..60),
            gone in 0_u32..20,
        ) {
            let (mut words, mut expected) = (Words::default(), BTreeMap::<String, Vec<(u32, u32)>>::new());
            for (word, entry, frequency, compact) in added {
                words.add(&word, entry, frequency);
                expected.entry(word).or_default().push((entry, frequency));
                if compact {
                    words = words.compacted(Some);
                }
            }
            let found = |words: &Words, word: &str| -> Vec<_> {
                words.postings(word).map(|posting| (posting.entry(), posting.frequency())).collect()
            };
            for (word, expected) in &expected {
                prop_assert_eq!(&found(&words, word), expected);
            }
            prop_assert_eq!(found(&words, "none"), vec![]);
            let mut beginning = BTreeMap::<String, Vec<(u32, u32)>>::new();
            for (word, postings) in words.beginning('b') {
                beginning.entry(word.to_owned()).or_default()
                    .extend(postings.iter().map(|posting| (posting.entry(), posting.frequency())));
            }
            prop_assert_eq!(beginning, expected.iter().filter(|(word, _)| word.starts_with('b'))
                .map(|(word, postings)| (word.clone(), postings.clone())).collect());
            let rest = words.compacted(|entry| (entry != gone).then_some(entry + 1));
            for (word, expected) in expected {
                let expected: Vec<_> =
                    expected.into_iter().filter(|(entry, _)| *entry != gone).map(|(entry, n)| (entry + 1, n)).collect();
                prop_assert_eq!(found(&rest, &word), expected);
            }
        }
    }
}
