//! Texts: bounds, and offsets in UTF-16 code units, as JavaScript, Swift and Java count them.
use super::Problems;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// SHA-256 in lower-case hex digits.
pub fn sha256_hex(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Length in UTF-16 code units.
pub fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The byte at which UTF-16 offset `offset` lies; `None` beyond the end or inside a surrogate pair.
pub fn byte_at_utf16(text: &str, offset: usize) -> Option<usize> {
    let mut units = 0;
    for (byte, char) in text.char_indices() {
        if units >= offset {
            return (units == offset).then_some(byte);
        }
        units += char.len_utf16();
    }
    (units == offset).then_some(text.len())
}

/// The text between two UTF-16 offsets.
pub fn slice_utf16(text: &str, start: usize, end: usize) -> Option<&str> {
    text.get(byte_at_utf16(text, start)?..byte_at_utf16(text, end)?)
}

/// Whether it shows nothing: blanks, and characters that are invisible by themselves.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|char| char.is_whitespace() || char.is_control() || is_invisible(char))
}

/// Unicode 17's property Default_Ignorable_Code_Point (DerivedCoreProperties.txt), and the empty braille pattern.
fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether it has what a line of its own never needs, and what can make it look like another: control characters, line
/// and paragraph separators, and those that turn the direction of writing over.
fn is_deceptive(text: &str) -> bool {
    text.chars().any(|char| {
        char.is_control()
            || matches!(char, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    })
}

/// As [`required`], of a name: on one line, and written as it is read.
pub fn name(problems: &mut Problems, path: &str, text: &str, max: usize) -> String {
    let name = required(problems, path, text, max);
    one_line(problems, path, &name);
    name
}

/// A problem at `path` where a text is more than one line, or is not written as it is read.
pub fn one_line(problems: &mut Problems, path: &str, text: &str) {
    if is_deceptive(text) {
        let message = "it has control characters, or turns the direction of writing over: leave them out";
        problems.invalid(path, message);
    }
}

/// Without surrounding blanks; a problem at `path` when nothing is left or more than `max` characters are.
pub fn required(problems: &mut Problems, path: &str, text: &str, max: usize) -> String {
    let text = text.trim();
    if is_blank(text) {
        problems.invalid(path, "write something");
    }
    bounded(problems, path, text, max)
}

/// A problem at `path` when the text has more than `max` characters.
pub fn bounded(problems: &mut Problems, path: &str, text: &str, max: usize) -> String {
    // Cheap for the usual case: no character takes less than a byte.
    if text.len() > max {
        let count = text.chars().count();
        if count > max {
            problems.invalid(path, format!("{count} characters: at most {max} are possible"));
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_shows_nothing_is_blank() {
        for blank in [
            "",
            " \t\n",
            "\u{a0}\u{3000}",
            "\u{200b}",
            "\u{feff}\u{2060} \u{ad}",
            "\u{202e}",
            "\u{e0041}\u{7}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for shown in ["a", ".", "\u{200b}a", "👩\u{200d}💻", "❤\u{fe0f}", "\u{301}", "한"] {
            assert!(!is_blank(shown), "{shown:?}");
        }
    }

    #[test]
    fn a_name_is_one_line_that_reads_as_it_is_written() {
        let problems = |text: &str| {
            let mut problems = Problems::default();
            name(&mut problems, "name", text, 100);
            problems.finish().is_err()
        };
        for bad in ["a\nb", "a\u{0}b", "a\u{7f}b", "a\u{202e}b", "a\u{2066}b", "a\u{2028}b"] {
            assert!(problems(bad), "{bad:?}");
        }
        for good in ["Ana", "👩\u{200d}💻", "می\u{200c}خواهم", "שלום"] {
            assert!(!problems(good), "{good:?}");
        }
    }

    proptest! {
        #[test]
        fn offsets_agree_with_utf16(text: String, start in 0_usize..40, length in 0_usize..40) {
            let units: Vec<u16> = text.encode_utf16().collect();
            prop_assert_eq!(utf16_len(&text), units.len());
            // An empty text inside a surrogate pair lies nowhere.
            let in_pair = units.get(start).is_some_and(|unit| (0xDC00..0xE000).contains(unit));
            let expected = units.get(start..start + length).filter(|_| !in_pair).and_then(|part| String::from_utf16(part).ok());
            prop_assert_eq!(slice_utf16(&text, start, start + length).map(str::to_owned), expected);
        }
    }
}
