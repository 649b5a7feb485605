//! Keys and passwords, by the forms that their makers gave them so that they can be found; and what stands behind a
//! word for a secret, where it looks like chance.
mod assignment;
mod form;

use super::reader::{Look, Reader};

/// Start and end of the secret that begins here, or behind the name that begins here.
pub fn find(first: char, here: Reader<'_>) -> Look<Option<(usize, usize)>> {
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
    if first.is_ascii_alphabetic()
        && let Some(end) = form::connection(here)?
    {
        return Ok(Some((here.at(), end)));
    }
    if first.is_ascii_alphabetic() { assignment::find(here) } else { Ok(None) }
}
