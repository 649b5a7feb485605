//! Numbers that authorities give to people. Those with a strong check or form are found anywhere; those that one in
//! ten numbers would pass only behind a word that names them.
use super::{
    checksum,
    context::{self, Authority, Hint},
    number::Number,
};
use crate::gateway::guardrail::reader::{Look, Reader, digit, is_blank};

/// Of digits alone.
pub fn of_digits(number: &Number<'_>) -> bool {
    if number.plus || number.parenthesis {
        return false;
    }
    let named = |authority: Authority| number.hint() == Some(Hint::NationalId(authority));
    let thing = || number.hint() == Some(Hint::Thing);
    let dashes = !number.gaps.is_empty() && number.gaps_are('-');
    let blanks = number.gaps_are(' ');
    match number.groups {
        [3, 2, 4] => is_social_security(number.digits) && (dashes || named(Authority::Us)) && !thing(),
        [6, 4] => dashes && is_swedish(number.digits),
        [8, 4] => dashes && is_swedish(number.digits.get(2..).unwrap_or_default()),
        [3, 3, 3, 2] => number.gaps == ['.', '.', '-'] && is_brazilian(number.digits) && !thing(),
        [2, 3, 3, 3] => blanks && is_german_tax(number.digits),
        [1, 2, 2, 2, 3, 3, 2] | [1, 2, 2, 2, 3, 3] => blanks && is_french(number.digits),
        // The beginning of a card's sixteen is none.
        [4, 4, 4] if number.whole && (blanks || dashes) => {
            named(Authority::India)
                || is_japanese(number.digits) && named(Authority::Japan)
                || is_indian(number.digits) && !thing() && !named(Authority::Japan)
        }
        [4, 2, 3] => blanks && is_dutch(number.digits) && named(Authority::Netherlands),
        [_] => bare(number.digits, named, thing),
        _ => false,
    }
}

fn bare(digits: &[u8], named: impl Fn(Authority) -> bool, thing: impl Fn() -> bool) -> bool {
    match digits.len() {
        8 => {
            let [a, b, c, d, e, f, g, h] = *digits else { return false };
            is_dutch(&[0, a, b, c, d, e, f, g, h]) && named(Authority::Netherlands)
        }
        9 => {
            is_social_security(digits) && named(Authority::Us)
                || is_dutch(digits) && named(Authority::Netherlands)
        }
        10 => is_swedish(digits) && named(Authority::Sweden),
        11 => {
            is_german_tax(digits) && !thing()
                || is_brazilian(digits) && named(Authority::Brazil)
                || is_polish(digits) && named(Authority::Poland)
        }
        12 => {
            // Called so it is hidden with a typing error, too.
            named(Authority::India)
                || is_japanese(digits) && named(Authority::Japan)
                || is_swedish(digits.get(2..).unwrap_or_default()) && named(Authority::Sweden)
        }
        15 => is_french(digits) && !thing(),
        _ => false,
    }
}

fn value(digits: &[u8], from: usize, count: usize) -> u32 {
    digits.iter().skip(from).take(count).fold(0, |value, digit| value * 10 + u32::from(*digit))
}

fn is_day(month: u32, day: u32) -> bool {
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// United States: no check digit; some areas, groups and serials are never given out.
fn is_social_security(digits: &[u8]) -> bool {
    let area = value(digits, 0, 3);
    !matches!(area, 0 | 666 | 900..) && value(digits, 3, 2) != 0 && value(digits, 5, 4) != 0
}

/// Sweden, ten digits: a date, sixty added to the day of a coordination number, Luhn.
fn is_swedish(digits: &[u8]) -> bool {
    let day = value(digits, 4, 2);
    digits.len() == 10
        && is_day(value(digits, 2, 2), if day > 60 { day - 60 } else { day })
        && checksum::luhn(digits)
}

/// Germany, tax: among the first ten digits one occurs twice or three times, the others at most once.
fn is_german_tax(digits: &[u8]) -> bool {
    let mut counts = [0_u8; 10];
    for digit in digits.iter().take(10) {
        if let Some(count) = counts.get_mut(usize::from(*digit)) {
            *count += 1;
        }
    }
    let repeated: Vec<u8> = counts.into_iter().filter(|count| *count > 1).collect();
    digits.len() == 11
        && digits.first() != Some(&0)
        && matches!(repeated.as_slice(), [2 | 3])
        && checksum::mod_11_10(digits)
}

/// Brazil: two check digits modulo 11; eleven equal digits pass and are none.
fn is_brazilian(digits: &[u8]) -> bool {
    let check = |count: u32| {
        let sum: u32 =
            digits.iter().zip((2..=count + 1).rev()).map(|(digit, weight)| u32::from(*digit) * weight).sum();
        sum * 10 % 11 % 10
    };
    let equal = digits.iter().all(|digit| Some(digit) == digits.first());
    digits.len() == 11 && !equal && value(digits, 9, 1) == check(9) && value(digits, 10, 1) == check(10)
}

/// Poland: a date whose month tells the century, weights modulo 10.
fn is_polish(digits: &[u8]) -> bool {
    let month = value(digits, 2, 2);
    digits.len() == 11
        && month < 93
        && is_day(month % 20, value(digits, 4, 2))
        && checksum::weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// The Netherlands: the eleven test.
fn is_dutch(digits: &[u8]) -> bool {
    let sum = checksum::weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    digits.len() == 9 && sum > 0 && sum % 11 == value(digits, 8, 1)
}

/// India: Verhoeff's check.
fn is_indian(digits: &[u8]) -> bool {
    digits.len() == 12 && digits.first().is_some_and(|digit| *digit > 1) && checksum::verhoeff(digits)
}

/// Japan: weights modulo 11.
fn is_japanese(digits: &[u8]) -> bool {
    let rest = checksum::weighted(digits, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    digits.len() == 12 && value(digits, 11, 1) == if rest <= 1 { 0 } else { 11 - rest }
}

/// France: sex, year, month; the last two digits are 97 minus the rest of the others.
fn is_french(digits: &[u8]) -> bool {
    let month = value(digits, 3, 2);
    let body = checksum::remainder(digits.get(..13).unwrap_or_default(), 97);
    digits.len() == 15
        && matches!(digits.first(), Some(1..=4 | 7 | 8))
        && (matches!(month, 1..=12 | 20..=42 | 50..=99))
        && u64::from(value(digits, 13, 2)) == 97 - body
}

/// Those with letters: the end of the number that begins here. Blanks and dashes may stand where `form` has a space.
pub fn with_letters(here: Reader<'_>) -> Look<Option<usize>> {
    for (form, holds) in FORMS {
        if let Some(end) = matches_form(here, form, *holds)? {
            return Ok(Some(end));
        }
    }
    Ok(None)
}

/// Characters of the longest form, blanks left out.
const LONGEST: usize = 16;

type Holds = fn(&[char], &str) -> bool;

/// `A` a capital, `a` any letter, `9` a digit, `*` a capital or a digit, a space an optional blank or dash.
const FORMS: &[(&str, Holds)] = &[
    ("AA 99 99 99 A", is_british),
    ("99999999a", is_spanish),
    ("99999999 A", is_spanish),
    ("A 9999999 A", is_spanish_foreigner),
    ("AAA AAA ** A ** A *** A", is_italian),
    ("99 999999 A 999", is_german_pension),
    ("9 99 99 2A 999 999 99", is_corsican),
    ("9 99 99 2B 999 999 99", is_corsican),
    ("A********9", is_german_card),
];

fn matches_form(here: Reader<'_>, form: &str, holds: Holds) -> Look<Option<usize>> {
    let mut reader = here;
    let mut chars = ['0'; LONGEST];
    let mut count = 0;
    for wanted in form.chars() {
        if wanted == ' ' {
            reader.next_if(|c| is_blank(c) || c == '-')?;
            continue;
        }
        let fits = |c: char| match wanted {
            'A' => c.is_ascii_uppercase(),
            'a' => c.is_ascii_alphabetic(),
            '9' => digit(c).is_some(),
            '*' => c.is_ascii_uppercase() || c.is_ascii_digit(),
            other => c == other,
        };
        let Some(c) = reader.next_if(fits)? else { return Ok(None) };
        if let Some(slot) = chars.get_mut(count) {
            *slot = c.to_ascii_uppercase();
        }
        count += 1;
    }
    let ends = reader.at_word_end()?
        && !(reader.peek()? == Some('-') && reader.peek_second()?.is_some_and(char::is_alphanumeric));
    Ok((ends && holds(chars.get(..count).unwrap_or_default(), here.behind())).then_some(reader.at()))
}

fn digits_of(chars: &[char]) -> Vec<u8> {
    chars.iter().filter_map(|c| digit(*c)).collect()
}

/// The United Kingdom: no check digit, but letters and prefixes that are never given out.
fn is_british(chars: &[char], _: &str) -> bool {
    let [first, second, .., suffix] = *chars else { return false };
    let prefix = [first, second];
    !"DFIQUV".contains(first)
        && !"DFIQUVO".contains(second)
        && "ABCD".contains(suffix)
        && !["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"].iter().any(|taken| taken.chars().eq(prefix))
}

const SPANISH: &str = "TRWAGMYFPDXBNJZSQVHLCKE";

/// Spain: the letter is the rest modulo 23.
fn is_spanish(chars: &[char], _: &str) -> bool {
    let rest = checksum::remainder(&digits_of(chars), 23);
    usize::try_from(rest).is_ok_and(|rest| SPANISH.chars().nth(rest) == chars.last().copied())
}

/// Spain, foreigners: X, Y, Z stand for 0, 1, 2.
fn is_spanish_foreigner(chars: &[char], behind: &str) -> bool {
    let [first, rest @ ..] = chars else { return false };
    let Some(lead) = "XYZ"
        .chars()
        .position(|c| c == *first)
        .and_then(|lead| char::from_digit(u32::try_from(lead).ok()?, 10))
    else {
        return false;
    };
    let all: Vec<char> = [lead].into_iter().chain(rest.iter().copied()).collect();
    is_spanish(&all, behind)
}

/// Italy: places count differently when odd; digits may be written as letters where two people share a code.
fn is_italian(chars: &[char], _: &str) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let Some((check, body)) = chars.split_last() else { return false };
    let numeric =
        |place: usize| body.get(place).is_some_and(|c| c.is_ascii_digit() || "LMNPQRSTUV".contains(*c));
    let month = body.get(8).is_some_and(|c| "ABCDEHLMPRST".contains(*c));
    let sum: u32 = body
        .iter()
        .enumerate()
        .filter_map(|(place, c)| {
            let value = c.to_digit(36)?;
            let value = if value > 9 { value - 10 } else { value };
            if place.is_multiple_of(2) { ODD.get(usize::try_from(value).ok()?).copied() } else { Some(value) }
        })
        .sum();
    let letter = check.to_digit(36).map(|value| value.saturating_sub(10));
    month && [6, 7, 9, 10, 12, 13, 14].into_iter().all(numeric) && letter == Some(sum % 26)
}

/// Germany, pension insurance: area, date of birth, letter, serial, check digit over cross sums.
fn is_german_pension(chars: &[char], _: &str) -> bool {
    let Some((check, body)) = chars.split_last() else { return false };
    let mut digits = vec![];
    for c in body {
        match (digit(*c), c.to_digit(36)) {
            (Some(digit), _) => digits.push(u32::from(digit)),
            (None, Some(letter)) => digits.extend([(letter - 9) / 10, (letter - 9) % 10]),
            (None, None) => return false,
        }
    }
    let product = |(digit, weight): (&u32, u32)| {
        let product = digit * weight;
        product / 10 + product % 10
    };
    let sum: u32 = digits.iter().zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]).map(product).sum();
    let at = |place: usize| digits.get(place).copied().unwrap_or_default();
    // Fifty is added to the day of those whose number was given out twice.
    is_day(at(4) * 10 + at(5), (at(2) * 10 + at(3)) % 50) && Some(sum % 10) == check.to_digit(10)
}

/// France, Corsica: the letter stands for 0, and a million or two are taken off.
fn is_corsican(chars: &[char], _: &str) -> bool {
    let off = if chars.contains(&'A') { 1_000_000 } else { 2_000_000 };
    let all: Vec<u8> = chars.iter().map(|c| digit(*c).unwrap_or(0)).collect();
    let body = all.iter().take(13).fold(0_u64, |value, digit| value * 10 + u64::from(*digit));
    u64::from(value(&all, 13, 2)) == 97 - body.saturating_sub(off) % 97
}

/// Germany, identity card: letters that cannot be mistaken, weights 7, 3, 1; one in ten would pass, so a word must
/// name it.
fn is_german_card(chars: &[char], behind: &str) -> bool {
    let Some((check, body)) = chars.split_last() else { return false };
    let allowed = body.iter().all(|c| c.is_ascii_digit() || "CFGHJKLMNPRTVWXYZ".contains(*c));
    let sum: u32 = body
        .iter()
        .filter_map(|c| c.to_digit(36))
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(value, weight)| value * weight)
        .sum();
    allowed
        && check.to_digit(10) == Some(sum % 10)
        && context::before(behind) == Some(Hint::NationalId(Authority::Germany))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::guardrail::{pii::number, policy::Kind};

    fn found(text: &str, before: &str) -> Option<String> {
        let all = format!("{before}{text} .");
        let here = Reader::new(&all, before.len(), true);
        let end = with_letters(here)
            .unwrap()
            .or_else(|| number::find(here, |kind| kind == Kind::NationalId).unwrap().map(|(_, end)| end));
        end.map(|end| all[before.len()..end].to_owned())
    }

    /// Examples of the authorities and of their descriptions, and the same with the last character changed.
    #[test]
    fn each_number_is_found_and_with_a_wrong_check_it_is_not() {
        for (number, word) in [
            ("AB 12 34 56 C", ""),
            ("12345678Z", ""),
            ("X1234567L", ""),
            ("RSSMRA85T10A562S", ""),
            ("65 170839 J 003", ""),
            ("1 84 12 76 451 089 46", ""),
            ("111.444.777-35", ""),
            ("86 095 742 719", ""),
            ("811228-9874", ""),
            ("111222333", "BSN "),
            ("44051401359", "PESEL "),
            ("234123412346", "Aadhaar "),
            ("2341 2341 2346", ""),
            ("T220001293", "Personalausweis "),
        ] {
            assert_eq!(found(number, word).as_deref(), Some(number), "{number}");
            let last = number.chars().next_back().unwrap();
            let other = if last.is_ascii_digit() {
                if last == '9' { '0' } else { char::from(last as u8 + 1) }
            } else {
                'O'
            };
            if word.starts_with("Aadhaar") {
                continue;
            }
            let wrong = format!("{}{other}", &number[..number.len() - 1]);
            assert_eq!(found(&wrong, word), None, "{wrong}");
        }
        assert_eq!(found("078-05-1120", "").as_deref(), Some("078-05-1120"));
        assert_eq!(found("000-05-1120", ""), None);
    }

    #[test]
    fn a_weak_check_asks_for_a_word() {
        for number in ["111222333", "44051401359", "234123412346", "T220001293"] {
            assert_eq!(found(number, ""), None, "{number}");
        }
    }
}
