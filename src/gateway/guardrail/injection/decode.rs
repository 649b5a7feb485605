//! What is written in another code: base64, hexadecimal, rot13, backwards.
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Bytes of a text below which nothing worth hiding is encoded.
const FEWEST: usize = 24;
/// Encoded pieces that are looked at.
const MOST: usize = 16;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The texts that stand encoded in this one.
pub fn hidden_texts(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_')))
        .filter(|word| word.len() >= FEWEST)
        .take(MOST)
        .filter_map(decoded)
        .collect();
    let speaks_of = |names: &[&str]| {
        let small = text.to_ascii_lowercase();
        names.iter().any(|name| small.contains(name))
    };
    if speaks_of(&["rot13", "rot 13", "rot-13", "caesar"]) {
        found.push(text.chars().map(rot13).collect());
    }
    if text.contains(['\u{202E}', '\u{202D}'])
        || speaks_of(&["backward", "reverse", "rückwärts", "rückw", "à l'envers", "al revés"])
    {
        found.push(text.chars().rev().collect());
    }
    found
}

fn decoded(word: &str) -> Option<String> {
    let word = word.trim_matches(['=', '-', '_']);
    let hex = word.bytes().all(|byte| byte.is_ascii_hexdigit()) && word.len().is_multiple_of(2);
    let bytes =
        if hex { from_hex(word) } else { BASE64.decode(word.replace('-', "+").replace('_', "/")).ok() }?;
    let text = String::from_utf8(bytes).ok()?;
    let readable =
        text.chars().filter(|c| c.is_alphanumeric() || c.is_whitespace() || c.is_ascii_punctuation()).count();
    (readable * 10 >= text.chars().count() * 9).then_some(text)
}

fn from_hex(word: &str) -> Option<Vec<u8>> {
    word.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

fn rot13(c: char) -> char {
    let turn =
        |first: u8, c: char| u8::try_from(c).map_or(c, |byte| char::from((byte - first + 13) % 26 + first));
    match c {
        'a'..='z' => turn(b'a', c),
        'A'..='Z' => turn(b'A', c),
        _ => c,
    }
}
