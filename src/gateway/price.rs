//! What a call costs.
use super::model::Usage;
use crate::{config::Price, shared::amount::Amount};

/// Prices are told for so many tokens.
const PER: i128 = 1_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    pub amount: Amount,
    /// Three letters by ISO 4217.
    pub currency: String,
}

/// Rounded up to a billionth, so that many small calls are not free.
pub fn cost(price: &Price, usage: Usage) -> Amount {
    let cached = usage.cached_input_tokens.min(usage.input_tokens);
    let parts = [
        (usage.input_tokens - cached, price.input),
        (cached, price.cached_input.unwrap_or(price.input)),
        (usage.output_tokens, price.output),
    ];
    let sum: i128 =
        parts.iter().map(|(tokens, price)| i128::from(*tokens) * i128::from(price.billionths())).sum();
    let rounded = sum / PER + i128::from(sum % PER > 0);
    Amount::from_billionths(i64::try_from(rounded).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn tokens_cost_what_the_table_says() {
        let usage = Usage { input_tokens: 1_000, cached_input_tokens: 600, output_tokens: 50 };
        // 400 × 1.00 + 600 × 0.10 + 50 × 2.00, for a million.
        assert_eq!(cost(&price(), usage).to_string(), "0.00056");
    }

    #[test]
    fn a_single_cached_token_is_not_free() {
        let price = Price { cached_input: Some(amount("0.0001")), ..price() };
        let usage = Usage { input_tokens: 1, cached_input_tokens: 1, output_tokens: 0 };
        assert_eq!(cost(&price, usage), Amount::from_billionths(1));
    }
}
