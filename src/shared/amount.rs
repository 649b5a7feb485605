//! Amounts of money, counted in billionths of a currency's unit, so that a token read from a cache is not rounded away:
//! an `i64` of them holds nine billion dollars.
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

const DIGITS: usize = 9;
const ONE: i64 = 1_000_000_000;

/// An amount of one currency, in billionths of its unit. Outside it is a decimal: `12.5`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an amount: digits, and at most nine more after a point, as in 12.50; at most nine billion")]
pub struct NotAnAmount;

impl Amount {
    pub const ZERO: Self = Self(0);

    pub const fn from_billionths(billionths: i64) -> Self {
        Self(billionths)
    }

    pub const fn billionths(self) -> i64 {
        self.0
    }

    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl FromStr for Amount {
    type Err = NotAnAmount;

    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        let (whole, rest) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || rest.is_some_and(|rest| !digits(rest) || rest.len() > DIGITS) {
            return Err(NotAnAmount);
        }
        let whole = whole.parse::<i64>().ok().and_then(|whole| whole.checked_mul(ONE));
        let rest = format!("{:0<DIGITS$}", rest.unwrap_or_default()).parse::<i64>();
        match (whole, rest) {
            (Some(whole), Ok(rest)) => whole.checked_add(rest).map(Self).ok_or(NotAnAmount),
            _ => Err(NotAnAmount),
        }
    }
}

/// Without zeros at the end: `0.00015`, `12.5`, `3`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, value) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (whole, rest) = (value / ONE.unsigned_abs(), value % ONE.unsigned_abs());
        let rest = format!("{rest:0DIGITS$}");
        match rest.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            rest => write!(f, "{sign}{whole}.{rest}"),
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_amount_is_read_as_it_was_written(billionths in 0..i64::MAX) {
            let amount = Amount::from_billionths(billionths);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }

        #[test]
        fn what_is_not_an_amount_is_refused(text in "[0-9a-z.,+ -]{0,24}") {
            let plain = text.split('.').count() <= 2
                && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
            if !plain {
                prop_assert_eq!(text.parse::<Amount>(), Err(NotAnAmount));
            }
        }
    }
}
