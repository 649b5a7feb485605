//! An answer from sources without a model: the passages that speak of what is asked, word for word, or none.
use super::passage::{Passage, answering};
use crate::gateway::{Answered, AnsweredQuote, model::GroundingSource};

/// Passages of one answer.
const MOST: usize = 3;

pub(super) fn answer(question: &str, sources: &[GroundingSource]) -> String {
    let passages = answering(question, sources, MOST);
    let answered = Answered {
        answered: !passages.is_empty(),
        answer: passages.iter().map(said).collect::<Vec<_>>().join("\n"),
        quotes: passages.iter().map(|passage| quote(passage, sources)).collect(),
    };
    // A struct of texts always is JSON.
    serde_json::to_string(&answered).unwrap_or_default()
}

/// Who said it and when, where that is known, and the words.
fn said(passage: &Passage<'_>) -> String {
    let day = passage.source.occurred_at.map(|at| at.format("%Y-%m-%d").to_string());
    let by = [passage.source.speaker.clone(), day].into_iter().flatten().collect::<Vec<_>>().join(", ");
    if by.is_empty() {
        format!("“{}”", passage.text())
    } else {
        format!("{by}: “{}”", passage.text())
    }
}

fn quote(passage: &Passage<'_>, sources: &[GroundingSource]) -> AnsweredQuote {
    let place = sources.iter().position(|source| source.id == passage.source.id);
    AnsweredQuote { source: place.map_or(0, |place| place + 1), quote: passage.text().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::Egress;

    fn source(id: &str, text: &str) -> GroundingSource {
        let (speaker, occurred_at, egress) = (Some("Ana".to_owned()), None, Egress::Allowed);
        GroundingSource { id: id.into(), text: text.into(), speaker, occurred_at, egress }
    }

    fn ask(question: &str) -> Answered {
        let sources = [
            source("a", "Ben likes long walks."),
            source("b", "I live in Oslo. The rehearsal is on Monday at nine."),
        ];
        serde_json::from_str(&answer(question, &sources)).unwrap()
    }

    #[test]
    fn what_is_asked_is_answered_in_the_words_of_its_source() {
        let answered = ask("When is the rehearsal?");
        assert_eq!(answered.answer, "Ana: “The rehearsal is on Monday at nine.”");
        assert_eq!(
            answered.quotes,
            [AnsweredQuote { source: 2, quote: "The rehearsal is on Monday at nine.".into() }]
        );
    }

    #[test]
    fn what_no_source_says_is_not_answered() {
        for question in ["When is Ben's birthday?", "Who leads the audit?", "", "Why?"] {
            assert_eq!(ask(question), Answered::default(), "{question}");
        }
    }
}
