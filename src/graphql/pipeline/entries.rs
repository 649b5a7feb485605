//! What apollo-compiler's parser lets pass: an argument, or a field of an input object, without a colon and a value. It
//! would be left out of the document, as if nobody had written it.
use super::tokens::{Tokens, is_name};

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
    let mut tokens = Tokens::of(document).peekable();
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
