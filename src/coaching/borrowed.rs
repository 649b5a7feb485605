//! What of a short text stands word for word in another one, and the text without that. Pure.
use super::speech::ERASED;
use std::{collections::HashMap, ops::Range};

/// Words and characters of the shortest run that counts: fewer may stand in both by chance.
const LEAST_WORDS: usize = 4;
const LEAST_CHARACTERS: usize = 12;

/// Signs of scripts that put no blanks between words begin here: each is a word.
const IDEOGRAPHS: char = '\u{2E80}';

/// The runs of words that also stand in the source, each as long as can be, or that are all of the source. Large and
/// small letters, and what stands between words, make no difference.
pub(super) fn borrowed<'a>(text: &'a str, source: &str) -> Vec<&'a str> {
    let (own, theirs) = (words(text), words(source));
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, (word, _)) in theirs.iter().enumerate() {
        places.entry(word).or_default().push(place);
    }
    let (mut found, mut rest) = (vec![], own.as_slice());
    while let Some((first, _)) = rest.first() {
        let starts = places.get(first.as_str()).into_iter().flatten();
        let longest = starts
            .filter_map(|start| theirs.get(*start..))
            .map(|theirs| common(rest, theirs))
            .max()
            .unwrap_or_default();
        let run = rest.get(..longest).and_then(span).and_then(|span| text.get(span)).unwrap_or_default();
        let is_long = longest >= LEAST_WORDS && run.chars().count() >= LEAST_CHARACTERS;
        let taken = if is_long || longest > 1 && longest == theirs.len() {
            found.push(run);
            longest
        } else {
            1
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    found
}

/// The text with a mark in the place of the quotes that go, which are those with `true`. Whatever overlaps one goes with it
/// as a whole: its rest would not be found any more when that is to go too.
pub(super) fn redact<'a>(text: &str, quotes: impl Iterator<Item = (&'a str, bool)>) -> String {
    let own = words(text);
    let mut found: Vec<(Range<usize>, bool)> = vec![];
    for (quote, goes) in quotes {
        found.extend(places(&own, &words(quote)).map(|place| (place, goes)));
    }
    found.sort_unstable_by_key(|(place, _)| place.start);
    let mut whole: Vec<(Range<usize>, bool)> = vec![];
    for (place, goes) in found {
        match whole.last_mut().filter(|(last, _)| place.start < last.end) {
            Some((last, any_goes)) => {
                last.end = last.end.max(place.end);
                *any_goes |= goes;
            }
            None => whole.push((place, goes)),
        }
    }
    let mut text = text.to_owned();
    for (place, _) in whole.into_iter().rev().filter(|(_, goes)| *goes) {
        text.replace_range(place, ERASED);
    }
    text
}

type Word = (String, Range<usize>);

/// In small letters, each with where it stands.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = vec![];
    let mut goes_on = false;
    for (at, c) in text.char_indices().filter(|(_, c)| *c != '\u{AD}') {
        let alone = c >= IDEOGRAPHS;
        if !c.is_alphanumeric() {
            goes_on = false;
            continue;
        }
        let end = at + c.len_utf8();
        match words.last_mut().filter(|_| goes_on && !alone) {
            Some((word, place)) => {
                word.extend(c.to_lowercase());
                place.end = end;
            }
            None => words.push((c.to_lowercase().collect(), at..end)),
        }
        goes_on = !alone;
    }
    words
}

/// Where these words stand one after the other.
fn places(own: &[Word], sought: &[Word]) -> impl Iterator<Item = Range<usize>> {
    let is_sought = move |window: &&[Word]| !sought.is_empty() && common(window, sought) == sought.len();
    own.windows(sought.len().max(1)).filter(is_sought).filter_map(span)
}

/// How many words the two begin with in common.
fn common(one: &[Word], other: &[Word]) -> usize {
    one.iter().zip(other).take_while(|((one, _), (other, _))| one == other).count()
}

fn span(words: &[Word]) -> Option<Range<usize>> {
    Some(words.first()?.1.start..words.last()?.1.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn runs_of_words_are_found_whatever_the_case_and_the_signs_between() {
        let source = "Ana prefers short stand-ups before ten, and walks at noon.";
        for (text, expected) in [
            ("Move it: ana prefers short STAND UPS, as she said", vec!["ana prefers short STAND UPS"]),
            (
                "Before ten and walks at noon; Ana prefers short stand",
                vec!["Before ten and walks at noon", "Ana prefers short stand"],
            ),
            ("Ask Ana before ten", vec![]),
            ("a walk at noon, before ten", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(borrowed(text, source), expected, "{text}");
        }
    }

    #[test]
    fn a_short_source_counts_where_it_stands_as_a_whole() {
        assert_eq!(borrowed("Change the pin 4711 today", "PIN: 4711"), ["pin 4711"]);
        assert_eq!(borrowed("Change the pin today", "Pin"), Vec::<&str>::new());
    }

    #[test]
    fn scripts_without_blanks_have_runs_too() {
        let source = "アナは十時前の短い立ち会議を好みます";
        assert_eq!(
            borrowed("会議：十時前の短い立ち会議を好みます", source),
            ["十時前の短い立ち会議を好みます"]
        );
    }

    #[test]
    fn what_goes_is_taken_out_as_whole_words_with_what_overlaps_it() {
        let (one, other) = ("prefers to call Ana", "Ana Lima of Porto teaches violin");
        let text = "Ask who prefers to call Ana Lima of Porto teaches violin, then rest";
        for (quotes, expected) in [
            (vec![(one, true), (other, false)], "Ask who [forgotten], then rest"),
            (vec![(other, true), (one, true)], "Ask who [forgotten], then rest"),
            (vec![(other, true)], "Ask who prefers to call [forgotten], then rest"),
            (vec![(one, false), (other, false)], text),
            (vec![("", true), ("...", true), ("then", false), ("who prefers more", true)], text),
        ] {
            assert_eq!(redact(text, quotes.into_iter()), expected);
        }
        let text = "Spin 4711, pin 47112, PIN: 4711; pin 4711";
        let expected = "Spin 4711, pin 47112, [forgotten]; [forgotten]";
        assert_eq!(redact(text, [("Pin 4711", true)].into_iter()), expected);
    }

    proptest! {
        #[test]
        fn once_both_sources_are_forgotten_what_either_gave_is_gone_and_the_rest_stays(
            one in (0_usize..14, 4_usize..9),
            other in (0_usize..14, 4_usize..9),
        ) {
            let word = |at: usize| format!("word{at}");
            let said = |(start, count): (usize, usize)| {
                (start..start + count).map(word).collect::<Vec<_>>().join(" ")
            };
            let (text, first, second) = (said((0, 24)), said(one), said(other));
            let (from_first, from_second) = (borrowed(&text, &first), borrowed(&text, &second));
            prop_assert_eq!(&from_first, &[first.as_str()]);
            prop_assert_eq!(&from_second, &[second.as_str()]);
            let marked = from_first.iter().map(|quote| (*quote, true));
            let left = redact(&text, marked.chain(from_second.iter().map(|quote| (*quote, false))));
            let left = redact(&left, from_second.iter().map(|quote| (*quote, true)));
            let kept = words(&left).into_iter().map(|(word, _)| word);
            let kept: Vec<_> = kept.filter(|word| word != "forgotten").collect();
            let lies_in = |at: usize, (start, count): (usize, usize)| (start..start + count).contains(&at);
            let rest = (0..24).filter(|at| !lies_in(*at, one) && !lies_in(*at, other));
            let expected: Vec<_> = rest.map(word).collect();
            prop_assert_eq!(kept, expected);
        }

        #[test]
        fn what_is_borrowed_stands_in_the_text(text in "[a-cÄ ,.😀]{0,60}", source in "[a-cÄ ,.😀]{0,60}") {
            for run in borrowed(&text, &source) {
                prop_assert!(text.contains(run));
                prop_assert!(words(run).len() > 1);
            }
        }

        #[test]
        fn a_text_borrows_all_of_itself(words in proptest::collection::vec("[a-z]{3,8}", 4..12)) {
            let text = words.join(" ");
            prop_assert_eq!(borrowed(&text, &text), [text.as_str()]);
        }
    }
}
