//! What a call costs. Amounts are counted in billionths of a currency's unit, so that a token read from a cache is not
//! rounded away: an `i64` of them holds nine billion dollars.
use super::model::Usage;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

const DIGITS: usize = 9;
const ONE: i64 = 1_000_000_000;
/// Prices are told for so many tokens.
const PER: i128 = 1_000_000;

/// An amount of one currency, in billionths of its unit. Outside it is a decimal: `12.5`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

/// What a model costs, for a million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    pub input: Amount,
    pub output: Amount,
    /// Of tokens read from the provider's cache; as `input` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<Amount>,
    /// Three letters by ISO 4217.
    pub currency: String,
    /// When it was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<NaiveDate>,
}

/// Prices by the model's name.
pub type Prices = BTreeMap<String, Price>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    pub amount: Amount,
    pub currency: String,
}

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

impl Price {
    /// Rounded up to a billionth, so that many small calls are not free.
    pub fn cost(&self, usage: Usage) -> Amount {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        let parts = [
            (usage.input_tokens - cached, self.input),
            (cached, self.cached_input.unwrap_or(self.input)),
            (usage.output_tokens, self.output),
        ];
        let sum: i128 = parts.iter().map(|(tokens, price)| i128::from(*tokens) * i128::from(price.0)).sum();
        let rounded = sum / PER + i128::from(sum % PER > 0);
        Amount(i64::try_from(rounded).unwrap_or(i64::MAX))
    }

    /// What a call can cost at most.
    pub fn worst_case(&self, input_tokens: u32, max_output_tokens: u32) -> Amount {
        self.cost(Usage { input_tokens, cached_input_tokens: 0, output_tokens: max_output_tokens })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    fn price() -> Price {
        Price {
            input: amount("1.00"),
            output: amount("2.00"),
            cached_input: Some(amount("0.10")),
            currency: "USD".into(),
            date: None,
        }
    }

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

        #[test]
        fn no_usage_costs_more_than_the_worst_case(input in 0u32.., cached in 0u32.., output in 0u32..) {
            let usage = Usage { input_tokens: input, cached_input_tokens: cached, output_tokens: output };
            prop_assert!(price().cost(usage) <= price().worst_case(input, output));
        }
    }

    #[test]
    fn tokens_cost_what_the_table_says() {
        let usage = Usage { input_tokens: 1_000, cached_input_tokens: 600, output_tokens: 50 };
        // 400 × 1.00 + 600 × 0.10 + 50 × 2.00, for a million.
        assert_eq!(price().cost(usage).to_string(), "0.00056");
    }

    #[test]
    fn a_single_cached_token_is_not_free() {
        let price = Price { cached_input: Some(amount("0.0001")), ..price() };
        let usage = Usage { input_tokens: 1, cached_input_tokens: 1, output_tokens: 0 };
        assert_eq!(price.cost(usage), Amount::from_billionths(1));
    }
}
