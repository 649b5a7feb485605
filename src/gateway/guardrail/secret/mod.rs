//! Keys and passwords, by the forms that their makers gave them so that they can be found; and what stands behind a
//! word for a secret, where it looks like chance.
mod assignment;
mod form;

use super::reader::{Look, Reader, is_word};

/// Start and end of the secret that begins here, or behind the name that begins here. `after` is what follows the
/// first word.
pub fn find(first: char, after: Option<char>, here: Reader<'_>) -> Look<Option<(usize, usize)>> {
    if first == '-' {
        return Ok(form::private_key(here)?.map(|end| (here.at(), end)));
    }
    if !first.is_ascii_alphanumeric() {
        return Ok(None);
    }
    if !matches!(here.before(), Some('-' | '_')) {
        if let Some(end) = form::key(first, here)? {
            return Ok(Some((here.at(), end)));
        }
        if first == 'e'
            && let Some(end) = form::web_token(here)?
        {
            return Ok(Some((here.at(), end)));
        }
    }
    if !first.is_ascii_alphabetic() {
        return Ok(None);
    }
    if after.is_none_or(|after| matches!(after, ':' | '+' | '-' | '.') || is_word(after))
        && let Some(end) = form::connection(here)?
    {
        return Ok(Some((here.at(), end)));
    }
    assignment::find(here)
}
