//! Extracts: the sentences that say most, word for word. No model writes them, so nothing is made up.
use super::words::{commits, content, is_open, sentences};
use crate::gateway::model::{ChatMessage, Speaker};
use std::collections::{BTreeMap, BTreeSet};

/// Sentences of an extract.
const SENTENCES: usize = 6;
/// Characters of one of them.
const LONGEST: usize = 240;
/// Sentences that are looked at: what comes after adds cost and little else.
const LOOKED_AT: usize = 2_000;

/// The answer to a prompt: of the notes in it the ones that count, and what is still to be done.
pub(super) fn complete(prompt: &str) -> String {
    let (instruction, notes) = material(prompt);
    let points = salient(&notes, &content(instruction), SENTENCES);
    if points.is_empty() {
        return "There is nothing in here to work with: no notes came with the request. The built-in provider selects \
                from what it is given and makes nothing up."
            .to_owned();
    }
    let (open, known): (Vec<&str>, Vec<&str>) = points.into_iter().partition(|point| is_open(point));
    let mut text = match notes.len() {
        1 => "In short:".to_owned(),
        count => format!("In short, from {count} notes:"),
    };
    list(&mut text, &known);
    if !open.is_empty() {
        if !known.is_empty() {
            text.push_str("\nStill to do:");
        }
        list(&mut text, &open);
    }
    text
}

/// What a conversation was about: where it began, what the person said that counts, what was settled, what is open.
pub fn digest(topic: Option<&str>, goal: Option<&str>, messages: &[ChatMessage]) -> String {
    let said: Vec<String> =
        messages.iter().filter(|m| m.speaker == Speaker::User).map(|m| m.text.clone()).collect();
    let mut text = match (topic, goal) {
        (Some(topic), Some(goal)) => format!("You talked about “{topic}”, with the goal “{goal}”."),
        (Some(about), None) | (None, Some(about)) => format!("You talked about “{about}”."),
        (None, None) => "You talked without a set topic.".to_owned(),
    };
    if said.is_empty() {
        text.push_str(" The session ended before anything was said.");
        return text;
    }
    let points =
        salient(&said, &content(&format!("{} {}", topic.unwrap_or_default(), goal.unwrap_or_default())), 4);
    let (settled, brought): (Vec<&str>, Vec<&str>) = points.into_iter().partition(|point| commits(point));
    if !brought.is_empty() {
        text.push_str("\nIn your words:");
        list(&mut text, &brought);
    }
    if !settled.is_empty() {
        text.push_str("\nWhat you decided:");
        list(&mut text, &settled);
    }
    let open =
        messages.last().filter(|last| matches!(last.speaker, Speaker::Assistant { .. })).and_then(|last| {
            let question = sentences(&last.text).pop()?;
            Some(&last.text[question]).filter(|question| question.ends_with('?'))
        });
    if let Some(question) = open {
        text.push_str("\nLeft open: ");
        text.push_str(question);
    }
    text
}

fn list(text: &mut String, points: &[&str]) {
    for point in points {
        text.push_str("\n- ");
        if point.chars().count() <= LONGEST {
            text.push_str(point);
        } else {
            let cut: String = point.chars().take(LONGEST).collect();
            text.push_str(cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head));
            text.push('…');
        }
    }
}

/// What is asked, and the notes it is asked about: the `text` fields where recalled memories were put into the
/// prompt as data, else the lines after the first colon or the first line.
fn material(prompt: &str) -> (&str, Vec<String>) {
    let (start, texts) = text_fields(prompt);
    if !texts.is_empty() {
        return (&prompt[..start], texts);
    }
    let first_line = prompt.find('\n').unwrap_or(prompt.len());
    let cut = prompt[..first_line].find(": ").map(|at| at + 1).unwrap_or(first_line);
    let (instruction, rest) = prompt.split_at(cut);
    let lines = |text: &str| -> Vec<String> {
        let bare = |line: &str| {
            line.trim().trim_start_matches(['-', '*', '•', ' ']).trim_start_matches(':').trim().to_owned()
        };
        text.lines()
            .map(bare)
            .filter(|line| !matches!(line.as_str(), "" | "[]" | "{}" | "null" | "none"))
            .collect()
    };
    (instruction, lines(rest))
}

/// Every string that stands behind the key `text` in what looks like JSON, and where the first of them begins.
fn text_fields(prompt: &str) -> (usize, Vec<String>) {
    let mut found = vec![];
    let mut start = prompt.len();
    for (at, key) in prompt.match_indices("\"text\"") {
        let Some(value) = prompt[at + key.len()..].trim_start().strip_prefix(':') else { continue };
        let mut values = serde_json::Deserializer::from_str(value.trim_start()).into_iter::<String>();
        if let Some(Ok(text)) = values.next() {
            start = start.min(prompt[..at].find(['{', '[']).unwrap_or(at));
            found.push(text);
        }
    }
    found.retain(|text| !text.trim().is_empty());
    (start, found)
}

/// The sentences that share most with the other notes and with what is asked, in the order in which they stand,
/// none of them saying what another one says.
fn salient<'a>(notes: &'a [String], asked: &BTreeMap<String, f64>, limit: usize) -> Vec<&'a str> {
    let candidates: Vec<(&str, BTreeSet<String>)> = notes
        .iter()
        .flat_map(|note| sentences(note).into_iter().map(|range| &note[range]))
        .take(LOOKED_AT)
        .map(|sentence| (sentence, content(sentence).into_keys().collect()))
        .collect();
    let mut shared: BTreeMap<&str, f64> = BTreeMap::new();
    for (_, words) in &candidates {
        for word in words {
            *shared.entry(word).or_default() += 1.0;
        }
    }
    let score = |words: &BTreeSet<String>| {
        let told: f64 =
            words.iter().map(|word| shared[word.as_str()] + 2.0 * asked.get(word).unwrap_or(&0.0)).sum();
        told / (words.len() as f64 + 1.0).sqrt()
    };
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|a, b| score(&candidates[*b].1).total_cmp(&score(&candidates[*a].1)).then(a.cmp(b)));
    let mut chosen: Vec<usize> = vec![];
    for at in order {
        let words = &candidates[at].1;
        let repeats = chosen
            .iter()
            .any(|other| alike(words, &candidates[*other].1) || candidates[*other].0 == candidates[at].0);
        if chosen.len() < limit && !repeats {
            chosen.push(at);
        }
    }
    chosen.sort_unstable();
    chosen.into_iter().map(|at| candidates[at].0).collect()
}

fn alike(a: &BTreeSet<String>, b: &BTreeSet<String>) -> bool {
    let both = a.intersection(b).count() as f64;
    let either = a.union(b).count() as f64;
    either > 0.0 && both / either > 0.6
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn recalled_notes_become_a_summary_of_their_own_words() {
        let prompt = r#"Summarise: {"hits": [{"text": "Launch moved to Thursday.", "score": 1.2},
            {"text": "We must book the \"big\" room for the launch"}, {"text": "Launch moved to Thursday."}], "used": none}"#;
        assert_eq!(
            complete(prompt),
            "In short, from 3 notes:\n- Launch moved to Thursday.\nStill to do:\n- We must book the \"big\" room for the launch"
        );
    }

    #[test]
    fn plain_lines_are_notes_too() {
        let text = complete("Summarise this week:\n- Ana starts on Monday\n- The budget is approved");
        assert!(text.contains("Ana starts on Monday") && text.contains("The budget is approved"), "{text}");
    }

    #[test]
    fn nothing_to_summarise_is_said() {
        for prompt in ["", "Summarise: ", "Summarise: []", "Write a haiku"] {
            assert!(complete(prompt).contains("nothing in here"), "{prompt}");
        }
    }

    #[test]
    fn a_digest_tells_what_was_said_decided_and_left_open() {
        let talk = [
            ChatMessage::user("I keep missing my morning run. The evenings are full."),
            ChatMessage::assistant("I see. Which step comes first?"),
            ChatMessage::user("I will lay out my shoes tonight."),
            ChatMessage::assistant("Good. What could get in its way?"),
        ];
        let text = digest(Some("Running"), None, &talk);
        assert_eq!(
            text,
            "You talked about “Running”.\nIn your words:\n- I keep missing my morning run.\n- The evenings are full.\n\
             What you decided:\n- I will lay out my shoes tonight.\nLeft open: What could get in its way?"
        );
    }

    proptest! {
        #[test]
        fn every_point_stands_in_the_notes(notes in prop::collection::vec("[a-zA-Z]{1,9}( [a-zA-Z]{1,9}){0,9}", 1..9)) {
            let points = salient(&notes, &BTreeMap::new(), SENTENCES);
            prop_assert!(points.len() <= SENTENCES);
            prop_assert!(points.iter().all(|point| notes.iter().any(|note| note.contains(point))));
        }

        #[test]
        fn any_prompt_gets_an_answer(prompt: String) {
            prop_assert!(!complete(&prompt).is_empty());
        }
    }
}
