//! Dates that a query names (`8 May 2023`, `in June`, `2023`), beside the time when an entry happened; and whether it
//! asks for one.
use crate::memory::terms::Terms;
use chrono::{DateTime, Datelike, Days, NaiveDate};
use std::sync::LazyLock;

/// Of one query.
const MAX_DATES: usize = 8;
/// What happened is told on the same day or some days later.
const DAYS_AFTER: i32 = 7;
/// Of the month after the one that was asked for, days when people still tell of it.
const DAYS_OF_NEXT_MONTH: u64 = 15;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Letters that a month may be shortened to.
const SHORT: [usize; 2] = [3, 4];
/// What a month stands behind: `march` and `may` are words of other meanings as well.
const LEADING: [&str; 19] = [
    "after", "around", "before", "by", "during", "early", "for", "from", "in", "last", "late", "mid", "next",
    "of", "on", "since", "this", "until", "till",
];

/// What an answer to `when` has: terms that tell a time.
pub static TELLING: LazyLock<Vec<String>> = LazyLock::new(|| {
    let words = "yesterday today tonight tomorrow day week weekend month year ago last next monday tuesday wednesday thursday \
        friday saturday sunday";
    let mut terms = Terms::of(words);
    MONTHS.iter().for_each(|month| terms.add(month));
    terms.counts.into_keys().collect()
});

/// `When …`, `Since when …`, `How long …`.
pub fn asks_when(text: &str) -> bool {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<String> = words.take(2).map(str::to_lowercase).collect();
    words.iter().any(|word| word == "when") || words == ["how", "long"]
}

/// A day, a month of one year or of any, or a year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
}

/// All dates of a query.
#[derive(Clone, Debug, Default)]
pub struct Dates(Vec<Asked>);

impl Dates {
    pub fn of(text: &str) -> Self {
        let words: Vec<Word> = text
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| Word::of(&word.to_lowercase()))
            .collect();
        let mut dates = vec![];
        let mut place = 0;
        while place < words.len() && dates.len() < MAX_DATES {
            let (date, next) = date_at(&words, place);
            dates.extend(date);
            place = next;
        }
        Self(dates)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How well a moment, in microseconds since 1970, fits the best of them: 0 to 1.
    pub fn share(&self, at: i64) -> f32 {
        if self.is_empty() {
            return 0.0;
        }
        let Some(date) = DateTime::from_timestamp_micros(at).map(|at| at.date_naive()) else { return 0.0 };
        self.0.iter().map(|asked| asked.share(date)).fold(0.0, f32::max)
    }
}

impl Asked {
    fn share(self, date: NaiveDate) -> f32 {
        match (self.month, self.day) {
            (Some(month), Some(day)) => {
                let years = self.year.map_or(date.year() - 1..=date.year() + 1, |year| year..=year);
                let days = years.filter_map(|year| NaiveDate::from_ymd_opt(year, month, day));
                days.map(|asked| of_day((date - asked).num_days())).fold(0.0, f32::max)
            }
            (Some(month), None) => {
                let fits = |date: NaiveDate| {
                    date.month() == month && self.year.is_none_or(|year| year == date.year())
                };
                let earlier = date.checked_sub_days(Days::new(DAYS_OF_NEXT_MONTH));
                if fits(date) {
                    1.0
                } else if earlier.is_some_and(fits) {
                    0.5
                } else {
                    0.0
                }
            }
            (None, _) if self.year == Some(date.year()) => 1.0,
            (None, _) => 0.0,
        }
    }
}

/// By the days from the one that was asked for; one earlier may lie in another time zone.
fn of_day(days: i64) -> f32 {
    match i32::try_from(days) {
        Ok(days) if (-1..DAYS_AFTER).contains(&days) => 1.0 - days.abs() as f32 / DAYS_AFTER as f32,
        _ => 0.0,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Number(u32),
    /// Whether it means a month wherever it stands.
    Month(u32, bool),
    Of,
    Leading,
    Other,
}

impl Word {
    fn of(word: &str) -> Self {
        if word.starts_with(|letter: char| letter.is_ascii_digit()) {
            let digits =
                ["st", "nd", "rd", "th"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
            return digits.parse().map_or(Self::Other, Self::Number);
        }
        let is_named =
            |month: &&str| *month == word || SHORT.contains(&word.len()) && month.starts_with(word);
        match (1..).zip(MONTHS).find(|(_, month)| is_named(month)) {
            Some((number, month)) => Self::Month(number, month == word && !["march", "may"].contains(&word)),
            None if word == "of" => Self::Of,
            None if LEADING.contains(&word) => Self::Leading,
            None => Self::Other,
        }
    }

    fn day(self) -> Option<u32> {
        match self {
            Self::Number(day @ 1..=31) => Some(day),
            _ => None,
        }
    }

    fn year(self) -> Option<i32> {
        match self {
            Self::Number(year @ 1900..=2100) => i32::try_from(year).ok(),
            _ => None,
        }
    }
}

/// The date whose first word after a leading one stands here, and where to go on.
fn date_at(words: &[Word], place: usize) -> (Option<Asked>, usize) {
    let at = |place: usize| words.get(place).copied().unwrap_or(Word::Other);
    // `8 May`, `8th of May`, `May 8`, each with a year behind it or none.
    let (day, month_at) = match (at(place).day(), at(place + 1), at(place + 2)) {
        (Some(day), Word::Month(..), _) => (Some(day), place + 1),
        (Some(day), Word::Of, Word::Month(..)) => (Some(day), place + 2),
        _ => (None, place),
    };
    let Word::Month(month, is_sure) = at(month_at) else {
        let year = at(place).year().map(|year| Asked { year: Some(year), ..Asked::default() });
        return (year, place + 1);
    };
    let mut next = month_at + 1;
    let day = day.or_else(|| {
        let day = at(next).day();
        next += usize::from(day.is_some());
        day
    });
    let year = at(next).year();
    next += usize::from(year.is_some());
    let is_led = place.checked_sub(1).is_some_and(|before| matches!(at(before), Word::Of | Word::Leading));
    let is_date = is_sure || day.is_some() || year.is_some() || is_led;
    (is_date.then_some(Asked { year, month: Some(month), day }), next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveTime;
    use proptest::prelude::*;

    fn told(text: &str) -> Vec<(Option<i32>, Option<u32>, Option<u32>)> {
        Dates::of(text).0.iter().map(|asked| (asked.year, asked.month, asked.day)).collect()
    }

    fn share(asked: &str, date: &str) -> f32 {
        let date: NaiveDate = date.parse().unwrap();
        Dates::of(asked).share(date.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
    }

    #[test]
    fn dates_are_read_as_people_write_them() {
        let day = (Some(2023), Some(5), Some(8));
        for text in ["on 8 May, 2023?", "May 8, 2023", "the 8th of May 2023", "may 8th 2023", "8 MAY 2023"] {
            assert_eq!(told(text), [day], "{text}");
        }
        assert_eq!(told("last weekend before April 10"), [(None, Some(4), Some(10))]);
        assert_eq!(told("Between June and Sept 2022"), [(None, Some(6), None), (Some(2022), Some(9), None)]);
        assert_eq!(told("What happened in 2021?"), [(Some(2021), None, None)]);
    }

    #[test]
    fn questions_for_a_time_are_known_by_their_beginning() {
        assert!(["When did she go?", "since WHEN?", "How long ago"].iter().all(|text| asks_when(text)));
        assert!(
            !["What did she do when it rained?", "How tall", "", "Whenever"]
                .iter()
                .any(|text| asks_when(text))
        );
        assert!(
            ["yesterday", "week", "june"].iter().all(|term| TELLING.iter().any(|known| known == term)),
            "{TELLING:?}"
        );
    }

    #[test]
    fn words_and_numbers_that_are_no_dates_are_none() {
        for text in
            ["You may march on", "May I have 5 marbles?", "12 eggs", "room 1850", "a decent marriage", ""]
        {
            assert_eq!(told(text), [], "{text}");
        }
        assert_eq!(told("in may"), [(None, Some(5), None)]);
    }

    #[test]
    fn what_is_told_soon_after_a_date_fits_it_less_the_later() {
        let on = |date| share("What did she paint on 8 May, 2023?", date);
        assert_eq!(on("2023-05-08"), 1.0);
        assert!(on("2023-05-09") > on("2023-05-12") && on("2023-05-12") > 0.0 && on("2023-05-07") > 0.0);
        assert_eq!([on("2023-05-15"), on("2023-05-06"), on("2022-05-08")], [0.0; 3]);
        let in_month = |date| share("in May 2023", date);
        assert_eq!([in_month("2023-05-31"), in_month("2023-06-10"), in_month("2023-06-20")], [1.0, 0.5, 0.0]);
        assert_eq!([share("in May", "2021-05-01"), share("in 2021", "2021-12-31")], [1.0; 2]);
        assert_eq!(share("on January 2", "2023-01-03"), share("on January 2", "2020-01-03"));
    }

    proptest! {
        #[test]
        fn any_text_and_moment_give_a_share(text: String, at: i64) {
            prop_assert!((0.0..=1.0).contains(&Dates::of(&text).share(at)));
        }

        #[test]
        fn any_numbers_and_months_give_bounded_dates(text in "(([0-9]{1,5}|may|of|june|in) ){0,60}", at: i64) {
            let dates = Dates::of(&text);
            prop_assert!(dates.0.len() <= MAX_DATES);
            prop_assert!((0.0..=1.0).contains(&dates.share(at)));
        }
    }
}
