//! Lists of phrases, by their first words: a text is looked through once, however many there are.
use std::collections::HashMap;

#[derive(Debug)]
pub(super) struct Phrases(HashMap<&'static str, Vec<&'static str>>);

impl Phrases {
    /// Of a list with commas, in lower case with straight apostrophes.
    pub fn of(list: &'static str) -> Self {
        let mut phrases: HashMap<_, Vec<_>> = HashMap::new();
        for phrase in list.split(", ").map(str::trim).filter(|phrase| !phrase.is_empty()) {
            phrases.entry(phrase.split(' ').next().unwrap_or(phrase)).or_default().push(phrase);
        }
        Self(phrases)
    }

    /// Those whose first word this is.
    pub fn beginning(&self, word: &str) -> impl Iterator<Item = &'static str> {
        self.0.get(word).into_iter().flatten().copied()
    }

    /// Whether the word is one of them.
    pub fn contains(&self, word: &str) -> bool {
        self.beginning(word).any(|phrase| phrase == word)
    }
}

/// A list that is read once.
macro_rules! phrases {
    ($list:literal) => {
        LazyLock::new(|| Phrases::of($list))
    };
}

/// A list where it is used.
macro_rules! list {
    ($list:literal) => {{
        static LIST: std::sync::LazyLock<$crate::memory::extraction::phrases::Phrases> =
            std::sync::LazyLock::new(|| $crate::memory::extraction::phrases::Phrases::of($list));
        &*LIST
    }};
}
pub(super) use {list, phrases};
