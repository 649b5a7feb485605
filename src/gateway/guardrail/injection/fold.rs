//! A text as a reader sees it: without what is invisible, in small plain letters, and read through disguises.
use unicode_normalization::UnicodeNormalization;

/// Single letters in a row that spell something out.
const SPELLED: usize = 6;

#[derive(Debug, Default)]
pub struct Folded {
    /// Small letters, compatibility forms and accents undone, nothing invisible; marks kept.
    pub marked: String,
    /// As `marked`, with look-alike letters of other scripts undone in mixed words.
    pub letters: String,
    /// Readings of digits as letters.
    pub variants: Vec<String>,
    /// Letters that were spelled out one by one, without what was between.
    pub spelled: Option<String>,
}

pub fn fold(text: &str) -> Folded {
    let marked = visible(text);
    let letters = if marked.is_ascii() { marked.clone() } else { without_lookalikes(&marked) };
    let mut variants = vec![];
    if let Some(read) = digits_read_as_letters(&letters) {
        variants.push(read);
    }
    let spelled = spelled_out(&letters);
    Folded { marked, letters, variants, spelled }
}

pub(super) fn visible(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars()
        .filter_map(untagged)
        .nfkd()
        .filter(|c| !matches!(c, '\u{300}'..='\u{36F}'))
        .nfc()
        .flat_map(char::to_lowercase)
        .collect()
}

/// Tag characters are ASCII that nothing shows; what has neither width nor ink goes.
fn untagged(c: char) -> Option<char> {
    match c {
        '\u{E0020}'..='\u{E007E}' => char::from_u32(u32::from(c) - 0xE0000),
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{180E}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{E0000}'..='\u{E0FFF}' => None,
        c => Some(c),
    }
}

/// Whether somebody wrote in tag characters, which nothing shows. A flag takes at most six.
pub fn is_written_invisibly(text: &str) -> bool {
    const FLAG: usize = 6;
    !text.is_ascii()
        && text.split(|c| !matches!(c, '\u{E0020}'..='\u{E007E}')).any(|run| run.chars().nth(FLAG).is_some())
}

/// Where a word mixes Latin with look-alikes of Cyrillic or Greek, all look-alikes of the text are read as Latin.
fn without_lookalikes(text: &str) -> String {
    let mixed = |word: &str| {
        word.chars().any(|c| c.is_ascii_alphabetic()) && word.chars().any(|c| latin(c).is_some())
    };
    if !text.split(|c: char| !c.is_alphanumeric()).any(mixed) {
        return text.to_owned();
    }
    text.chars().map(|c| latin(c).unwrap_or(c)).collect()
}

fn latin(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' => 'a',
        'в' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'є' | 'ε' => 'e',
        'һ' | 'н' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'м' => 'm',
        'п' => 'n',
        'о' | 'ο' | 'σ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        _ => return None,
    })
}

/// `1gn0r3`: words of letters and of digits that look like letters.
fn digits_read_as_letters(text: &str) -> Option<String> {
    let reads = |c: char| {
        Some(match c {
            '0' => 'o',
            '1' | '!' | '|' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            _ => return None,
        })
    };
    let bytes = text.as_bytes();
    let between = bytes.windows(3).filter(|three| {
        matches!(three, [a, b, c] if a.is_ascii_alphabetic() && reads(char::from(*b)).is_some() && c.is_ascii_alphabetic())
    });
    (between.count() > 2).then(|| text.chars().map(|c| reads(c).unwrap_or(c)).collect())
}

/// Runs of single letters with blanks, dots or dashes between.
fn spelled_out(text: &str) -> Option<String> {
    let mut all = String::new();
    let mut run = String::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if word.chars().nth(1).is_none() {
            run.push_str(word);
            continue;
        }
        if run.len() >= SPELLED {
            all.push_str(&run);
        }
        run.clear();
    }
    if run.len() >= SPELLED {
        all.push_str(&run);
    }
    (!all.is_empty()).then_some(all)
}
