//! What a statement says that is worth remembering. Each rule looks for a cue, for who or what stands before it, and
//! for what stands behind it; the first that holds tells the topic. How good they are: `evaluation`.
use super::{
    CandidateTopic as Topic,
    clause::{Clause, Statement},
    facts,
    phrases::{Phrases, list, phrases},
    subject::{Subject, before},
    when::is_date,
};
use std::sync::LazyLock;

/// What a rule says of a statement.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub topic: Topic,
    pub confidence: f64,
    pub reason: String,
}

type Rule = fn(&Clause<'_>, &Statement) -> Option<Hit>;

/// The one with most to it first: a decision for Tuesday is a decision.
const RULES: &[Rule] = &[decision, facts::named, preference, commitment, date, facts::fact];

pub(super) fn read(clause: &Clause<'_>, statement: &Statement) -> Option<Hit> {
    let hit = RULES.iter().find_map(|rule| rule(clause, statement))?;
    let doubt = if statement.hedged { 0.25 } else { 0.0 };
    let confidence = (hit.confidence - doubt).clamp(0.0, 1.0);
    Some(Hit { confidence, ..hit })
}

/// How sure a statement is of its subject: that a pronoun stands for something known is not.
pub(super) fn sure(subject: Subject) -> f64 {
    match subject {
        Subject::Speaker | Subject::Named => 0.9,
        Subject::Own => 0.85,
        Subject::Thing => 0.8,
        Subject::Pronoun => 0.35,
    }
}

pub(super) fn hit(
    topic: Topic,
    confidence: f64,
    says: &str,
    clause: &Clause<'_>,
    (start, end): (usize, usize),
) -> Option<Hit> {
    let cue: Vec<_> = clause.words.get(start..end)?.iter().map(|word| word.text).collect();
    Some(Hit { topic, confidence, reason: format!("{says}: “{}”", cue.join(" ")) })
}

/// Words that point at something said before, or at anything.
static EMPTY: LazyLock<Phrases> = phrases!(
    "it, that, this, them, those, these, one, ones, thing, things, stuff, something, anything, \
    everything, nothing, so, too, very, much, a, an, the, lot, to, of, do, be, is, was, as, well, \
    also, here, there, you, me, him, her, us, way, idea, sound, how, what, when, your, all, for, \
    and, or, in, on, at, now, then, again, already, really, just, about, with, by, soon, later, \
    sometime, today, good, great, fine, ok, okay, point, answer, suggestion, plan, look, looks, \
    sounds, same, other, both, some, any, more, bit, kind, sort, whatever, whichever, somehow, \
    somewhere, up, out, it's, that's, if, my, our"
);

/// How many words say what it is about.
pub(super) fn telling(clause: &Clause<'_>, from: usize) -> usize {
    (from..clause.len()).filter(|at| !EMPTY.contains(clause.lower(*at))).count()
}

/// Whether what follows only points back: "like it", "love that idea".
pub(super) fn points_back(clause: &Clause<'_>, from: usize) -> bool {
    let first = clause.lower(from);
    telling(clause, from) == 0
        || list!(
            "it, this, that, you, your, how, what, them, these, those, where, him, her, seeing, hearing, \
            talking"
        )
        .contains(first)
}

static PREFERS: LazyLock<Phrases> = phrases!(
    "prefer, prefers, preferred, like, likes, love, loves, enjoy, enjoys, adore, adores, hate, hates, \
    dislike, dislikes, detest, detests, despise, despises, can't stand, cannot stand, can't bear, \
    favor, favors, favour, favours, avoid, avoids, don't eat, doesn't eat, don't drink, doesn't \
    drink, never eat, never eats, never drink, never drinks, don't work, doesn't work, would rather, \
    'd rather, rather, can't tolerate, am fond of, is fond of, am not a fan of, is not a fan of, \
    isn't a fan of, am a fan of, is a fan of, am a big fan of, is a big fan of, am not a big fan of, \
    am into, is into, swear by, swears by, appreciate, appreciates, don't mind, doesn't mind, don't \
    care for, doesn't care for, work best, works best, focus best, focuses best, think best, \
    concentrate best, opt for, opts for, insist on, insists on, always order, always orders, always \
    take, always takes, always choose, always use, always uses"
);
/// With the verb in the word before.
static FANS: LazyLock<Phrases> = phrases!(
    "not a fan of, a fan of, a big fan of, a huge fan of, not a big fan of, not a huge fan of, not \
    much of a fan of, fond of, not fond of, not into, really into, obsessed with, keen on, not keen \
    on, crazy about, partial to, more productive, most productive, more comfortable with, most \
    comfortable with, a morning person, a night owl, an early bird, not a morning person"
);
static WISHES: LazyLock<Phrases> = phrases!("would, i'd, we'd, 'd");

fn preference(clause: &Clause<'_>, _: &Statement) -> Option<Hit> {
    if let Some(found) = favourite(clause).or_else(|| standing_order(clause)) {
        return Some(found);
    }
    let mut from = 0;
    while let Some((start, end)) =
        clause.find(&PREFERS, from).into_iter().chain(clause.find(&FANS, from)).min()
    {
        from = start + 1;
        let Some(subject) = before(clause, start) else { continue };
        let cue = clause.lower(start);
        let weak = list!("like, likes, love, loves, enjoy, enjoys, hate, hates, appreciate, appreciates")
            .contains(cue);
        let wishes = weak
            && (start > 0 && WISHES.contains(clause.lower(start - 1))
                || start > 1 && WISHES.contains(clause.lower(start - 2)));
        // "looks like rain", "I feel like", "people like you".
        let compares = start > 0
            && list!(
                "look, looks, looked, feel, feels, felt, sound, sounds, seem, seems, seemed, smells, tastes, \
            just, more, is, was, be, am, something, stuff, things"
            )
            .contains(clause.lower(start - 1))
            && list!("like, likes").contains(cue)
            && !(clause.lower(start - 1) == "just" && start > 1 && clause.lower(start - 2) == "i");
        if wishes || compares || points_back(clause, end) && !ends_in_self(clause, start, end) {
            continue;
        }
        if clause.is_at(end, "to")
            && list!("think, say, see, hear, know, thank, add, point, ask, apologise, apologize")
                .contains(clause.lower(end + 1))
        {
            continue;
        }
        let confidence = sure(subject) - if weak { 0.05 } else { 0.0 };
        return hit(
            Topic::Preference,
            confidence,
            "says what somebody likes, avoids or chooses",
            clause,
            (start, end),
        );
    }
    None
}

/// Cues that say it all by themselves.
fn ends_in_self(clause: &Clause<'_>, start: usize, end: usize) -> bool {
    clause
        .longest_at(start, list!("a morning person, a night owl, an early bird, not a morning person"))
        .is_some_and(|words| start + words == end)
}

fn favourite(clause: &Clause<'_>) -> Option<Hit> {
    let (start, end) = clause.find(list!("favourite, favorite, preferred, go-to"), 0)?;
    let owner = clause.lower(start.checked_sub(1)?);
    let owned = list!("my, our").contains(owner) || owner.ends_with("'s");
    let (is, _) = clause.find(list!("is, are, remains"), end)?;
    let says =
        owned && is > end.saturating_sub(1) && telling(clause, is + 1) > 0 && !points_back(clause, is + 1);
    let other_way = owned && is < start;
    if says || other_way {
        return hit(Topic::Preference, 0.9, "names a favourite", clause, (start, end));
    }
    None
}

/// How somebody wants things done for good: "please never book meetings before ten", "call me Sam".
fn standing_order(clause: &Clause<'_>) -> Option<Hit> {
    let first = usize::from(clause.lower(0) == "please");
    let cues = list!(
        "don't schedule, do not schedule, don't book, do not book, never schedule, never book, don't call \
            me, never call me, don't send me, never send me, always send me, always book, always schedule, \
            always use, never use, don't use, do not use, don't put, no meetings, always keep, keep my, \
            don't ping me, don't email me, always call me"
    );
    if let Some(words) = clause.longest_at(first, cues)
        && telling(clause, first + words) > 0
    {
        return hit(
            Topic::Preference,
            0.8,
            "says how somebody wants things done",
            clause,
            (first, first + words),
        );
    }
    let (start, end) = clause.find(
        list!(
            "best for me, best for us, suits me best, suits us best, works better for me, works better for \
            us, better for me, prefer to be called, go by"
        ),
        0,
    )?;
    let said = telling(clause, 0) > 2 && before(clause, start).is_some_and(|it| it != Subject::Pronoun);
    if said { hit(Topic::Preference, 0.75, "says what suits somebody", clause, (start, end)) } else { None }
}

static DECIDED: LazyLock<Phrases> = phrases!(
    "decided, have decided, agreed, chose, have chosen, settled on, opted for, opted to, picked, \
    going with, signed off on, approved, ruled out, committed to, voted, resolved to, made the \
    decision, made the call, concluded, finalised, finalized, selected, postponed, cancelled, \
    canceled, dropped, rejected, adopted, green-lit, greenlit, switching to, will go with, will use, \
    are switching to, are moving to, moving forward with, migrating to, sticking with, stick with"
);

fn decision(clause: &Clause<'_>, statement: &Statement) -> Option<Hit> {
    if statement.hedged && !clause.has(list!("decided, agreed"))
        || clause.has(list!(
            "haven't decided, not decided, yet to decide, hasn't decided, have not decided, undecided, can't \
            decide, still deciding, need to decide, decide later, not agreed"
        ))
    {
        return None;
    }
    if let Some((start, end)) = clause.find(
        list!(
            "it's decided, it is decided, decision is, decision was, the decision, final decision, was \
            decided, is decided, been decided, was agreed, is agreed, been agreed, is settled, from now on, \
            let's go with, going forward"
        ),
        0,
    ) && telling(clause, end) > 1
    {
        return hit(Topic::Decision, 0.85, "says that something is settled", clause, (start, end));
    }
    if list!("decided, agreed, decision, approved").contains(clause.lower(0))
        && telling(clause, 1) > 1
        && clause.lower(1) != "i"
    {
        return hit(Topic::Decision, 0.8, "says that something is settled", clause, (0, 1));
    }
    let mut from = 0;
    while let Some((start, end)) = clause.find(&DECIDED, from) {
        from = start + 1;
        let Some(subject) = before(clause, start) else { continue };
        let mild =
            list!("picked, dropped, agreed, concluded, selected, approved").contains(clause.lower(start));
        if telling(clause, end) < 1 + usize::from(mild)
            || clause.longest_at(end, list!("with you, with that, with it, to disagree")).is_some()
        {
            continue;
        }
        let vague = points_back(clause, end) && telling(clause, end) < 2;
        let confidence = if vague { 0.3 } else { sure(subject) - if mild { 0.1 } else { 0.0 } };
        return hit(Topic::Decision, confidence, "says what was decided", clause, (start, end));
    }
    None
}

static COMMITS: LazyLock<Phrases> = phrases!(
    "i'll, we'll, i will, we will, i am going to, i'm going to, we're going to, we are going to, i \
    promise to, i promised to, i promised, i promise, i commit to, i'm committing to, i plan to, i'm \
    planning to, we plan to, we're planning to, i intend to, i aim to, my goal is to, my plan is to, \
    our goal is to, i've committed to, i have committed to, i owe, count on me to, i'm responsible \
    for, i am responsible for, i volunteered to, i've signed up, i signed up, i have to, we have to, \
    i need to, we need to, i must, we must, i've got to, remind me to, i'm supposed to, i've agreed \
    to, i agreed to"
);
/// What is said and not meant to be done.
static SAYINGS: LazyLock<Phrases> = phrases!(
    "be, see, think, say, admit, bet, never, miss, let, have, take, get, go, try, wait, assume, \
    guess, know, love, need, want, pass, keep, leave, ask, tell, show, explain, give, look, check, \
    just, probably, die, cry, scream, be honest, note, repeat, skip, stop, manage, survive, live, \
    remember, understand, figure, like"
);

fn commitment(clause: &Clause<'_>, statement: &Statement) -> Option<Hit> {
    if statement.conditional && !clause.has(list!("by")) || statement.hedged {
        return None;
    }
    let dated = is_date(clause, 0).is_some();
    if let Some((start, end)) = clause.find(&COMMITS, 0) {
        let duty = clause
            .longest_at(
                start,
                list!("i have to, we have to, i need to, we need to, i must, we must, i've got to"),
            )
            .is_some();
        let verb = match clause.lower(end) {
            "also" | "definitely" | "just" | "then" | "always" | "personally" => end + 1,
            _ => end,
        };
        let saying = SAYINGS.contains(clause.lower(verb));
        let weight = telling(clause, verb + 1);
        if weight == 0
            || (saying || duty) && !(dated && weight > 1)
            || clause
                .longest_at(verb, list!("be fine, be ok, be honest, be right back, be back, let you know"))
                .is_some()
        {
            return None;
        }
        let confidence = if dated {
            0.9
        } else if weight > 1 {
            0.75
        } else {
            0.55
        };
        return hit(Topic::Commitment, confidence, "says what somebody is going to do", clause, (start, end));
    }
    let (start, end) = clause.find(
        list!(
            "will, is going to, promised to, promised, agreed to, volunteered to, has agreed to, committed \
            to, plans to, owes, is responsible for, is going"
        ),
        1,
    )?;
    let subject = before(clause, start)?;
    let person = matches!(subject, Subject::Named | Subject::Own)
        || subject == Subject::Thing && clause.has(list!("team"));
    let inert = list!("be, have, never, not, need, cost, rain, snow, take, always, love, like, happen")
        .contains(clause.lower(end));
    if person && telling(clause, end) > 1 && (!inert || dated && clause.lower(end) != "be") {
        return hit(
            Topic::Commitment,
            if dated { 0.85 } else { 0.7 },
            "says what somebody is going to do",
            clause,
            (start, end),
        );
    }
    None
}

static HAPPENS: LazyLock<Phrases> = phrases!(
    "is, are, was, were, meets, meet, starts, start, begins, ends, opens, closes, happens, takes place, falls, is \
    due, due, moved to, got moved to, has moved to, was moved to, scheduled, rescheduled, launches, \
    launch, ships, goes live, go live, expires, leaves, departs, arrives, lands, flies, fly, arrive, \
    land, leave, is set for, set for, booked, kicks off, runs until, runs from, retires, graduates, \
    turns, married, got married, was born, born, moving, move, is back, back, returns, renews, \
    deadline"
);

fn date(clause: &Clause<'_>, statement: &Statement) -> Option<Hit> {
    if statement.hedged || statement.conditional {
        return None;
    }
    let (at, certain) = is_date(clause, 0)?;
    // "Happy Friday", "see you on Monday".
    if clause.has(list!(
        "happy, see you, talk to you, have a, enjoy your, good morning, weather, rained, raining, sunny"
    )) {
        return None;
    }
    let (start, end) = clause.find(&HAPPENS, 0)?;
    let subject = before(clause, start).or_else(|| noun_before(clause, start))?;
    let told =
        (0..clause.len()).filter(|place| *place != at && !EMPTY.contains(clause.lower(*place))).count();
    if told < 2 {
        return None;
    }
    let doing = subject == Subject::Speaker && list!("is, are, was, were").contains(clause.lower(start));
    let confidence = sure(subject) - if certain { 0.0 } else { 0.15 } - if doing { 0.3 } else { 0.0 };
    hit(Topic::Date, confidence, "says when something is", clause, (start, end))
}

/// "Rent is due", "Dentist appointment is on …": a bare noun.
fn noun_before(clause: &Clause<'_>, verb: usize) -> Option<Subject> {
    let word = clause.lower(verb.checked_sub(1)?);
    let is_noun = !EMPTY.contains(word)
        && word.chars().all(char::is_alphabetic)
        && word.len() > 2
        && !list!("who, which, everyone, everybody, people, nobody").contains(word);
    is_noun.then_some(Subject::Thing)
}
