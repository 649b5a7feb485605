//! What the coach says next: it shows that it listened, quotes what it remembers, and asks one question.
use super::{
    Answer,
    passage::{Passage, relevant},
    words::{commits, content, describes, sentences, weighs},
};
use crate::gateway::model::{ChatMessage, GroundingSource, Speaker};
use std::collections::BTreeMap;

/// Memories quoted in one reply.
const QUOTES: usize = 2;
/// Words of a sentence that is given back to the person.
const ECHO: usize = 18;

/// Where the conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Goal,
    Reality,
    Options,
    Will,
}

impl Stage {
    fn next(self) -> Self {
        match self {
            Self::Goal => Self::Reality,
            Self::Reality => Self::Options,
            Self::Options | Self::Will => Self::Will,
        }
    }

    /// As far as the person's own words lead, whatever was asked.
    fn told_by(text: &str) -> Self {
        if commits(text) {
            Self::Will
        } else if weighs(text) {
            Self::Options
        } else if describes(text) {
            Self::Reality
        } else {
            Self::Goal
        }
    }

    /// Each answer leads one stage on, unless it says next to nothing; a goal that is set needs no asking.
    fn of(said: &[&str], has_goal: bool) -> Self {
        let start = if has_goal { Self::Reality } else { Self::Goal };
        let Some((latest, earlier)) = said.split_last() else { return start };
        let reached = earlier.iter().fold(start, |stage, text| {
            let stage = stage.max(Self::told_by(text));
            if text.split_whitespace().count() < 3 { stage } else { stage.next() }
        });
        reached.max(Self::told_by(latest))
    }
}

pub(super) fn reply(
    messages: &[ChatMessage],
    topic: Option<&str>,
    goal: Option<&str>,
    sources: &[GroundingSource],
) -> Answer {
    let said: Vec<&str> =
        messages.iter().filter(|m| m.speaker == Speaker::User).map(|m| m.text.as_str()).collect();
    let latest = said.last().copied().unwrap_or_default();
    let round = said.len().saturating_sub(1);
    let stage = Stage::of(&said, goal.is_some());
    let passages = relevant(&subject(&said, topic, goal), sources, QUOTES);

    let mut reply = Reply::default();
    if let Some(echo) = echo(latest) {
        reply.sentence(&echo);
    }
    for (place, passage) in passages.iter().enumerate() {
        reply.quote(passage, place);
    }
    if passages.is_empty() {
        reply.sentence(pick(&NOTHING_REMEMBERED, round));
    }
    let commitment = stage == Stage::Will && commits(latest);
    reply.sentence(pick(bridges(stage, commitment), round));
    reply.sentence(&question(stage, round, &passages, goal.or(topic)));
    reply.0
}

/// What the person speaks about: the latest message that says something, else what the session is for.
fn subject(said: &[&str], topic: Option<&str>, goal: Option<&str>) -> BTreeMap<String, f64> {
    let texts = said.iter().rev().copied().chain(goal).chain(topic);
    texts.map(content).find(|words| words.values().sum::<f64>() > 0.9).unwrap_or_default()
}

const NOTHING_REMEMBERED: [&str; 3] = [
    "I have nothing remembered about that yet, so I go by what you tell me.",
    "There is nothing remembered about that, so your own words count.",
    "About that I have nothing remembered; tell me as it is.",
];

fn bridges(stage: Stage, commitment: bool) -> &'static [&'static str] {
    match stage {
        Stage::Goal => {
            &["Let us first get clear on what you are after.", "It helps to name the outcome before the way."]
        }
        Stage::Reality => &[
            "Before anything changes, let us look at where you are.",
            "Let us stay with the facts for a moment.",
        ],
        Stage::Options => {
            &["There is more than one way from here.", "Let us collect a few ways before you choose one."]
        }
        Stage::Will if commitment => {
            &["Good: that is a decision, and it is yours.", "That is a clear commitment."]
        }
        Stage::Will => &["You have enough to choose from.", "Now it is about doing it."],
    }
}

fn question(stage: Stage, round: usize, passages: &[Passage<'_>], about: Option<&str>) -> String {
    let about =
        about.map(|about| about.trim().trim_end_matches(['.', '!', '?'])).filter(|about| !about.is_empty());
    let grounded = !passages.is_empty();
    match (stage, grounded, about) {
        (Stage::Goal, true, _) => {
            "With that in mind, what would you like to have settled when we are done?".into()
        }
        (Stage::Goal, false, Some(about)) => {
            format!("If “{about}” goes well, what will you see that tells you so?")
        }
        (Stage::Goal, false, None) => "What would you like to have settled when we are done?".into(),
        (Stage::Reality, true, _) => "Does that still hold today, or what has changed since?".into(),
        (Stage::Reality, false, Some(about)) => {
            format!("From 0 to 10, where do you stand with “{about}” today, and what makes it that number?")
        }
        (Stage::Reality, false, None) => "What have you tried so far, and what came of it?".into(),
        (Stage::Options, true, _) => {
            "Building on that, which two ways do you see: one bold, one easy?".into()
        }
        (Stage::Options, false, _) => {
            "Which two or three ways do you see, even ones you would not choose?".into()
        }
        (Stage::Will, true, _) if round == 0 => {
            "With that in mind, which one step comes first, and when?".into()
        }
        (Stage::Will, ..) => pick(&WILL, round).into(),
    }
}

const WILL: [&str; 3] = [
    "Which one step comes first, and when exactly will you take it?",
    "What could get in its way, and what will you do then?",
    "Who will you tell about it, so that it happens?",
];

/// A plain statement, given back in the second person: "So you keep missing your run."
fn echo(text: &str) -> Option<String> {
    let first = sentences(text).into_iter().next().map(|range| &text[range])?;
    let words: Vec<&str> = first.trim_end_matches(['.', '!', '…']).split_whitespace().collect();
    let plain = |c: char| {
        c.is_alphanumeric() || c.is_whitespace() || matches!(c, ',' | '\'' | '’' | '-' | '.' | '!' | ':')
    };
    if !(3..=ECHO).contains(&words.len()) || !first.chars().all(plain) {
        return None;
    }
    let opens = ["i", "i'm", "i've", "i'd", "my", "we", "we're", "we've", "our"];
    if !opens.contains(&lower(words[0]).as_str()) || words.iter().any(|word| lower(word).starts_with("you")) {
        return None;
    }
    let mut turned: Vec<String> = vec![];
    for (place, word) in words.iter().enumerate() {
        let after_i = place > 0 && matches!(lower(words[place - 1]).as_str(), "i");
        turned.push(second_person(word, after_i));
    }
    Some(format!("So {}.", turned.join(" ")))
}

fn lower(word: &str) -> String {
    word.to_lowercase().replace('’', "'").trim_end_matches([',', ':']).to_owned()
}

fn second_person(word: &str, after_i: bool) -> String {
    let tail = &word[word.trim_end_matches([',', ':']).len()..];
    let turned = match lower(word).as_str() {
        "i" | "me" | "we" | "us" => "you",
        "i'm" | "we're" => "you are",
        "i've" | "we've" => "you have",
        "i'd" | "we'd" => "you would",
        "i'll" | "we'll" => "you will",
        "my" | "our" => "your",
        "mine" | "ours" => "yours",
        "myself" => "yourself",
        "ourselves" => "yourselves",
        "am" if after_i => "are",
        "was" if after_i => "were",
        _ => return word.to_owned(),
    };
    format!("{turned}{tail}")
}

#[derive(Default)]
struct Reply(Answer);

impl Reply {
    fn sentence(&mut self, sentence: &str) {
        if !self.0.text.is_empty() {
            self.0.text.push(' ');
        }
        self.0.text.push_str(sentence);
    }

    fn quote(&mut self, passage: &Passage<'_>, place: usize) {
        self.sentence(&introduction(passage.source, place));
        self.0.text.push_str(" “");
        let start = self.0.text.len();
        self.0.text.push_str(passage.text());
        self.0.text.push_str(if passage.text().ends_with(['.', '!', '?', '…']) { "”" } else { "”." });
        self.0.quotes.push((start, passage.quote()));
    }
}

fn introduction(source: &GroundingSource, place: usize) -> String {
    let speaker = source.speaker.as_deref().map(str::trim).filter(|speaker| !speaker.is_empty());
    let day = source.occurred_at.map(|at| at.format("%-d %B %Y").to_string());
    match (speaker, day, place) {
        (Some(speaker), Some(day), _) => format!("On {day} {speaker} said:"),
        (Some(speaker), None, _) => format!("{speaker} said:"),
        (None, Some(day), _) => format!("From {day} I remember:"),
        (None, None, 0) => "I remember this:".into(),
        (None, None, _) => "And this:".into(),
    }
}

fn pick<'a>(variants: &[&'a str], round: usize) -> &'a str {
    variants.get(round % variants.len().max(1)).copied().unwrap_or_default()
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

    fn say(text: &str, sources: &[GroundingSource]) -> Answer {
        reply(&[ChatMessage::user(text)], None, None, sources)
    }

    #[test]
    fn a_quote_stands_in_the_reply_word_for_word() {
        let sources = [source("m", "Ana prefers short stand-ups before ten")];
        let answer = say("How long should our stand-up be?", &sources);
        assert!(answer.text.contains("“Ana prefers short stand-ups before ten”"), "{}", answer.text);
        let (start, quote) = &answer.quotes[0];
        let quoted = slice_utf16(&sources[0].text, quote.start, quote.end).unwrap();
        assert!(answer.text[*start..].starts_with(quoted));
    }

    #[test]
    fn nothing_relevant_is_said_and_not_cited() {
        let answer =
            say("I want to learn the violin", &[source("m", "Ana prefers short stand-ups before ten")]);
        assert_eq!(answer.quotes, []);
        assert!(answer.text.contains("nothing remembered"), "{}", answer.text);
    }

    #[test]
    fn another_memory_is_another_reply() {
        let before = say("When is the rehearsal?", &[source("m", "The rehearsal is on Monday")]);
        let after = say("When is the rehearsal?", &[source("m", "The rehearsal is on Friday")]);
        assert_ne!(before.text, after.text);
    }

    #[test]
    fn what_the_person_says_is_given_back() {
        let answer = say("I keep missing my morning run.", &[]);
        assert!(answer.text.starts_with("So you keep missing your morning run."), "{}", answer.text);
        assert_eq!(echo("What do you think of me?"), None);
    }

    #[test]
    fn the_conversation_goes_from_goal_to_will() {
        let talk = [
            "Fitness would be good for me",
            "It went badly in the last months",
            "Mornings look possible to me",
            "Mornings then, three times",
        ];
        let stages: Vec<_> = (1..=talk.len()).map(|n| Stage::of(&talk[..n], false)).collect();
        assert_eq!(stages, [Stage::Goal, Stage::Reality, Stage::Options, Stage::Will]);
        assert_eq!(Stage::of(&talk[..1], true), Stage::Reality);
        assert_eq!(Stage::of(&["I will run tomorrow at seven"], false), Stage::Will);
        assert_eq!(Stage::of(&["Hm", "Hm"], false), Stage::Goal);
    }

    proptest! {
        #[test]
        fn a_reply_is_the_same_each_time_and_ends_with_its_only_question(
            said in prop::collection::vec("([a-zA-Z]{1,9} ){1,12}", 1..7),
            memories in prop::collection::vec("([a-z]{1,9} ){1,9}", 0..4),
            goal in prop::option::of("[a-z ]{1,20}"),
        ) {
            let messages: Vec<_> = said.iter().flat_map(|text| [ChatMessage::user(text), ChatMessage::assistant("Hm?")]).collect();
            let messages = &messages[..messages.len() - 1];
            let sources: Vec<_> = memories.iter().enumerate().map(|(at, text)| source(&at.to_string(), text)).collect();
            let answer = reply(messages, None, goal.as_deref(), &sources);
            prop_assert_eq!(&answer, &reply(messages, None, goal.as_deref(), &sources));
            prop_assert!(answer.text.ends_with('?'));
            prop_assert_eq!(answer.text.matches('?').count(), 1);
        }
    }
}
