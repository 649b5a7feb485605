//! International bank account numbers: the country's length and the check digits.
use super::checksum;
use crate::gateway::guardrail::reader::{Look, Reader, is_blank};

/// Lengths by country: SWIFT's IBAN registry, release 99, and the countries that use the form without being in it.
const LENGTHS: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE BI"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH CR HR LI LV"),
    (22, "BG BH DE GB GE IE ME RS"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IR IS TR"),
    (27, "BF BJ CF CG CM DJ FR GA GQ GR GW IT KM MC MG ML MR NE SM TD TG"),
    (28, "AL AZ BY CI CY DO DZ GT HN HU LB MA MZ NI PL SN SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// The end of the account number that begins here.
pub fn find(here: Reader<'_>) -> Look<Option<usize>> {
    let mut reader = here;
    let mut chars = ['0'; 34];
    for (place, wanted) in
        [char::is_alphabetic, char::is_alphabetic, char::is_numeric, char::is_numeric].iter().enumerate()
    {
        let Some(c) = reader.next_if(|c| c.is_ascii() && wanted(c))? else { return Ok(None) };
        put(&mut chars, place, c);
    }
    let Some(length) = length(&chars) else { return Ok(None) };
    for place in 4..length {
        reader.next_if(|c| is_blank(c) || c == '-')?;
        let Some(c) = reader.next_if(|c| c.is_ascii_alphanumeric())? else { return Ok(None) };
        put(&mut chars, place, c);
    }
    if !reader.at_word_end()? {
        return Ok(None);
    }
    let [a, b, c, d, rest @ ..] = chars;
    let in_order = rest.into_iter().take(length - 4).chain([a, b, c, d]);
    Ok((checksum::mod_97(in_order) == Some(1)).then_some(reader.at()))
}

fn put(chars: &mut [char; 34], place: usize, c: char) {
    if let Some(slot) = chars.get_mut(place) {
        *slot = c.to_ascii_uppercase();
    }
}

fn length(chars: &[char; 34]) -> Option<usize> {
    let [a, b, ..] = *chars;
    let mut code = [0; 8];
    let country = format_code(a, b, &mut code);
    LENGTHS
        .iter()
        .find(|(_, countries)| countries.split(' ').any(|code| code == country))
        .map(|(length, _)| *length)
}

fn format_code(a: char, b: char, buffer: &mut [u8; 8]) -> &str {
    let first = a.encode_utf8(buffer).len();
    let second = buffer.get_mut(first..).map_or(0, |rest| b.encode_utf8(rest).len());
    buffer.get(..first + second).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        find(Reader::new(text, 0, true)).unwrap().map(|end| &text[..end])
    }

    /// Examples of the registry.
    #[test]
    fn the_registrys_examples_are_found_in_each_writing() {
        for iban in [
            "GB29NWBK60161331926819",
            "DE89370400440532013000",
            "NO9386011117947",
            "FR1420041010050500013M02606",
            "MT84MALT011000012345MTLCAST001S",
            "BR1800360305000010009795493C1",
            "LC55HEMM000100010012001200023015",
            "SC18SSCB11010000000000001497USD",
            "SA0380000000608010167519",
            "UA213223130000026007233566001",
        ] {
            assert_eq!(found(iban), Some(iban));
            let spaced =
                iban.as_bytes().chunks(4).map(|part| std::str::from_utf8(part).unwrap()).collect::<Vec<_>>();
            let spaced = spaced.join(" ");
            assert_eq!(found(&format!("{spaced} is mine")), Some(spaced.as_str()));
            assert_eq!(found(&iban.to_lowercase()), Some(iban.to_lowercase().as_str()));
        }
    }

    #[test]
    fn wrong_digits_unknown_countries_and_longer_words_are_none() {
        for text in
            ["GB29NWBK60161331926810", "ZZ89370400440532013000", "DE893704004405320130001", "DE89", "version"]
        {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
