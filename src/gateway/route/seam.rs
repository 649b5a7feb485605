//! Where one model goes on after another: models like to begin with the words that were said last.
use std::mem;

/// Characters at the end of what was said that a continuation may repeat.
const REACH: usize = 240;
/// A shorter repetition may be meant.
const LEAST: usize = 12;

/// Leaves out what the continuation repeats of the end of what was said. It holds text back only as long as all of it
/// could be such a repetition.
#[derive(Debug, Default)]
pub struct Seam {
    /// The end of what was said; empty once the seam is passed.
    tail: String,
    held: String,
}

impl Seam {
    pub fn after(said: &str) -> Self {
        let start = said.char_indices().rev().nth(REACH - 1).map_or(0, |(at, _)| at);
        Self { tail: said[start..].to_owned(), held: String::new() }
    }

    /// What of the continuation can be passed on; may be empty.
    pub fn pass(&mut self, text: String) -> String {
        if self.tail.is_empty() {
            return text;
        }
        self.held.push_str(&text);
        // All of it is in the tail, so what comes next may complete a repetition up to the tail's end.
        if self.held.len() < self.tail.len() && self.tail.contains(&self.held) {
            return String::new();
        }
        self.finish()
    }

    /// What is still held back, when no more comes.
    pub fn finish(&mut self) -> String {
        let held = mem::take(&mut self.held);
        let tail = mem::take(&mut self.tail);
        let mut ends = held.char_indices().map(|(at, c)| at + c.len_utf8());
        let repeated = ends.rfind(|end| tail.ends_with(&held[..*end])).unwrap_or(0);
        if held[..repeated].chars().count() < LEAST { held } else { held[repeated..].to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn joined(said: &str, pieces: &[&str]) -> String {
        let mut seam = Seam::after(said);
        let mut whole = said.to_owned();
        pieces.iter().for_each(|piece| whole.push_str(&seam.pass((*piece).to_owned())));
        whole.push_str(&seam.finish());
        whole
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
    fn a_short_repetition_is_meant() {
        assert_eq!(joined("It is very, very", &[" very", " good"]), "It is very, very very good");
    }

    #[test]
    fn nothing_is_held_back_that_repeats_nothing() {
        assert_eq!(Seam::after("Good morning").pass("Hello".to_owned()), "Hello");
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
        }

        #[test]
        fn wherever_one_stops_and_another_takes_it_up_the_text_is_whole(
            words in prop::collection::vec("[a-zäß日🎻]{1,6}", 2..40),
            stop in any::<prop::sample::Index>(),
            back in any::<prop::sample::Index>(),
            repeats: bool,
            sizes in prop::collection::vec(1usize..9, 1..8),
        ) {
            // No word stands twice, so nothing that is repeated is meant.
            let words: Vec<_> = (0..).zip(&words).map(|(n, word)| format!("{word}{n} ")).collect();
            let whole: Vec<char> = words.concat().chars().collect();
            let stop = stop.index(whole.len() + 1);
            let least = if repeats { LEAST } else { 0 };
            let most = stop.min(REACH);
            let from = if least <= most && repeats { stop - least - back.index(most - least + 1) } else { stop };
            let text = |characters: &[char]| characters.iter().collect::<String>();
            let mut seam = Seam::after(&text(&whole[..stop]));
            let (mut told, mut rest) = (text(&whole[..stop]), &whole[from..]);
            for size in sizes.into_iter().cycle() {
                let (piece, after) = rest.split_at(size.min(rest.len()));
                told.push_str(&seam.pass(text(piece)));
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            told.push_str(&seam.finish());
            prop_assert_eq!(told, text(&whole));
        }
    }
}
