//! Addresses of e-mail, by what is in use rather than by the RFC: no comments, no quoted names, no hosts without dot.
use crate::gateway::guardrail::reader::{Look, Reader, is_word};

/// RFC 5321: 64 and 255 octets.
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 255;

/// The end of the address that begins here.
pub fn find(here: Reader<'_>) -> Look<Option<usize>> {
    let mut reader = here;
    let mut last = ' ';
    while let Some(c) = reader.next_if(|c| is_word(c) || matches!(c, '.' | '_' | '%' | '+' | '-' | '\''))? {
        if reader.read() > MAX_LOCAL || (c == '.' && last == '.') {
            return Ok(None);
        }
        last = c;
    }
    if matches!(last, '.' | '\'') || !reader.eat('@')? {
        return Ok(None);
    }
    domain(reader)
}

/// The end of the domain that begins here: labels with dots between, the last of letters.
fn domain(mut reader: Reader<'_>) -> Look<Option<usize>> {
    let start = reader.read();
    let mut end = None;
    let mut labels = 0;
    let mut first_is_scale = false;
    loop {
        let label = reader;
        reader.eat_while(start + MAX_DOMAIN, |c| is_word(c) || c == '-')?;
        let whole = reader.since(label.at());
        let text = whole.trim_end_matches('-');
        if text.is_empty() || text.starts_with('-') {
            break;
        }
        labels += 1;
        if labels == 1 {
            first_is_scale = is_scale(text);
        }
        if labels > 1 && is_top_level(text) && !(labels == 2 && first_is_scale) {
            end = Some(label.at() + text.len());
        }
        if text.len() < whole.len() {
            break;
        }
        if reader.read() >= start + MAX_DOMAIN
            || reader.peek()? != Some('.')
            || !reader.peek_second()?.is_some_and(is_word)
        {
            break;
        }
        reader.next()?;
    }
    Ok(end)
}

fn is_top_level(label: &str) -> bool {
    label.chars().count() > 1 && (label.chars().all(char::is_alphabetic) || label.starts_with("xn--"))
}

/// `logo@2x.png` is a picture.
fn is_scale(label: &str) -> bool {
    matches!(label.as_bytes(), [digit, b'x'] if digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        find(Reader::new(text, 0, true)).unwrap().map(|end| &text[..end])
    }

    #[test]
    fn an_address_ends_where_its_domain_does() {
        assert_eq!(found("anna@example.com."), Some("anna@example.com"));
        assert_eq!(found("o'neil+x_y@mail.example.co.uk, and"), Some("o'neil+x_y@mail.example.co.uk"));
        assert_eq!(found("jürgen@münchen.de>"), Some("jürgen@münchen.de"));
        assert_eq!(found("a@b.com- and"), Some("a@b.com"));
        assert_eq!(found("taro@example.jpです"), Some("taro@example.jp"));
    }

    #[test]
    fn what_has_no_domain_is_no_address() {
        for text in
            ["root@localhost", "logo@2x.png", "react@18.2.0", "a@b", "a.@b.com", "x @ y.com", "a@.com"]
        {
            assert_eq!(found(text), None, "{text}");
        }
        assert_eq!(found(&format!("{}@example.com", "a".repeat(65))), None);
    }
}
