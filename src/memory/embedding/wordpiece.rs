//! The tokenizer of BERT's uncased models: words, lowered and without accents, in the longest pieces that the
//! vocabulary has. Marks that a tokenizer file calls special (`[CLS]`) are text like any other here.
use super::characters::{ALONE, ERASED};
use std::{cmp::Ordering, collections::HashMap};
use unicode_normalization::UnicodeNormalization;

/// Characters of a word: longer ones are no words of a language.
const MAX_WORD: usize = 100;
const UNKNOWN: &str = "[UNK]";
/// What a piece begins with that goes on with a word.
const INNER: &str = "##";

#[derive(Debug)]
pub struct WordPiece {
    /// Pieces that a word begins with, by their letters.
    first: HashMap<&'static str, usize>,
    inner: HashMap<&'static str, usize>,
    unknown: usize,
    /// Bytes of the longest piece.
    longest: usize,
}

impl WordPiece {
    /// A vocabulary is a token a line; the number of its line is the token.
    pub fn new(vocabulary: &'static str) -> Self {
        let mut made = Self { first: HashMap::new(), inner: HashMap::new(), unknown: 0, longest: 0 };
        for (token, piece) in vocabulary.lines().enumerate() {
            made.longest = made.longest.max(piece.len());
            match piece.strip_prefix(INNER) {
                Some(letters) if !letters.is_empty() => made.inner.insert(letters, token),
                _ => made.first.insert(piece, token),
            };
        }
        made.unknown = made.first.get(UNKNOWN).copied().unwrap_or_default();
        made
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.first.len() + self.inner.len()
    }

    /// The first `most` tokens of a text.
    pub fn tokens(&self, text: &str, most: usize) -> Vec<usize> {
        let mut tokens = vec![];
        let mut word = String::new();
        for letter in text.chars().nfd() {
            if tokens.len() >= most {
                break;
            }
            match Class::of(letter) {
                Class::Letter => word.extend(letter.to_lowercase()),
                Class::Blank => self.end(&mut word, &mut tokens),
                Class::Alone => {
                    self.end(&mut word, &mut tokens);
                    word.push(letter);
                    self.end(&mut word, &mut tokens);
                }
                Class::Erased => {}
            }
        }
        self.end(&mut word, &mut tokens);
        tokens.truncate(most);
        tokens
    }

    /// Adds the pieces of a word, or that it is unknown where a rest is in no piece.
    fn end(&self, word: &mut String, tokens: &mut Vec<usize>) {
        if word.is_empty() {
            return;
        }
        let start = tokens.len();
        let mut rest = if word.chars().nth(MAX_WORD).is_none() { word.as_str() } else { "" };
        let mut pieces = &self.first;
        while let Some((token, length)) = self.longest_of(pieces, rest) {
            tokens.push(token);
            rest = rest.get(length..).unwrap_or_default();
            pieces = &self.inner;
        }
        if !rest.is_empty() || tokens.len() == start {
            tokens.truncate(start);
            tokens.push(self.unknown);
        }
        word.clear();
    }

    /// The longest piece that a text begins with, and its bytes.
    fn longest_of(&self, pieces: &HashMap<&'static str, usize>, text: &str) -> Option<(usize, usize)> {
        let mut lengths = (1..=text.len().min(self.longest)).rev();
        lengths.find_map(|length| pieces.get(text.get(..length)?).map(|token| (*token, length)))
    }
}

enum Class {
    Letter,
    Blank,
    /// A word by itself: punctuation, ideographs.
    Alone,
    /// Accents and control characters.
    Erased,
}

impl Class {
    fn of(letter: char) -> Self {
        match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' => Self::Letter,
            _ if is_in(ERASED, letter) => Self::Erased,
            _ if letter.is_whitespace() => Self::Blank,
            _ if is_in(ALONE, letter) => Self::Alone,
            _ => Self::Letter,
        }
    }
}

fn is_in(ranges: &[(u32, u32)], letter: char) -> bool {
    let code = u32::from(letter);
    let place = ranges.binary_search_by(|(first, last)| match () {
        () if *last < code => Ordering::Less,
        () if *first > code => Ordering::Greater,
        () => Ordering::Equal,
    });
    place.is_ok()
}
