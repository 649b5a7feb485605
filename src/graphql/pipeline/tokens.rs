//! A document's tokens, for what has to be known of its text beside its syntax.

pub(super) fn is_name(token: &str) -> bool {
    token.starts_with(is_name_char) && !token.starts_with(|char: char| char.is_ascii_digit())
}

fn is_name_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// Each with its first byte's place; blanks and comments aside. Of what is malformed, some division into tokens.
pub(super) struct Tokens<'a> {
    document: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(document: &'a str) -> Self {
        Self { document, at: 0 }
    }
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
