use super::{
    block::{Block, Taken},
    model::Budget,
};
use crate::shared::amount::Amount;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use uuid::Uuid;

/// How long an account is believed to have no more than it had.
const DENIED: Duration = Duration::from_millis(100);

/// One period of one budget, as far as this process spends from it.
#[derive(Debug)]
pub struct Account {
    pub(super) id: Uuid,
    /// As it was when it was last read.
    budget: Mutex<Arc<Budget>>,
    /// Held while the database is written, so that one write follows the other.
    pub(super) writing: tokio::sync::Mutex<()>,
    block: Mutex<Block>,
    times: Mutex<Times>,
    /// Whether it was told that a call did not fit in.
    pub(super) exceeded: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct Times {
    pub(super) leased: Option<Instant>,
    pub(super) renewed: Option<Instant>,
    pub(super) taken: Option<Instant>,
    /// Since when there is not so much.
    pub(super) denied: Option<(Instant, Amount)>,
}

impl Account {
    pub(super) fn new(id: Uuid, budget: Budget, exceeded: bool) -> Self {
        Self {
            id,
            budget: Mutex::new(Arc::new(budget)),
            writing: tokio::sync::Mutex::default(),
            block: Mutex::default(),
            times: Mutex::default(),
            exceeded: AtomicBool::new(exceeded),
        }
    }

    pub(super) fn block(&self) -> MutexGuard<'_, Block> {
        self.block.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn budget(&self) -> Arc<Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What did not fit in may do so now, and is told anew. What was leased under the old limit is for no call any more.
    pub(super) fn change(&self, budget: &Budget) {
        *self.budget.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(budget.clone());
        self.block().recall();
        self.times().denied = None;
        self.exceeded.store(false, Ordering::Relaxed);
    }

    pub(super) fn finish(&self, taken: Taken, cost: Amount) {
        self.block().finish(taken, cost);
    }

    pub(super) fn is_denied(&self, missing: Amount) -> bool {
        let denied = self.times().denied;
        denied.is_some_and(|(at, amount)| missing >= amount && at.elapsed() < DENIED)
    }
}
