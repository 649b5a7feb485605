//! The accounts from which this process spends.
use super::{
    account::Account,
    known::KnownBudgets,
    model::{Budget, BudgetAction, Caller},
    reservation::{Part, Reservation},
    worst::Worst,
};
use crate::{
    config::{Prices, Route},
    db::Db,
    event::Log,
    gateway::{
        event,
        model::{ChatRequest, FailureKind},
        store::ledger::{self as store, Leased, Settled},
    },
    shared::{
        Ambient, Error, Result,
        amount::Amount,
        id::{BudgetId, WorkspaceId},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How often what was used is written.
const SETTLE: Duration = Duration::from_millis(500);
/// A block from which nothing was taken for so long goes back.
const IDLE: Duration = Duration::from_secs(3);
/// How long a process is believed to be alive without a word, and how often it gives one.
const LEASE: TimeDelta = TimeDelta::seconds(60);
const RENEW: Duration = Duration::from_secs(15);
/// Accounts written in one transaction.
const TOGETHER: usize = 100;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    log: Log,
    ambient: Ambient,
    prices: Arc<Prices>,
    known: KnownBudgets,
    accounts: Mutex<Accounts>,
}

/// By budget, and when the period began.
type Accounts = HashMap<(BudgetId, DateTime<Utc>), Arc<Account>>;

/// Finds a route by its name.
pub type Routes = Arc<dyn Fn(&str) -> Option<Arc<Route>> + Send + Sync>;
type NamedRoute = (String, Arc<Route>);

impl Ledger {
    pub fn new(db: Db, log: Log, ambient: Ambient, prices: Arc<Prices>) -> Self {
        let (known, accounts) = (KnownBudgets::new(db.clone()), Mutex::default());
        Self(Arc::new(Inner { db, log, ambient, prices, known, accounts }))
    }

    pub(super) fn prices(&self) -> &Prices {
        &self.0.prices
    }

    /// Takes the most that the call can cost from all budgets that hold for it, or from none. Gives a cheaper route, by its
    /// name, where a budget leads there.
    pub async fn reserve(
        &self,
        caller: &Caller,
        requested: &Arc<Route>,
        routes: &Routes,
        request: &ChatRequest,
    ) -> Result<(Reservation, Option<NamedRoute>), FailureKind> {
        let budgets = self.0.known.of(caller.workspace).await.map_err(unknown)?;
        let budgets: Vec<_> = budgets.iter().filter(|budget| budget.scope.covers(caller)).collect();
        if budgets.is_empty() {
            return Ok((Reservation::default(), None));
        }
        let worst = Worst::of(request);
        let (mut led, mut lenient, mut downgraded) = (None::<NamedRoute>, HashSet::new(), HashSet::new());
        loop {
            let route = led.as_ref().map_or(requested, |(_, route)| route);
            let (budget, kind) = match self.reserve_on(route, worst, &budgets, &lenient).await {
                Ok(reservation) => return Ok((reservation, led)),
                Err(refused) => refused,
            };
            let cheaper = budget.downgrade_route.as_ref().filter(|_| kind != FailureKind::BudgetUnknown);
            let cheaper = cheaper.and_then(|name| Some((name.clone(), routes(name)?)));
            match (budget.action, cheaper) {
                (BudgetAction::Warn, _) => {}
                // Once; what does not fit on that route either passes.
                (BudgetAction::Downgrade, Some(cheaper)) if downgraded.insert(budget.id) => {
                    led = Some(cheaper);
                    continue;
                }
                (BudgetAction::Downgrade, Some(_)) => {}
                _ => {
                    metrics::counter!("aifirst_budget_blocked_total").increment(1);
                    return Err(kind);
                }
            }
            lenient.insert(budget.id);
        }
    }

    /// In the order of their ids; refused, all that was taken goes back. Those in `lenient` let pass what does not fit.
    async fn reserve_on<'b>(
        &self,
        route: &Arc<Route>,
        worst: Worst,
        budgets: &[&'b Budget],
        lenient: &HashSet<BudgetId>,
    ) -> Result<Reservation, (&'b Budget, FailureKind)> {
        let mut reservation = Reservation::new(self.clone(), route.clone(), worst);
        for budget in budgets.iter().copied() {
            let account = self.account(budget).await;
            if lenient.contains(&budget.id) {
                if let Ok(account) = account {
                    reservation.add(Part::lenient(account));
                }
                continue;
            }
            let taken = async {
                let currency = &budget.limit.currency;
                let need = worst.of_route(route, self.prices(), currency).ok_or(FailureKind::NoPrice)?;
                self.take(&account.map_err(unknown)?, need, Need::Call).await
            };
            reservation.add(taken.await.map_err(|kind| (budget, kind))?);
        }
        Ok(reservation)
    }

    /// Out of the block in memory, or else out of the account.
    pub(super) async fn take(
        &self,
        account: &Arc<Account>,
        need: Amount,
        of: Need,
    ) -> Result<Part, FailureKind> {
        account.times().taken = Some(Instant::now());
        let taken = account.block().take(need);
        if let Some(taken) = taken {
            return Ok(Part::of(account.clone(), taken));
        }
        // A task of its own: it ends, and what it takes goes back, also where nobody waits for it any more.
        let leasing = tokio::spawn(self.clone().lease(account.clone(), need, of));
        leasing.await.unwrap_or_else(|error| Err(unknown(Error::internal(error))))
    }

    async fn lease(self, account: Arc<Account>, need: Amount, of: Need) -> Result<Part, FailureKind> {
        let _writing = account.writing.lock().await;
        let is_recalled = account.block().is_recalled();
        if is_recalled {
            self.write(&[(&account, false)]).await;
        }
        // Once more with a new lease, where somebody has ended this one.
        for _ in 0..2 {
            let wanted = {
                let mut block = account.block();
                if let Some(taken) = block.take(need) {
                    drop(block);
                    return Ok(Part::of(account.clone(), taken));
                }
                let lasted = account.times().leased.map(|at| at.elapsed());
                block.want(need, account.budget().limit.amount, lasted)
            };
            if account.is_denied(wanted.missing) {
                account.block().refused(wanted);
                return Err(FailureKind::Budget);
            }
            let Inner { db, ambient, .. } = &*self.0;
            let (lease, until) = (wanted.lease.unwrap_or_else(|| ambient.ids.uuid()), ambient.now() + LEASE);
            match store::lease(db, account.id, lease, wanted, until).await {
                Ok(Leased::Granted(granted)) => {
                    let now = Some(Instant::now());
                    {
                        let mut times = account.times();
                        (times.leased, times.renewed, times.denied) = (now, now, None);
                    }
                    let taken = account.block().leased(lease, wanted, granted);
                    return Ok(Part::of(account.clone(), taken));
                }
                Ok(Leased::Refused) => {
                    account.block().refused(wanted);
                    account.times().denied = Some((Instant::now(), wanted.missing));
                    if of == Need::Call {
                        self.exceeded(&account).await;
                    }
                    return Err(FailureKind::Budget);
                }
                Ok(Leased::Lost) => account.block().lost(Amount::ZERO),
                Err((error, written)) => {
                    match written {
                        // What is free can still be spent.
                        Written::Nothing => account.block().refused(wanted),
                        Written::Unknown => account.block().lost(Amount::ZERO),
                    }
                    return Err(unknown(error));
                }
            }
        }
        Err(FailureKind::BudgetUnknown)
    }

    /// Tells it once in a period.
    async fn exceeded(&self, account: &Account) {
        if account.exceeded.swap(true, Ordering::Relaxed) {
            return;
        }
        let (budget, now) = (account.budget(), self.0.ambient.now());
        let told = async {
            let mut tx = self.0.log.begin().await?;
            if store::mark_exceeded(&tx, account.id, now).await? {
                tx.record_in(budget.workspace, event::exceeded(budget.id));
                tx.commit().await?;
                metrics::counter!("aifirst_budgets_exceeded_total").increment(1);
                tracing::warn!(budget = %budget.id, workspace = %budget.workspace, action = budget.action.name(),
                    "a call did not fit into a budget");
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = told.await {
            account.exceeded.store(false, Ordering::Relaxed);
            tracing::warn!(error = %error.for_log(), budget = %budget.id, "that a budget is used up could not be told");
        }
    }

    /// A workspace's budgets are not what they were.
    pub fn changed(&self, workspace: WorkspaceId) {
        self.0.known.changed(workspace);
    }

    /// That of the present period, as the budget is now.
    async fn account(&self, budget: &Budget) -> Result<Arc<Account>> {
        let period = budget.period.began(self.0.ambient.now());
        let key = (budget.id, period);
        let found = self.accounts().get(&key).cloned();
        if let Some(account) = found {
            if account.budget().version < budget.version {
                account.change(budget);
            }
            return Ok(account);
        }
        let _reading = self.0.known.reading(budget.workspace).await;
        if let Some(account) = self.accounts().get(&key) {
            return Ok(account.clone());
        }
        let opened = store::open_account(&self.0.db, budget.id, period, self.0.ambient.ids.uuid()).await;
        let (id, exceeded) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                // It may be gone.
                self.changed(budget.workspace);
                return Err(error);
            }
        };
        let account = Arc::new(Account::new(id, budget.clone(), exceeded));
        let mut accounts = self.accounts();
        Ok(accounts.entry(key).or_insert(account).clone())
    }

    /// Writes what is used, until `stop`; what is used after that, [`Self::close`] writes.
    pub async fn keep(self, stop: CancellationToken) {
        let mut renewed = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(SETTLE) => {}
            }
            self.settle_all(|account| account.times().taken.is_none_or(|taken| taken.elapsed() > IDLE)).await;
            if renewed.elapsed() > RENEW {
                renewed = Instant::now();
                self.renew().await;
            }
        }
    }

    /// Writes all that was used, and gives back all that is free.
    pub async fn close(&self) {
        self.settle_all(|_| true).await;
    }

    async fn settle_all(&self, gives_back: impl Fn(&Account) -> bool) {
        let now = self.0.ambient.now();
        let accounts: Vec<_> =
            self.accounts().iter().map(|((_, period), account)| (*period, account.clone())).collect();
        let mut due = Vec::with_capacity(accounts.len());
        for (period, account) in accounts {
            let over = account.budget().period.began(now) != period;
            due.push((account.clone(), over || gives_back(&account)));
        }
        due.sort_by_key(|(account, _)| account.id);
        for due in due.chunks(TOGETHER) {
            self.settle(due).await;
        }
        // Of another period, or of a budget that is gone.
        self.accounts().retain(|(_, period), account| {
            let present = account.budget().period.began(now) == *period;
            present || Arc::strong_count(account) > 1 || !account.block().is_empty()
        });
        self.0.known.forget_idle();
    }

    /// Accounts in the order of their ids, each with whether all that is free goes back.
    async fn settle(&self, due: &[(Arc<Account>, bool)]) {
        let mut writing = Vec::with_capacity(due.len());
        for (account, _) in due {
            writing.push(account.writing.lock().await);
        }
        let due: Vec<_> = due.iter().map(|(account, give_back)| (account, *give_back)).collect();
        self.write(&due).await;
    }

    /// The same, for who may write them.
    async fn write(&self, due: &[(&Arc<Account>, bool)]) {
        let settlement = |(account, give_back): &(&Arc<Account>, bool)| {
            let settlement = account.block().settle(*give_back)?;
            Some(((*account).clone(), settlement))
        };
        let (accounts, settlements): (Vec<_>, Vec<_>) = due.iter().filter_map(settlement).unzip();
        if accounts.is_empty() {
            return;
        }
        let ids: Vec<_> =
            accounts.iter().map(|account| account.id).zip(settlements.iter().copied()).collect();
        let written = store::settle(&self.0.db, &ids, self.0.ambient.now() + LEASE).await;
        let outcomes: Vec<_> = match written {
            Ok(outcomes) => outcomes.into_iter().map(Some).collect(),
            Err((error, Written::Nothing)) => {
                tracing::warn!(error = %error.for_log(), "what budgets have used could not be written; trying again");
                vec![None; accounts.len()]
            }
            Err((error, Written::Unknown)) => {
                tracing::warn!(error = %error.for_log(), "nobody knows whether it was written what budgets have used: their blocks are given up");
                for (account, settlement) in accounts.iter().zip(&settlements) {
                    account.block().lost(settlement.over);
                }
                return;
            }
        };
        for ((account, settlement), outcome) in accounts.iter().zip(settlements).zip(outcomes) {
            match outcome {
                Some(Settled::Done) => {
                    account.block().settled(settlement);
                    account.times().renewed = Some(Instant::now());
                }
                Some(Settled::Lost | Settled::Gone) => account.block().lost(Amount::ZERO),
                None => account.block().unsettled(settlement),
            }
        }
    }

    async fn renew(&self) {
        let accounts: Vec<_> = self.accounts().values().cloned().collect();
        let due = |account: &&Arc<Account>| account.times().renewed.is_none_or(|at| at.elapsed() > RENEW / 2);
        let leases: Vec<_> =
            accounts.iter().filter(due).filter_map(|account| account.block().lease()).collect();
        if let Err(error) = store::renew(&self.0.db, &leases, self.0.ambient.now() + LEASE).await {
            tracing::warn!(error = %error.for_log(), "leases of budgets could not be renewed; trying again");
        }
    }

    /// Ends the leases of processes that are dead, until `stop`.
    pub async fn sweep(self, stop: CancellationToken) {
        loop {
            if let Err(error) = store::end_leases(&self.0.db, self.0.ambient.now()).await {
                tracing::warn!(error = %error.for_log(), "leases of budgets could not be ended; trying again");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(RENEW) => {}
            }
        }
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A call, or a part of it, that cannot go on without.
    Call,
    /// What it can do without: nobody is told where it does not fit in.
    Extra,
}

/// Whether a write that failed may be in the database all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Nothing,
    Unknown,
}

fn unknown(error: Error) -> FailureKind {
    tracing::warn!(error = %error.for_log(), "what is left of a budget could not be read");
    FailureKind::BudgetUnknown
}
