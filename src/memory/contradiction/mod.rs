//! Whether two memories cannot both hold, by their words. Pure, and a guess: what it finds is shown, and somebody decides.
pub mod told;

use super::{
    extraction::{Gist, names, numbers},
    model::Contradiction,
};
use std::collections::BTreeSet;

/// Words that two statements of one thing share, of those that the shorter has, beside names and numbers.
const ALIKE: f64 = 0.6;

/// How the one speaks against the other.
pub fn between(one: &str, other: &str) -> Option<Contradiction> {
    let (a, b) = (Gist::of(one, None), Gist::of(other, None));
    let plain = |gist: &Gist, of: &str| -> BTreeSet<String> {
        let (names, numbers) = (names(of), numbers(of));
        gist.terms().filter(|term| !names.contains(*term) && !numbers.contains(*term)).cloned().collect()
    };
    let alike = |x: &BTreeSet<String>, y: &BTreeSet<String>| {
        let both = x.intersection(y).count();
        both > 0 && both as f64 >= ALIKE * x.len().min(y.len()) as f64
    };
    let (all_a, all_b): (BTreeSet<_>, BTreeSet<_>) =
        (a.terms().cloned().collect(), b.terms().cloned().collect());
    if a.denies() != b.denies() {
        return alike(&all_a, &all_b).then_some(Contradiction::Denies);
    }
    if !alike(&plain(&a, one), &plain(&b, other)) {
        return None;
    }
    let differ = |x: &BTreeSet<String>, y: &BTreeSet<String>| !x.is_subset(y) && !y.is_subset(x);
    if differ(&numbers(one), &numbers(other)) && same_people(one, other) {
        return Some(Contradiction::OtherNumber);
    }
    // Of one subject, or of none that is named: "Ana lives in Oslo" and "Ana lives in Bergen".
    let (x, y) = (names(one), names(other));
    let one_subject = first_name(one) == first_name(other);
    (one_subject && differ(&x, &y)).then_some(Contradiction::OtherValue)
}

/// Whether what both name is the same.
fn same_people(one: &str, other: &str) -> bool {
    let (x, y) = (names(one), names(other));
    x.is_subset(&y) || y.is_subset(&x)
}

fn first_name(text: &str) -> Option<String> {
    let first = text.split_whitespace().next()?;
    let word = first.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_both_hold_is_found() {
        for (one, other, how) in [
            ("I like tea", "I don't like tea", Contradiction::Denies),
            ("The launch is on 14 March", "The launch is on 21 March", Contradiction::OtherNumber),
            ("The launch is on 14 March", "The launch is on 2 April", Contradiction::OtherNumber),
            ("We meet on Mondays", "We meet on Tuesdays", Contradiction::OtherNumber),
            ("My budget is 400 euros", "My budget is 300 euros", Contradiction::OtherNumber),
            ("Ana lives in Oslo", "Ana lives in Bergen", Contradiction::OtherValue),
            ("My sister lives in Oslo", "My sister lives in Bergen", Contradiction::OtherValue),
        ] {
            assert_eq!(between(one, other), Some(how), "{one} / {other}");
            assert_eq!(between(other, one), Some(how), "{other} / {one}");
        }
    }

    #[test]
    fn what_may_both_hold_is_left_alone() {
        for (one, other) in [
            ("Ana lives in Oslo", "Ben lives in Bergen"),
            ("Ana lives in Oslo", "Ana likes tea"),
            ("I like tea", "I like tea"),
            ("I like tea", "I like green tea"),
            ("The launch is on 14 March", "The review is on 21 March"),
            ("The launch is on 14 March", "The launch is on 14 March at nine in Berlin"),
            ("Ana is not allergic to nuts", "Ben likes the sea"),
        ] {
            assert_eq!(between(one, other), None, "{one} / {other}");
        }
    }
}
