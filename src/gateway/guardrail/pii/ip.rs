//! Addresses of the Internet Protocol. A machine's own (`127.0.0.1`, `::1`) and the empty one name nobody.
use super::context::{self, Hint};
use crate::gateway::guardrail::reader::{Look, Reader, is_word};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest form: eight groups of four, the last two as IPv4.
const MAX: usize = 46;

/// The end of the address that begins here.
pub fn find(here: Reader<'_>) -> Look<Option<usize>> {
    let mut reader = here;
    let mut colons = 0;
    let mut dots = 0;
    while reader.read() <= MAX {
        match reader.peek()? {
            Some(':') if !reader.peek_second()?.is_some_and(|c| c.is_ascii_hexdigit() || c == ':') => break,
            Some(':') => colons += 1,
            Some('.') if !reader.peek_second()?.is_some_and(|c| c.is_ascii_digit()) => break,
            Some('.') => dots += 1,
            Some(c) if c.is_ascii_hexdigit() => {}
            _ => break,
        }
        // A word is no address: the first colon or dot comes within four characters.
        if reader.read() > 4 && colons + dots == 0 {
            return Ok(None);
        }
        reader.next()?;
    }
    if reader.read() > MAX || !reader.at_word_end()? {
        return Ok(None);
    }
    let text = reader.taken();
    // `10.0.0.1:443`: the port is none of it.
    if dots == 3 && colons < 2 {
        let address = text.split(':').next().unwrap_or_default();
        return Ok(is_v4(address, &here).then_some(here.at() + address.len()));
    }
    Ok((colons > 1 && is_v6(text, &here)).then_some(reader.at()))
}

fn is_v4(text: &str, here: &Reader<'_>) -> bool {
    let after_part = matches!(here.before(), Some('.' | '-' | '/' | '_'));
    text.parse::<Ipv4Addr>().is_ok_and(|address| {
        !address.is_loopback() && !address.is_unspecified() && !address.is_broadcast() && !after_part
    }) && context::before(here.behind()) != Some(Hint::Version)
}

/// `a::b` is a path in many languages: one group at least has four digits, and nothing is glued to it.
fn is_v6(text: &str, here: &Reader<'_>) -> bool {
    let glued = here.before().is_some_and(|c| is_word(c) || matches!(c, ':' | '.' | '-' | '_'));
    let told_apart = text.split(':').any(|group| group.len() == 4);
    !glued && told_apart && text.parse::<Ipv6Addr>().is_ok_and(|address| !address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        find(Reader::new(text, 0, true)).unwrap().map(|end| &text[..end])
    }

    #[test]
    fn both_versions_are_found_without_port_and_full_stop() {
        assert_eq!(found("203.0.113.9:443"), Some("203.0.113.9"));
        assert_eq!(found("203.0.113.9."), Some("203.0.113.9"));
        assert_eq!(found("2001:db8::1: timeout"), Some("2001:db8::1"));
        assert_eq!(found("fe80:0:0:0:1:2:3:4,"), Some("fe80:0:0:0:1:2:3:4"));
        assert_eq!(found("::ffff:203.0.113.9"), Some("::ffff:203.0.113.9"));
    }

    #[test]
    fn versions_times_and_paths_are_none() {
        for text in [
            "1.2.3",
            "1.2.3.4.5",
            "10:20:30",
            "de:ad:be:ef:00:11",
            "a::b",
            "::",
            "256.1.1.1",
            "127.0.0.1",
            "add",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
