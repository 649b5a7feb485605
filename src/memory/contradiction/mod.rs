//! Whether two memories cannot both hold, by their words. Pure, and a guess: what it finds is shown, and somebody decides.
pub mod told;

use super::{extraction::Gist, model::Contradiction};
use std::collections::BTreeSet;

/// Words that two statements of one thing share, of those that the shorter has, beside names and numbers.
const ALIKE: f64 = 0.6;

/// How the one speaks against the other.
pub fn between(one: &str, other: &str) -> Option<Contradiction> {
    between_gists(&Gist::of(one, None), &Gist::of(other, None))
}

pub(super) fn between_gists(a: &Gist, b: &Gist) -> Option<Contradiction> {
    let plain = |gist: &Gist| -> BTreeSet<String> {
        let is_plain = |term: &&String| !gist.names.contains(*term) && !gist.numbers.contains(*term);
        gist.terms.iter().filter(is_plain).cloned().collect()
    };
    let alike = |x: &BTreeSet<String>, y: &BTreeSet<String>| {
        let both = x.intersection(y).count();
        both > 0 && both as f64 >= ALIKE * x.len().min(y.len()) as f64
    };
    if a.denies() != b.denies() {
        return alike(&a.terms, &b.terms).then_some(Contradiction::Denies);
    }
    if !alike(&plain(a), &plain(b)) {
        return None;
    }
    let differ = |x: &BTreeSet<String>, y: &BTreeSet<String>| !x.is_subset(y) && !y.is_subset(x);
    // Of the same people: what both name.
    let same_people = a.names.is_subset(&b.names) || b.names.is_subset(&a.names);
    if differ(&a.numbers, &b.numbers) && same_people {
        return Some(Contradiction::OtherNumber);
    }
    // Of one subject, or of none that is named: "Ana lives in Oslo" and "Ana lives in Bergen".
    (a.first == b.first && differ(&a.names, &b.names)).then_some(Contradiction::OtherValue)
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
