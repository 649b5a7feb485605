//! How much a statement is worth remembering: what speaks for it and against it, each with a weight, summed up. There are
//! signs that are plain to see, its words, and what it and the text around it mean.
use super::{
    CandidateTopic as Topic,
    clause::{Clause, Statement, Word, words},
    gate::RECALLS,
    phrases::{Phrases, list, phrases},
    rules::Hit,
    subject::{is_first_name, is_name},
    weights::{Weights, Worth, along, likelihood},
    when::{is_date, is_of_calendar},
};
use crate::memory::embedding::{Embedder, Vector};
use std::{collections::BTreeSet, ops::Range, sync::LazyLock};

/// The signs that phrases give, with those phrases.
const SIGNS: &[(&str, &str)] = &[
    ("first", "i, i'm, i've, i'll, i'd, we, we're, we've, we'll, we'd, im, ive, me, us"),
    ("mine", "my, our, mine, ours"),
    ("they", "he, she, he's, she's, his, her, him, they, they're, their"),
    ("you", "you, your, you're, you've, you'll"),
    (
        "kin",
        "wife, husband, partner, son, daughter, mother, father, mom, mum, dad, sister, brother, gf, bf, \
        boss, manager, colleague, dog, cat, friend, girlfriend, boyfriend, cousin, uncle, aunt, niece, \
        nephew, grandmother, grandfather, doctor, therapist, landlord, mentor, kid, kids, child, \
        children, twins, parents, baby, co-founder, cofounder, mother-in-law, father-in-law, \
        stepdaughter, stepson, ex, family, team, client, lawyer, editor, neighbour, deputy, trainee, \
        apprentice, intern, solicitor, tutor, coach, assistant, supervisor",
    ),
    (
        "health",
        "allergic, allergy, diabetic, diabetes, pregnant, surgery, operation, diagnosed, diagnosis, \
        asthma, adhd, ocd, dyslexia, dyslexic, insulin, medication, therapy, hearing, wheelchair, \
        remission, sick, migraine, migraines, deaf, blind, knee, hip, transplant, dialysis, coeliac, \
        celiac, gluten-free, vegan, vegetarian, sober, burnout, depression, anxiety, carsick, allergies, \
        cancer, chemo, epilepsy, stammer, panic",
    ),
    (
        "work",
        "job, role, contract, salary, raise, budget, project, deadline, promoted, promotion, team, lead, \
        head, office, company, freelance, freelancing, apprenticeship, course, exam, degree, thesis, \
        school, university, master's, phd, shift, shifts, part-time, full-time, nights, pilot, launch, \
        invoice, clinic, practice, workshop, shop, customers, product, newsletter, book, manuscript, \
        firm, board, vendor, tender, hire, hired, hiring",
    ),
    (
        "lasting",
        "moved, moving, moves, joined, joins, signed, accepted, adopted, adopting, retired, retires, \
        quit, resigned, withdrew, passed, married, engaged, divorced, switched, stopped, started, \
        begins, began, hired, left, bought, sold, won, lost, offered, promoted, expecting, born, died, \
        finished, approved, extended, closed, opened, became, become, run, runs, own, live, lives, work, \
        works, teach, teaches, study, studies, play, plays, train, trains, manage, manages, speak, \
        speaks, confirmed, booked, takes over, take over, took over, taking over",
    ),
    (
        "settled",
        "decided, agreed, settled, chose, chosen, going with, signed, accepted, declined, said yes, said \
        no, cancelled, postponed, approved, from now on, as of, no longer, instead of, instead, \
        switching, switch, stays, it's final, final, done with, won't, drop, dropping, withdrew, \
        resigned, goes to, stay",
    ),
    (
        "promised",
        "i'll, we'll, will, i'm going to, we're going to, going to, promise, promised, by friday, by \
        monday, by then, i owe, committed, commit, she'll, he'll, they'll, take care of, i'm sending",
    ),
    (
        "from when",
        "from, as of, starting, until, till, by, since, due, starts, begins, ends, runs out, expires, \
        before",
    ),
    (
        "habit",
        "always, never, every, usually, only, rarely, each, weekly, daily, per week, a week, a day, \
        twice, once a, mornings, evenings",
    ),
    (
        "prefers",
        "prefer, prefers, like, likes, love, loves, hate, hates, enjoy, rather, favourite, favorite, \
        can't stand, avoid, best, better, fine, works for me, don't like, values, mind",
    ),
    (
        "asks for",
        "please, don't ask, don't call, never ask, don't mention, don't send, keep it, keep them, remind \
        me, ask me, call me, tell me, text me, send me, no more, stop, dont, i'd like you, i want you, \
        no need",
    ),
    ("wants", "want, wants, need, needs, wish, my goal, goal, aim, would like, i'd like, we'd like"),
    ("dreads", "afraid, scared, scares, fear, struggle, shy, can't, cannot, hard for me, difficult"),
    ("named", "name, called, named, dr, mr, ms, mrs, herr, frau, prof"),
    (
        "passing",
        "today, yesterday, tonight, this morning, last night, just, again, now, currently, at the moment, \
        this afternoon, right now, lately, day",
    ),
    (
        "mood",
        "feel, feels, felt, feeling, happy, sad, tired, funny, nice, cried, terrible, lovely, dreadful, \
        proud, angry, glad, sorry, fun, weird, strange, laughed, bored, stressed, exhausted, energy, \
        vibe, mood, hope, grateful, brave, annoyed, wonderful, awful, amazing, overwhelmed",
    ),
    (
        "told",
        "said, says, say, asked, told, wrote, thinks, thought, heard, saw, read, noticed, imagine, \
        supposed to, apparently, rumour, rumor, according to, claims",
    ),
    (
        "doubt",
        "maybe, perhaps, might, probably, possibly, not sure, i guess, guess, thinking of, thinking \
        about, considering, could, should, would, wonder, wondering, hopefully, i think, i suppose, \
        suppose, likely, seems, not decided, haven't decided, undecided, don't know, no idea, if, \
        unless, whether, depends",
    ),
    (
        "loose",
        "something, things, thing, stuff, somehow, somewhere, someone, somebody, some, anything, \
        everything, whatever, sometime, soon, later, more or less, kind of, sort of, a lot, better, \
        different, change, it is what it is, one day, eventually, nothing",
    ),
    ("it", "this, that, it, that's, it's"),
    (
        "everyone",
        "people, everyone, everybody, one, nobody, anyone, most, they say, others, managers, men, women, \
        life, world",
    ),
    ("simile", "like a, like an, as if, like the, looks like, as usual, kill for"),
    (
        "machine",
        "assistant, ai, model, prompt, chatbot, user, user's, output, input, system, profile, bot, json, \
        template, instructions, summary",
    ),
    (
        "text",
        "subject, dear, hello, unsubscribe, order, newsletter, page, website, article, podcast, film, \
        novel, story, joke, quote, poem, draft, column, mail, email, script, lyrics, mug, character, \
        chapter, handbook, example",
    ),
    ("not", "not, no, never, don't, doesn't, didn't, won't, isn't, can't, nobody, without, neither"),
    (
        "being",
        "i'm a, i'm an, i am a, i am an, i'm the, she's a, he's a, is a, is an, is the, is my, is our, \
        i'm in, i'm from, i've got, i have, has a, has two, i get",
    ),
    (
        "for long",
        "years, weeks, months, hours, pages, percent, days a week, evenings, weeks off, for life, a year, \
        a month",
    ),
    (
        "count",
        "two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, twenty, thirty, sixty, \
        half, hundred",
    ),
    (
        "went",
        "went, came, saw, made, took, found, ran, ate, drank, slept, sat, stood, spoke, brought, gave, \
        put, tried, looked, walked, talked, watched, happened, turned, opened, dropped, spent, forgot, met",
    ),
    (
        "boilerplate",
        "click, unsubscribe, cookies, terms, conditions, customers, delivery, shipping, free, returns, \
        account, password, thank you for, dear, sincerely, regards, copyright, download, version, error, \
        warning, null, installed, server, page, offer, discount, reply, hereby, reminder, staff, notice",
    ),
    (
        "advice",
        "you should, you could, you might, you can, try, consider, make sure, it helps, it's important, \
        remember to, take a, start with, you need, let's, we can, how about, why not",
    ),
    ("would", "would, wouldn't, i'd, we'd, he'd, she'd, they'd, you'd, could, couldn't, should, shouldn't"),
    ("or", "or, either, versus, vs, than"),
    (
        "opinion",
        "is the new, is key, is important, are always, is always, i find that, i believe, in my opinion, \
        as they say, goes without saying, of course, obviously, frankly, honestly, at the end of the day, \
        the thing is, the truth is, it's like, i mean, you know, somehow, kind of, after all",
    ),
    ("secret", "nobody else, nobody knows, confidential, secret, between us, to yourself, knows, only you"),
];

static PHRASED: LazyLock<Vec<(&'static str, Phrases)>> =
    LazyLock::new(|| SIGNS.iter().map(|(name, list)| (*name, Phrases::of(list))).collect());

/// Whether some word is a verb, as far as can be seen.
fn has_verb(clause: &Clause<'_>) -> bool {
    let common = list!(
        "is, are, was, were, am, be, been, have, has, had, do, does, did, will, can, may, must, i'm, i've, \
        i'll, i'd, we're, we've, we'll, he's, she's, it's, they're, that's, there's, go, goes, get, gets, \
        got, want, wants, need, needs, like, likes, know, knows, say, says, said, don't, doesn't, didn't, \
        isn't, aren't, can't, won't"
    );
    clause.words.iter().any(|word| {
        common.contains(&word.lower)
            || word.lower.len() > 4 && (word.lower.ends_with("ed") || word.lower.ends_with("ing"))
    })
}

/// What speaks for and against a statement.
fn signs(clause: &Clause<'_>, statement: &Statement, hit: Option<&Hit>) -> BTreeSet<&'static str> {
    let mut found: BTreeSet<&'static str> =
        PHRASED.iter().filter(|(_, phrases)| clause.has(phrases)).map(|(name, _)| *name).collect();
    let first = clause.lower(0);
    let names =
        clause.words.iter().skip(1).filter(|word| is_name(word) && !is_of_calendar(&word.lower)).count();
    let mut add = |name: &'static str, holds: bool| {
        if holds {
            found.insert(name);
        }
    };
    let date = is_date(clause, 0);
    add("known", clause.has(&RECALLS));
    add("a name", names > 0);
    add("names", names > 1);
    add("first is a name", is_first_name(clause));
    add("a date", date.is_some_and(|(_, certain)| certain));
    add("a near date", date.is_some_and(|(_, certain)| !certain));
    add("a number", clause.words.iter().any(|word| word.lower.bytes().any(|byte| byte.is_ascii_digit())));
    add("begins with i", list!("i, i'm, i've, i'll, we, we're, we've, we'll, my, our").contains(first));
    add("begins with you", list!("you, your").contains(first));
    add("begins with they", list!("he, she, they, he's, she's, they're, his, her, their").contains(first));
    add("begins with it", list!("it, it's, that, that's, this, there, these, those").contains(first));
    add(
        "begins with please",
        list!("please, never, don't, dont, always, no, keep, only, call, text").contains(first),
    );
    add("short", clause.len() < 5);
    add("brief", (5..8).contains(&clause.len()));
    add("long", clause.len() > 25);
    add("exclaims", statement.exclaims);
    add("quotes", statement.quotes);
    add("leans on the one before", statement.with_context);
    add("a question follows", statement.before_question);
    add("alone", statement.alone);
    add("far back", statement.in_long_text);
    add("beside a question", statement.beside_question);
    add("in small letters", statement.in_small_letters);
    let past = clause.words.iter().any(|word| word.lower.len() > 4 && word.lower.ends_with("ed"));
    add("past", past);
    add("i will", list!("i'll, we'll").contains(first));
    add("no verb", !has_verb(clause));
    add("by rule", hit.is_some_and(|hit| hit.confidence >= 0.5));
    add("surely by rule", hit.is_some_and(|hit| hit.confidence >= 0.8));
    let pairs: [(&str, &str, &'static str); 8] = [
        ("a date", "first", "date and first"),
        ("a date", "a name", "date and name"),
        ("a name", "first", "name and first"),
        ("kin", "mine", "own kin"),
        ("health", "first", "own health"),
        ("doubt", "first", "own doubt"),
        ("passing", "mood", "passing mood"),
        ("loose", "brief", "loose and brief"),
    ];
    for (one, other, both) in pairs {
        if found.contains(one) && found.contains(other) {
            found.insert(both);
        }
    }
    found
}

/// All that a statement is weighed by.
pub(super) struct Features {
    pub signs: BTreeSet<&'static str>,
    /// Words, and pairs of words that follow one another.
    pub ngrams: BTreeSet<String>,
    /// Words that stand before it and behind it, with which of the two.
    pub beside: BTreeSet<String>,
    /// What it means, and what it means with what stands around it.
    pub meaning: Vector,
    pub around: Vector,
}

impl Features {
    pub fn of(text: &str, clause: &Clause<'_>, statement: &Statement, hit: Option<&Hit>) -> Self {
        let Range { start, end } = statement.range;
        let first = text.floor_char_boundary(start.saturating_sub(AROUND));
        let last = text.ceil_char_boundary(end + AROUND);
        let part = |range: Range<usize>| text.get(range).unwrap_or_default();
        let embedder = Embedder::embedded();
        let beside = [("before", first..start), ("behind", end..last)].map(|(where_it_is, range)| {
            words(part(range)).into_iter().map(move |word| format!("{where_it_is} {}", plain(&word)))
        });
        Self {
            signs: signs(clause, statement, hit),
            ngrams: ngrams(clause),
            beside: beside.into_iter().flatten().collect(),
            meaning: embedder.embed(part(start..end)),
            around: embedder.embed(part(first..last)),
        }
    }

    fn weight(&self) -> f64 {
        let Worth { signs, words, meaning, around } = &Weights::fitted().worth;
        let said: f64 = self.signs.iter().map(|sign| signs.of(sign)).sum();
        let worded: f64 = self.ngrams.iter().chain(&self.beside).filter_map(|word| words.get(word)).sum();
        signs.nothing + said + worded + along(&self.meaning, meaning) + along(&self.around, around)
    }
}

/// Bytes before a statement and behind it.
const AROUND: usize = 200;

/// Words, and pairs of them, with where it begins and ends.
fn ngrams(clause: &Clause<'_>) -> BTreeSet<String> {
    let mut all = vec!["<".to_owned()];
    all.extend(clause.words.iter().map(plain));
    all.push(">".to_owned());
    all.windows(2).map(|pair| pair.join(" ")).chain(clause.words.iter().map(plain)).collect()
}

/// In small letters; numbers are one word.
fn plain(word: &Word<'_>) -> String {
    if word.lower.bytes().any(|byte| byte.is_ascii_digit()) { "0".to_owned() } else { word.lower.clone() }
}

/// Where a statement is kept, its weight is above this: where in cross-validation a tenth of what is kept is wrong, beside what
/// is known already.
const KEPT: f64 = 1.4;

/// Signs beside which a plain statement is none.
static SPOILT: LazyLock<Phrases> = phrases!(
    "known, quotes, told, mood, doubt, it, loose, simile, machine, you, text, exclaims, long, passing"
);

/// How sure it is that a statement is worth remembering, 0 to 1; 0.5 is where it is kept.
pub(super) fn confidence(features: &Features, hit: Option<&Hit>) -> f64 {
    let weighed = likelihood(features.weight() - KEPT);
    // "I prefer tea": as plain as it is, nothing else speaks for it.
    let plain =
        hit.filter(|hit| hit.confidence >= 0.8 && !features.signs.iter().any(|sign| SPOILT.contains(sign)));
    weighed.max(plain.map_or(0.0, |hit| PLAIN * hit.confidence))
}

/// How far a rule alone is trusted.
const PLAIN: f64 = 0.7;

/// What a statement is about that no rule reads.
pub(super) fn topic(signs: &BTreeSet<&'static str>) -> Topic {
    let order = [
        ("asks for", Topic::Preference),
        ("settled", Topic::Decision),
        ("promised", Topic::Commitment),
        ("a date", Topic::Date),
        ("prefers", Topic::Preference),
        ("wants", Topic::Preference),
    ];
    order.iter().find(|(sign, _)| signs.contains(sign)).map_or(Topic::Fact, |(_, topic)| *topic)
}

/// What speaks for it most, for people.
pub(super) fn reason(signs: &BTreeSet<&'static str>) -> String {
    let weights = &Weights::fitted().worth.signs;
    let mut told: Vec<_> = signs.iter().copied().filter(|sign| weights.of(sign) > 0.2).collect();
    told.sort_by(|one, other| weights.of(other).total_cmp(&weights.of(one)));
    told.truncate(3);
    if told.is_empty() {
        return "what speaks for it: what it means".to_owned();
    }
    format!("what speaks for it: {}", told.join(", "))
}
