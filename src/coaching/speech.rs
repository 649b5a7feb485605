//! What a reply says and quotes, and what is left of it where it broke off or something was forgotten. Pure.
use super::model::Citation;
use crate::{memory::Remembered, shared::text::utf16_len};
use std::collections::HashSet;

/// Stands in a reply where something forgotten was quoted.
pub(super) const ERASED: &str = "[forgotten]";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Speech {
    pub text: String,
    /// In the order of the text; one may be announced before its words are said.
    pub citations: Vec<Citation>,
}

impl Speech {
    /// As it stays when it was broken off: a quote in whose midst that was ends there, one that had not begun is
    /// none.
    pub(super) fn broken_off(self) -> Self {
        let Self { text, citations } = self;
        let citations =
            citations.into_iter().filter_map(|citation| as_far_as_said(citation, &text)).collect();
        Self { text, citations }
    }

    /// Without the words of others than these, and without citing them.
    pub(super) fn only_of(self, there: &HashSet<Remembered>) -> Self {
        let Self { text, citations } = self;
        let (citations, gone): (Vec<_>, Vec<_>) =
            citations.into_iter().partition(|citation| there.contains(&citation.from));
        Self { text: without(text, gone.iter().map(|citation| citation.quote.as_str())), citations }
    }
}

/// The text with a mark in the place of each of the quotes. The longest first: one may lie within another.
pub(super) fn without<'a>(text: String, quotes: impl Iterator<Item = &'a str>) -> String {
    let mut quotes: Vec<_> = quotes.filter(|quote| !quote.is_empty()).collect();
    quotes.sort_by_key(|quote| std::cmp::Reverse(quote.len()));
    quotes.into_iter().fold(text, |text, quote| text.replace(quote, ERASED))
}

fn as_far_as_said(citation: Citation, text: &str) -> Option<Citation> {
    if text.contains(&citation.quote) {
        return Some(citation);
    }
    let ends = citation.quote.char_indices().map(|(at, _)| at).rev();
    let said = ends.map(|at| &citation.quote[..at]).find(|start| text.ends_with(start))?;
    if said.is_empty() {
        return None;
    }
    Some(Citation { quote: said.to_owned(), end: citation.start + utf16_len(said), ..citation })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::{id::MemoryId, text::slice_utf16};
    use proptest::prelude::*;
    use uuid::Uuid;

    const SOURCE: &str = "😀 Ana prefers short stand-ups before ten";

    fn memory(number: u128) -> Remembered {
        Remembered::Memory(MemoryId::from_uuid(Uuid::from_u128(number)))
    }

    fn said(text: &str) -> Speech {
        let quote = SOURCE.strip_prefix("😀 ").unwrap().to_owned();
        let citation = Citation { from: memory(1), chunk: None, quote, start: 3, end: 3 + SOURCE.len() - 5 };
        Speech { text: text.to_owned(), citations: vec![citation] }
    }

    proptest! {
        #[test]
        fn wherever_a_reply_breaks_off_its_quote_is_what_was_said_of_the_source(at in 0_usize..80) {
            let whole = format!("I remember: “{}”. What now?", &SOURCE[5..]);
            let text: String = whole.chars().take(at).collect();
            let left = said(&text).broken_off();
            prop_assert_eq!(&left.text, &text);
            let begun = text.contains('“') && !text.ends_with('“');
            prop_assert_eq!(left.citations.len(), usize::from(begun));
            for citation in &left.citations {
                prop_assert!(text.contains(&citation.quote));
                prop_assert_eq!(slice_utf16(SOURCE, citation.start, citation.end), Some(citation.quote.as_str()));
            }
            let erased = left.only_of(&HashSet::new());
            prop_assert!(erased.citations.is_empty());
            prop_assert_eq!(erased.text.contains(ERASED), begun);
            prop_assert!(!erased.text.contains("Ana"));
        }
    }

    #[test]
    fn what_is_still_remembered_stays() {
        let there = HashSet::from([memory(1)]);
        let speech = said(&format!("“{}”", &SOURCE[5..]));
        assert_eq!(speech.clone().only_of(&there), speech);
    }
}
