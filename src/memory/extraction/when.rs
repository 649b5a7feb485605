//! Dates and times as people write them.
use super::{
    clause::Clause,
    phrases::{Phrases, list, phrases},
};
use std::sync::LazyLock;

static MONTHS: LazyLock<Phrases> = phrases!(
    "january, february, march, april, may, june, july, august, september, october, november, \
    december, jan, feb, mar, apr, jun, jul, aug, sept, oct, nov, dec"
);
static DAYS: LazyLock<Phrases> = phrases!(
    "monday, tuesday, wednesday, thursday, friday, saturday, sunday, mondays, tuesdays, wednesdays, \
    thursdays, fridays, saturdays, sundays, weekdays, weekends, christmas"
);
/// That say when only to who knows the day.
static NEAR: LazyLock<Phrases> = phrases!(
    "tomorrow, tonight, next week, next month, next year, this week, this month, next quarter, this \
    quarter, end of the month, end of the week, end of the year, end of month, in two weeks, in \
    three weeks, in a week, in a month, this weekend, next weekend, this evening, this summer, next \
    summer, this spring, next spring, this fall, this autumn, this winter"
);

/// Where a date or a time stands, and whether it is one by itself.
pub(super) fn is_date(clause: &Clause<'_>, from: usize) -> Option<(usize, bool)> {
    let certain = (from..clause.len()).find(|at| is_certain(clause, *at)).map(|at| (at, true));
    certain.or_else(|| clause.find(&NEAR, from).map(|(at, _)| (at, false)))
}

fn is_certain(clause: &Clause<'_>, at: usize) -> bool {
    let word = clause.lower(at);
    let number = |at: usize| is_day_number(clause.lower(at));
    if DAYS.contains(word) {
        return true;
    }
    if MONTHS.contains(word) {
        // "May" and "march" are words of their own.
        let beside = at > 0
            && (number(at - 1)
                || list!("in, of, by, until, since, mid, early, late, next, last, this")
                    .contains(clause.lower(at - 1)))
            || number(at + 1)
            || is_year(clause.lower(at + 1));
        let capital = clause.words.get(at).is_some_and(|word| word.text.starts_with(char::is_uppercase));
        return beside && capital;
    }
    is_clock(word)
        || is_written_date(word)
        || is_year(word) && at > 0 && list!("in, since, until, by, from").contains(clause.lower(at - 1))
        || is_quarter(word)
        || number(at) && at > 0 && clause.lower(at - 1) == "the" && word.ends_with(char::is_alphabetic)
        || (word == "noon" || word == "midnight")
        || at > 0
            && list!("at, by, until").contains(clause.lower(at - 1))
            && list!("am, pm, o'clock").contains(clause.lower(at + 1))
}

/// Whether a word is part of a date, though it is written as a name is.
pub(super) fn is_of_calendar(word: &str) -> bool {
    DAYS.contains(word)
        || MONTHS.contains(word)
        || list!("easter, spring, summer, autumn, winter").contains(word)
}

/// 3, 14th, 1st.
fn is_day_number(word: &str) -> bool {
    let digits = word.trim_end_matches(char::is_alphabetic);
    let end = &word[digits.len()..];
    (end.is_empty() || list!("st, nd, rd, th").contains(end))
        && digits.parse::<u8>().is_ok_and(|day| (1..=31).contains(&day))
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.parse::<u16>().is_ok_and(|year| (1900..2100).contains(&year))
}

/// 9:30, 14:00, 3pm, 9.30am.
fn is_clock(word: &str) -> bool {
    let bare = word.strip_suffix("am").or_else(|| word.strip_suffix("pm"));
    let digits = bare.unwrap_or(word);
    match digits.split_once([':', '.']) {
        Some((hour, minute)) => {
            (bare.is_some() || digits.contains(':'))
                && hour.parse::<u8>().is_ok_and(|hour| hour < 24)
                && minute.len() == 2
                && minute.parse::<u8>().is_ok_and(|minute| minute < 60)
        }
        None => bare.is_some() && digits.parse::<u8>().is_ok_and(|hour| (1..=12).contains(&hour)),
    }
}

/// 2026-03-01, 3/14, 14.3.2026.
fn is_written_date(word: &str) -> bool {
    let parts: Vec<_> = word.split(['-', '/', '.']).collect();
    let all_digits =
        parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    all_digits
        && (parts.len() == 3 && word.len() >= 6 || parts.len() == 2 && word.contains('/') && word.len() <= 5)
}

fn is_quarter(word: &str) -> bool {
    matches!(word, "q1" | "q2" | "q3" | "q4")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_told_from_numbers_and_words() {
        let is = |text: &str| is_date(&Clause::new(text, 0..text.len()), 0).is_some();
        for date in [
            "on 14 March",
            "March 3rd",
            "2026-11-26",
            "by Friday",
            "at 3pm",
            "at 9:30",
            "the 14th",
            "in 2027",
            "in Q3",
            "next week",
        ] {
            assert!(is(date), "{date}");
        }
        for none in ["you may go", "we march on", "version 2.5", "14 people", "a 3:1 ratio", "ten of them"] {
            assert!(!is(none), "{none}");
        }
    }
}
