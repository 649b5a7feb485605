//! What apollo-compiler's parser lets pass: an argument, or a field of an input object, without a colon and a value. It
//! would be left out of the document, as if nobody had written it.

/// Within which brackets a token stands.
enum Within {
    Selections,
    Variables,
    List,
    /// Arguments, or an input object.
    Entries {
        key_is_next: bool,
    },
}

/// Name and place of the first entry without a value. The document has to be one that the parser takes.
pub(super) fn without_value(document: &str) -> Option<(&str, usize)> {
    let mut tokens = Tokens { document, at: 0 }.peekable();
    let mut within: Vec<Within> = vec![];
    while let Some((token, at)) = tokens.next() {
        let is_value = match within.last_mut() {
            Some(Within::Entries { key_is_next }) if *key_is_next && is_name(token) => {
                *key_is_next = false;
                match tokens.next_if(|(next, _)| *next == ":") {
                    Some(_) => continue,
                    None => return Some((token, at)),
                }
            }
            Some(Within::Entries { key_is_next }) => {
                *key_is_next = true;
                true
            }
            Some(Within::List | Within::Variables) => true,
            Some(Within::Selections) | None => false,
        };
        match token {
            "(" if tokens.peek().is_some_and(|(next, _)| *next == "$") => within.push(Within::Variables),
            "(" => within.push(Within::Entries { key_is_next: true }),
            "{" if is_value => within.push(Within::Entries { key_is_next: true }),
            "{" => within.push(Within::Selections),
            "[" => within.push(Within::List),
            ")" | "}" | "]" => drop(within.pop()),
            // The name is no key.
            "$" => drop(tokens.next()),
            _ => {}
        }
    }
    None
}

fn is_name(token: &str) -> bool {
    token.starts_with(is_name_char) && !token.starts_with(|char: char| char.is_ascii_digit())
}

fn is_name_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// Each with its first byte's place. What is malformed has been refused before.
struct Tokens<'a> {
    document: &'a str,
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (&'a str, usize);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.document.get(self.at..)?;
            let first = rest.chars().next()?;
            let length = match first {
                '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
                '"' => string(rest),
                '.' if rest.starts_with("...") => 3,
                '-' | '0'..='9' => {
                    let is_part = |char: char| char.is_ascii_alphanumeric() || ".+-".contains(char);
                    rest.find(|char| !is_part(char)).unwrap_or(rest.len())
                }
                _ if is_name_char(first) => rest.find(|char| !is_name_char(char)).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            let at = self.at;
            self.at += length;
            if !(first.is_whitespace() || matches!(first, ',' | '#' | '\u{FEFF}')) {
                return Some((rest.get(..length)?, at));
            }
        }
    }
}

/// How long the string is that `text` begins with.
fn string(text: &str) -> usize {
    let (quote, escaped) = if text.starts_with("\"\"\"") { ("\"\"\"", "\\\"\"\"") } else { ("\"", "\\") };
    let mut at = quote.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(quote) {
            return at + quote.len();
        }
        at += if rest.starts_with(escaped) { escaped.len() } else { 0 };
        // In a string of one line also what is escaped.
        at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::without_value;

    #[test]
    fn an_entry_without_a_value_is_found_wherever_it_stands() {
        for (document, name) in [
            ("{ a(b) }", "b"),
            ("{ a(b: 1 c) }", "c"),
            ("{ a(b c: 1) }", "b"),
            ("{ a(b: {c: 1 d}) }", "d"),
            ("{ a(b: [{c: [1, {d}]}]) }", "d"),
            ("{ a @skip(if) }", "if"),
            ("query Q($a: Int = 1 @d(e)) { a }", "e"),
            ("query Q($a: I = {b: {c}}) { a }", "c"),
            ("query Q @d(e) { a }", "e"),
            ("fragment F on T @d(e: $f g) { a }", "g"),
            ("{ a(b: \"c\" d) }", "d"),
            ("{ a(b: \"\"\"c \\\"\"\" d\"\"\" e) }", "e"),
            ("{ a(b: $c d e: 1) }", "d"),
            ("{ a(b: -1.5e3 # c: 1\n d) }", "d"),
        ] {
            assert_eq!(without_value(document).map(|(name, _)| name), Some(name), "{document}");
        }
        assert_eq!(without_value("{ é: a(b: \"é\" c) }"), Some(("c", 16)));
    }

    #[test]
    fn nothing_is_found_in_what_is_whole() {
        for document in [
            "{ a }",
            "query Q($a: [I!]! = [{b: 1}, {b: {c: [D, $e]}}] @f(g: 1), $h: J) @k(l: M) { a b: c(d: $e, f: G) { h } }",
            "{ a(b: \"c(d)\" e: \"\"\"f(g) { h\"\"\" i: \"\\\"j(k)\") ... on T @skip(if: $l) { m } ...N @o(p: q) }",
            "{ a(,b,:,1,c:[] d:{}) } # e(f)",
            "subscription { a(b: null c: true) }",
            "{ a(b: \"\\\\\" c: \"\") }",
        ] {
            assert_eq!(without_value(document), None, "{document}");
        }
    }
}
