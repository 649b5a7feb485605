//! Beside the straightforward computation, entry by entry: the same to the last bit.
use super::*;
use crate::memory::{
    index::{NONE, Place},
    store::Row,
};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

const TERMS: [&str; 5] = ["zebu", "quoll", "herd", "nest", "grass"];

fn query() -> Vec<Asked> {
    let asked = |term: &str, related: &[(&str, u32)]| Asked {
        term: term.to_owned(),
        related: related.iter().map(|(term, parts)| ((*term).to_owned(), *parts)).collect(),
    };
    vec![
        asked("herd", &[("grass", 40), ("zebu", 100)]),
        asked("missing", &[("quoll", 90), ("nest", 17)]),
        asked("quoll", &[]),
        asked("zebu", &[]),
    ]
}

/// How often the word is in each document, in parts.
fn occurrences<K: std::hash::Hash + Eq>(
    copies: &[&Replica],
    terms: &[(&str, u32)],
    documents: impl Fn(usize, u32) -> Vec<K>,
) -> HashMap<K, u32> {
    let mut parts = HashMap::new();
    for (number, copy) in copies.iter().enumerate() {
        for (term, each) in terms {
            for posting in copy.postings(term) {
                for document in documents(number, posting.entry()) {
                    *parts.entry(document).or_default() += posting.frequency() * each;
                }
            }
        }
    }
    parts
}

/// Of documents of one sort: by copy and number.
fn straightforward(
    copies: &[&Replica],
    sort: Documents,
    documents: impl Fn(usize, u32) -> Vec<(usize, u32)>,
    length: impl Fn(usize, u32) -> u64,
) -> HashMap<(usize, u32), f32> {
    let mut scores: HashMap<_, f32> = HashMap::new();
    for Asked { term, related } in query() {
        let itself = vec![(term.as_str(), WHOLE)];
        let all: Vec<_> = itself
            .iter()
            .copied()
            .chain(related.iter().map(|(term, parts)| (term.as_str(), *parts)))
            .collect();
        let is_nowhere = copies.iter().all(|copy| copy.postings(&term).next().is_none());
        let of_itself = occurrences(copies, &itself, &documents);
        let parts = occurrences(copies, &all, &documents);
        let with = if of_itself.is_empty() { parts.len() } else { of_itself.len() };
        // What only related words are in is no entry or window with the word, and yet scores.
        assert!(!is_nowhere || of_itself.is_empty());
        for (document, parts) in parts {
            let dampening = sort.dampening(length(document.0, document.1));
            *scores.entry(document).or_default() += worth(sort.rarity(with as u64), parts, dampening);
        }
    }
    scores
}

fn of_place(copies: &[&Replica], copy: usize, entry: u32) -> Place {
    *copies[copy].place(entry).unwrap()
}

fn check(copies: &[&Replica]) {
    let sorts = Sorts::of(copies);
    let at = |copy, entry| of_place(copies, copy, entry);
    let length = |copy, entry| if entry == NONE { 0 } else { u64::from(at(copy, entry).length) };
    let around = |copy, entry| {
        let Place { previous, next, .. } = at(copy, entry);
        [previous, entry, next].into_iter().filter(|entry| *entry != NONE)
    };
    let entries = straightforward(copies, sorts.entries, |copy, entry| vec![(copy, entry)], length);
    let windows = straightforward(
        copies,
        sorts.windows,
        |copy, entry| around(copy, entry).map(|entry| (copy, entry)).collect(),
        |copy, entry| around(copy, entry).map(|entry| length(copy, entry)).sum(),
    );
    let collections = straightforward(
        copies,
        sorts.collections,
        |copy, entry| {
            Some(at(copy, entry).collection)
                .filter(|it| *it != NONE)
                .map(|it| (copy, it))
                .into_iter()
                .collect()
        },
        |copy, number| copies[copy].collection(number).unwrap().length,
    );
    for has_help in [false, true] {
        let among = Among::of(copies).with_help(has_help);
        let scored = Scoring::of(copies, &query()).scores(&among);
        for (number, (copy, scored)) in copies.iter().zip(&scored).enumerate() {
            let mut found = HashSet::new();
            for entry in 0..copy.entries().len() as u32 {
                let expected = Scores {
                    itself: entries.get(&(number, entry)).copied().unwrap_or_default(),
                    window: windows.get(&(number, entry)).copied().unwrap_or_default(),
                };
                assert_eq!(scored.scores(entry), expected, "{number} {entry}");
                found.extend((expected.window > 0.0).then_some(entry));
            }
            assert!(scored.found().is_sorted_by_key(|(entry, _)| *entry));
            assert_eq!(scored.found().iter().map(|(entry, _)| *entry).collect::<HashSet<_>>(), found);
            for collection in 0..copy.collections().len() as u32 {
                let expected = collections.get(&(number, collection)).copied().unwrap_or_default();
                assert_eq!(scored.collection(collection), expected);
            }
        }
        let best = Best::of(scored.iter().map(Lexical::best));
        let most = |of: &HashMap<_, f32>| of.values().copied().fold(0.0, f32::max);
        assert_eq!([best.entry, best.window, best.collection], [&entries, &windows, &collections].map(most));
    }
}

/// Texts by numbers: mostly of words that nobody asks for. Conversations go on in turn, so that neighbours are far apart.
fn copy(seed: u64, entries: u128, conversations: u64) -> Replica {
    let mut dice = seed;
    let mut next = move |below: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % below
    };
    let mut copy = Replica::default();
    let rows = (1..=entries).map(|number| {
        let words = (0..=next(6)).map(|_| TERMS.get(next(12) as usize).copied().unwrap_or("other"));
        let text = words.collect::<Vec<_>>().join(" ");
        let conversation = next(conversations + 1);
        let collection = (conversation > 0).then(|| format!("c{conversation}"));
        let at = chrono::DateTime::from_timestamp(next(1000) as i64, 0).unwrap();
        Row::of(number as i64, number, &text, collection.as_deref(), at)
    });
    let rows: Vec<_> = rows.collect();
    let (first, last) = rows.split_at(rows.len() / 2);
    copy.insert(first).unwrap();
    copy = copy.compacted();
    copy.insert(last).unwrap();
    for _ in 0..entries / 7 {
        copy.remove(uuid::Uuid::from_u128(u128::from(next(entries as u64)) + 1));
    }
    copy
}

#[test]
fn of_many_blocks_scores_are_those_of_the_straightforward_computation() {
    let (one, two) = (copy(1, u128::from(BLOCK) * 3 + 100, 9), copy(2, 500, 3));
    check(&[&one]);
    check(&[&one, &two]);
}

proptest! {
    #[test]
    fn scores_are_those_of_the_straightforward_computation(seed: u64, entries in 1_u128..80, conversations in 0_u64..5) {
        check(&[&copy(seed, entries, conversations), &copy(!seed, entries / 3 + 1, conversations)]);
    }
}
