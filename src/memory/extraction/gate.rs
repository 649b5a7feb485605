//! The gate: what of the candidates may be kept. Nobody has to trust rules or a model for it: each candidate is held
//! against its source, against what is remembered, and against the others.
use super::{
    Candidate, Passage,
    again::Told,
    clause::{Clause, words},
    gist::Gist,
    phrases::{Phrases, list, phrases},
    subject::is_name,
};
use crate::{
    memory::{contradiction, terms::Terms},
    shared::{id::MemoryId, stored},
};
use std::{collections::BTreeSet, ops::Range, sync::LazyLock};

stored! {
    /// Why a candidate is not kept.
    Refusal {
        /// Its source does not say so.
        Unsupported = "UNSUPPORTED",
        /// It is of the instructions of a model.
        SystemPrompt = "SYSTEM_PROMPT",
        /// It was recalled before, and comes back.
        Recalled = "RECALLED",
        /// It is remembered already, was refused by hand, or another candidate says the same.
        Duplicate = "DUPLICATE",
        /// It does not say enough to be understood by itself.
        Vague = "VAGUE",
    }
}

impl Refusal {
    pub fn text(self) -> &'static str {
        match self {
            Self::Unsupported => "the source does not say this",
            Self::SystemPrompt => "this is of the instructions of a model",
            Self::Recalled => "this was recalled, and comes back",
            Self::Duplicate => "this is known already",
            Self::Vague => "this says too little to be understood by itself",
        }
    }
}

/// A candidate that is not kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    pub candidate: Candidate,
    pub refusal: Refusal,
    /// The memory that says the same.
    pub duplicate_of: Option<MemoryId>,
}

/// What is remembered, proposed or was refused by hand, and is near a candidate.
#[derive(Clone, Debug)]
pub struct Known {
    pub id: MemoryId,
    pub text: String,
    pub speaker: Option<String>,
    /// Whether it is recalled, and not only proposed or refused.
    pub is_used: bool,
}

/// What the candidates are held against.
#[derive(Clone, Copy)]
pub struct Against<'a> {
    pub passages: &'a [Passage],
    pub known: &'a [Known],
    /// Texts that were recalled where the passages come from.
    pub recalled: &'a [String],
    /// What set up the model there.
    pub prompts: &'a [String],
    /// Whether a text gives a model orders.
    pub is_attack: &'a dyn Fn(&str) -> bool,
}

/// Below it a candidate says too little; from it on it says again what is known, as far as that can be told.
const SURE: f64 = 0.5;
/// Words of a model's wording that its quote has at least.
const SUPPORT: f64 = 0.5;

/// The candidates that may be kept, and the others with the reason.
pub fn judge(candidates: Vec<Candidate>, against: &Against<'_>) -> (Vec<Candidate>, Vec<Refused>) {
    let prompts: Vec<Vec<Range<usize>>> =
        against.passages.iter().map(|passage| prompts_in(&passage.text, against.is_attack)).collect();
    let known: Vec<_> = against
        .known
        .iter()
        .map(|known| (Told::new(&known.text, known.speaker.as_deref()), known.id))
        .collect();
    let recalled: Vec<_> = against.recalled.iter().map(|text| (Told::new(text, None), ())).collect();
    let mut kept: Vec<(Candidate, Told)> = vec![];
    let mut refused = vec![];
    for candidate in candidates {
        let told = Told::new(&candidate.text, candidate.speaker.as_deref());
        let of_prompt = prompts
            .get(candidate.passage)
            .is_some_and(|prompts| prompts.iter().any(|it| overlap(it, &candidate.range)));
        let passage = against.passages.get(candidate.passage);
        let told_again = passage.is_some_and(|passage| says_so_again(&passage.text, &candidate.range));
        let is_known = |again: &f64| *again >= SURE;
        let same = || {
            told.most_likely_again(&known, told_again).filter(|(again, _)| is_known(again)).map(|(_, id)| *id)
        };
        let comes_back =
            || told.most_likely_again(&recalled, told_again).is_some_and(|(again, ())| is_known(&again));
        let twice = || kept.iter().any(|(_, other)| told.gist().says_no_more_than(other.gist()));
        let verdict = if !is_supported(&candidate, against.passages) {
            Some((Refusal::Unsupported, None))
        } else if of_prompt || speaks_of_the_user(&candidate.text) || is_told_the_model(&candidate, against) {
            Some((Refusal::SystemPrompt, None))
        } else if is_recalled(&candidate, against) {
            Some((Refusal::Recalled, same()))
        } else if is_vague(&candidate, told.gist()) {
            Some((Refusal::Vague, None))
        } else if comes_back() {
            Some((Refusal::Recalled, same()))
        } else if let Some(id) = same() {
            Some((Refusal::Duplicate, Some(id)))
        } else {
            twice().then_some((Refusal::Duplicate, None))
        };
        match verdict {
            None => {
                let mut candidate = candidate;
                candidate.contradicts.extend(contradicted(&told, against.known, &known));
                kept.push((candidate, told));
            }
            Some((refusal, duplicate_of)) => refused.push(Refused { candidate, refusal, duplicate_of }),
        }
    }
    (kept.into_iter().map(|(candidate, _)| candidate).collect(), refused)
}

/// What is remembered and cannot hold beside it.
fn contradicted(told: &Told, known: &[Known], gists: &[(Told, MemoryId)]) -> Vec<MemoryId> {
    let used = known.iter().zip(gists).filter(|(known, _)| known.is_used);
    let against = used.filter(|(_, (other, _))| {
        !told.gist().is_of_others(other.gist())
            && contradiction::between_gists(told.gist(), other.gist()).is_some()
    });
    against.map(|(known, _)| known.id).collect()
}

/// Whether this part of a text, or the sentence before it, says that it is known.
pub(super) fn says_so_again(text: &str, part: &Range<usize>) -> bool {
    let ends = ['.', '!', '?', '\n'];
    let before = text[..part.start].trim_end().trim_end_matches(ends);
    let start = before.rfind(ends).map_or(0, |at| at + 1);
    let end = text[part.end..].find(ends).map_or(text.len(), |at| part.end + at);
    Clause::new(text, start..end).has(&RECALLS)
}

/// Whether it stands in what set up the model, word for word.
fn is_told_the_model(candidate: &Candidate, against: &Against<'_>) -> bool {
    let text = joined(candidate.quote(against.passages));
    text.len() > 12 && against.prompts.iter().any(|prompt| joined(prompt).contains(&text))
}

/// Nobody speaks of themself so.
fn speaks_of_the_user(text: &str) -> bool {
    let cues = list!(
        "the user, user's, your user, user is, user has, user wants, user prefers, user likes, the \
            coachee"
    );
    Clause::new(text, 0..text.len()).has(cues)
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// What the rules take is its quote. A model's wording brings in no name and no number, and few words, that its
/// source does not have.
fn is_supported(candidate: &Candidate, passages: &[Passage]) -> bool {
    let Some(passage) = passages.get(candidate.passage) else { return false };
    let quote = candidate.quote(passages);
    if quote.trim().is_empty() {
        return false;
    }
    if !candidate.worded {
        return candidate.text == quote;
    }
    let spoken = passage.speaker.as_deref().unwrap_or_default();
    let source: BTreeSet<String> =
        [passage.text.as_str(), spoken, candidate.speaker.as_deref().unwrap_or_default()]
            .iter()
            .flat_map(|text| Terms::of(text).counts.into_keys())
            .collect();
    let foreign = words(&candidate.text).iter().skip(1).any(|word| {
        (is_name(word) || has_digit(&word.lower))
            && Terms::of(word.text).counts.keys().any(|term| !source.contains(term))
    });
    let (said, quoted) = (Terms::of(&candidate.text).counts, Terms::of(quote).counts);
    let shared = said.keys().filter(|term| quoted.contains_key(*term)).count();
    let denies = |text: &str| Gist::of(text, None).denies();
    !foreign
        && shared as f64 >= SUPPORT * said.len() as f64
        && shared > 0
        && denies(&candidate.text) == denies(quote)
}

/// Said where a model is set up, or told what to do.
static PROMPTS: LazyLock<Phrases> = phrases!(
    "you are a, you are an, you are the, your user, you are an ai, you are an assistant, you are a \
    coach, you are an expert, you are chatgpt, you are claude, you're a helpful, you're an ai, act \
    as a, act as an, your task is to, your role is to, your job is to, as an ai, as a language \
    model, large language model, system prompt, system message, developer message, custom \
    instructions, ignore previous, ignore all previous, disregard previous, previous instructions, \
    respond only, answer only, reply only, respond in json, always respond, always answer, never \
    reveal, never mention that you, do not reveal, knowledge cutoff, the user prefers you, the \
    assistant, assistant must, assistant should, the user's message, tool call, function call, \
    follow the grow conversation, quote what is remembered, be warm, brief and concrete, you must \
    not, you must never, you must always"
);

/// The paragraphs of a text that set up a model.
fn prompts_in(text: &str, is_attack: &dyn Fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut found = vec![];
    for paragraph in text.split_inclusive("\n\n") {
        let range = start..start + paragraph.len();
        start = range.end;
        let sets_up = Clause::new(paragraph, 0..paragraph.len()).has(&PROMPTS);
        if sets_up || is_attack(paragraph) {
            found.push(range);
        }
    }
    found
}

/// With which somebody says that a thing is known already.
pub(super) static RECALLS: LazyLock<Phrases> = phrases!(
    "as you know, as i said, as i've said, like i said, like i've said, i've told you, i told you, as \
    mentioned, you know that, you know this, you know all, you already, already know, you have it, \
    you've got it, got it down, in your notes, your notes, your note, in your memory, in the notes, \
    in the file, it's in there, you say, you said, you wrote, you mentioned, you have me, you've \
    noted, you noted, noted already, saved, says here, it says, still says, the card, on my screen, \
    under memories, how many times, once more, said before, told before, mentioned before, again, \
    you remembered, you remember, reminded me, your summary, the summary, in your message, yes \
    that's right, that's right, still true, it's right in, in there, on file, quoting you, you \
    quoted, as before, same as, like before, remember me, i know you know, repeat, repeating, as \
    noted, you've got that, you've got in, you've got the, in your file, you showed me, all as \
    before, haven't changed my mind, third time, tells you this already, right what you said, have \
    it right, there already, is already in"
);

/// With which recalled text is told.
static TELLS: LazyLock<Phrases> = phrases!(
    "i remember, you told me, you said, you mentioned, what is remembered, from your notes, according \
    to your notes, in your notes, my memory says, memory says, remembered:, recalled, from memory, \
    you once said, as you said, your memories, previously noted, noted earlier"
);

/// Whether it is text of a memory that was shown, and not said anew: word for word what was recalled there, or what
/// stands between quotation marks, or behind words that introduce a quote, and is remembered.
fn is_recalled(candidate: &Candidate, against: &Against<'_>) -> bool {
    let text = joined(candidate.quote(against.passages));
    if text.len() < 8 {
        return false;
    }
    let within = |whole: &str| {
        let whole = joined(whole);
        whole.contains(&text) || text.contains(&whole) && whole.len() > 12
    };
    if against.recalled.iter().any(|recalled| within(recalled)) {
        return true;
    }
    let Some(passage) = against.passages.get(candidate.passage) else { return false };
    let before = passage.text.get(..candidate.range.start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let opened =
        before.matches('“').count() > before.matches('”').count() || line.matches('"').count() % 2 == 1;
    let told = Clause::new(line, 0..line.len()).has(&TELLS);
    (opened || told) && against.known.iter().any(|known| within(&known.text))
}

fn joined(text: &str) -> String {
    words(text).into_iter().map(|word| word.lower).collect::<Vec<_>>().join(" ")
}

fn is_vague(candidate: &Candidate, gist: &Gist) -> bool {
    let all = words(&candidate.text);
    let first = all.first().map(|word| word.lower.as_str()).unwrap_or_default();
    let pronouns = list!(
        "he, she, they, it, this, that, these, those, he's, she's, they're, it's, that's, his, her, \
            their, its"
    );
    candidate.confidence < SURE
        || gist.terms().count() < 2 && all.len() < 4
        || gist.terms().next().is_none()
        || pronouns.contains(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::extraction::propose;
    use uuid::Uuid;

    fn passage(text: &str) -> Passage {
        Passage { text: text.to_owned(), message: None, speaker: None, at: None }
    }

    fn known(text: &str) -> Known {
        let id = MemoryId::from_uuid(Uuid::nil());
        Known { id, text: text.to_owned(), speaker: None, is_used: true }
    }

    fn verdicts(text: &str, remembered: &[&str], recalled: &[&str]) -> (usize, Vec<Refusal>) {
        let passages = [passage(text)];
        let known: Vec<_> = remembered.iter().map(|text| known(text)).collect();
        let recalled: Vec<_> = recalled.iter().map(|text| (*text).to_owned()).collect();
        let against = Against {
            passages: &passages,
            known: &known,
            recalled: &recalled,
            prompts: &[],
            is_attack: &|_| false,
        };
        let (kept, refused) = judge(propose(&passages), &against);
        (kept.len(), refused.iter().map(|it| it.refusal).collect())
    }

    #[test]
    fn what_is_known_is_no_candidate_and_its_contrary_is() {
        let text = "I prefer tea over coffee.";
        assert_eq!(verdicts(text, &[], &[]), (1, vec![]));
        assert_eq!(verdicts(text, &["I prefer tea over coffee"], &[]), (0, vec![Refusal::Duplicate]));
        assert_eq!(verdicts("I don't like tea.", &["I like tea"], &[]).0, 1);
        assert_eq!(verdicts("My budget is 400 euros.", &["My budget is 300 euros"], &[]).0, 1);
        assert_eq!(verdicts("My sister Ana lives in Bergen.", &["My sister Ana lives in Oslo"], &[]).0, 1);
        assert_eq!(verdicts(&format!("{text} {text}"), &[], &[]), (1, vec![Refusal::Duplicate]));
    }

    #[test]
    fn what_changes_what_is_known_is_not_taken_for_it() {
        for (said, known) in [
            ("I have no nut allergy", "I am allergic to nuts"),
            ("I no longer drink coffee", "I drink coffee"),
            ("I start work at nine", "I start work at ten"),
            ("I have three children", "I have two children"),
            ("The launch is on 21 March", "The launch is on 14 March"),
            ("My sister Ana lives in Bergen", "My sister Ana lives in Oslo"),
            ("I am allergic to walnuts", "I am allergic to peanuts"),
            ("I take insulin every evening", "I take metformin every evening"),
            ("My manager rejected the budget", "My manager approved the budget"),
            ("My favourite colour is red", "My favourite colour is blue"),
            ("I decided to fire a designer", "I decided to hire a designer"),
            ("My mother died in Porto", "My mother was born in Porto"),
            ("I am afraid of spiders", "I am afraid of dogs"),
        ] {
            let (told, known) = (Told::new(said, None), [(Told::new(known, None), ())]);
            let again = told.most_likely_again(&known, false).map(|(again, ())| again);
            assert_eq!(again, Some(0.0), "{said}");
        }
    }

    #[test]
    fn what_is_said_in_other_words_is_known() {
        let known = ["My daughter Ida is allergic to nuts", "The team meets on Mondays"];
        let known = known.map(|text| (Told::new(text, None), text));
        let told = Told::new("Ida, my daughter, has a nut allergy", None);
        let (again, text) = told.most_likely_again(&known, false).unwrap();
        assert!(again > SURE && text.starts_with("My daughter"), "{again} {text}");
    }

    #[test]
    fn a_long_memory_that_says_all_of_it_is_found_behind_many_short_ones() {
        let long = format!(
            "I prefer tea over coffee. {}",
            "The boat was painted in the harbour of Bergen. ".repeat(50)
        );
        let known = [
            "tea",
            "coffee",
            "tea and coffee",
            "I drink tea",
            "coffee over tea",
            "no tea",
            "a tea",
            "some coffee",
            "teas",
        ];
        let mut known: Vec<_> = known.iter().map(|text| (Told::new(text, None), ())).collect();
        known.push((Told::new(&long, None), ()));
        let told = Told::new("I prefer tea over coffee", None);
        assert_eq!(told.most_likely_again(&known, false), Some((1.0, &())));
    }

    #[test]
    fn recalled_text_does_not_come_in_again() {
        let text = "I remember: “I prefer short stand-ups before ten”. My sister lives in Bergen.";
        let memory = "I prefer short stand-ups before ten";
        // Beside what is new, which is kept.
        assert_eq!(verdicts(text, &[memory], &[]).0, 1);
        assert_eq!(
            verdicts("I prefer short stand-ups before ten", &[], &[memory]),
            (0, vec![Refusal::Recalled])
        );
    }

    #[test]
    fn what_sets_up_a_model_is_told_apart() {
        let text = "You are a helpful assistant. I prefer answers in French.\n\nI prefer tea over coffee.";
        assert_eq!(verdicts(text, &[], &[]), (1, vec![Refusal::SystemPrompt]));
    }

    #[test]
    fn a_models_wording_brings_nothing_in() {
        let passages = [passage("Well, we moved the launch to 14 March because of the audit.")];
        let worded = |text: &str, quote: &str| {
            let start = passages[0].text.find(quote).unwrap_or_default();
            let range = if passages[0].text.contains(quote) { start..start + quote.len() } else { 0..0 };
            let candidate = Candidate {
                topic: super::super::CandidateTopic::Date,
                text: text.to_owned(),
                confidence: 0.9,
                reason: String::new(),
                speaker: None,
                passage: 0,
                range,
                worded: true,
                contradicts: vec![],
            };
            let against = Against {
                passages: &passages,
                known: &[],
                recalled: &[],
                prompts: &[],
                is_attack: &|_| false,
            };
            judge(vec![candidate], &against).1.first().map(|it| it.refusal)
        };
        assert_eq!(worded("The launch was moved to 14 March.", "moved the launch to 14 March"), None);
        for (text, quote) in [
            ("The launch was moved to 15 March.", "moved the launch to 14 March"),
            ("Then Ana moved the launch to 14 March.", "moved the launch to 14 March"),
            ("The launch was not moved to 14 March.", "moved the launch to 14 March"),
            ("The budget was cut.", "moved the launch to 14 March"),
            ("The launch was moved to 14 March.", "moved the launch to March"),
        ] {
            assert_eq!(worded(text, quote), Some(Refusal::Unsupported), "{text}");
        }
    }
}
