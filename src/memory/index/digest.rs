//! What is made of an item's words before they are written: its terms, packed, and its vector.
use crate::{
    memory::{
        embedding::{Embedder, Vector},
        extraction::named::{self, EntityKind, Named},
        terms::{self, Terms},
    },
    shared::{Error, Result},
};
use std::{collections::BTreeMap, sync::LazyLock};

/// The rules and the model that digests come from: those of another name are made anew.
pub static MADE_BY: LazyLock<String> =
    LazyLock::new(|| format!("{}/{}/{}", terms::RULES, named::RULES, Embedder::embedded().name()));

/// Begins a term that stands for what a memory names, which no word does.
pub const NAMED: char = '\u{1}';
/// Begins a term that stands for a word of the name of whoever says it.
const SPOKEN: char = '\u{2}';

#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    /// Of each term its frequency, the number of its bytes, and these; in the order of the terms.
    pub terms: Vec<u8>,
    /// Words of all terms together.
    pub length: u32,
    pub vector: Vector,
}

impl Digest {
    /// Takes some hundred microseconds: not in a transaction.
    pub fn of_passage(text: &str, title: &str) -> Self {
        let mut terms = Terms::of(text);
        terms.add(title);
        let vector = Embedder::embedded().embed(&format!("{title}\n{text}"));
        Self { terms: pack(&terms.counts), length: terms.length, vector }
    }

    /// With what the memory names, and by whom it is said: who said it is part of what is found, for questions name people.
    pub fn of_memory(text: &str, speaker: Option<&str>) -> Self {
        let named = named::named(text, speaker).into_iter().map(|(named, count)| (named_term(&named), count));
        let said_by = Terms::of(speaker.unwrap_or_default());
        let spoken = said_by.counts.keys().map(|word| (spoken_term(word), 1));
        let mut terms = Terms::of(text);
        terms.join(&said_by);
        // In front of all words.
        let packed = [pack(&named.chain(spoken).collect()), pack(&terms.counts)].concat();
        Self { terms: packed, length: terms.length, vector: Embedder::embedded().embed(text) }
    }
}

/// The term of what is said by somebody with this word in their name.
pub fn spoken_term(word: &str) -> String {
    format!("{SPOKEN}{word}")
}

fn named_term(Named { name, kind }: &Named) -> String {
    let kind = match kind {
        EntityKind::Person => 'p',
        EntityKind::Project => 'j',
        EntityKind::Thing => 't',
    };
    format!("{NAMED}{kind}{name}")
}

/// What a term names; `None` for a word.
pub fn named_by(term: &str) -> Option<(EntityKind, &str)> {
    let named = term.strip_prefix(NAMED)?;
    let kind = match named.chars().next()? {
        'p' => EntityKind::Person,
        'j' => EntityKind::Project,
        't' => EntityKind::Thing,
        _ => return None,
    };
    Some((kind, &named[1..]))
}

fn pack(counts: &BTreeMap<String, u32>) -> Vec<u8> {
    let mut packed = Vec::with_capacity(counts.len() * 8);
    for (term, frequency) in counts {
        put_number(&mut packed, *frequency);
        put_number(&mut packed, u32::try_from(term.len()).unwrap_or(u32::MAX));
        packed.extend_from_slice(term.as_bytes());
    }
    packed
}

/// Calls `take` with each term and its frequency.
pub fn unpack(mut packed: &[u8], mut take: impl FnMut(&str, u32)) -> Result<()> {
    while !packed.is_empty() {
        let (frequency, rest) = number(packed)?;
        let (length, rest) = number(rest)?;
        let length = usize::try_from(length).map_err(Error::internal)?;
        let (term, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        take(std::str::from_utf8(term).map_err(Error::internal)?, frequency);
        packed = rest;
    }
    Ok(())
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put_number(packed: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        packed.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    packed.push(number as u8);
}

fn number(packed: &[u8]) -> Result<(u32, &[u8])> {
    let mut number = 0;
    for (place, byte) in packed.iter().enumerate().take(5) {
        number |= u32::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok((number, &packed[place + 1..]));
        }
    }
    Err(cut())
}

fn cut() -> Error {
    Error::internal("an entry of the index is cut off")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(counts in prop::collection::btree_map("\\PC{1,64}", 1_u32.., 0..20)) {
            let mut found = BTreeMap::new();
            unpack(&pack(&counts), |term, frequency| {
                found.insert(term.to_owned(), frequency);
            }).unwrap();
            prop_assert_eq!(found, counts);
        }

        #[test]
        fn bytes_that_are_none_of_ours_are_no_panic(bytes: Vec<u8>) {
            let _ = unpack(&bytes, |_, _| ());
        }
    }

    #[test]
    fn what_a_memory_names_is_with_its_words_and_is_none_of_them() {
        let text = "we met Ana Bell";
        let digest = Digest::of_memory(text, None);
        let mut terms = vec![];
        unpack(&digest.terms, |term, _| terms.push(term.to_owned())).unwrap();
        assert_eq!(named_by(&terms.remove(0)), Some((EntityKind::Person, "Ana Bell")));
        assert!(terms.iter().all(|term| named_by(term).is_none()));
        assert_eq!((digest.length, digest.vector), (3, Embedder::embedded().embed(text)));
        let digest = Digest::of_memory("yes", Some("Ana Bell"));
        unpack(&digest.terms, |term, _| terms.push(term.to_owned())).unwrap();
        assert!(["ana", "bell"].iter().all(|word| terms.contains(&spoken_term(word))), "{terms:?}");
    }

    #[test]
    fn title_and_speaker_are_found_too() {
        for (digest, expected) in [
            (Digest::of_passage("prefers tea", "Habits, tea"), "habit 1 prefer 1 tea 2"),
            (Digest::of_memory("prefers tea, Ana", Some("Ana")), "ana 2 prefer 1 tea 1"),
        ] {
            let mut terms = vec![];
            unpack(&digest.terms, |term, count| terms.push(format!("{term} {count}"))).unwrap();
            terms.retain(|term| !term.starts_with([NAMED, SPOKEN]));
            assert_eq!((terms.join(" ").as_str(), digest.length), (expected, 4));
        }
    }
}
