//! Words of a text: which of them carry its meaning, and which sentences it falls into.
pub(super) use crate::shared::sentence::{sentences, trimmed};
use rust_stemmers::{Algorithm, Stemmer};
use std::collections::BTreeMap;

/// Words without a meaning of their own.
const EMPTY: &str = "a about above after again against all also am an and any are aren't as at be because been before \
    being below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't done down \
    during each either else ever every few for from further had hadn't has hasn't have haven't having he her here \
    hers herself hi hello hey him himself his how i i'd i'll i'm i've if in into is isn't it it's its itself just \
    let let's may maybe me might mine more most much must my myself neither no nor not now of off oh ok okay on once \
    one only or other our ours ourselves out over own perhaps please quite rather really same shall she should \
    shouldn't so some still such than thank thanks that that's the their theirs them themselves then there there's \
    these they they're this those though through to too under until up us very was wasn't we we'd we'll we're we've \
    were weren't what what's when where which while who whom whose why will with won't would wouldn't yeah yes yet \
    you you'd you'll you're you've your yours yourself yourselves";

/// Words that anything could be about: two texts that share only these have nothing to do with each other.
const GENERIC: &str = "able always anything ask bad begin best better big bit call change come day days decide even \
    everything feel feeling find first get getting give go goal going good got great happen hard help important keep \
    kind know last later less life like little long look lot made make making many matter mean month need never new \
    next nice nothing old part people person place put question ready remember right say see seem session set short \
    show side small someone something soon sort start step stop sure take talk tell thing things think thought time \
    today tomorrow tonight try trying turn two use used usually want way week weeks well went work working worked \
    world year yesterday";

/// How much a shared word says: enough by itself, or only beside others.
const FULL: f64 = 1.0;
const FAINT: f64 = 0.3;

/// The words of a text that carry its meaning, by their stems, with their weights.
pub(super) fn content(text: &str) -> BTreeMap<String, f64> {
    let stemmer = Stemmer::create(Algorithm::English);
    let mut found = BTreeMap::new();
    for word in words(text) {
        let weight = if contains(GENERIC, &word) { FAINT } else { FULL };
        // "stand-up", "standup": one word in two spellings; its longer parts count too.
        for part in word.split('-').filter(|part| word.contains('-') && part.len() >= 4 && !is_empty(part)) {
            found.entry(stemmer.stem(part).into_owned()).or_insert(FAINT);
        }
        found.insert(stemmer.stem(&word.replace('-', "")).into_owned(), weight);
    }
    found
}

/// Lower-case words with hyphens and apostrophes inside, the empty ones left out.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '\'' | '’'))
        .map(|word| word.trim_matches(['-', '\'', '’']).to_lowercase().replace('’', "'"))
        .map(|word| word.strip_suffix("'s").map(str::to_owned).unwrap_or(word))
        .filter(|word| word.chars().count() > 1 && !is_empty(word))
}

fn is_empty(word: &str) -> bool {
    contains(EMPTY, word)
}

fn contains(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|listed| listed == word)
}

/// Whether the person says what they are going to do.
pub(super) fn commits(text: &str) -> bool {
    has_any(
        text,
        &[
            "i will",
            "i'll",
            "i am going to",
            "i'm going to",
            "i commit",
            "i decided",
            "i have decided",
            "let's do",
        ],
    )
}

/// Whether the person weighs what could be done.
pub(super) fn weighs(text: &str) -> bool {
    has_any(
        text,
        &[
            "i could",
            "we could",
            "option",
            "options",
            "either",
            "alternatively",
            "another way",
            "should i",
            "one way",
        ],
    )
}

/// Whether the person tells what is in the way.
pub(super) fn describes(text: &str) -> bool {
    has_any(
        text,
        &[
            "stuck",
            "because",
            "problem",
            "struggle",
            "struggling",
            "so far",
            "right now",
            "at the moment",
            "i keep",
            "i tried",
        ],
    )
}

/// Whether something is still to be done.
pub(super) fn is_open(text: &str) -> bool {
    let cues = [
        "todo",
        "to do",
        "need to",
        "needs to",
        "must",
        "should",
        "have to",
        "has to",
        "due",
        "deadline",
        "don't forget",
        "open question",
        "next step",
        "follow up",
        "by monday",
        "by tuesday",
        "by wednesday",
        "by thursday",
        "by friday",
        "tomorrow",
    ];
    has_any(text, &cues)
}

fn has_any(text: &str, cues: &[&str]) -> bool {
    let plain: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().replace('’', "'"))
        .collect();
    let plain = format!(" {} ", plain.join(" "));
    cues.iter().any(|cue| plain.contains(&format!(" {cue} ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_word_agree() {
        let shared = |a: &str, b: &str| {
            let b = content(b);
            content(a).keys().any(|stem| b.contains_key(stem))
        };
        assert!(shared("How long are our stand-ups?", "Ana likes a short standup"));
        assert!(shared("I'm running", "the run’s route"));
        assert!(!shared("What is it about?", "This is about that"));
    }
}
