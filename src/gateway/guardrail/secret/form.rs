//! Secrets that tell themselves by their form.
use crate::gateway::guardrail::reader::{Look, Reader};
use std::sync::LazyLock;

/// A key behind its prefix. Longer ones are cut here, and what follows is read anew.
const MAX_KEY: usize = 1_024;
/// A signed token with its claims.
pub const MAX_TOKEN: usize = 8_192;
/// A private key of 8,192 bits takes 6,400.
pub const MAX_PEM: usize = 8_192;
/// A scheme, a name, a password and a host.
const MAX_CONNECTION: usize = 512;

/// Letters of a key.
#[derive(Clone, Copy)]
enum Alphabet {
    /// Letters and digits.
    Plain,
    /// And `_`.
    Word,
    /// And `_` and `-`: base64url.
    Url,
    /// And `.`.
    Dotted,
    UpperDigits,
}

impl Alphabet {
    fn has(self, c: char) -> bool {
        match self {
            Self::Plain => c.is_ascii_alphanumeric(),
            Self::Word => c.is_ascii_alphanumeric() || c == '_',
            Self::Url => c.is_ascii_alphanumeric() || matches!(c, '_' | '-'),
            Self::Dotted => c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'),
            Self::UpperDigits => c.is_ascii_uppercase() || c.is_ascii_digit(),
        }
    }
}

type Key = (&'static str, usize, Alphabet);

/// Prefix, the fewest characters behind it, and of what they are. A prefix stands before those that it begins with.
const KEYS: &[Key] = &[
    // aifirst itself: keys and invitations.
    ("aif_", 85, Alphabet::Plain),
    ("aifinv_", 85, Alphabet::Plain),
    // Amazon: keys of users, of sessions, bearer tokens.
    ("AKIA", 16, Alphabet::UpperDigits),
    ("ASIA", 16, Alphabet::UpperDigits),
    ("ABIA", 16, Alphabet::UpperDigits),
    ("ACCA", 16, Alphabet::UpperDigits),
    ("ABSK", 100, Alphabet::Url),
    // GitHub, GitLab.
    ("github_pat_", 22, Alphabet::Word),
    ("ghp_", 36, Alphabet::Plain),
    ("gho_", 36, Alphabet::Plain),
    ("ghu_", 36, Alphabet::Plain),
    ("ghs_", 36, Alphabet::Plain),
    ("ghr_", 36, Alphabet::Plain),
    ("glpat-", 20, Alphabet::Dotted),
    ("gldt-", 20, Alphabet::Url),
    ("glrt-", 20, Alphabet::Url),
    ("glptt-", 20, Alphabet::Url),
    // Slack.
    ("xoxb-", 20, Alphabet::Url),
    ("xoxp-", 20, Alphabet::Url),
    ("xoxa-", 20, Alphabet::Url),
    ("xoxr-", 20, Alphabet::Url),
    ("xoxs-", 20, Alphabet::Url),
    ("xoxe", 20, Alphabet::Dotted),
    ("xapp-", 20, Alphabet::Url),
    // Stripe. Publishable keys are no secrets.
    ("sk_live_", 16, Alphabet::Plain),
    ("sk_test_", 16, Alphabet::Plain),
    ("rk_live_", 16, Alphabet::Plain),
    ("rk_test_", 16, Alphabet::Plain),
    ("whsec_", 24, Alphabet::Plain),
    // Makers of models: Anthropic, OpenRouter, OpenAI and those who took its form; Groq, xAI, Hugging Face, Replicate.
    ("sk-", 20, Alphabet::Url),
    ("gsk_", 20, Alphabet::Plain),
    ("xai-", 40, Alphabet::Plain),
    ("hf_", 30, Alphabet::Plain),
    ("r8_", 30, Alphabet::Plain),
    // Google: API keys, client secrets, access tokens.
    ("AIza", 35, Alphabet::Url),
    ("GOCSPX-", 20, Alphabet::Url),
    ("ya29.", 30, Alphabet::Url),
    // Registries and senders.
    ("npm_", 36, Alphabet::Plain),
    ("pypi-", 60, Alphabet::Url),
    ("SG.", 40, Alphabet::Dotted),
    ("dop_v1_", 64, Alphabet::Plain),
    ("shpat_", 32, Alphabet::Plain),
];

/// By their first letter's place in ASCII: asked at each word.
static BY_FIRST: LazyLock<Vec<Vec<Key>>> = LazyLock::new(|| {
    let of =
        |first: u8| KEYS.iter().filter(|key| key.0.as_bytes().first() == Some(&first)).copied().collect();
    (0..128).map(of).collect()
});

fn keys(first: char) -> &'static [Key] {
    let place = usize::try_from(u32::from(first)).ok();
    place.and_then(|place| BY_FIRST.get(place)).map_or(&[], Vec::as_slice)
}

/// The end of the key that begins here with `first`.
pub fn key(first: char, here: Reader<'_>) -> Look<Option<usize>> {
    for (prefix, fewest, alphabet) in keys(first) {
        let mut reader = here;
        let mut fits = true;
        for c in prefix.chars() {
            if !reader.eat(c)? {
                fits = false;
                break;
            }
        }
        if !fits {
            continue;
        }
        let body = reader.at();
        let read = reader.eat_while(MAX_KEY, |c| alphabet.has(c))?;
        let chance = reader.since(body).bytes().any(|byte| byte.is_ascii_digit());
        if read >= *fewest && chance {
            return Ok(Some(body + reader.since(body).trim_end_matches(['.', '-']).len()));
        }
    }
    Ok(None)
}

/// A signed JSON web token: three parts of base64url, of which two begin with `{"`.
pub fn web_token(here: Reader<'_>) -> Look<Option<usize>> {
    let mut reader = here;
    for part in 0..3 {
        if part > 0 && !reader.eat('.')? {
            return Ok(None);
        }
        if part < 2 {
            for c in "eyJ".chars() {
                if !reader.eat(c)? {
                    return Ok(None);
                }
            }
        }
        let read = reader.eat_while(MAX_TOKEN, |c| Alphabet::Url.has(c))?;
        if part < 2 && read < 4 {
            return Ok(None);
        }
    }
    Ok(Some(reader.at()))
}

/// A private key in PEM, to its end mark or as far as it goes.
pub fn private_key(here: Reader<'_>) -> Look<Option<usize>> {
    const BEGIN: &str = "-----BEGIN ";
    const LABEL: usize = 48;
    let mut reader = here;
    for c in BEGIN.chars() {
        if !reader.eat(c)? {
            return Ok(None);
        }
    }
    let label = reader.at();
    reader.eat_while(BEGIN.len() + LABEL, |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ')?;
    let name = reader.since(label);
    if !name.ends_with("PRIVATE KEY") && !name.ends_with("PRIVATE KEY BLOCK") {
        return Ok(None);
    }
    let mark = reader.read();
    reader.eat_while(mark + 5, |c| c == '-')?;
    // Also as it stands in JSON, its line ends written \n.
    let body = |c: char| {
        c.is_ascii_alphanumeric()
            || c.is_ascii_whitespace()
            || matches!(c, '+' | '/' | '=' | ':' | ',' | '\\' | '.')
    };
    reader.eat_while(MAX_PEM, body)?;
    let end = reader.at();
    for c in "-----END ".chars() {
        if !reader.eat(c)? {
            return Ok(Some(end));
        }
    }
    let mark = reader.read();
    reader.eat_while(mark + LABEL, |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ')?;
    let mark = reader.read();
    reader.eat_while(mark + 5, |c| c == '-')?;
    Ok(Some(reader.at()))
}

/// `scheme://name:password@host…`, as connections to databases and services are written.
pub fn connection(here: Reader<'_>) -> Look<Option<usize>> {
    const MAX_SCHEME: usize = 24;
    let mut reader = here;
    reader.eat_while(MAX_SCHEME, |c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))?;
    for c in "://".chars() {
        if !reader.eat(c)? {
            return Ok(None);
        }
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | ')' | '|');
    reader.eat_while(MAX_CONNECTION, |c| !ends(c) && !matches!(c, ':' | '/' | '@' | '?'))?;
    if !reader.eat(':')? {
        return Ok(None);
    }
    let password = reader.at();
    reader.eat_while(MAX_CONNECTION, |c| !ends(c) && !matches!(c, '/' | '@' | '?'))?;
    if reader.since(password).is_empty()
        || reader.since(password).starts_with(['$', '{', '*'])
        || !reader.eat('@')?
    {
        return Ok(None);
    }
    reader.eat_while(MAX_CONNECTION, |c| !ends(c) && c != ',' && c != ';')?;
    let trimmed = reader.taken().trim_end_matches(['.', '!', ':']);
    Ok(Some(here.at() + trimmed.len()))
}

#[cfg(test)]
mod tests {
    use super::super::find as secret;
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let first = text.chars().next().unwrap();
        secret(first, None, Reader::new(text, 0, true)).unwrap().map(|(start, end)| &text[start..end])
    }

    /// Keys made up of one letter and digits: the form, not a key.
    fn made_up(prefix: &str, length: usize) -> String {
        format!("{prefix}{}", "A1b2C3d4E5".chars().cycle().take(length).collect::<String>())
    }

    #[test]
    fn keys_are_found_by_their_prefix_and_length() {
        for (prefix, length) in [
            ("aif_", 85),
            ("ghp_", 36),
            ("github_pat_", 82),
            ("glpat-", 20),
            ("xoxb-", 40),
            ("sk_live_", 24),
            ("sk-", 48),
            ("sk-ant-api03-", 95),
            ("AIza", 35),
            ("hf_", 34),
            ("npm_", 36),
        ] {
            let key = made_up(prefix, length);
            assert_eq!(found(&format!("{key}, and")), Some(key.as_str()));
            assert_eq!(found(&made_up(prefix, 9)), None);
        }
        assert_eq!(found("AKIAIOSFODNN7EXAMPLE"), Some("AKIAIOSFODNN7EXAMPLE"));
        assert_eq!(found("sk-learn-is-a-library-for-learning"), None);
    }

    #[test]
    fn a_web_token_and_a_private_key_are_found_whole() {
        let token = format!("eyJ{}.eyJ{}.{}", made_up("", 30), made_up("", 90), made_up("", 43));
        assert_eq!(found(&format!("{token} x")), Some(token.as_str()));
        let label = "PRIVATE KEY";
        let pem = format!("-----BEGIN RSA {label}-----\n{}\n-----END RSA {label}-----", made_up("", 400));
        assert_eq!(found(&format!("{pem}\nx")), Some(pem.as_str()));
        let cut = format!("-----BEGIN {label}-----\n{}", made_up("", 400));
        assert_eq!(found(&cut), Some(cut.as_str()));
        assert_eq!(found("-----BEGIN CERTIFICATE-----\nabc"), None);
    }

    #[test]
    fn a_connection_with_a_password_is_found_and_one_without_is_not() {
        assert_eq!(found("postgres://app:s3cret@db.example/x."), Some("postgres://app:s3cret@db.example/x"));
        assert_eq!(found("redis://:hunter2@cache:6379"), Some("redis://:hunter2@cache:6379"));
        assert_eq!(found("postgres://app@db.example/x"), None);
        assert_eq!(found("https://example.com:8080/a@b"), None);
        assert_eq!(found("postgres://app:${PASSWORD}@db"), None);
    }
}
