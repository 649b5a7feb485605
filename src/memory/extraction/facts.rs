//! What a statement says of a person, or of what belongs to them.
use super::{
    CandidateTopic as Topic,
    clause::{Clause, Statement},
    phrases::{Phrases, list, phrases},
    rules::{Hit, hit, points_back, sure, telling},
    subject::{Subject, before, is_name},
};
use std::sync::LazyLock;

/// What belongs to a person, and is told of them.
static KIN: LazyLock<Phrases> = phrases!(
    "wife, husband, partner, son, daughter, mother, father, mom, mum, dad, sister, brother, boss, \
    manager, colleague, coworker, assistant, dog, cat, friend, girlfriend, boyfriend, fiancé, \
    fiancée, fiance, fiancee, roommate, flatmate, neighbour, neighbor, cousin, uncle, aunt, niece, \
    nephew, grandmother, grandfather, grandma, grandpa, doctor, dentist, landlord, coach, mentor, \
    team, company, client, name, birthday, anniversary, email, address, phone, number, job, title, \
    role, blood, hometown, car, shoe, size, pronouns, cofounder, co-founder, teacher, therapist, \
    accountant, lawyer, kid, kids, children, twins, parents, salary, budget, timezone, time, office, \
    degree, allergy, allergies, lead, cto, ceo, cfo, supervisor, advisor, stepson, stepdaughter, \
    husband's, wife's, rabbit, horse, hamster, puppy, kitten, parrot, band, school, university, \
    passport, hobby, hobbies, major, native, mother-in-law, father-in-law, brother-in-law, \
    sister-in-law, middle, last, first, nickname, desk, designer, developer, engineer, trainer, \
    nanny, vet, surname"
);

static NAMES: LazyLock<Phrases> = phrases!(
    "my name is, my name's, call me, i'm called, i am called, i go by, everyone calls me, my pronouns \
    are, named after, is called, is named, are called, are named"
);

pub(super) fn named(clause: &Clause<'_>, _: &Statement) -> Option<Hit> {
    let (start, end) = clause.find(&NAMES, 0)?;
    let owned = clause.lower(start) == "call"
        || clause.lower(start).starts_with('i') && start == 0
        || clause.lower(start) != "is" && clause.lower(start) != "are"
        || before(clause, start).is_some_and(|it| it != Subject::Pronoun);
    let told = clause.words.get(end..)?.iter().take(4).any(|word| is_name(word))
        || clause.is_at(start, "my pronouns are");
    let back =
        list!("tomorrow, later, back, when, if, at, on, after, before, crazy").contains(clause.lower(end));
    if owned && told && !back {
        hit(Topic::Fact, 0.95, "says what somebody is called", clause, (start, end))
    } else {
        None
    }
}

/// Verbs that say how somebody lives.
static LIVES: LazyLock<Phrases> = phrases!(
    "live, lives, lived, work, works, worked, study, studies, studied, teach, teaches, taught, speak, \
    speaks, grew up, was born, were born, moved to, moved from, come from, comes from, own, owns, \
    manage, manages, lead, leads, run, runs, report to, reports to, play, plays, played, joined, \
    graduated, have been, has been, i've been, we've been, married, got married, got engaged, \
    retired, quit, left, started, founded, co-founded, suffer from, suffers from, take, takes, \
    drive, drives, commute, commutes, volunteer, volunteers, collect, collects, practise, practice, \
    practises, practices, coach, coaches, majored, adopted, expecting, was diagnosed, were \
    diagnosed, is diagnosed, been diagnosed, hired, got promoted, was promoted, were promoted, \
    handles, is based, are based, is responsible, owns, specialises, specializes, earn, earns, \
    learned, am learning, is learning, train, trains, swim, swims, sing, sings, paint, paints, wear, \
    wears, need, needs, use, uses, bought, has worked, have worked, has lived, have lived, work \
    from, sits, heads, oversees, hold, holds, carry, carries, can't eat, cannot eat, can't have, \
    wake up, wakes up, wake, go to bed, goes to bed, get up, gets up"
);

/// What follows `I am`, where it says what somebody is for longer than today.
static BEING: LazyLock<Phrases> = phrases!(
    "a, an, the, allergic, vegan, vegetarian, from, married, divorced, engaged, single, originally, \
    diabetic, based, left-handed, colour-blind, color-blind, colourblind, colorblind, lactose, \
    gluten-free, pregnant, deaf, blind, dyslexic, retired, responsible, intolerant, celiac, coeliac, \
    bilingual, fluent, half, self-employed, dairy-free, pescatarian, asthmatic, muslim, jewish, \
    christian, hindu, buddhist, kosher, halal, teetotal, nearsighted, colour, color, in charge, \
    studying, training, learning, afraid, scared, terrified, head, vice, cto, ceo, cfo, co-founder, \
    cofounder, currently, german, french, american, british, italian, spanish, indian, canadian, \
    dutch, polish, chinese, japanese, brazilian, swedish, irish, born, my, our, taller, expecting, \
    pursuing, writing, working, an early"
);

pub(super) fn fact(clause: &Clause<'_>, statement: &Statement) -> Option<Hit> {
    if statement.hedged || statement.conditional {
        return None;
    }
    being(clause).or_else(|| having(clause)).or_else(|| belonging(clause)).or_else(|| living(clause))
}

/// "I'm a nurse", "Ana is our designer", "Tom is allergic to nuts".
fn being(clause: &Clause<'_>) -> Option<Hit> {
    let (start, end) = clause.find(list!("i'm, i am, we're, we are, is, are, was, am"), 0)?;
    let subject = match clause.lower(start) {
        "i'm" | "i" | "we're" | "we" => Subject::Speaker,
        _ => before(clause, start)?,
    };
    let at = if list!("also, now, still, not, actually, severely, deathly, very, mildly, highly, so, really")
        .contains(clause.lower(end))
    {
        end + 1
    } else {
        end
    };
    if clause.longest_at(at, &BEING).is_none()
        && !clause.words.get(at..)?.first().is_some_and(|word| {
            word.lower.chars().all(|c| c.is_ascii_digit()) && clause.has(list!("years, year, old"))
        })
    {
        return None;
    }
    let passing = list!(
        "a bit, a little, a lot, an hour, a mess, a fan, a few, a minute, a while, a good, a great, a \
            bad, a nice, a big, a fool, a genius, a pain, a wreck, a joke, a shame, the one, the same, the \
            best, the worst, the only, the problem, the thing, a pity, a wonderful, a terrible, a perfect, a \
            huge, a long, a lovely, a busy, a hard, a weird, a strange, a classic, a fun, a tough, working \
            on it, working on, a quick, the reason, the key, the point, a must, a no-brainer, a beautiful, a \
            real, a thing, a waste, a relief, an understatement, an idiot, a disaster, a total, an \
            interesting, an amazing, an awful, my fault, my pleasure, my bad, the case, a solid, my \
            favourite, my favorite, the most, a stressful, a better, a different, a common, a popular, a \
            type, a kind"
    );
    if clause.longest_at(at, passing).is_some()
        || telling(clause, at + 1) == 0 && list!("a, an, the, my, our").contains(clause.lower(at))
    {
        return None;
    }
    match subject {
        Subject::Thing => None,
        // "My sister is a nurse" is told of her; "my laptop is a wreck" of a thing.
        Subject::Own if !clause.has(&KIN) => None,
        subject => hit(Topic::Fact, sure(subject) - 0.05, "says what somebody is", clause, (start, end)),
    }
}

/// "I have two kids", "Ben has a dog called Rex".
fn having(clause: &Clause<'_>) -> Option<Hit> {
    let (start, end) = clause.find(list!("have, has, got, i've got, have got, had"), 0)?;
    let subject = if clause.lower(start) == "i've" { Subject::Speaker } else { before(clause, start)? };
    let lasting = clause.find(&KIN, end).is_some()
        || clause
            .find(
                list!(
                    "diabetes, asthma, allergy, allergies, adhd, dyslexia, intolerance, phd, mba, migraines, \
            insomnia, arthritis, celiac, condition, siblings, sisters, brothers, sons, daughters, \
            grandchildren, dogs, cats, license, licence, visa, citizenship, phobia, fear, pets, pet, \
            anxiety, epilepsy, surgery, degree, chickens"
                ),
                end,
            )
            .is_some();
    let passing = clause.has(list!(
        "a question, a problem, an idea, no idea, a feeling, a headache, a cold, fun, a look, time, a \
            call, an issue, to go, to, a meeting, a chat, email, emails, number of, trouble"
    ));
    if lasting && !passing && subject != Subject::Thing {
        return hit(Topic::Fact, sure(subject) - 0.1, "says what somebody has", clause, (start, end));
    }
    None
}

/// "My wife's name is Mia", "Our CEO is Rita", "My budget is 400 euros".
fn belonging(clause: &Clause<'_>) -> Option<Hit> {
    let owner = clause.lower(0);
    let owned = list!("my, our").contains(owner) || owner.ends_with("'s") && is_name(clause.words.first()?);
    let (start, end) = clause.find(
        list!("is, are, was, lives, works, turned, passed away, died, moved, goes to, teaches, studies"),
        1,
    )?;
    let kin = (1..start).any(|at| KIN.contains(clause.lower(at).trim_end_matches("'s")));
    let named = clause.words.get(end..)?.iter().any(|word| {
        is_name(word) || word.text.chars().any(|c| c.is_ascii_digit()) || word.text.contains('@')
    });
    if owned && kin && start <= 5 && named && !points_back(clause, end) {
        return hit(
            Topic::Fact,
            0.85,
            "says something of who or what belongs to somebody",
            clause,
            (start, end),
        );
    }
    None
}

fn living(clause: &Clause<'_>) -> Option<Hit> {
    let mut from = 0;
    while let Some((start, end)) = clause.find(&LIVES, from) {
        from = start + 1;
        let subject = match clause.lower(start) {
            "i've" | "we've" => Some(Subject::Speaker),
            _ => before(clause, start),
        };
        let Some(subject) = subject.filter(|it| *it != Subject::Thing) else { continue };
        if subject == Subject::Own && !clause.has(&KIN)
            || telling(clause, end) == 0
            || points_back(clause, end)
        {
            continue;
        }
        // "I work late tonight", "I left my keys": of today, or of anything.
        let loose = list!("work, works, worked, take, takes, left, started, run, runs, need, needs, use, uses, hold, carry, \
            have, has, i've, we've, bought, own, lead, leads, manage, play, played, hired, wear, wears, \
            practice, train, wake, get, gets, drive, expecting").contains(clause.lower(start));
        let anchored = clause.words.get(end..).unwrap_or_default().iter().any(|word| is_name(word))
            || clause
                .find(
                    list!("every, for, at, as, since, with, daily, weekly, always, years, months, on, from, remotely, \
            part-time, full-time, the team, a team, twice, once, usually, each, a wheelchair, glasses, \
            hearing"),
                    end,
                )
                .is_some();
        if loose && !anchored
            || clause.has(list!("today, tonight, this morning, right now, yesterday, just now, this afternoon, at the moment, a \
            break, a look, a while, late"))
        {
            continue;
        }
        return hit(
            Topic::Fact,
            sure(subject) - if loose { 0.2 } else { 0.1 },
            "says how somebody lives or works",
            clause,
            (start, end),
        );
    }
    None
}
