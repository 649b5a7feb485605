//! Texts to vectors, for what is alike in meaning: a static model, which has a vector for each token and adds them
//! up. It is part of the binary: the default needs no server, no key and no network, and embeds a text in some
//! 20 µs. `tools/embedding` makes it out of all-MiniLM-L6-v2; NOTICE tells its origin and licence.
//!
//! Sums are of whole numbers, so a text has the same vector on every machine.
mod characters;
mod related;
mod wordpiece;

pub use related::Related;

use std::sync::LazyLock;
use wordpiece::WordPiece;

/// How many numbers a vector has.
pub const DIMENSIONS: usize = 256;

/// Normalised to length 127; all zero where a text says nothing.
pub type Vector = [i8; DIMENSIONS];

/// Tokens of a text that are read, about 3,000 words: the work for a text has a bound, and no sum leaves an i32.
const MAX_TOKENS: usize = 4096;

const LENGTH: f64 = 127.0;

const MODEL: &[u8] = include_bytes!("model.bin");
const VOCABULARY: &str = include_str!("vocabulary.txt");
/// What [`MODEL`] begins with: a magic word, then the numbers of tokens and dimensions.
const HEADER: usize = 16;

static EMBEDDED: LazyLock<Embedder> = LazyLock::new(|| Embedder::read(MODEL, VOCABULARY));

/// A static model.
#[derive(Debug)]
pub struct Embedder {
    words: WordPiece,
    /// By token: what a row is multiplied with, 0 to 4095; 0 says that the token tells nothing.
    scales: Vec<u16>,
    /// By token: [`DIMENSIONS`] bytes, each an i8.
    rows: &'static [u8],
}

impl Embedder {
    /// The one in the binary.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Vectors of another name cannot be compared with these.
    pub fn name(&self) -> &'static str {
        include_str!("name.txt").trim_ascii()
    }

    pub fn embed(&self, text: &str) -> Vector {
        normalised(&self.sums(text))
    }

    /// With how much the text tells: the length of its vector before it is normalised. A rare word has a longer one.
    pub fn embed_weighed(&self, text: &str) -> (Vector, f64) {
        let sums = self.sums(text);
        (normalised(&sums), square(&sums).sqrt())
    }

    fn sums(&self, text: &str) -> [i32; DIMENSIONS] {
        let mut sums = [0_i32; DIMENSIONS];
        for token in self.words.tokens(text, MAX_TOKENS) {
            let scale = self.scales.get(token).copied().unwrap_or_default();
            let row = self.rows.get(token * DIMENSIONS..(token + 1) * DIMENSIONS).unwrap_or_default();
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += i32::from(scale) * i32::from(value.cast_signed());
            }
        }
        sums
    }

    fn read(model: &'static [u8], vocabulary: &'static str) -> Self {
        let words = WordPiece::new(vocabulary);
        let (scales, rows) = model.get(HEADER..).unwrap_or_default().split_at(words.len() * 2);
        let scales = scales.as_chunks().0.iter().map(|scale| u16::from_le_bytes(*scale)).collect();
        Self { words, scales, rows }
    }
}

/// How alike two texts are in meaning, by their vectors: −1 to 1; 0 where one says nothing.
pub fn cosine(a: &Vector, b: &Vector) -> f64 {
    let product: i32 = a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
    f64::from(product) / (LENGTH * LENGTH)
}

/// One after the other, so that every machine adds in the same order.
fn square(sums: &[i32; DIMENSIONS]) -> f64 {
    sums.iter().map(|sum| f64::from(*sum) * f64::from(*sum)).sum()
}

/// To whole numbers.
fn normalised(sums: &[i32; DIMENSIONS]) -> Vector {
    let square = square(sums);
    let unit = if square > 0.0 { LENGTH / square.sqrt() } else { 0.0 };
    sums.map(|sum| (f64::from(sum) * unit).round() as i8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    /// A text with what the model's own tokenizer and the tool made of it.
    #[derive(Deserialize)]
    struct Check {
        text: String,
        tokens: Vec<usize>,
        vector: Option<Vec<i8>>,
    }

    fn checks() -> Vec<Check> {
        include_str!("checks.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn near(a: &str, b: &str) -> f64 {
        cosine(&Embedder::embedded().embed(a), &Embedder::embedded().embed(b))
    }

    #[test]
    fn the_asset_is_whole() {
        let embedder = Embedder::embedded();
        assert_eq!(MODEL[..8], *b"AIFSTAT1");
        assert_eq!(MODEL[8..12], u32::try_from(embedder.words.len()).unwrap().to_le_bytes());
        assert_eq!(MODEL[12..16], u32::try_from(DIMENSIONS).unwrap().to_le_bytes());
        assert_eq!(embedder.scales.len() * DIMENSIONS, embedder.rows.len());
        assert!(embedder.scales.iter().all(|scale| *scale < 4096));
    }

    #[test]
    fn tokens_are_those_of_the_models_own_tokenizer() {
        for Check { text, tokens, .. } in checks() {
            assert_eq!(Embedder::embedded().words.tokens(&text, MAX_TOKENS), tokens, "{text:?}");
        }
    }

    #[test]
    fn vectors_are_those_of_the_tool_to_the_last_bit() {
        let mut seen = 0;
        for Check { text, vector, .. } in checks() {
            if let Some(vector) = vector {
                assert_eq!(Embedder::embedded().embed(&text)[..], vector, "{text:?}");
                seen += 1;
            }
        }
        assert!(seen >= 20);
    }

    #[test]
    fn what_is_alike_in_meaning_is_close_without_a_shared_word() {
        let asked = "my physician";
        assert!(near(asked, "her doctor at the hospital") > near(asked, "his guitar on the stage") + 0.1);
    }

    #[test]
    fn a_text_that_says_nothing_has_no_direction() {
        for text in ["", " \n\t", "\u{0}\u{fffd}", "\u{e000}"] {
            assert_eq!(Embedder::embedded().embed(text), [0; DIMENSIONS], "{text:?}");
        }
    }

    #[test]
    fn of_a_long_text_the_beginning_counts() {
        let beginning = "coffee ".repeat(MAX_TOKENS);
        assert_eq!(
            Embedder::embedded().embed(&format!("{beginning}{}", "tea ".repeat(100_000))),
            Embedder::embedded().embed(&beginning)
        );
    }

    proptest! {
        #[test]
        fn any_text_has_length_127_or_none(text: String) {
            let square: i32 = Embedder::embedded().embed(&text).iter().map(|v| i32::from(*v) * i32::from(*v)).sum();
            prop_assert!(square == 0 || (f64::from(square).sqrt() - LENGTH).abs() < 8.0, "{square}");
        }
    }
}
