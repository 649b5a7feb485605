//! Where one model goes on after another that was asked to: it likes to begin with the words that were said last, or from
//! the beginning. Whether it repeats, or the text says the same again, nobody tells; this is the likelier of the two. For
//! a provider that goes on by itself ([`continues`](crate::gateway::Provider::continues)) there is no seam.
use std::{mem, sync::Arc};

/// Characters at the end of what was said that a continuation may repeat; or it repeats all of it.
const REACH: usize = 240;
/// A shorter repetition may be meant.
const LEAST: usize = 12;

/// Leaves out what the continuation repeats of what was said. It holds text back only as long as all of it could be such
/// a repetition.
#[derive(Debug, Default)]
pub struct Seam {
    /// Empty once the seam is passed, and where there is none.
    said: Arc<str>,
    held: String,
    /// Whether what is held back is the beginning of what was said.
    begins_anew: bool,
}

impl Seam {
    pub fn after(said: &Arc<str>) -> Self {
        Self { said: said.clone(), held: String::new(), begins_anew: true }
    }

    /// What of the continuation can be passed on; may be empty.
    pub fn pass(&mut self, text: String) -> String {
        if self.said.is_empty() {
            return text;
        }
        self.begins_anew &= self.said.get(self.held.len()..).is_some_and(|rest| rest.starts_with(&text));
        self.held.push_str(&text);
        let tail = tail(&self.said);
        // What comes next may complete the repetition.
        if (self.begins_anew && self.held.len() < self.said.len())
            || (self.held.len() < tail.len() && tail.contains(&self.held))
        {
            return String::new();
        }
        self.finish()
    }

    /// What is still held back, when no more comes.
    pub fn finish(&mut self) -> String {
        let (held, said) = (mem::take(&mut self.held), mem::take(&mut self.said));
        held[repeated(&said, &held)..].to_owned()
    }
}

fn tail(said: &str) -> &str {
    let start = said.char_indices().rev().nth(REACH - 1).map_or(0, |(at, _)| at);
    &said[start..]
}

/// Bytes at the beginning of `more` that repeat what was said.
fn repeated(said: &str, more: &str) -> usize {
    let tail = tail(said);
    let mut ends = more.char_indices().map(|(at, c)| at + c.len_utf8());
    let repeated = if more.starts_with(said) {
        said.len()
    } else {
        ends.rfind(|end| tail.ends_with(&more[..*end])).unwrap_or(0)
    };
    let characters = more[..repeated].chars().count();
    if characters < LEAST || says_again(said, characters) { 0 } else { repeated }
}

/// Whether what was said ends in one thing again and again (rows of a table, a refrain, blanks), of so many characters
/// at least: what goes on after it says that once more. By the borders of Knuth, Morris and Pratt, in the time that it
/// takes to read it twice.
fn says_again(said: &str, characters: usize) -> bool {
    let end: Vec<char> = said.chars().rev().take(2 * characters).collect();
    let mut borders = vec![0; end.len()];
    for place in 1..end.len() {
        let mut border = borders[place - 1];
        while border > 0 && end[border] != end[place] {
            border = borders[border - 1];
        }
        borders[place] = border + usize::from(end[border] == end[place]);
    }
    let mut lengths = (1..).zip(borders).skip(characters - 1);
    // Its period fits in twice or more often.
    lengths.any(|(length, border)| 2 * (length - border) <= length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn joined(said: &str, pieces: &[&str]) -> String {
        let mut seam = Seam::after(&said.into());
        let mut whole = said.to_owned();
        pieces.iter().for_each(|piece| whole.push_str(&seam.pass((*piece).to_owned())));
        whole.push_str(&seam.finish());
        whole
    }

    /// The text in pieces of these sizes, again and again.
    fn pieces(text: &[char], sizes: &[usize]) -> Vec<String> {
        let mut left = text;
        let mut pieces = vec![];
        for size in sizes.iter().cycle() {
            let (piece, after) = left.split_at((*size).min(left.len()));
            pieces.push(piece.iter().collect());
            left = after;
            if left.is_empty() {
                break;
            }
        }
        pieces
    }

    fn told(said: &[char], more: &[char], sizes: &[usize]) -> String {
        let (said, pieces) = (said.iter().collect::<String>(), pieces(more, sizes));
        joined(&said, &pieces.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn what_the_continuation_repeats_is_left_out() {
        let said = "First make a list. Then call Ana and tell her";
        assert_eq!(
            joined(said, &["Then call ", "Ana and tell her", " about it."]),
            format!("{said} about it.")
        );
        assert_eq!(joined(said, &[" about it."]), format!("{said} about it."));
    }

    #[test]
    fn a_model_that_begins_anew_is_heard_from_where_the_other_stopped() {
        let said: String = (0..500).map(|n| format!("{n} ")).collect();
        let more = format!("{said}and so on");
        assert_eq!(joined(&said, &[&more]), more);
        assert_eq!(joined(&said, &[&more[..700], &more[700..1400], &more[1400..]]), more);
        let elsewhere = format!("{}else", &said[..900]);
        assert_eq!(
            joined(&said, &[&elsewhere[..500], &elsewhere[500..]]),
            said.clone() + &elsewhere,
            "all of it comes"
        );
    }

    #[test]
    fn a_short_repetition_is_meant() {
        assert_eq!(joined("It is very, very", &[" very", " good"]), "It is very, very very good");
    }

    #[test]
    fn nothing_is_held_back_that_repeats_nothing() {
        assert_eq!(Seam::after(&"Good morning".into()).pass("Hello".to_owned()), "Hello");
    }

    #[test]
    fn a_second_saying_is_taken_for_a_repetition_and_a_third_is_meant() {
        let once = "I do not know. ";
        assert_eq!(joined(once, &[once, "Ask Ana."]), format!("{once}Ask Ana."), "which nobody can tell");
        assert_eq!(joined(&once.repeat(2), &[once, "Ask Ana."]), once.repeat(3) + "Ask Ana.");
    }

    #[test]
    fn where_there_is_no_seam_everything_is_passed_on() {
        assert_eq!(Seam::default().pass("I do not know. ".to_owned()), "I do not know. ");
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_text_is_the_same(
            said in "[abü🎻 ]{0,40}",
            more in "[abüé🎻 ]{0,40}",
            cuts in prop::collection::vec(0usize..160, 0..6),
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| more.floor_char_boundary(cut)).collect();
            cuts.extend([0, more.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|pair| &more[pair[0]..pair[1]]).collect();
            let whole = joined(&said, &pieces);
            prop_assert!(whole.starts_with(&said));
            prop_assert!(more.ends_with(&whole[said.len()..]), "only a beginning is left out");
            prop_assert_eq!(&whole, &joined(&said, &[&more]));
        }

        #[test]
        fn wherever_one_stops_and_another_takes_it_up_the_text_is_whole(
            words in prop::collection::vec("[a-zäß日🎻]{1,6}", 2..120),
            stop in any::<prop::sample::Index>(),
            back in any::<prop::sample::Index>(),
            begins in 0..3,
            sizes in prop::collection::vec(1usize..9, 1..8),
        ) {
            // No word stands twice, so nothing that is repeated is meant.
            let words: Vec<_> = (0..).zip(&words).map(|(n, word)| format!("{word}{n} ")).collect();
            let whole: Vec<char> = words.concat().chars().collect();
            let stop = stop.index(whole.len() + 1);
            let most = stop.min(REACH);
            let from = match begins {
                0 if most >= LEAST => stop - LEAST - back.index(most - LEAST + 1),
                1 if stop >= LEAST => 0,
                _ => stop,
            };
            prop_assert_eq!(told(&whole[..stop], &whole[from..], &sizes), whole.iter().collect::<String>());
        }

        #[test]
        fn what_is_said_again_and_again_is_whole_wherever_one_goes_on_with_it(
            unit in "[a-cä🎻 \n]{1,100}",
            times in 3usize..9,
            stop in any::<prop::sample::Index>(),
            rest in "[a-cä🎻 ]{0,40}",
            sizes in prop::collection::vec(1usize..30, 1..8),
        ) {
            let (once, whole) = (unit.chars().count(), format!("0. {}{rest}", unit.repeat(times)));
            let whole: Vec<char> = whole.chars().collect();
            // It was said twice by then.
            let first = 3 + 2 * once;
            let stop = first + stop.index(3 + times * once - first + 1);
            prop_assert_eq!(told(&whole[..stop], &whole[stop..], &sizes), whole.iter().collect::<String>());
        }
    }
}
