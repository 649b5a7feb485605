//! Groups of digits: read once, then asked what their longest beginning is that means something.
use super::{
    context::{self, Hint},
    national, phone,
};
use crate::gateway::guardrail::{
    pii::checksum,
    policy::Kind,
    reader::{Look, Reader, digit, is_blank, is_word},
};

/// Groups that are read; a French number in pairs behind its country code takes seven, an identity number seven.
const MAX_GROUPS: usize = 8;
/// More digits are no number of a person; a group that is longer ends the reading.
const MAX_DIGITS: usize = 20;
/// An extension behind a telephone number.
const MAX_EXTENSION: usize = 6;

/// A beginning of what was read.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    pub digits: &'a [u8],
    /// Digits in each group.
    pub groups: &'a [usize],
    /// Between the groups, each as its last character that is no blank, or a blank.
    pub gaps: &'a [char],
    pub plus: bool,
    /// Whether the first or second group stands in parentheses.
    pub parenthesis: bool,
    /// Whether what stands directly before it makes it a part of something else.
    pub glued: bool,
    /// Whether no further group follows.
    pub whole: bool,
    behind: &'a str,
}

impl Number<'_> {
    /// What the words before say: looked up only where it matters.
    pub fn hint(&self) -> Option<Hint> {
        context::before(self.behind)
    }

    /// Whether it is the rest of a longer row of digits.
    pub fn follows_digits(&self) -> bool {
        let mut back = self.behind.chars().rev();
        back.next().is_some_and(|c| is_blank(c) || matches!(c, '-' | '/'))
            && back.next().is_some_and(|c| digit(c).is_some())
    }

    pub fn gaps_are(&self, gap: char) -> bool {
        self.gaps.iter().all(|other| *other == gap)
    }
}

#[derive(Default)]
struct Run {
    digits: Vec<u8>,
    groups: Vec<usize>,
    gaps: Vec<char>,
    /// Where each group ends in the text, a closing parenthesis included.
    ends: Vec<usize>,
    plus: bool,
    parenthesis: bool,
}

pub fn find(here: Reader<'_>, wanted: impl Fn(Kind) -> bool) -> Look<Option<(Kind, usize)>> {
    let mut reader = here;
    let Some(run) = read(&mut reader)? else { return Ok(None) };
    let glued = is_glued(&here, run.plus);
    let mut digits = run.digits.as_slice();
    for count in (1..=run.groups.len()).rev() {
        let groups = run.groups.get(..count).unwrap_or_default();
        digits = digits.get(..groups.iter().sum()).unwrap_or_default();
        if digits.len() < 7 {
            return Ok(None);
        }
        let number = Number {
            digits,
            groups,
            gaps: run.gaps.get(..count - 1).unwrap_or_default(),
            plus: run.plus,
            parenthesis: run.parenthesis,
            glued,
            whole: count == run.groups.len(),
            behind: here.behind(),
        };
        let Some(kind) = kind(&number, &wanted) else { continue };
        let Some(end) = run.ends.get(count - 1) else { continue };
        let mut rest = Reader::new(here.text(), *end, here.is_complete());
        if kind == Kind::Phone {
            rest = extension(rest)?;
        }
        if rest.at_word_end()? && !goes_on(rest)? {
            return Ok(Some((kind, rest.at())));
        }
    }
    Ok(None)
}

fn kind(number: &Number<'_>, wanted: impl Fn(Kind) -> bool) -> Option<Kind> {
    if wanted(Kind::Card) && is_card(number) {
        return Some(Kind::Card);
    }
    if wanted(Kind::NationalId) && !number.glued && national::of_digits(number) {
        return Some(Kind::NationalId);
    }
    (wanted(Kind::Phone) && !number.glued && phone::is_phone(number)).then_some(Kind::Phone)
}

fn read(reader: &mut Reader<'_>) -> Look<Option<Run>> {
    let mut run = Run { plus: reader.eat('+')?, ..Run::default() };
    let mut open = reader.eat('(')?;
    if open && !run.plus {
        run.plus = reader.eat('+')?;
    }
    run.parenthesis = open;
    loop {
        let mut group = 0;
        while let Some(c) = reader.next_if(|c| digit(c).is_some())? {
            run.digits.extend(digit(c));
            group += 1;
            if run.digits.len() > MAX_DIGITS {
                // Longer than anything: what was read before this group still counts.
                run.gaps.truncate(run.groups.len().saturating_sub(1));
                return Ok((!run.groups.is_empty()).then_some(run));
            }
        }
        if group == 0 {
            break;
        }
        if open && reader.eat(')')? {
            open = false;
        }
        run.groups.push(group);
        run.ends.push(reader.at());
        if run.groups.len() == MAX_GROUPS {
            break;
        }
        let mut ahead = *reader;
        let Some((gap, opens)) = gap(&mut ahead, open)? else { break };
        run.gaps.push(gap);
        open |= opens;
        run.parenthesis |= opens && run.groups.len() < 2;
        *reader = ahead;
    }
    run.gaps.truncate(run.groups.len().saturating_sub(1));
    Ok((!run.groups.is_empty()).then_some(run))
}

/// What stands between two groups: at most a blank, a mark or a parenthesis, a blank; then a digit must come.
fn gap(reader: &mut Reader<'_>, open: bool) -> Look<Option<(char, bool)>> {
    let blank = reader.next_if(is_blank)?.is_some();
    let mark = reader.next_if(|c| matches!(c, '-' | '.' | '/' | '\u{2010}' | '\u{2011}' | '\u{2013}'))?;
    let opens = !open && reader.eat('(')?;
    let second = (mark.is_none() && opens || blank && mark.is_some()) && reader.next_if(is_blank)?.is_some();
    let digit_follows = reader.peek()?.is_some_and(|c| digit(c).is_some());
    // `12 - 34` is a range or a sum, `12. 34` are two sentences.
    let apart = blank && mark.is_some() || second && mark.is_some();
    let gap = match mark {
        Some('\u{2010}' | '\u{2011}' | '\u{2013}') => '-',
        Some(mark) => mark,
        None => ' ',
    };
    Ok((digit_follows && !apart).then_some((gap, opens)))
}

/// ` x123`, `ext. 123`.
fn extension(reader: Reader<'_>) -> Look<Reader<'_>> {
    let mut ahead = reader;
    ahead.next_if(is_blank)?;
    if !ahead.eat('x')? {
        if !ahead.eat_word("ext")? {
            return Ok(reader);
        }
        ahead.eat('.')?;
        ahead.next_if(is_blank)?;
    }
    let from = ahead.read();
    let digits = ahead.eat_while(from + MAX_EXTENSION, |c| c.is_ascii_digit())?;
    Ok(if digits > 0 && ahead.at_word_end()? { ahead } else { reader })
}

/// `#123`, `$123`, `IMG_123`, `INV-123`, `3.123`: a part of something else.
fn is_glued(here: &Reader<'_>, plus: bool) -> bool {
    let behind = here.behind();
    let mut back = behind.chars().rev();
    match back.next() {
        // `1.2.3+45`
        Some(c) if plus && is_word(c) => true,
        Some('#' | '$' | '€' | '£' | '¥') => true,
        Some('-' | '_' | '/' | '+' | '@') => back.next().is_some_and(is_word),
        Some('.' | ',' | ':') => back.next().is_some_and(|c| digit(c).is_some()),
        Some(' ') => back.next().is_some_and(|c| matches!(c, '$' | '€' | '£' | '¥')),
        _ => false,
    }
}

/// A hash, a path, a decimal, a coordinate: the number goes on in what follows.
fn goes_on(reader: Reader<'_>) -> Look<bool> {
    Ok(match reader.peek()? {
        Some(mark @ ('-' | '_' | '/' | '.' | ':' | ',')) => reader.peek_second()?.is_some_and(|next| {
            digit(next).is_some() || matches!(mark, '-' | '_' | '/') && next.is_ascii_lowercase()
        }),
        Some('°' | '%' | '@' | '=') => true,
        _ => false,
    })
}

/// The issuers' first digits and lengths, groups as they are embossed, and Luhn's check.
fn is_card(number: &Number<'_>) -> bool {
    if number.plus || number.parenthesis || !(number.gaps_are(' ') || number.gaps_are('-')) {
        return false;
    }
    let length = number.digits.len();
    let embossed = matches!(number.groups, [_] | [4, 6, 4 | 5] | [4, 4, 4, 4] | [4, 4, 4, 4, _]);
    let first = |count: usize| {
        number.digits.iter().take(count).fold(0, |value, digit| value * 10 + u32::from(*digit))
    };
    let issued = match length {
        12..=19 if is_maestro(first(4)) => true,
        13 | 19 if first(1) == 4 => true,
        14 => matches!(first(3), 300..=305 | 309) || matches!(first(2), 36 | 38 | 39),
        15 => matches!(first(2), 34 | 37) || matches!(first(4), 2131 | 1800),
        16 => {
            first(1) == 4
                || matches!(first(4), 2221..=2720 | 3528..=3589 | 6011)
                || matches!(first(2), 51..=55 | 62 | 64 | 65 | 60 | 81 | 35)
        }
        17..=19 => matches!(first(2), 62),
        _ => false,
    };
    let bare_thing = || length != 16 && number.hint() == Some(Hint::Thing);
    embossed && issued && checksum::luhn(number.digits) && !(number.glued && length != 16) && !bare_thing()
}

fn is_maestro(first_four: u32) -> bool {
    matches!(first_four, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763 | 604 | 6390 | 5600..=5899)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(Kind, &str)> {
        let start = text.find(|c: char| c.is_ascii_digit() || c == '+' || c == '(').unwrap();
        find(Reader::new(text, start, true), |_| true).unwrap().map(|(kind, end)| (kind, &text[start..end]))
    }

    #[test]
    fn a_card_is_found_bare_and_as_embossed_but_not_with_a_wrong_digit() {
        assert_eq!(found("4111111111111111."), Some((Kind::Card, "4111111111111111")));
        assert_eq!(found("4111 1111 1111 1111 and"), Some((Kind::Card, "4111 1111 1111 1111")));
        assert_eq!(found("5500-0000-0000-0004"), Some((Kind::Card, "5500-0000-0000-0004")));
        assert_eq!(found("3782 822463 10005"), Some((Kind::Card, "3782 822463 10005")));
        assert_eq!(found("4111111111111112"), None);
        assert_eq!(found("41111111111111111"), None);
    }

    #[test]
    fn a_card_before_its_security_code_is_the_card() {
        assert_eq!(found("4111 1111 1111 1111 123 12/28"), Some((Kind::Card, "4111 1111 1111 1111")));
    }

    #[test]
    fn telephone_numbers_are_found_as_people_write_them() {
        for number in [
            "+49 (0) 9141 777631",
            "(591)341-7776",
            "206.269.0743x9150",
            "+1-780-563-6083x7783",
            "01632 960391",
            "04 15 39 15 00",
            "+34842 91 41 77",
            "(0406)-812415",
            "08-170 669 07",
            "090-1234-5678",
            "12 3915-0008",
            "+919141777631",
            "+44(0)115 4960914",
        ] {
            assert_eq!(found(&format!("{number}, please")), Some((Kind::Phone, number)));
        }
        assert_eq!(found("call me at 5551234567 or"), Some((Kind::Phone, "5551234567")));
    }

    #[test]
    fn numbers_of_things_are_none() {
        for text in [
            "5551234567",
            "order 5551234567",
            "01.02.2026",
            "2026-11-25",
            "20251120",
            "107 + 537 = 644",
            "pages 112-118",
            "978-3-1234-5678-9",
            "10.28064717/b9z6j03",
            "550e8400-e29b-41d4-a716-446655440000",
            "1 234 567",
            "12:34:56",
            "IMG_20251120_123456.jpg",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
