//! Sentences of a text.
use std::ops::Range;

/// Words that end in a full stop and no sentence; in lower case, without it.
const ABBREVIATED: [&str; 16] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "approx", "dept", "est", "no", "fig",
    "inc",
];

/// The sentences and lines of a text, without blanks around them, as byte ranges.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = vec![];
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let end = at + char.len_utf8();
        let closes = match char {
            '\n' | '\r' => true,
            '.' | '!' | '?' | '…' => match chars.peek() {
                Some((_, next)) if next.is_whitespace() => {
                    let goes_on = text[end..].trim_start().starts_with(char::is_lowercase);
                    !(goes_on || char == '.' && is_abbreviated(&text[start..at]))
                }
                Some(_) => false,
                None => true,
            },
            _ => false,
        };
        if closes {
            found.extend(trimmed(text, start..end));
            start = end;
        }
    }
    found.extend(trimmed(text, start..text.len()));
    found
}

/// Whether the last word is one that a full stop belongs to, or a name's initial.
fn is_abbreviated(before: &str) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let mut letters = word.chars();
    let is_initial = matches!((letters.next(), letters.next()), (Some(letter), None) if letter.is_uppercase() && letter != 'I');
    is_initial
        || ABBREVIATED.contains(&word.to_lowercase().as_str()) && word.starts_with(char::is_uppercase)
        || ["e.g", "i.e", "etc", "vs", "approx"].contains(&word)
}

/// `None` where only blanks are left.
pub fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    let end = start + part.trim().len();
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn sentences_end_at_marks_and_lines() {
        assert_eq!(
            parts("First one. Second, e.g. here!\nThird"),
            ["First one.", "Second, e.g. here!", "Third"]
        );
        assert_eq!(
            parts("Dr. Lee met J. Smith. So did I. Done"),
            ["Dr. Lee met J. Smith.", "So did I.", "Done"]
        );
    }

    proptest! {
        #[test]
        fn sentences_cover_every_word_once(text in "[a-zäß😀.!?\n ]{0,80}") {
            let joined: String = sentences(&text).into_iter().map(|range| text[range].to_owned()).collect();
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(bare(&joined), bare(&text));
        }
    }
}
