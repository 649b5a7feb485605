//! What was taken from budgets for one call.
use super::{
    account::Account,
    block::{Block, Taken},
    ledger::{Ledger, Need},
    model::BudgetAction,
    worst::Worst,
};
use crate::{
    config::{Route, Target},
    gateway::model::{ChatRequest, FailureKind},
    shared::amount::Amount,
};
use std::{mem, sync::Arc};

/// Taken from one account; what is not settled goes back when this is dropped.
#[derive(Debug)]
pub struct Part {
    account: Arc<Account>,
    taken: Vec<Taken>,
    lenient: bool,
}

impl Part {
    pub(super) fn of(account: Arc<Account>, taken: Taken) -> Self {
        Self { account, taken: vec![taken], lenient: false }
    }

    /// For a call that passes although it does not fit: what it costs is counted.
    pub(super) fn lenient(account: Arc<Account>) -> Self {
        Self { account, taken: vec![Block::take_nothing()], lenient: true }
    }

    fn amount(&self) -> Amount {
        self.taken.iter().fold(Amount::ZERO, |sum, taken| sum.saturating_add(taken.amount))
    }

    /// The last one bears what is more than all of them.
    fn finish(&mut self, cost: Amount) {
        let (mut rest, mut taken) = (cost, mem::take(&mut self.taken));
        let Some(last) = taken.pop() else { return };
        for taken in taken {
            let within = rest.min(taken.amount);
            rest = rest.saturating_sub(within);
            self.account.finish(taken, within);
        }
        self.account.finish(last, rest);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.finish(Amount::ZERO);
    }
}

/// Of all the budgets that hold for a call. Dropped without a word, the call has cost nothing.
#[derive(Debug, Default)]
pub struct Reservation {
    parts: Vec<Part>,
    within: Option<(Ledger, Arc<Route>, Worst)>,
}

impl Reservation {
    pub(super) fn new(ledger: Ledger, route: Arc<Route>, worst: Worst) -> Self {
        Self { parts: vec![], within: Some((ledger, route, worst)) }
    }

    pub(super) fn add(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// The request as providers see it: guardrails may have made it longer.
    pub fn measure(&mut self, request: &ChatRequest) {
        if let Some((_, _, worst)) = &mut self.within {
            *worst = Worst::of(request);
        }
    }

    /// Takes more where attempts with all of these, after `said` bytes of the answer, can cost more than is left of what was
    /// taken.
    /// `so_far`: what the call has cost in a currency.
    pub async fn cover(
        &mut self,
        targets: &[&Target],
        said: usize,
        so_far: impl Fn(&str) -> Amount + Sync,
    ) -> Result<(), FailureKind> {
        let Some((ledger, route, worst)) = &self.within else { return Ok(()) };
        // A second target at once is asked only where both fit in.
        let of = if targets.len() > 1 { Need::Extra } else { Need::Call };
        for part in self.parts.iter_mut().filter(|part| !part.lenient) {
            let budget = part.account.budget();
            let currency = budget.limit.currency.as_str();
            let mut next = Amount::ZERO;
            for target in targets {
                let most = worst.of_target(target, route, said, ledger.prices(), currency);
                next = next.saturating_add(most.ok_or(FailureKind::NoPrice)?);
            }
            let more = so_far(currency).saturating_add(next).saturating_sub(part.amount());
            if more <= Amount::ZERO {
                continue;
            }
            match ledger.take(&part.account, more, of).await {
                Ok(mut taken) => part.taken.append(&mut taken.taken),
                // It has begun: it goes on where it may.
                Err(FailureKind::Budget) if budget.action != BudgetAction::Block => {}
                Err(kind) => return Err(kind),
            }
        }
        Ok(())
    }

    /// The call has ended; what it cost in a currency.
    pub fn settle(&mut self, cost: impl Fn(&str) -> Amount) {
        for part in &mut self.parts {
            let cost = cost(&part.account.budget().limit.currency);
            part.finish(cost);
        }
    }
}
