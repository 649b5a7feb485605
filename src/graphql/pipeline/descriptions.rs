//! Descriptions of operations, fragments and variables (GraphQL specification, September 2025), which apollo-compiler's
//! parser does not take yet. They say nothing to a server.
use super::tokens::Tokens;
use std::borrow::Cow;

/// The document with blanks in their place, byte for byte, so that all else stands where it stood.
pub(super) fn blanked(document: &str) -> Cow<'_, str> {
    if !document.contains('"') {
        return document.into();
    }
    let mut blanked = None;
    for (text, at) in descriptions(document) {
        let bytes = blanked.get_or_insert_with(|| document.as_bytes().to_vec());
        for byte in bytes.iter_mut().skip(at).take(text.len()) {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
    // Whole strings were replaced: it is text still.
    blanked.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(document.into(), Cow::Owned)
}

/// Strings that stand before a definition, or before a variable's.
fn descriptions(document: &str) -> Vec<(&str, usize)> {
    let mut tokens = Tokens::of(document).peekable();
    let (mut depth, mut variables, mut before) = (0_usize, None, "");
    let mut found = vec![];
    while let Some((token, at)) = tokens.next() {
        let next = tokens.peek().map_or("", |(next, _)| next);
        match token {
            "(" | "{" | "[" => {
                depth += 1;
                // The variables of an operation stand before its selections, on no other's arguments.
                if token == "(" && depth == 1 && variables.is_none() {
                    variables = Some(depth);
                }
            }
            ")" | "}" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    variables = None;
                }
            }
            _ if token.starts_with('"') => {
                let of_definition =
                    depth == 0 && matches!(next, "query" | "mutation" | "subscription" | "fragment");
                // After `=` it is a default value.
                let of_variable = variables == Some(depth) && next == "$" && before != "=";
                if of_definition || of_variable {
                    found.push((token, at));
                }
            }
            _ => {}
        }
        before = token;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn descriptions_are_blanked_and_all_else_stays_where_it_is() {
        let document = "\"\"\"\nWhat é shows\n\"\"\" query Q(\"of whom\" $id: ID = \"1\" $b: [S] = [\"c\"], \"d\" $e: Int) \
            { a(b: \"c\") } \"on its own\" fragment F on T @d(e: \"f\") { g }";
        let blanked = blanked(document);
        assert_eq!(blanked.len(), document.len());
        for gone in ["What", "of whom", "\"d\"", "on its own"] {
            assert!(!blanked.contains(gone), "{gone}: {blanked}");
        }
        for stays in ["query Q(", "= \"1\" $b: [S] = [\"c\"]", "a(b: \"c\")", "@d(e: \"f\")", "fragment F"] {
            assert_eq!(blanked.find(stays), document.find(stays), "{stays}: {blanked}");
        }
        assert_eq!(blanked.lines().count(), document.lines().count());
    }

    #[test]
    fn what_is_no_description_stays() {
        for document in [
            "{ a(b: \"c\") }",
            "query($a: String = \"x\" $b: Int) { c }",
            "\"before nothing\"",
            "\"before a type\" type T { a: Int }",
            "\"before a short form\" { a }",
            "query Q @d(a: \"x\") { b(c: \"$\") }",
        ] {
            assert_eq!(blanked(document), document);
        }
    }

    proptest! {
        #[test]
        fn whatever_the_text_is_its_length_stays(document in "[\"\\\\ \n(){}\\[\\]$=#aqueryé]{0,60}") {
            prop_assert_eq!(blanked(&document).len(), document.len());
        }
    }
}
