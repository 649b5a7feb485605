//! The people, projects and things that a text names, by rules: words with capitals that are not only the beginning of a
//! sentence, with what stands beside them for the sort of thing. The index holds them with the memory, so they go
//! with it.
use super::{
    clause::{Word, words},
    phrases::{Phrases, phrases},
    subject::{is_name, is_opener},
    when::is_of_calendar,
};
use crate::shared::stored;
use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Names these rules. Changed with what comes out: what is stored by others is then made anew.
pub(in crate::memory) const RULES: &str = "named-1";

/// Names of one memory; the rest of a long list of names tells little.
const MOST: usize = 32;
/// Words of one name.
const MOST_WORDS: usize = 4;
/// Characters of a name; what is longer is none.
pub(in crate::memory) const MAX_NAME: usize = 64;

stored! {
    /// What sort of thing a name stands for.
    EntityKind {
        Person = "PERSON",
        Project = "PROJECT",
        Thing = "THING",
    }
}

/// As it is written, and what it seems to be there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    pub name: String,
    pub kind: EntityKind,
}

static TITLES: LazyLock<Phrases> = phrases!("mr, mrs, ms, dr, prof, professor, sir, madam, uncle, aunt");
/// Behind these stands a person.
static TO_PEOPLE: LazyLock<Phrases> = phrases!(
    "told, asked, met, called, invited, thanked, married, hired, brother, sister, wife, husband, friend, \
    colleague, boss, manager, mom, mum, dad, mother, father, son, daughter, cousin, partner, neighbour, neighbor, \
    teammate, designer, engineer, client, customer, coach, mentor"
);
/// Before these stands a person.
static OF_PEOPLE: LazyLock<Phrases> = phrases!(
    "said, says, told, tells, thinks, thought, likes, liked, loves, loved, hates, hated, prefers, preferred, wants, \
    wanted, asked, asks, feels, felt, agreed, agrees, suggested, suggests, believes, hopes, dislikes, enjoys, \
    promised, decided, knows, knew, remembers, lives, lived, moved, works, worked"
);
static PROJECTS: LazyLock<Phrases> = phrases!("project, initiative, campaign, programme");
static OF_PROJECTS: LazyLock<Phrases> = phrases!(
    "project, initiative, campaign, programme, launch, release, migration, rollout, milestone, roadmap"
);
/// What people are told to do, first in a sentence and with a capital.
static ORDERS: LazyLock<Phrases> = phrases!(
    "ask, call, tell, meet, email, mail, message, remind, invite, see, visit, thank, help, book, buy, send, give, \
    try, use, check, review, update, add, remove, move, plan, schedule, prepare, write, read, watch, discuss, join, \
    follow, get, take, bring, pick, show, share, talk, speak, remember, forget, note, avoid, keep, start, stop, \
    finish, cancel, order, pay, renew, upgrade, install, run, test, ship, release, deploy, migrate, hire, both, \
    dear, hi, hello, hey, thanks, bye, welcome"
);
/// Nouns that stand first without an article, and are no names.
static MASS: LazyLock<Phrases> = phrases!(
    "lunch, dinner, breakfast, work, school, traffic, coffee, tea, money, life, time, rent, weather, music, sleep, food, \
    water, bread, health, love, space, parking, training, yoga, homework, practice, church, college, university, \
    management, marketing, engineering, sales, finance, legal, support, feedback, attendance, access, everything"
);
/// Speakers that are nobody.
static MACHINES: LazyLock<Phrases> =
    phrases!("assistant, ai, bot, chatbot, system, coach, model, user, tool");

/// What the text names, with who says it; each way of writing a name once, with how often it stands there.
pub(in crate::memory) fn named(text: &str, speaker: Option<&str>) -> BTreeMap<Named, u32> {
    let mut found = BTreeMap::new();
    if let Some(name) = speaker.and_then(speaking) {
        found.insert(Named { name, kind: EntityKind::Person }, 1);
    }
    // Where all is written large, nothing tells a name.
    if !text.chars().any(char::is_lowercase) {
        return found;
    }
    let text = Words::of(text);
    let mut at = 0;
    while at < text.words.len() {
        let Some(end) = text.name_at(at) else {
            at += 1;
            continue;
        };
        if let Some(named) = text.as_named(at, end)
            && (found.len() < MOST || found.contains_key(&named))
        {
            *found.entry(named).or_insert(0) += 1;
        }
        at = end;
    }
    found
}

/// By which two ways of writing a name are one.
pub(in crate::memory) fn key(name: &str) -> String {
    let letters = name.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase);
    letters.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn speaking(speaker: &str) -> Option<String> {
    let name = speaker.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = !name.is_empty() && name.chars().count() <= MAX_NAME && name.split(' ').count() <= MOST_WORDS;
    (fits && !MACHINES.contains(&name.to_lowercase())).then_some(name)
}

/// A text cut into words.
struct Words<'a> {
    text: &'a str,
    words: Vec<Word<'a>>,
    /// Names that stand within a sentence: at the beginning of another they are names, too.
    inside: HashSet<&'a str>,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        let mut cut = Self { text, words: words(text), inside: HashSet::new() };
        let inside = cut.words.iter().enumerate().filter(|(at, word)| is_name(word) && !cut.begins(*at));
        cut.inside = inside.map(|(_, word)| bare(word.text)).collect();
        cut
    }

    fn lower(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| word.lower.as_str())
    }

    /// What stands between the word before and this one.
    fn gap(&self, at: usize) -> &'a str {
        let Some(word) = self.words.get(at) else { return "" };
        let begin =
            at.checked_sub(1).and_then(|before| self.words.get(before)).map_or(0, |before| before.end);
        self.text.get(begin..word.end - word.text.len()).unwrap_or_default()
    }

    /// Whether a sentence, a line or a quotation begins with it.
    fn begins(&self, at: usize) -> bool {
        let title = at > 0 && TITLES.contains(self.lower(at - 1));
        at == 0
            || (!title
                && self.gap(at).contains(['.', '!', '?', '\n', ':', '"', '“', '(', '•', '*', '-', '–', '—']))
    }

    /// Whether nothing but blanks stands before it.
    fn continues(&self, at: usize) -> bool {
        let gap = self.gap(at);
        gap.trim().is_empty() && !gap.contains('\n')
    }

    /// Where the name ends that begins here.
    fn name_at(&self, at: usize) -> Option<usize> {
        let first = self.words.get(at)?;
        if !is_name(first) || is_of_calendar(bare_lower(first)) || TITLES.contains(&first.lower) {
            return None;
        }
        let mut end = at + 1;
        while end < at + MOST_WORDS
            && self.continues(end)
            && !is_possessive(&self.words[end - 1])
            && self.words.get(end).is_some_and(|word| is_name(word) && !is_of_calendar(bare_lower(word)))
        {
            end += 1;
        }
        (!self.begins(at) || self.is_sure_at_start(at, end)).then_some(end)
    }

    /// The first word of a sentence has a capital whatever it is.
    fn is_sure_at_start(&self, at: usize, end: usize) -> bool {
        let first = &self.words[at];
        let lower = bare_lower(first);
        if is_opener(lower) || ORDERS.contains(lower) {
            return false;
        }
        let inner = first.text.chars().skip(1).any(|letter| letter.is_uppercase() || letter.is_ascii_digit());
        let of_one = matches!(self.lower(end), "is" | "has" | "was" | "will") && !MASS.contains(lower);
        let verb = of_one || OF_PEOPLE.contains(self.lower(end));
        // "Running Shoes", "Asked Bob": a form of a verb is no name.
        let is_form = lower.ends_with("ing") || lower.ends_with("ed");
        inner
            || self.inside.contains(bare(first.text))
            || (!is_form && (end > at + 1 || verb || is_possessive(first)))
    }

    fn as_named(&self, at: usize, end: usize) -> Option<Named> {
        let before = at.checked_sub(1).map_or("", |before| self.lower(before));
        let is_project = self.words[at..end].iter().position(|word| PROJECTS.contains(bare_lower(word)));
        // "Project Apollo" is Apollo; "Apollo Project" too.
        let (begin, stop) = match is_project {
            Some(0) => (at + 1, end),
            Some(place) => (at, at + place),
            None => (at, end),
        };
        let name =
            self.words.get(begin..stop)?.iter().map(|word| bare(word.text)).collect::<Vec<_>>().join(" ");
        let length = name.chars().count();
        if !(2..=MAX_NAME).contains(&length) {
            return None;
        }
        let plain =
            name.chars().all(|letter| letter.is_alphabetic() || matches!(letter, ' ' | '-' | '\'' | '’'))
                && name
                    .split([' ', '-'])
                    .all(|word| word.chars().filter(|letter| letter.is_uppercase()).count() <= 1);
        let kind = if is_project.is_some()
            || PROJECTS.contains(before)
            || OF_PROJECTS.contains(self.lower(end))
        {
            EntityKind::Project
        } else if plain
            && (TITLES.contains(before) || TO_PEOPLE.contains(before) || OF_PEOPLE.contains(self.lower(end)))
        {
            EntityKind::Person
        } else {
            EntityKind::Thing
        };
        Some(Named { name, kind })
    }
}

fn is_possessive(word: &Word<'_>) -> bool {
    word.lower.ends_with("'s")
}

/// Without the possessive.
fn bare(text: &str) -> &str {
    let bare = text.strip_suffix("'s").or_else(|| text.strip_suffix("’s")).unwrap_or(text);
    bare.trim_end_matches(['\'', '’', '+', '#', '%', ','])
}

fn bare_lower<'a>(word: &'a Word<'_>) -> &'a str {
    word.lower.strip_suffix("'s").unwrap_or(&word.lower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str) -> Vec<String> {
        named(text, None).into_keys().map(|named| format!("{} {}", named.kind.name(), named.name)).collect()
    }

    #[test]
    fn names_are_told_from_beginnings_of_sentences() {
        assert_eq!(told("Yesterday we met Ana Bell at the lake."), ["PERSON Ana Bell"]);
        assert_eq!(told("The launch went well. Everybody was glad."), [""; 0]);
        assert_eq!(told("Ana likes tea."), ["PERSON Ana"]);
        assert_eq!(told("Ana is allergic to nuts. Lunch is at noon."), ["THING Ana"]);
        assert_eq!(told("Ask Bob about it. Bob knows."), ["PERSON Bob", "THING Bob"]);
        assert_eq!(told("Meeting Carla on Monday in Lisbon"), ["THING Carla", "THING Lisbon"]);
        assert_eq!(told("WE MOVE TO LISBON"), [""; 0]);
    }

    #[test]
    fn projects_are_told_by_the_word_beside_them() {
        for text in [
            "we start Project Apollo",
            "we start project Apollo",
            "the Apollo project is late",
            "the Apollo launch",
        ] {
            assert_eq!(told(text), ["PROJECT Apollo"], "{text}");
        }
    }

    #[test]
    fn possessives_titles_and_signs_are_no_part_of_a_name() {
        assert_eq!(told("I saw Ana's dog and Dr. Bell"), ["THING Ana", "PERSON Bell"]);
        assert_eq!(
            told("it runs on PostgreSQL, NATS and GPT-4"),
            ["THING GPT-4", "THING NATS", "THING PostgreSQL"]
        );
    }

    #[test]
    fn who_speaks_is_named_but_for_machines() {
        let told =
            |speaker| named("yes", Some(speaker)).into_keys().map(|named| named.name).collect::<Vec<_>>();
        assert_eq!(told("Ana  Bell"), ["Ana Bell"]);
        assert_eq!(told("assistant"), [""; 0]);
    }

    #[test]
    fn accents_and_case_make_no_other_name() {
        assert_eq!(key("José  Núñez"), key("JOSE NUNEZ"));
    }

    proptest! {
        #[test]
        fn any_text_gives_few_and_short_names(text in "\\PC{0,300}|([A-Z][a-z]{0,3}[ .']){0,60}", speaker: Option<String>) {
            let found = named(&text, speaker.as_deref());
            prop_assert!(found.len() <= MOST);
            for named in found.keys() {
                prop_assert!((1..=MAX_NAME).contains(&named.name.chars().count()));
            }
        }
    }
}
