//! Check digits. Each takes the digits as numbers, check digit included, and says whether it is right.

/// ISO/IEC 7812-1, of cards and Swedish numbers.
pub fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => u32::from(*digit),
            (_, double) if double > 9 => u32::from(double - 9),
            (_, double) => u32::from(double),
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The sum of digits times weights; one weight a digit.
pub fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| u32::from(*digit) * weight).sum()
}

pub fn remainder(digits: &[u8], by: u64) -> u64 {
    digits.iter().fold(0, |rest, digit| (rest * 10 + u64::from(*digit)) % by)
}

/// ISO/IEC 7064 MOD 97-10 over letters and digits in the order of the check (an IBAN's first four last).
pub fn mod_97(chars: impl Iterator<Item = char>) -> Option<u32> {
    chars.into_iter().try_fold(0, |rest, c| {
        let value = c.to_digit(36)?;
        Some((rest * if value > 9 { 100 } else { 10 } + value) % 97)
    })
}

/// ISO/IEC 7064 MOD 11,10: German tax ids.
pub fn mod_11_10(digits: &[u8]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    let product = body.iter().fold(10, |product, digit| match (u32::from(*digit) + product) % 10 {
        0 => 20 % 11,
        sum => sum * 2 % 11,
    });
    (11 - product) % 10 == u32::from(*check)
}

/// Verhoeff's, by the dihedral group of order ten.
pub fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTED: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    let permuted = |place: usize, digit: u8| {
        PERMUTED.get(place % 8).and_then(|row| row.get(usize::from(digit))).copied().unwrap_or_default()
    };
    digits.iter().rev().enumerate().fold(0, |sum, (place, digit)| dihedral(sum, permuted(place, *digit))) == 0
}

/// The product in the dihedral group: 0–4 are turns, 5–9 mirrored ones.
fn dihedral(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().map(|byte| byte - b'0').collect()
    }

    /// Examples of the standards and of the offices that give the numbers out.
    #[test]
    fn published_examples_hold_and_a_changed_digit_does_not() {
        let checks: [(fn(&[u8]) -> bool, &str); 4] = [
            (luhn, "79927398713"),
            (verhoeff, "2363"),
            (mod_11_10, "86095742719"),
            (mod_11_10, "47036892816"),
        ];
        for (holds, example) in checks {
            let example = digits(example);
            assert!(holds(&example), "{example:?}");
            for place in 0..example.len() {
                let mut changed = example.clone();
                changed[place] = (changed[place] + 1) % 10;
                assert!(!holds(&changed), "{changed:?}");
            }
        }
    }

    #[test]
    fn mod_97_is_one_for_an_iban() {
        assert_eq!(mod_97("WEST12345698765432GB82".chars()), Some(1));
    }
}
