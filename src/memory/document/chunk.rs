//! Cuts a text where it is least missed: before a heading, else between paragraphs, sentences, lines, words. Every
//! character that shows lies in exactly one piece. No overlap: a hit brings its neighbours into its score by itself.
use super::Readable;
use crate::shared::text::{is_blank, utf16_len};

/// Characters of a piece, at most: some 600 tokens by [`crate::memory::estimated_tokens`]. Whole abstracts and short
/// notes stay in one: what they say belongs together.
pub const MAX: usize = 2_400;
/// Below this, a section goes on into the next one.
const MIN: usize = 600;
/// Characters of a heading that its pieces are told with.
const MAX_HEADING: usize = 200;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    /// Where it lies in the text, in UTF-16 code units.
    pub start: usize,
    pub end: usize,
    /// The heading that it stands under.
    pub heading: Option<String>,
}

/// How well a text may be cut at a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Seam {
    Inside,
    Word,
    Line,
    Sentence,
    Paragraph,
}

/// In the order of the text. Each, but for the last, has [`MIN`] characters before blanks are taken off its end.
pub fn pieces(readable: &Readable) -> Vec<Piece> {
    let Readable { text, headings } = readable;
    let (mut pieces, mut under) = (vec![], 0);
    let (mut start, mut counted, mut units) = (skip_blanks(text, 0), 0, 0);
    while start < text.len() {
        let next = headings.partition_point(|heading| heading.at <= start);
        under = next.max(under);
        let ahead = headings.get(next..).unwrap_or_default().iter().map(|heading| heading.at);
        let end = cut(text, start, ahead);
        let words = text.get(start..end).unwrap_or_default().trim_end();
        units += utf16_len(text.get(counted..start).unwrap_or_default());
        let begins = units;
        units += utf16_len(words);
        counted = start + words.len();
        if !is_blank(words) {
            let heading = under.checked_sub(1).and_then(|last| headings.get(last));
            let heading = heading.and_then(|heading| text.get(heading.title.clone())).map(str::trim);
            let heading = heading.filter(|words| !is_blank(words));
            pieces.push(Piece {
                text: words.to_owned(),
                start: begins,
                end: units,
                heading: heading.map(|words| words.chars().take(MAX_HEADING).collect()),
            });
        }
        start = skip_blanks(text, end);
    }
    pieces
}

fn skip_blanks(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    text.len() - rest.trim_start().len()
}

/// Where the piece ends that begins at `start`. Looks no further than twice the size of a piece.
fn cut(text: &str, start: usize, mut headings: impl Iterator<Item = usize>) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let mut heading = headings.next();
    // Every place where it may be cut: how many characters are before it, and what it is like.
    let mut places: Vec<(usize, usize, Seam)> = vec![];
    let (mut blanks, mut last) = (Blanks::default(), ' ');
    let mut count = 0;
    let mut whole = true;
    for (at, char) in rest.char_indices() {
        while heading.is_some_and(|heading| heading < start + at) {
            heading = headings.next();
        }
        if count >= MIN && heading == Some(start + at) {
            break;
        }
        if count == 2 * MAX {
            whole = false;
            break;
        }
        if char.is_whitespace() {
            blanks.take(char);
        } else {
            if (MIN..=MAX).contains(&count) {
                places.push((start + at, count, blanks.seam(last, char)));
            }
            (blanks, last) = (Blanks::default(), char);
        }
        count += 1;
    }
    let section = start + rest.char_indices().nth(count).map_or(rest.len(), |(at, _)| at);
    if whole && count <= MAX {
        return section;
    }
    // What remains fits into two pieces: halves, rather than a whole one and a rest.
    let (least, most, aim) = if whole {
        (count.saturating_sub(MAX).max(MIN), MAX.min(count - MIN), count / 2)
    } else {
        (MIN, MAX, MAX)
    };
    let within = places.iter().filter(|(_, count, _)| (least..=most).contains(count));
    let best = within.max_by_key(|(_, count, seam)| (*seam, std::cmp::Reverse(count.abs_diff(aim))));
    // Nothing but blanks between: cut in their midst.
    let hard = || start + rest.char_indices().nth(aim.min(most)).map_or(rest.len(), |(at, _)| at);
    best.map_or_else(hard, |(at, _, _)| *at)
}

/// Blanks between two words.
#[derive(Default)]
struct Blanks {
    any: bool,
    lines: usize,
}

impl Blanks {
    fn take(&mut self, char: char) {
        self.any = true;
        self.lines += usize::from(matches!(char, '\n' | '\u{2028}'));
        if char == '\u{2029}' {
            self.lines += 2;
        }
    }

    fn seam(&self, before: char, after: char) -> Seam {
        match self {
            Self { lines: 2.., .. } => Seam::Paragraph,
            Self { any: true, .. } if matches!(before, '.' | '!' | '?' | '…' | '"' | '”' | '»') => {
                Seam::Sentence
            }
            _ if matches!(before, '。' | '！' | '？') => Seam::Sentence,
            // A list has its items on lines.
            Self { lines: 1, .. } if matches!(after, '-' | '*' | '+' | '•' | '|') => Seam::Sentence,
            Self { lines: 1, .. } => Seam::Line,
            Self { any: true, .. } => Seam::Word,
            _ => Seam::Inside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{memory::document::markdown, shared::text::slice_utf16};
    use proptest::prelude::*;

    fn markdown(text: &str) -> Readable {
        Readable { text: text.to_owned(), headings: markdown::headings(text) }
    }

    fn plain(text: &str) -> Readable {
        Readable { text: text.to_owned(), headings: vec![] }
    }

    fn sentences(count: usize) -> String {
        (0..count).map(|n| format!("This is the sentence with the number {n}. ")).collect()
    }

    #[test]
    fn what_is_short_stays_whole() {
        let text = format!("{}\n\n{}", sentences(20), sentences(20));
        let pieces = pieces(&plain(&text));
        assert_eq!(pieces.len(), 1, "{} characters", text.len());
        assert_eq!(pieces[0].text, text.trim());
    }

    #[test]
    fn sections_are_apart_and_told_with_their_headings() {
        let text = format!("Before.\n\n# First 🦉\n\n{}\n## Second ##\n{}", sentences(30), sentences(40));
        let pieces = pieces(&markdown(&text));
        let headings: Vec<_> = pieces.iter().map(|piece| piece.heading.as_deref()).collect();
        assert_eq!(headings, [None, Some("Second")], "{pieces:#?}");
        assert!(pieces[0].text.starts_with("Before.\n\n# First"), "a short section goes on");
        assert!(pieces[1].text.starts_with("## Second ##"));
    }

    #[test]
    fn a_long_paragraph_is_halved_between_sentences() {
        let text = sentences(80);
        let pieces = pieces(&plain(&text));
        assert_eq!(pieces.len(), 2);
        assert!(pieces.iter().all(|piece| piece.text.ends_with('.') && piece.text.starts_with("This")));
        assert!(pieces[0].text.len().abs_diff(pieces[1].text.len()) < 100);
    }

    #[test]
    fn a_word_without_end_is_cut_all_the_same() {
        let pieces = pieces(&plain(&"🦉".repeat(10_000)));
        assert_eq!(pieces.iter().map(|piece| piece.text.chars().count()).sum::<usize>(), 10_000);
        assert!(pieces.iter().all(|piece| piece.text.chars().count() <= MAX));
    }

    #[test]
    fn a_megabyte_of_any_sort_is_cut_into_a_bounded_number() {
        for unit in ["x", " ", "\n\n", "a\n\n", "# \n", "# h\n", "。", "\u{200b}", "a. ", "e\u{301}"] {
            let text = unit.repeat(1_000_000 / unit.len());
            let count = text.chars().count();
            let pieces = pieces(&markdown(&text));
            assert!(pieces.len() <= 1 + count / MIN, "{unit:?}: {}", pieces.len());
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            "[a-z]{1,12}",
            Just(" ".to_owned()),
            Just(". ".to_owned()),
            Just("\n".to_owned()),
            Just("\r\n\r\n".to_owned()),
            Just("\n# ".to_owned()),
            Just("\n```\n".to_owned()),
            Just("🦉".to_owned()),
            "[一-龥]{1,40}。",
            ".{0,20}",
            "[a-z]{3000}",
        ];
        prop::collection::vec(part, 0..150).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn every_character_that_shows_lies_in_one_piece_at_its_offsets(text in texts()) {
            let pieces = pieces(&markdown(&text));
            let mut end = 0;
            let mut rest = String::new();
            for piece in &pieces {
                prop_assert_eq!(slice_utf16(&text, piece.start, piece.end), Some(piece.text.as_str()));
                prop_assert!(piece.start >= end && piece.text.chars().count() <= MAX && !piece.text.is_empty());
                rest.push_str(slice_utf16(&text, end, piece.start).unwrap());
                end = piece.end;
            }
            rest.push_str(slice_utf16(&text, end, utf16_len(&text)).unwrap());
            prop_assert!(is_blank(&rest), "{:?} is in no piece", rest);
            prop_assert!(pieces.len() <= 1 + text.chars().count() / MIN);
        }
    }
}
