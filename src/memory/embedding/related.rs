//! Words that say nearly the same, of which a query for one finds the others: by the model's vectors, made with it.
use super::VOCABULARY;
use crate::memory::terms::Terms;
use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::LazyLock,
};

/// Of a word: its token as u16, how many others follow as u8, and of each its token and as u8 how near it is.
const RELATED: &[u8] = include_bytes!("related.bin");

static EMBEDDED: LazyLock<Related> = LazyLock::new(|| Related::read(RELATED, VOCABULARY));

#[derive(Debug)]
pub struct Related {
    /// All words, as terms and in their order.
    terms: Vec<Box<str>>,
    /// By place in `terms`: where its others are in `pairs`.
    ranges: Vec<Range<usize>>,
    /// Places in `terms`, and how near.
    pairs: Vec<(u32, u8)>,
}

impl Related {
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Terms that say nearly the same as this one, the nearest first, and how near: 255 is the same.
    pub fn of(&self, term: &str) -> impl Iterator<Item = (&str, u8)> {
        let place = self.terms.binary_search_by(|known| (**known).cmp(term)).ok();
        let range = place.and_then(|place| self.ranges.get(place)).cloned().unwrap_or_default();
        let pairs = self.pairs.get(range).unwrap_or_default();
        pairs.iter().filter_map(|(place, near)| Some((&**self.terms.get(*place as usize)?, *near)))
    }

    fn read(related: &[u8], vocabulary: &str) -> Self {
        let tokens: Vec<&str> = vocabulary.lines().collect();
        // A word stands beside a dozen others, and is stemmed once.
        let mut known: HashMap<u16, Option<String>> = HashMap::new();
        let mut term = |token: u16| {
            let stemmed = || Terms::of(tokens.get(usize::from(token))?).counts.into_keys().next();
            known.entry(token).or_insert_with(stemmed).clone()
        };
        let mut by_term: BTreeMap<String, Vec<(String, u8)>> = BTreeMap::new();
        for (token, others) in records(related) {
            let Some(word) = term(token) else { continue };
            let others = others.filter_map(|(other, near)| Some((term(other)?, near)));
            let others = others.filter(|(other, _)| *other != word).collect();
            by_term.entry(word).or_insert(others);
        }
        let terms: Vec<Box<str>> = by_term.keys().map(|term| term.as_str().into()).collect();
        let place = |term: &str| {
            let place = terms.binary_search_by(|known| (**known).cmp(term)).ok()?;
            u32::try_from(place).ok()
        };
        let (mut ranges, mut pairs) = (vec![], vec![]);
        for others in by_term.values() {
            let begin = pairs.len();
            pairs.extend(others.iter().filter_map(|(other, near)| Some((place(other)?, *near))));
            ranges.push(begin..pairs.len());
        }
        Self { terms, ranges, pairs }
    }
}

type Others<'a> = Box<dyn Iterator<Item = (u16, u8)> + 'a>;

fn records(mut bytes: &[u8]) -> impl Iterator<Item = (u16, Others<'_>)> {
    std::iter::from_fn(move || {
        let ([low, high, count], rest) = bytes.split_first_chunk()?;
        let (others, rest) = rest.split_at_checked(usize::from(*count) * 3)?;
        bytes = rest;
        let others = others.as_chunks().0.iter();
        let others = others.map(|[low, high, near]| (u16::from_le_bytes([*low, *high]), *near));
        Some((u16::from_le_bytes([*low, *high]), Box::new(others) as Others<'_>))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(word: &str) -> Vec<&'static str> {
        let term = Terms::of(word).counts.into_keys().next().unwrap();
        Related::embedded().of(&term).map(|(other, _)| other).collect()
    }

    #[test]
    fn a_word_has_words_that_say_nearly_the_same() {
        assert!(of("physicians").contains(&"doctor"), "{:?}", of("physicians"));
        assert!(of("mom").contains(&"mother"), "{:?}", of("mom"));
        assert_eq!(of("xylograph"), [""; 0]);
    }

    #[test]
    fn the_nearest_come_first_and_none_is_the_word_itself() {
        let related = Related::embedded();
        assert!(related.terms.len() > 10_000);
        for term in &related.terms {
            let others: Vec<_> = related.of(term).collect();
            assert!(others.iter().all(|(other, near)| **other != **term && *near > 0), "{term}: {others:?}");
            assert!(others.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{term}: {others:?}");
        }
    }
}
