//! The most that a call can cost.
use crate::{
    config::{Price, Prices, Route, Target},
    gateway::{
        model::{ChatRequest, Usage},
        price,
    },
    shared::amount::Amount,
};

/// Tokens that a provider adds of its own: to each part of a request, and to each call, where it also explains to
/// its model what tools are.
const FRAME: usize = 64;
const CALL_FRAME: usize = 1_024;

/// No tokenizer of those that are sold makes more tokens than a text has bytes.
#[derive(Clone, Copy, Debug)]
pub struct Worst {
    input_bytes: usize,
    max_output_tokens: Option<u32>,
}

impl Worst {
    pub fn of(request: &ChatRequest) -> Self {
        let parts: usize = request.parts().map(|part| part.len() + FRAME).sum();
        let input_bytes = CALL_FRAME + parts;
        Self { input_bytes, max_output_tokens: request.max_output_tokens }
    }

    /// Of one attempt with a model of this price, after `said` bytes of the answer.
    fn cost(&self, price: &Price, route: &Route, said: usize) -> Amount {
        let input = u32::try_from(self.input_bytes + said).unwrap_or(u32::MAX);
        let output_tokens = self.max_output_tokens.unwrap_or(route.max_output_tokens);
        price::cost(price, Usage { input_tokens: input, cached_input_tokens: 0, output_tokens })
    }

    /// Of an attempt with this target; `None` where it has no price in the currency.
    pub fn of_target(
        &self,
        target: &Target,
        route: &Route,
        said: usize,
        prices: &Prices,
        currency: &str,
    ) -> Option<Amount> {
        let price = prices.get(&target.model)?;
        if price.input == Amount::ZERO && price.output == Amount::ZERO {
            return Some(Amount::ZERO);
        }
        (price.currency == currency).then(|| self.cost(price, route, said))
    }

    /// Of an attempt with the dearest target; `None` where one has no price in the currency.
    pub fn of_route(&self, route: &Route, prices: &Prices, currency: &str) -> Option<Amount> {
        let mut dearest = Amount::ZERO;
        for target in route.all_targets() {
            dearest = dearest.max(self.of_target(target, route, 0, prices, currency)?);
        }
        Some(dearest)
    }
}
