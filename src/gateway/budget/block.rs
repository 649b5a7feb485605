//! What one process holds of a budget's account: taken from and given back to in memory, filled up and accounted for in
//! the database. Pure.
use crate::shared::amount::Amount;
use std::time::Duration;
use uuid::Uuid;

/// No block is a greater part of a limit: what a crash can cost.
const PART: i64 = 64;
/// Calls of one kind that a first block is for.
const CALLS: i64 = 4;
/// A block that lasted shorter is followed by one twice as large, one that lasted longer by one half as large.
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The row that says what this process holds: `free`, `recalled`, `held` and `used` together.
    lease: Option<Uuid>,
    /// For the calls to come.
    free: Amount,
    /// For no call any more: it goes back with what is written next.
    recalled: Amount,
    /// For those under way.
    held: Amount,
    /// By calls that have ended, and not in the account yet.
    used: Amount,
    /// The same, of what no lease covers.
    over: Amount,
    size: Amount,
}

/// Taken from a block for a call.
#[derive(Debug)]
pub struct Taken {
    lease: Option<Uuid>,
    pub amount: Amount,
}

/// What is to be leased for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The lease that grows; a new one where there is none.
    pub lease: Option<Uuid>,
    /// Taken from the block already.
    own: Amount,
    /// What the call lacks.
    pub missing: Amount,
    /// That, or a block.
    pub best: Amount,
}

/// What is to go from a block into its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    pub lease: Option<Uuid>,
    pub used: Amount,
    pub over: Amount,
    /// Of what was free, and of what was recalled.
    pub given_back: Amount,
    pub recalled: Amount,
    /// Nothing is left of the lease.
    pub last: bool,
}

impl Settlement {
    /// By how much the lease becomes smaller.
    pub fn released(&self) -> Amount {
        self.used.saturating_add(self.given_back).saturating_add(self.recalled)
    }
}

impl Block {
    pub fn lease(&self) -> Option<Uuid> {
        self.lease
    }

    pub fn is_empty(&self) -> bool {
        self.lease.is_none() && self.over == Amount::ZERO
    }

    /// What is free is for no call any more: the budget is another than when it was leased.
    pub fn recall(&mut self) {
        self.recalled = self.recalled.saturating_add(self.free);
        self.free = Amount::ZERO;
    }

    /// Whether something is to go back before more is leased.
    pub fn is_recalled(&self) -> bool {
        self.recalled > Amount::ZERO
    }

    /// For a call that is counted, and for which nothing can be or needs to be reserved.
    pub fn take_nothing() -> Taken {
        Taken { lease: None, amount: Amount::ZERO }
    }

    /// `None` where it holds too little.
    pub fn take(&mut self, need: Amount) -> Option<Taken> {
        if need == Amount::ZERO {
            return Some(Self::take_nothing());
        }
        if self.lease.is_none() || self.free < need {
            return None;
        }
        self.free = self.free.saturating_sub(need);
        self.held = self.held.saturating_add(need);
        Some(Taken { lease: self.lease, amount: need })
    }

    /// Sets aside what there is for a call that needs more. [`Self::leased`] or [`Self::refused`] follows.
    /// `lasted`: since the last lease.
    pub fn want(&mut self, need: Amount, limit: Amount, lasted: Option<Duration>) -> Wanted {
        let own = self.free.min(need);
        self.free = self.free.saturating_sub(own);
        self.held = self.held.saturating_add(own);
        let size = self.size.billionths();
        let size = match lasted {
            Some(lasted) if size > 0 && lasted < SHORT => size.saturating_mul(2),
            Some(lasted) if size > 0 && lasted > LONG => size / 2,
            Some(_) if size > 0 => size,
            _ => need.billionths().saturating_mul(CALLS),
        };
        self.size = Amount::from_billionths(size.max(need.billionths()).min(limit.billionths() / PART));
        let missing = need.saturating_sub(own);
        Wanted { lease: self.lease, own, missing, best: missing.max(self.size) }
    }

    /// The lease is greater by `granted`, which is what the call lacks at least.
    pub fn leased(&mut self, lease: Uuid, wanted: Wanted, granted: Amount) -> Taken {
        self.lease = Some(lease);
        self.held = self.held.saturating_add(wanted.missing);
        self.free = self.free.saturating_add(granted.saturating_sub(wanted.missing));
        Taken { lease: self.lease, amount: wanted.own.saturating_add(wanted.missing) }
    }

    pub fn refused(&mut self, wanted: Wanted) {
        self.held = self.held.saturating_sub(wanted.own);
        self.free = self.free.saturating_add(wanted.own);
    }

    /// A call has ended. What it cost more than was taken for it comes from what is free, or else from nowhere.
    pub fn finish(&mut self, taken: Taken, cost: Amount) {
        let excess = cost.saturating_sub(taken.amount).max(Amount::ZERO);
        if taken.lease.is_none() || taken.lease != self.lease {
            // All of a lease that was lost counts as spent.
            self.over = self.over.saturating_add(excess);
            return;
        }
        let within = cost.min(taken.amount);
        self.held = self.held.saturating_sub(taken.amount);
        self.free = self.free.saturating_add(taken.amount.saturating_sub(within));
        let covered = excess.min(self.free);
        self.free = self.free.saturating_sub(covered);
        self.used = self.used.saturating_add(within).saturating_add(covered);
        self.over = self.over.saturating_add(excess.saturating_sub(covered));
    }

    /// What is to be written: what was used, what was recalled, and what is free where no more calls are expected. `None`
    /// where there is nothing. [`Self::settled`], [`Self::unsettled`] or [`Self::lost`] follows.
    pub fn settle(&mut self, give_back: bool) -> Option<Settlement> {
        let given_back = if give_back { self.free } else { Amount::ZERO };
        let settlement = Settlement {
            lease: self.lease,
            used: self.used,
            over: self.over,
            given_back,
            recalled: self.recalled,
            last: self.held == Amount::ZERO && self.free == given_back,
        };
        let nothing = settlement.released() == Amount::ZERO && self.over == Amount::ZERO;
        // A lease of which nothing is left goes, too.
        if nothing && !(settlement.last && self.lease.is_some()) {
            return None;
        }
        (self.used, self.over, self.recalled) = (Amount::ZERO, Amount::ZERO, Amount::ZERO);
        self.free = self.free.saturating_sub(given_back);
        Some(settlement)
    }

    pub fn settled(&mut self, settlement: Settlement) {
        if settlement.last {
            self.lease = None;
        }
    }

    /// Nothing of it was written.
    pub fn unsettled(&mut self, settlement: Settlement) {
        self.used = self.used.saturating_add(settlement.used);
        self.over = self.over.saturating_add(settlement.over);
        self.free = self.free.saturating_add(settlement.given_back);
        self.recalled = self.recalled.saturating_add(settlement.recalled);
    }

    /// The lease is not this process's any more, or nobody knows what was written: all of it counts as spent.
    pub fn lost(&mut self, over: Amount) {
        let over = self.over.saturating_add(over);
        *self = Self { over, size: self.size, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An account as the database keeps it.
    #[derive(Debug, Default)]
    struct Account {
        limit: i64,
        leased: i64,
        spent: i64,
        leases: std::collections::BTreeMap<Uuid, i64>,
        made: u128,
    }

    impl Account {
        /// As `store::ledger::lease`.
        fn lease(&mut self, wanted: Wanted) -> Option<(Uuid, Amount)> {
            for amount in [wanted.best, wanted.missing] {
                let amount = amount.billionths();
                if self.leased + self.spent + amount <= self.limit {
                    self.made += 1;
                    let lease = wanted.lease.unwrap_or(Uuid::from_u128(self.made));
                    self.leased += amount;
                    *self.leases.entry(lease).or_default() += amount;
                    return Some((lease, Amount::from_billionths(amount)));
                }
            }
            None
        }

        /// As `store::ledger::settle`: false where the lease is gone.
        fn settle(&mut self, settlement: Settlement) -> bool {
            let released = settlement.released().billionths();
            if let Some(lease) = settlement.lease {
                let Some(amount) = self.leases.get_mut(&lease) else { return false };
                *amount -= released;
                assert!(*amount >= 0, "more was used than leased");
                if settlement.last {
                    assert_eq!(self.leases.remove(&lease), Some(0));
                }
            }
            self.leased -= released;
            self.spent += settlement.used.billionths() + settlement.over.billionths();
            true
        }

        /// As `store::ledger::end_lease`.
        fn end_lease(&mut self, lease: Uuid) {
            if let Some(amount) = self.leases.remove(&lease) {
                self.leased -= amount;
                self.spent += amount;
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Event {
        Call {
            process: usize,
            need: i64,
        },
        End {
            process: usize,
            which: usize,
            cost: i64,
        },
        Settle {
            process: usize,
            give_back: bool,
            fails: bool,
        },
        /// The budget is another one.
        Recall {
            process: usize,
        },
        /// It is killed, and another takes its place.
        Crash {
            process: usize,
        },
        /// Somebody takes a process for dead that is not.
        EndLease {
            process: usize,
        },
    }

    fn event() -> impl Strategy<Value = Event> {
        let process = 0..3_usize;
        prop_oneof![
            6 => (process.clone(), 0..40_i64).prop_map(|(process, need)| Event::Call { process, need }),
            6 => (process.clone(), 0..8_usize, 0..40_i64)
                .prop_map(|(process, which, cost)| Event::End { process, which, cost }),
            4 => (process.clone(), any::<bool>(), prop::bool::weighted(0.2))
                .prop_map(|(process, give_back, fails)| Event::Settle { process, give_back, fails }),
            1 => process.clone().prop_map(|process| Event::Recall { process }),
            1 => process.clone().prop_map(|process| Event::Crash { process }),
            1 => process.prop_map(|process| Event::EndLease { process }),
        ]
    }

    fn settle(block: &mut Block, account: &mut Account, give_back: bool, fails: bool) {
        let Some(settlement) = block.settle(give_back) else { return };
        match fails {
            true => block.unsettled(settlement),
            false if account.settle(settlement) => block.settled(settlement),
            false => block.lost(settlement.over),
        }
    }

    proptest! {
        #[test]
        fn nothing_is_spent_beyond_the_limit_and_what_was_not_spent_is_given_back(
            limit in 1..2_000_i64, events in prop::collection::vec(event(), 1..200),
        ) {
            let mut account = Account { limit, ..Account::default() };
            let mut blocks = vec![Block::default(); 3];
            let mut calls: Vec<Vec<Taken>> = (0..3).map(|_| vec![]).collect();
            // What calls really cost, those of killed processes at the most that they can have.
            let (mut real, mut crashed) = (0, false);
            for event in events {
                match event {
                    Event::Call { process, need } => {
                        let need = Amount::from_billionths(need);
                        let block = &mut blocks[process];
                        let taken = block.take(need).or_else(|| {
                            let wanted = block.want(need, Amount::from_billionths(limit), None);
                            if wanted.lease.is_some_and(|lease| !account.leases.contains_key(&lease)) {
                                block.lost(Amount::ZERO);
                                return None;
                            }
                            match account.lease(wanted) {
                                Some((lease, granted)) => Some(block.leased(lease, wanted, granted)),
                                None => { block.refused(wanted); None }
                            }
                        });
                        calls[process].extend(taken);
                    }
                    Event::End { process, which, cost } => {
                        if which < calls[process].len() {
                            let taken = calls[process].swap_remove(which);
                            let cost = cost.min(taken.amount.billionths());
                            real += cost;
                            blocks[process].finish(taken, Amount::from_billionths(cost));
                        }
                    }
                    Event::Settle { process, give_back, fails } => {
                        settle(&mut blocks[process], &mut account, give_back, fails);
                    }
                    Event::Recall { process } => {
                        blocks[process].recall();
                        let refused = blocks[process].take(Amount::from_billionths(1)).is_none();
                        prop_assert!(refused, "what was recalled is for no call");
                    }
                    Event::Crash { process } => {
                        crashed = true;
                        real += calls[process].drain(..).map(|taken| taken.amount.billionths()).sum::<i64>();
                        blocks[process] = Block::default();
                    }
                    Event::EndLease { process } => {
                        crashed = true;
                        if let Some(lease) = blocks[process].lease() {
                            account.end_lease(lease);
                        }
                    }
                }
                prop_assert!(account.leased + account.spent <= limit, "{account:?}");
                prop_assert_eq!(account.leased, account.leases.values().sum::<i64>());
                prop_assert!(real <= limit);
            }
            for (block, calls) in blocks.iter_mut().zip(&mut calls) {
                for taken in calls.drain(..) {
                    block.finish(taken, Amount::ZERO);
                }
                settle(block, &mut account, true, false);
                settle(block, &mut account, true, false);
                prop_assert!(block.is_empty(), "{block:?}");
            }
            for lease in account.leases.keys().copied().collect::<Vec<_>>() {
                account.end_lease(lease);
            }
            prop_assert_eq!(account.leased, 0);
            prop_assert!(account.spent >= real && account.spent <= limit, "{account:?}, really {real}");
            prop_assert!(crashed || account.spent == real, "{account:?}, really {real}");
        }

        #[test]
        fn what_a_call_costs_more_than_was_taken_is_counted_all_the_same(need in 1..50_i64, cost in 1..500_i64) {
            let (mut account, mut block) = (Account { limit: 200, ..Account::default() }, Block::default());
            let need = Amount::from_billionths(need);
            let wanted = block.want(need, Amount::from_billionths(200), None);
            let (lease, granted) = account.lease(wanted).unwrap();
            let taken = block.leased(lease, wanted, granted);
            block.finish(taken, Amount::from_billionths(cost));
            settle(&mut block, &mut account, true, false);
            prop_assert_eq!((account.spent, account.leased), (cost, 0));
        }
    }

    #[test]
    fn blocks_grow_while_they_are_used_up_at_once_and_stay_small_beside_the_limit() {
        let mut block = Block::default();
        let (need, limit) = (Amount::from_billionths(10), Amount::from_billionths(64_000));
        let mut size = |lasted| {
            let wanted = block.want(need, limit, lasted);
            block.refused(wanted);
            wanted.best.billionths()
        };
        assert_eq!(size(None), 40);
        assert_eq!(
            (0..5).map(|_| size(Some(Duration::ZERO))).collect::<Vec<_>>(),
            [80, 160, 320, 640, 1_000]
        );
        assert_eq!(size(Some(Duration::from_secs(5))), 1_000);
        assert_eq!(size(Some(Duration::from_secs(11))), 500);
    }

    #[test]
    fn a_call_that_needs_more_than_a_block_may_be_gets_what_it_needs() {
        let mut block = Block::default();
        let wanted = block.want(Amount::from_billionths(60), Amount::from_billionths(64), None);
        assert_eq!((wanted.missing.billionths(), wanted.best.billionths()), (60, 60));
    }
}
