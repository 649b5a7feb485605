//! Telephone numbers have no check digit: what tells them is a country code, an area code in parentheses, the
//! grouping of a country, or a word before.
use super::{context::Hint, number::Number};

/// ITU-T E.164: at most fifteen digits.
const MAX_DIGITS: usize = 15;

pub fn is_phone(number: &Number<'_>) -> bool {
    let length = number.digits.len();
    if length > MAX_DIGITS || is_date(number) {
        return false;
    }
    if number.plus {
        return length >= 8 && number.digits.first() != Some(&0);
    }
    if number.follows_digits() {
        return false;
    }
    let hint = || number.hint();
    if number.parenthesis {
        return (9..=12).contains(&length)
            && number.groups.len() > 1
            && small_groups_are_none(number)
            && hint() != Some(Hint::Thing);
    }
    if is_national(number) || is_north_american(number) || is_brazilian(number) {
        return hint().is_none_or(|hint| hint == Hint::Phone);
    }
    let by_hint = match number.groups {
        [_] => (7..=13).contains(&length),
        groups => (7..=13).contains(&length) && groups.iter().all(|group| *group > 1),
    };
    by_hint && hint() == Some(Hint::Phone)
}

/// With the trunk prefix 0 and groups, as most of the world dials within a country.
fn is_national(number: &Number<'_>) -> bool {
    let [first, rest @ ..] = number.groups else { return false };
    let trunk = number.digits.first() == Some(&0);
    let marks = number.gaps.iter().filter(|gap| **gap == '.').count();
    // `000-12-3456` is of the form of a social security number.
    let american = matches!(number.groups, [3, 2, 4]) && number.gaps_are('-');
    trunk
        && !american
        && (8..=12).contains(&number.digits.len())
        && (2..=6).contains(first)
        && !rest.is_empty()
        && rest.iter().all(|group| (2..=8).contains(group))
        && (marks == 0 || marks == number.gaps.len() && rest.len() > 2)
}

/// `555-555-5555`, with `1` or `001` before; area and exchange begin with 2 to 9.
fn is_north_american(number: &Number<'_>) -> bool {
    let (skip, groups) = match number.groups {
        [1, rest @ ..] if number.digits.first() == Some(&1) => (1, rest),
        [3, rest @ ..] if number.digits.starts_with(&[0, 0, 1]) && rest.len() == 3 => (3, rest),
        groups => (0, groups),
    };
    let leads = |place: usize| number.digits.get(skip + place).is_some_and(|digit| *digit > 1);
    groups == [3, 3, 4]
        && leads(0)
        && leads(3)
        && (number.gaps_are('-') || number.gaps_are('.') || number.gaps_are(' '))
}

/// `11 1234-5678`, `11 91234-5678`.
fn is_brazilian(number: &Number<'_>) -> bool {
    matches!(number.groups, [2, 4 | 5, 4]) && number.gaps == [' ', '-']
}

/// A group of one digit is a trunk prefix, `(0)`, or none at all.
fn small_groups_are_none(number: &Number<'_>) -> bool {
    number.groups.iter().skip(1).all(|group| *group > 1)
}

/// Day, month and year in one of their orders.
fn is_date(number: &Number<'_>) -> bool {
    let value = |from: usize, count: usize| {
        number.digits.iter().skip(from).take(count).fold(0, |value, digit| value * 10 + u32::from(*digit))
    };
    let day_and_month =
        |a: u32, b: u32| (1..=31).contains(&a) && (1..=31).contains(&b) && (a <= 12 || b <= 12);
    match number.groups {
        [2, 2, 4] | [2, 2, 4, 2] | [2, 2, 4, 2, 2] => {
            day_and_month(value(0, 2), value(2, 2)) && (1900..2200).contains(&value(4, 4))
        }
        [4, 2, 2] | [4, 2, 2, 2] | [4, 2, 2, 2, 2] => {
            day_and_month(value(4, 2), value(6, 2)) && (1900..2200).contains(&value(0, 4))
        }
        _ => false,
    }
}
