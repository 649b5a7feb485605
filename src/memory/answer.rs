//! An answer held against what it was made from. Pure.
use super::extraction::words;
use crate::{
    gateway::{self, Answered, AnsweredQuote, GroundingSource},
    memory::terms::Terms,
    shared::text::utf16_len,
};
use std::ops::Range;

pub const INSTRUCTIONS: &str = "Answer the question from the sources alone. Each claim of the answer stands in a source; quote \
    the words that say so, word for word, with the number of the source. Where the sources do not answer the question, set \
    answered to false and leave answer and quotes empty. Use nothing that you know from elsewhere.";

/// Said where there is nothing to answer from.
pub const NOTHING: &str = "Nothing that is remembered answers this.";

/// Share of a question's words that something recalled has, where it may answer it.
const EVIDENCE: f64 = 0.3;

/// Whether a text has enough to do with a question to answer it.
pub fn is_evidence(question: &str, text: &str, speaker: Option<&str>) -> bool {
    let asked = Terms::of(question).counts;
    let mut said = Terms::of(text);
    if let Some(speaker) = speaker {
        said.add(speaker);
    }
    let both = asked.keys().filter(|term| said.counts.contains_key(*term)).count();
    both as f64 >= EVIDENCE * asked.len() as f64 && both > 0
}

/// What a model said, as far as it can be read. One that keeps to no form is read as a plain answer, its quotes between
/// quotation marks.
pub fn read(text: &str) -> Answered {
    if let Some(answered) = gateway::read_form(text) {
        return answered;
    }
    let text = text.trim();
    let between = |open: char, close: char| {
        let parts = text.split(open).skip(1).filter_map(move |part| part.split_once(close));
        parts.map(|(quote, _)| AnsweredQuote { source: 0, quote: quote.to_owned() })
    };
    Answered { answered: !text.is_empty(), answer: text.to_owned(), quotes: between('“', '”').collect() }
}

/// A quote that stands in a source; offsets count UTF-16 code units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Its place among the sources.
    pub source: usize,
    pub quote: String,
    pub start: usize,
    pub end: usize,
}

/// What of an answer's quotes stands in the sources, in their order, and whether all of it does and nothing is said
/// beside it that no source has.
pub fn checked(answered: &Answered, question: &str, sources: &[GroundingSource]) -> (Vec<Quoted>, bool) {
    let mut citations: Vec<Quoted> = vec![];
    let mut all = true;
    for quote in &answered.quotes {
        match place(quote, sources) {
            Some(citation) if citations.contains(&citation) => {}
            Some(citation) => citations.push(citation),
            None => all = false,
        }
    }
    let grounded = all && !citations.is_empty() && has_no_foreign_number(&answered.answer, question, sources);
    (citations, grounded)
}

/// Where a quote stands: in the source that it names, or in another.
fn place(quote: &AnsweredQuote, sources: &[GroundingSource]) -> Option<Quoted> {
    let words = quote.quote.trim().trim_matches(['“', '”', '"']).trim();
    let named = quote.source.checked_sub(1).and_then(|place| Some((place, sources.get(place)?)));
    named.into_iter().chain(sources.iter().enumerate()).find_map(|(place, source)| {
        let range = find(&source.text, words)?;
        let quote = source.text.get(range.clone())?.to_owned();
        let start = utf16_len(source.text.get(..range.start)?);
        let end = start + utf16_len(&quote);
        Some(Quoted { source: place, quote, start, end })
    })
}

/// Word for word; models are told texts on one line, so blanks of any kind are one.
pub fn find(text: &str, quote: &str) -> Option<Range<usize>> {
    if quote.is_empty() {
        return None;
    }
    if let Some(start) = text.find(quote) {
        return Some(start..start + quote.len());
    }
    let wanted: Vec<&str> = quote.split_whitespace().collect();
    let first = wanted.first()?;
    text.match_indices(first).find_map(|(start, _)| {
        let mut at = start;
        for (place, word) in wanted.iter().enumerate() {
            let rest = text.get(at..)?;
            let blank = rest.len() - rest.trim_start().len();
            let joined = if place == 0 { rest } else { rest.trim_start() };
            if place > 0 && blank == 0 || !joined.starts_with(word) {
                return None;
            }
            at = text.len() - joined.len() + word.len();
        }
        Some(start..at)
    })
}

/// A number that neither a source nor the question has was made up, or was counted: nobody can look it up.
fn has_no_foreign_number(answer: &str, question: &str, sources: &[GroundingSource]) -> bool {
    let numbers = |text: &str| -> Vec<String> {
        let found = words(text)
            .into_iter()
            .map(|word| word.lower)
            .filter(|word| word.bytes().any(|byte| byte.is_ascii_digit()));
        found.collect()
    };
    let mut known = numbers(question);
    for source in sources {
        known.extend(numbers(&source.text));
        known.extend(source.occurred_at.map(|at| at.format("%Y-%m-%d").to_string()));
    }
    let is_source_number = |number: &str| {
        number.parse::<usize>().is_ok_and(|number| number <= sources.len())
            && answer.contains(&format!("[{number}]"))
    };
    numbers(answer).iter().all(|number| known.contains(number) || is_source_number(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gateway::Egress,
        shared::{id::MemoryId, text::slice_utf16},
    };
    use proptest::prelude::*;
    use uuid::Uuid;

    fn source(number: u128, text: &str) -> GroundingSource {
        let id = MemoryId::from_uuid(Uuid::from_u128(number)).to_string();
        GroundingSource { id, text: text.into(), speaker: None, occurred_at: None, egress: Egress::Allowed }
    }

    fn answered(answer: &str, quotes: &[(usize, &str)]) -> Answered {
        let quotes = quotes
            .iter()
            .map(|(source, quote)| AnsweredQuote { source: *source, quote: (*quote).to_owned() });
        Answered { answered: true, answer: answer.to_owned(), quotes: quotes.collect() }
    }

    #[test]
    fn a_quote_that_is_not_there_is_dropped() {
        let sources = [source(1, "😀 The rehearsal is\n  on Monday"), source(2, "Ana sings")];
        let quotes = |answered: &Answered| {
            let (citations, grounded) = checked(answered, "When?", &sources);
            (citations.into_iter().map(|it| (it.quote, it.start, it.end)).collect::<Vec<_>>(), grounded)
        };
        let monday = ("The rehearsal is\n  on Monday".to_owned(), 3, 31);
        assert_eq!(
            quotes(&answered("Monday.", &[(1, "“The rehearsal is on Monday”")])),
            (vec![monday.clone()], true)
        );
        // Another number, and the same words twice.
        assert_eq!(
            quotes(&answered(
                "Monday.",
                &[(2, "The rehearsal is on Monday"), (9, "The rehearsal is on Monday")]
            )),
            (vec![monday.clone()], true)
        );
        assert_eq!(
            quotes(&answered("Tuesday.", &[(1, "The rehearsal is on Monday"), (1, "on Tuesday")])),
            (vec![monday.clone()], false)
        );
        assert_eq!(quotes(&answered("Monday.", &[])), (vec![], false));
        assert_eq!(
            quotes(&answered("At 9:30.", &[(1, "The rehearsal is on Monday")])),
            (vec![monday], false)
        );
    }

    #[test]
    fn an_answer_without_form_is_read_by_its_quotation_marks() {
        let plain = read("It is on Monday: “The rehearsal is on Monday”.");
        assert_eq!(plain.quotes, [AnsweredQuote { source: 0, quote: "The rehearsal is on Monday".into() }]);
        assert!(!read(r#"{"answered": false, "answer": "", "quotes": []}"#).answered);
        assert!(!read(" ").answered);
    }

    proptest! {
        #[test]
        fn a_citation_is_the_text_between_its_offsets(text in "(Ana|😀|é|[a-z]{1,4}|[ \n\t]){0,30}", quote in "(Ana|😀|é|[a-z]{1,3}|[ ]){0,6}") {
            let sources = [source(1, &text)];
            let (citations, grounded) = checked(&answered("x", &[(1, &quote)]), "", &sources);
            prop_assert!(citations.len() <= 1 && grounded != citations.is_empty());
            for citation in citations {
                prop_assert_eq!(slice_utf16(&text, citation.start, citation.end), Some(citation.quote.as_str()));
                let bare = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
                prop_assert_eq!(bare(&citation.quote), bare(&quote));
            }
        }
    }
}
