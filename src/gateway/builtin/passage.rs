//! Which parts of the sources have to do with what was said, and are worth quoting.
use super::words::{content, sentences, trimmed};
use crate::{
    gateway::model::{GroundingSource, Quote},
    shared::text::utf16_len,
};
use std::{collections::BTreeMap, ops::Range};

/// Bytes of a source that is quoted whole, where it is one line.
const WHOLE: usize = 200;
/// Bytes of a quote at most, about.
const LONGEST: usize = 240;
/// What the shared words of a relevant passage weigh at least: one telling word, or several faint ones.
const RELEVANT: f64 = 0.99;
/// What a question weighs at least: below it, it asks for nothing.
const FAINTEST: f64 = 0.25;

#[derive(Clone, Debug)]
pub(super) struct Passage<'a> {
    pub source: &'a GroundingSource,
    /// Bytes of the source's text.
    pub range: Range<usize>,
}

impl Passage<'_> {
    pub(super) fn text(&self) -> &str {
        &self.source.text[self.range.clone()]
    }

    pub(super) fn quote(&self) -> Quote {
        let start = utf16_len(&self.source.text[..self.range.start]);
        Quote { source: self.source.id.clone(), start, end: start + utf16_len(self.text()) }
    }
}

/// At most `limit` passages, each of another source and with another text, the most telling first.
pub(super) fn relevant<'a>(
    said: &BTreeMap<String, f64>,
    sources: &'a [GroundingSource],
    limit: usize,
) -> Vec<Passage<'a>> {
    let mut best: Vec<(f64, Passage<'_>)> =
        sources.iter().filter_map(|source| best_of(said, source)).collect();
    // Stable: the order of recall decides between equals.
    best.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut chosen: Vec<Passage<'_>> = vec![];
    for (_, passage) in best {
        if chosen.len() < limit && !chosen.iter().any(|other| other.text() == passage.text()) {
            chosen.push(passage);
        }
    }
    chosen
}

/// Of what is asked: words that ask for anything.
const ASKING: [&str; 12] = [
    "know", "rememb", "tell", "say", "said", "think", "thought", "mean", "find", "anyth", "someth",
    "question",
];
/// Share of what is asked that a passage has to speak of.
const ANSWERS: f64 = 0.6;
/// How much less than the best a further passage may speak of.
const BESIDE: f64 = 0.2;

/// At most `limit` passages that speak of nearly all that is asked, each of another source, the most telling first.
pub(super) fn answering<'a>(
    question: &str,
    sources: &'a [GroundingSource],
    limit: usize,
) -> Vec<Passage<'a>> {
    let asked: BTreeMap<String, f64> =
        content(question).into_iter().filter(|(stem, _)| !ASKING.contains(&stem.as_str())).collect();
    if asked.values().sum::<f64>() < FAINTEST {
        return vec![];
    }
    let mut found: Vec<(f64, Passage<'_>)> = vec![];
    for source in sources {
        let about = source.speaker.as_deref().map(content).unwrap_or_default();
        let covered = |range: &Range<usize>| {
            let said = content(&source.text[range.clone()]);
            let both =
                asked.keys().filter(|stem| said.contains_key(*stem) || about.contains_key(*stem)).count();
            both as f64 / asked.len() as f64
        };
        let parts = sentences(&source.text).into_iter().map(|range| (covered(&range), range));
        let best = parts
            .filter(|(share, _)| *share >= ANSWERS)
            .max_by(|(a, x), (b, y)| a.total_cmp(b).then(y.start.cmp(&x.start)));
        found.extend(
            best.map(|(share, range)| (share, Passage { source, range: clip(&asked, &source.text, range) })),
        );
    }
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let best = found.first().map(|(share, _)| *share).unwrap_or_default();
    let near = found.into_iter().take_while(|(share, _)| *share >= best - BESIDE).map(|(_, passage)| passage);
    let mut chosen: Vec<Passage<'_>> = vec![];
    for passage in near {
        if chosen.len() < limit && !chosen.iter().any(|other| other.text() == passage.text()) {
            chosen.push(passage);
        }
    }
    chosen
}

fn best_of<'a>(said: &BTreeMap<String, f64>, source: &'a GroundingSource) -> Option<(f64, Passage<'a>)> {
    let text = source.text.as_str();
    let whole = trimmed(text, 0..text.len())?;
    let parts = if whole.len() <= WHOLE && !text[whole.clone()].contains('\n') {
        vec![whole]
    } else {
        sentences(text)
    };
    let mut best: Option<(f64, Range<usize>)> = None;
    for part in parts {
        let score = shared_weight(said, &text[part.clone()]);
        if score >= RELEVANT && best.as_ref().is_none_or(|(other, _)| score > *other) {
            best = Some((score, part));
        }
    }
    best.map(|(score, range)| (score, Passage { source, range: clip(said, text, range) }))
}

fn shared_weight(said: &BTreeMap<String, f64>, text: &str) -> f64 {
    // Both sides weigh a word alike, but for parts of a compound: the lesser counts.
    content(text).iter().filter_map(|(stem, weight)| said.get(stem).map(|other| weight.min(*other))).sum()
}

/// A long sentence is cut at blanks, so that the first telling word stays in.
fn clip(said: &BTreeMap<String, f64>, text: &str, range: Range<usize>) -> Range<usize> {
    if range.len() <= LONGEST {
        return range;
    }
    let part = &text[range.clone()];
    let mut words = part.match_indices(char::is_whitespace).map(|(at, _)| at).collect::<Vec<_>>();
    words.push(part.len());
    let mut start = 0;
    let telling = words.iter().find_map(|end| {
        let word = &part[start..*end];
        let here = start;
        start = *end;
        (shared_weight(said, word) > 0.0).then_some(here)
    });
    let from = telling.unwrap_or(0).saturating_sub(LONGEST / 3);
    let starts = [0].into_iter().chain(words.iter().copied());
    let start = starts.take_while(|at| *at <= from).last().unwrap_or(0);
    let end = words.iter().copied().take_while(|at| *at <= start + LONGEST).last();
    // One word longer than a quote may be: no blank to cut at.
    let end = end.filter(|end| *end > start).unwrap_or(part.len());
    trimmed(text, range.start + start..range.start + end).unwrap_or(range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{gateway::model::Egress, shared::text::slice_utf16};
    use proptest::prelude::*;

    fn source(id: &str, text: &str) -> GroundingSource {
        GroundingSource {
            id: id.into(),
            text: text.into(),
            speaker: None,
            occurred_at: None,
            egress: Egress::Allowed,
        }
    }

    #[test]
    fn words_that_anything_could_be_about_make_nothing_relevant() {
        let sources = [source("a", "The best day of the week is a good day to start something new")];
        assert!(relevant(&content("I want to have a good day and start well"), &sources, 2).len() < 2);
        assert!(relevant(&content("How is the quarterly budget?"), &sources, 2).is_empty());
    }

    #[test]
    fn the_telling_sentence_of_a_long_source_is_quoted() {
        let long = format!(
            "{} The rehearsal is in Lisbon. {}",
            "Nothing of note here. ".repeat(10),
            "More. ".repeat(20)
        );
        let sources = [source("a", &long)];
        let found = relevant(&content("When is the rehearsal?"), &sources, 2);
        assert_eq!(found[0].text(), "The rehearsal is in Lisbon.");
    }

    proptest! {
        #[test]
        fn a_quote_is_the_text_between_its_offsets(
            texts in prop::collection::vec("(budget|Zürich|😀|stand-ups?|[a-z]{1,9}|[.!?\n ]){0,80}", 1..4),
            said in "(budget|zürich|stand-up|[a-z ]){1,20}",
        ) {
            let sources: Vec<_> = texts.iter().enumerate().map(|(at, text)| source(&at.to_string(), text)).collect();
            for passage in relevant(&content(&said), &sources, 2) {
                let quote = passage.quote();
                let text = &sources[quote.source.parse::<usize>().unwrap()].text;
                prop_assert_eq!(slice_utf16(text, quote.start, quote.end), Some(passage.text()));
                prop_assert!(!passage.text().is_empty());
            }
        }
    }
}
