//! Phrases: what a query has between quotation marks. Postings tell which entries have all words of one, and not where; so
//! the texts of the best of these are looked at, and what holds a phrase goes before what does not.
use crate::memory::{
    index::Replica,
    terms::{self, Terms},
};
use std::collections::BTreeSet;

/// Of one query; what is quoted beyond them is plain words.
const MOST: usize = 8;
/// Words of all of them together: a phrase that goes beyond is none.
const WORDS: usize = 32;

/// Words that stand next to each other, in this order and in any form: `"green teas"` is in `Green-tea cups`.
#[derive(Clone, Debug, PartialEq)]
pub struct Phrase {
    /// Stemmed, those that carry no content among them.
    words: Vec<String>,
    /// Those of them that the index has.
    terms: BTreeSet<String>,
}

impl Phrase {
    /// Those of a query, each once.
    pub fn all(query: &str) -> Vec<Self> {
        let mut phrases: Vec<Self> = vec![];
        let mut left = WORDS;
        for quoted in quoted(query) {
            let words: Vec<_> = terms::words(quoted).iter().map(|word| terms::stem(word)).collect();
            let is_new = phrases.iter().all(|phrase| phrase.words != words);
            if is_new && (1..=left).contains(&words.len()) && phrases.len() < MOST {
                left -= words.len();
                phrases.push(Self { words, terms: Terms::of(quoted).counts.into_keys().collect() });
            }
        }
        phrases
    }

    pub fn terms(&self) -> impl Iterator<Item = &String> {
        self.terms.iter()
    }

    /// Whether they stand so among the words of a text.
    pub fn is_in(&self, text: &[String]) -> bool {
        text.windows(self.words.len())
            .any(|words| words.iter().zip(&self.words).all(|(word, form)| is_form(word, form)))
    }

    /// Live entries that have all of its words; `None` where the index has none of its words.
    pub fn having(&self, copy: &Replica) -> Option<Vec<u32>> {
        let entries = |term: &String| {
            let mut entries: Vec<_> = copy.postings(term).map(|posting| posting.entry()).collect();
            entries.sort_unstable();
            entries
        };
        let mut terms = self.terms.iter();
        let mut having = entries(terms.next()?);
        for term in terms {
            if having.is_empty() {
                break;
            }
            let others = entries(term);
            having.retain(|entry| others.binary_search(entry).is_ok());
        }
        Some(having)
    }
}

/// A stem begins as its word does, and stemming takes longer than looking.
fn is_form(word: &str, form: &str) -> bool {
    word.chars().next() == form.chars().next() && terms::stem(word) == form
}

/// What stands between quotation marks on one line. A straight one opens behind a blank or a sign, and closes before one:
/// 5" is a length.
fn quoted(text: &str) -> Vec<&str> {
    let mut quoted = vec![];
    for line in text.lines() {
        // Where the phrase begins, and the mark that ends it.
        let mut open: Option<(usize, char)> = None;
        let mut before = None;
        let mut letters = line.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            let behind = letters.peek().map(|(_, letter)| *letter);
            let is_by_word = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
            match (open, letter) {
                (Some((begin, end)), _) if letter == end && (letter != '"' || !is_by_word(behind)) => {
                    quoted.extend(line.get(begin..at));
                    open = None;
                }
                (None, '"') if !is_by_word(before) => open = Some((at + letter.len_utf8(), '"')),
                (None, '“' | '„') => {
                    open = Some((at + letter.len_utf8(), if letter == '“' { '”' } else { '“' }))
                }
                (None, '«') => open = Some((at + letter.len_utf8(), '»')),
                _ => {}
            }
            before = Some(letter);
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_between_quotation_marks_is_quoted() {
        let cases: [(&str, &[&str]); 9] = [
            (r#"Who said "no way" and "never"?"#, &["no way", "never"]),
            ("“green tea” and „grüner Tee“ and «thé vert»", &["green tea", "grüner Tee", "thé vert"]),
            (r#"a 5" screen or a 7" one"#, &[]),
            (r#"the "5" screen" of mine"#, &["5"]),
            (r#"he began "and never"#, &[]),
            ("\"one line\nand another\"", &[]),
            (r#""""#, &[""]),
            (r#"("so")"#, &["so"]),
            ("it's Ana's 'own'", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(quoted(text), expected, "{text}");
        }
    }

    #[test]
    fn a_phrase_is_held_by_its_words_next_to_each_other_in_any_form() {
        let phrase = &Phrase::all(r#"What of "the green teas"?"#)[0];
        let holds = |text: &str| phrase.is_in(&terms::words(text));
        assert!(holds("I like the Green-tea best") && holds("THE green tea"));
        assert!(
            !holds("the green, green tea") && !holds("tea, the green") && !holds("green tea") && !holds("")
        );
    }

    #[test]
    fn phrases_are_bounded_and_each_counts_once() {
        let many: String = (0..20).map(|number| format!("\"zebu {number}\" ")).collect();
        assert_eq!(Phrase::all(&many).len(), MOST);
        assert_eq!(Phrase::all(&format!("\"{}\"", "zebu ".repeat(WORDS + 1))), []);
        assert_eq!(Phrase::all(r#""quolls" or "Quoll" or "" or "?!""#).len(), 1);
    }

    proptest! {
        #[test]
        fn a_phrase_is_in_every_text_that_it_was_taken_from(
            words in prop::collection::vec("[a-zA-Z']{1,9}", 1..10), from in 0_usize..10, count in 1_usize..5,
        ) {
            let quoted: Vec<_> = words.iter().skip(from).take(count).map(String::as_str).collect();
            let phrases = Phrase::all(&format!("\"{}\"", quoted.join(" ")));
            prop_assert!(phrases.len() == 1 || terms::words(&quoted.join(" ")).is_empty());
            for phrase in phrases {
                prop_assert!(phrase.is_in(&terms::words(&words.join(" "))));
            }
        }

        #[test]
        fn any_query_has_bounded_phrases(text in "([a-c]{0,2}[ \"“”«»]{1,2}){0,80}") {
            let phrases = Phrase::all(&text);
            let words: usize = phrases.iter().map(|phrase| phrase.words.len()).sum();
            prop_assert!(phrases.len() <= MOST && words <= WORDS);
            prop_assert!(phrases.iter().all(|phrase| !phrase.words.is_empty()));
        }
    }
}
