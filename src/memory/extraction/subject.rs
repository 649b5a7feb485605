//! Whom or what a clause speaks of: what stands before its verb.
use super::{
    clause::{Clause, Word, words},
    phrases::{Phrases, list, phrases},
    when::is_of_calendar,
};
use crate::memory::terms::Terms;
use std::{collections::BTreeSet, sync::LazyLock};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// I, we.
    Speaker,
    /// A name.
    Named,
    /// My sister, our designer.
    Own,
    /// The team, the launch.
    Thing,
    /// He, it, this: only what was said before tells.
    Pronoun,
}

/// May stand between a subject and its verb.
static BETWEEN: LazyLock<Phrases> = phrases!(
    "really, always, usually, also, still, just, absolutely, definitely, generally, mostly, much, \
    actually, both, all, do, does, did, don't, doesn't, didn't, not, have, has, had, would, will, \
    to, never, rarely, hardly, particularly, especially, very, strongly, totally, now, only, \
    currently, recently, finally, officially, already, unanimously, jointly, together, been, be, \
    simply, truly, normally, typically, often, sometimes, personally, far, am, can, cannot, can't"
);

/// Words that begin with a capital and are no names.
static NO_NAMES: LazyLock<Phrases> = phrases!(
    "the, this, that, these, those, people, everyone, everybody, someone, somebody, anyone, nobody, \
    most, many, some, all, one, who, which, what, when, where, there, here, it, he, she, they, you, \
    your, his, her, their, its, as, for, in, on, at, to, with, from, by, after, before, if, then, \
    since, while, because, and, but, or, so, no, not, yes, never, always, please, let, let's, today, \
    tomorrow, yesterday, tonight, now, thanks, a, an, every, each, any, another, other, others, \
    both, such, would, could, should, will, do, does, did, is, are, was, were, kids, cats, dogs, \
    customers, users"
);

static PRONOUNS: LazyLock<Phrases> = phrases!("he, she, they, it, this, that, these, those, there");
static SPEAKERS: LazyLock<Phrases> = phrases!("i, we, i'm, i've, i'd, i'll, we're, we've, we'd, we'll");

/// What stands before the word at `verb`; `None` where it is everybody, nobody, or whoever reads.
pub(super) fn before(clause: &Clause<'_>, verb: usize) -> Option<Subject> {
    let mut at = verb;
    while at > 0 && BETWEEN.contains(clause.lower(at - 1)) {
        at -= 1;
    }
    if at == 0 {
        return None;
    }
    let head = clause.words.get(at - 1)?;
    let word = head.lower.as_str();
    if SPEAKERS.contains(word) {
        return Some(Subject::Speaker);
    }
    // "My wife and I", "Ana and I" end in `I`; "both of us" in `us`.
    if word == "us" {
        return Some(Subject::Speaker);
    }
    if PRONOUNS.contains(word) {
        return Some(Subject::Pronoun);
    }
    if word == "you" || word == "who" || word == "which" {
        return None;
    }
    let start = at.saturating_sub(7);
    for begin in (start..at - 1).rev() {
        match clause.lower(begin) {
            "my" | "our" => return Some(Subject::Own),
            "the" => return Some(Subject::Thing),
            "his" | "her" | "their" | "this" | "that" => return Some(Subject::Pronoun),
            "your" => return None,
            lower if lower.ends_with("'s") && is_name(clause.words.get(begin)?) => {
                return Some(Subject::Named);
            }
            _ => {}
        }
    }
    if word == "mine" || word == "ours" {
        return Some(Subject::Pronoun);
    }
    is_name(head).then_some(Subject::Named)
}

/// Names in a text, as the index has them; what stands first may be none.
pub(in crate::memory) fn names(text: &str) -> BTreeSet<String> {
    let found = words(text);
    let named = |word: &&Word<'_>| is_name(word) && !is_of_calendar(&word.lower);
    let found = found.iter().skip(1).filter(named).map(|word| word.text);
    found.flat_map(|name| Terms::of(name).counts.into_keys()).collect()
}

/// Whether a clause begins with a name: a word with a capital that is none of those that open sentences, and a verb or
/// a possessive behind it.
pub(super) fn is_first_name(clause: &Clause<'_>) -> bool {
    let Some(first) = clause.words.first() else { return false };
    let next = clause.lower(1);
    let verb = next.ends_with('s')
        || next.ends_with("ed")
        || list!("and, will, has, can, can't, did, got, took, went, on, won't, wants").contains(next);
    is_name(first)
        && !OPENERS.contains(first.lower.as_str())
        && (verb || first.lower.ends_with("'s") || clause.words.get(1).is_some_and(|word| is_name(word)))
}

/// Words that often begin a sentence, beside those of [`NO_NAMES`].
static OPENERS: LazyLock<Phrases> = phrases!(
    "my, our, i, we, just, also, still, maybe, perhaps, only, last, next, first, second, third, two, \
    three, four, good, great, nice, ok, okay, well, oh, hi, hello, hey, dear, subject, everything, \
    something, nothing, anything, how, why, whoever, somehow, sometimes, usually, about, until, \
    till, till, during, without, within, against, like, monday, tuesday, wednesday, thursday, \
    friday, saturday, sunday, january, february, march, april, may, june, july, august, september, \
    october, november, december, was, thinking, again, told, had, been, got, said, weekly, nobody, \
    few, more, less, half, though, although, between, even, ever, once, instead, whenever, wherever, \
    neither, either, speaking, being, getting, having"
);

/// Whether a word often begins a sentence, and is then no name.
pub(super) fn is_opener(lower: &str) -> bool {
    OPENERS.contains(lower)
}

/// Whether a word is written as a name is.
pub(super) fn is_name(word: &Word<'_>) -> bool {
    word.text.starts_with(char::is_uppercase)
        && word.text.chars().any(char::is_alphabetic)
        && !NO_NAMES.contains(word.lower.as_str())
        && !SPEAKERS.contains(word.lower.as_str())
}
