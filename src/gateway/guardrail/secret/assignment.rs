//! `password = …`, `"api_key": "…"`: what stands behind a word for a secret and looks like one.
use crate::gateway::guardrail::reader::{Look, Reader};

/// A name with its prefixes: `MY_SERVICE_API_KEY`.
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 256;

/// Parts of names, without `_` and `-`; whether the value is one that a machine made, and long.
const NAMES: &[(&str, bool)] = &[
    ("password", false),
    ("passwd", false),
    ("passphrase", false),
    ("passwort", false),
    ("pwd", false),
    ("secret", true),
    ("token", true),
    ("apikey", true),
    ("accesskey", true),
    ("privatekey", true),
    ("authkey", true),
    ("credential", true),
    ("bearer", true),
];

/// Start and end of the value behind the name that begins here.
pub fn find(here: Reader<'_>) -> Look<Option<(usize, usize)>> {
    let mut reader = here;
    if reader.eat_while(MAX_NAME, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))? < 3 {
        return Ok(None);
    }
    let Some(made) = made_by_machine(reader.taken()) else { return Ok(None) };
    reader.next_if(is_quote)?;
    let blank = reader.next_if(|c| c == ' ')?.is_some();
    let mut assigned = false;
    while reader.read() < MAX_NAME + 4 && reader.next_if(|c| matches!(c, ':' | '=' | '>'))?.is_some() {
        assigned = true;
    }
    // `Authorization: Bearer …`
    let bearer = blank && reader.taken().get(..6).is_some_and(|name| name.eq_ignore_ascii_case("bearer"));
    if !assigned && !bearer {
        return Ok(None);
    }
    reader.next_if(|c| c == ' ')?;
    let quote = reader.next_if(is_quote)?;
    let start = reader.at();
    let end = reader.read() + MAX_VALUE;
    reader.eat_while(end, |c| match quote {
        Some(quote) => c != quote && c != '\n',
        None => !c.is_whitespace() && !matches!(c, '"' | '\'' | '`' | ',' | ';' | ')' | '}' | '<' | '>'),
    })?;
    let value = reader.since(start);
    let value = if quote.is_none() { value.trim_end_matches(['.', '!', '?']) } else { value };
    Ok(looks_secret(value, made).then_some((start, start + value.len())))
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`')
}

fn made_by_machine(name: &str) -> Option<bool> {
    if !may_name(name) {
        return None;
    }
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    NAMES.iter().find(|(part, _)| plain.contains(part)).map(|(_, made)| *made)
}

/// Cheap for the usual word: each name has one of these pairs of letters.
fn may_name(name: &str) -> bool {
    name.as_bytes().windows(2).any(|pair| {
        matches!(
            pair,
            [b's' | b'S', b's' | b'S']
                | [b'w' | b'W', b'd' | b'D']
                | [b'c' | b'C', b'r' | b'R']
                | [b'o' | b'O', b'k' | b'K']
                | [b'e' | b'E', b'y' | b'Y']
                | [b'r' | b'R', b'e' | b'E']
        )
    })
}

/// A password of a person has eight characters of two sorts; a machine's value sixteen that look like chance.
fn looks_secret(value: &str, made: bool) -> bool {
    let has = |fits: fn(char) -> bool| value.chars().any(fits);
    let stands_for_one = value.starts_with(['$', '<', '{', '*', '%', '[', '('])
        || value.contains("://")
        || value.contains("...");
    let sorts = [
        has(|c| c.is_ascii_digit()),
        has(char::is_lowercase),
        has(char::is_uppercase),
        has(|c| c.is_ascii_punctuation() && !matches!(c, '_' | '-' | '.' | '/')),
    ];
    let sorts = sorts.into_iter().filter(|sort| *sort).count();
    let length = value.chars().count();
    if stands_for_one || value.contains(' ') && made {
        return false;
    }
    if made {
        length >= 16 && sorts > 1 && entropy(value) > 3.0
    } else {
        length >= 8 && sorts > 1 && entropy(value) > 2.0
    }
}

/// Shannon's, in bits a byte.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let all = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / all)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        find(Reader::new(text, 0, true)).unwrap().map(|(start, end)| &text[start..end])
    }

    #[test]
    fn the_value_is_found_and_the_name_stays() {
        assert_eq!(found("password: Tr0ub4dor&3."), Some("Tr0ub4dor&3"));
        assert_eq!(found("DB_PASSWORD='correct Horse 9'"), Some("correct Horse 9"));
        assert_eq!(
            found("api_key\": \"8f14e45fceea167a5a36dedd4bea2543\""),
            Some("8f14e45fceea167a5a36dedd4bea2543")
        );
        assert_eq!(found("client-secret=Zx81-kk3A-99zP-qqT1;"), Some("Zx81-kk3A-99zP-qqT1"));
        assert_eq!(
            found("Bearer 8f14e45fceea167a5a36dedd4bea2543"),
            Some("8f14e45fceea167a5a36dedd4bea2543")
        );
    }

    #[test]
    fn prose_and_stand_ins_are_none() {
        for text in [
            "password: required",
            "token = null",
            "password=${PASSWORD}",
            "secret: <your-secret-goes-here1>",
            "token limit: 4096",
            "password reset at 10:30",
            "tokens: 123456789012345678",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
