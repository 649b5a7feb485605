//! Personal data: each kind is a function of its own, asked in the order in which one excludes the next.
mod checksum;
mod context;
mod email;
mod iban;
mod ip;
mod national;
mod number;
mod phone;

use super::{
    policy::Kind,
    reader::{Look, Reader, digit, is_word},
};

/// What begins here and where it ends. `after` is what follows the first word.
pub fn find(
    first: char,
    after: Option<char>,
    here: Reader<'_>,
    wanted: impl Fn(Kind) -> bool,
) -> Look<Option<(Kind, usize)>> {
    let is_digit = digit(first).is_some();
    let may_be_email =
        || after.is_none_or(|c| is_word(c) || matches!(c, '@' | '.' | '_' | '%' | '+' | '-' | '\''));
    if is_word(first)
        && wanted(Kind::Email)
        && may_be_email()
        && let Some(end) = email::find(here)?
    {
        return Ok(Some((Kind::Email, end)));
    }
    if (first.is_ascii_hexdigit() || first == ':')
        && wanted(Kind::IpAddress)
        && let Some(end) = ip::find(here)?
    {
        return Ok(Some((Kind::IpAddress, end)));
    }
    if first.is_ascii_alphabetic()
        && wanted(Kind::Iban)
        && let Some(end) = iban::find(here)?
    {
        return Ok(Some((Kind::Iban, end)));
    }
    // Forms with letters are written in capitals, which keeps prose from being held back for them.
    if (first.is_ascii_uppercase() || is_digit)
        && wanted(Kind::NationalId)
        && let Some(end) = national::with_letters(here)?
    {
        return Ok(Some((Kind::NationalId, end)));
    }
    if is_digit || matches!(first, '+' | '(') {
        return number::find(here, wanted);
    }
    Ok(None)
}
