//! Texts to terms: what the index holds, and what a query asks for. The same on both databases, for neither
//! takes part.
//!
//! Compatibility forms and accents are folded (`Café` is `cafe`), letters lowered, words stemmed by Snowball's
//! English rules (which also take the possessive off); ideographs and kana are words by themselves. Words that
//! carry no content are left out: on the LoCoMo questions that is worth 4 points of turn recall at 10 (.612 to
//! .653), and it keeps the longest lists of postings out of the index.
use rust_stemmers::{Algorithm, Stemmer};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::LazyLock,
};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Names these rules. Changed with what comes out: what is stored by others is then made anew.
pub const RULES: &str = "terms-1";

/// Characters of a term; what is longer is cut, so that an index entry stays small.
const MAX_TERM: usize = 64;

/// Of one query: each reads the postings of all memories that it is in.
const MAX_QUERY_TERMS: usize = 64;

/// A text as the index sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// How often each term occurs.
    pub counts: BTreeMap<String, u32>,
    /// All occurrences together: the length of the text in BM25.
    pub length: u32,
}

impl Terms {
    pub fn of(text: &str) -> Self {
        let mut terms = Self::default();
        terms.add(text);
        terms
    }

    /// With the words that carry no content: for who looks whether a name stands in a text.
    pub fn whole(texts: &[String]) -> BTreeSet<String> {
        let stemmer = Stemmer::create(Algorithm::English);
        let mut terms = BTreeSet::new();
        for text in texts {
            for_each_word(text, |word| {
                terms.insert(stemmer.stem(word).into_owned());
            });
        }
        terms
    }

    /// What a query of this text asks for: of more than [`MAX_QUERY_TERMS`] the longest, which tell most, and among
    /// those of one length the first in the order of letters.
    pub fn asked(text: &str) -> BTreeSet<String> {
        let mut terms: Vec<String> = Self::of(text).counts.into_keys().collect();
        terms.sort_by_key(|term| Reverse(term.chars().count()));
        terms.truncate(MAX_QUERY_TERMS);
        terms.into_iter().collect()
    }

    /// Adds those of a further field.
    pub fn join(&mut self, other: &Self) {
        for (term, count) in &other.counts {
            *self.counts.entry(term.clone()).or_default() += count;
        }
        self.length += other.length;
    }

    /// Adds the words of a further field.
    pub fn add(&mut self, text: &str) {
        let stemmer = Stemmer::create(Algorithm::English);
        for_each_word(text, |word| {
            if !STOP_WORDS.contains(word) {
                *self.counts.entry(stemmer.stem(word).into_owned()).or_default() += 1;
                self.length += 1;
            }
        });
    }
}

/// All words of a text in their order, folded and not stemmed, those that carry no content among them.
pub fn words(text: &str) -> Vec<String> {
    let mut words = vec![];
    for_each_word(text, |word| words.push(word.to_owned()));
    words
}

/// Those that carry content, once each.
pub fn content_words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for_each_word(text, |word| {
        if !STOP_WORDS.contains(word) {
            words.insert(word.to_owned());
        }
    });
    words
}

/// What the forms of a word have in common.
pub fn stem(word: &str) -> String {
    Stemmer::create(Algorithm::English).stem(word).into_owned()
}

fn for_each_word(text: &str, mut take: impl FnMut(&str)) {
    let mut word = String::new();
    let mut length = 0;
    let mut letters = text.nfkd().flat_map(char::to_lowercase).filter(|c| !is_accent(*c)).peekable();
    let mut end = |word: &mut String, length: &mut usize| {
        if !word.is_empty() {
            take(word);
            word.clear();
            *length = 0;
        }
    };
    while let Some(letter) = letters.next() {
        if is_word_by_itself(letter) {
            end(&mut word, &mut length);
            word.push(letter);
            end(&mut word, &mut length);
        } else if letter.is_alphanumeric() || is_combining_mark(letter) {
            if length < MAX_TERM {
                word.push(letter);
            }
            length += 1;
        } else if is_apostrophe(letter)
            && length > 0
            && letters.peek().is_some_and(|next| next.is_alphabetic())
        {
            if length < MAX_TERM {
                word.push('\'');
            }
            length += 1;
        } else {
            end(&mut word, &mut length);
        }
    }
    end(&mut word, &mut length);
}

/// What canonical decomposition puts behind Latin, Greek, Cyrillic and kana letters. Marks of other scripts are
/// letters in all but name.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{3099}' | '\u{309a}')
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2bc}')
}

/// Scripts written without blanks between words.
fn is_word_by_itself(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

/// English words that questions and talk are full of and that tell no text from another; with and without
/// their apostrophe, as people type them.
static STOP_WORDS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = "a about above after again against all am an and any are as at be because been before being below \
        between both but by can cannot could did do does doing down during each few for from further had has have \
        having he her here hers herself him himself his how i if in into is it its itself let me more most must my \
        myself no nor not of off on once only or other ought our ours ourselves out over own same she should so \
        some such than that the their theirs them themselves then there these they this those through to too under \
        until up very was we were what when where which while who whom why will with would you your yours yourself \
        yourselves";
    let contracted = "aren't can't couldn't didn't doesn't don't hadn't hasn't haven't he'd he'll he's here's how's \
        i'd i'll i'm i've isn't it's let's mustn't shan't she'd she'll she's shouldn't that's there's they'd they'll \
        they're they've wasn't we'd we'll we're we've weren't what's when's where's who's why's won't wouldn't you'd \
        you'll you're you've";
    // Without the apostrophe some would be words of their own.
    let ambiguous = ["cant", "hell", "id", "ill", "shed", "shell", "wed", "well", "were", "wont"];
    let bare = contracted.split_whitespace().map(|word| word.replace('\'', ""));
    let bare = bare.filter(|word| !ambiguous.contains(&word.as_str()));
    words.split_whitespace().chain(contracted.split_whitespace()).map(str::to_owned).chain(bare).collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(text: &str) -> Vec<String> {
        Terms::of(text).counts.into_keys().collect()
    }

    #[test]
    fn forms_of_a_word_are_one_term() {
        assert_eq!(terms("Meeting meetings MEETING’s meet’s"), ["meet"]);
        assert_eq!(terms("Ana's"), terms("ana"));
        assert_eq!(terms("Café ＣＡＦÉ cafe\u{301}"), ["cafe"]);
        assert_eq!(terms("don't dont DON’T"), [""; 0]);
    }

    #[test]
    fn punctuation_and_query_operators_are_no_terms() {
        assert_eq!(terms(r#""stand-up" AND (NEAR* ^x:y) -OR_ '"'"#), ["near", "stand", "x", "y"]);
        assert_eq!(terms("'' \" % _ ; -- \\"), [""; 0]);
    }

    #[test]
    fn scripts_without_blanks_are_cut() {
        assert_eq!(terms("東京が好き"), ["か", "き", "京", "好", "東"]);
        assert_eq!(terms("नमस्ते दुनिया").len(), 2);
        assert_eq!(terms("ёлка"), terms("ЕЛКА"));
    }

    #[test]
    fn a_word_of_ten_thousand_letters_is_one_bounded_term() {
        let terms = Terms::of(&"x".repeat(10_000));
        assert_eq!(terms.length, 1);
        assert_eq!(terms.counts.into_keys().map(|term| term.len()).max(), Some(MAX_TERM));
    }

    proptest! {
        #[test]
        fn any_text_gives_bounded_terms_and_a_fitting_length(text: String) {
            let terms = Terms::of(&text);
            prop_assert!(terms.counts.keys().all(|term| !term.is_empty() && term.chars().count() <= MAX_TERM));
            prop_assert_eq!(terms.length, terms.counts.values().sum::<u32>());
        }

        #[test]
        fn case_and_blanks_do_not_matter(words in prop::collection::vec("[a-z]{1,8}", 0..8)) {
            let lower = words.join(" ");
            prop_assert_eq!(Terms::of(&lower), Terms::of(&words.join(" \n\t").to_uppercase()));
        }
    }
}
