use super::model::Budget;
use crate::{
    db::Db,
    gateway::store::budget,
    shared::{Result, id::WorkspaceId},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::OwnedMutexGuard, time::Instant};

/// How long a workspace's budgets are believed to be as they were read: what another server changes holds then.
const FRESH: Duration = Duration::from_secs(2);
/// How long those are kept that nobody asks for.
const IDLE: Duration = Duration::from_secs(15);

/// Budgets of workspaces, as they were read a moment ago.
#[derive(Debug)]
pub(super) struct KnownBudgets {
    db: Db,
    known: Mutex<Known>,
    reading: Mutex<Reading>,
}

#[derive(Debug, Default)]
struct Known {
    /// And when they were read.
    of: HashMap<WorkspaceId, (Instant, Arc<[Budget]>)>,
    /// Counts what has changed: what was read before is not believed.
    changes: u64,
}

type Reading = HashMap<WorkspaceId, Arc<tokio::sync::Mutex<()>>>;

impl KnownBudgets {
    pub(super) fn new(db: Db) -> Self {
        Self { db, known: Mutex::default(), reading: Mutex::default() }
    }

    pub(super) async fn of(&self, workspace: WorkspaceId) -> Result<Arc<[Budget]>> {
        let is_known = self.known().of.contains_key(&workspace);
        let _reading = if is_known { None } else { Some(self.reading(workspace).await) };
        let now = Instant::now();
        let (stale, changes) = {
            let mut known = self.known();
            let changes = known.changes;
            match known.of.get_mut(&workspace) {
                Some((at, budgets)) if now - *at < FRESH => return Ok(budgets.clone()),
                // Whoever comes while they are read takes them as they were.
                Some((at, budgets)) => {
                    *at = now;
                    (Some(budgets.clone()), changes)
                }
                None => (None, changes),
            }
        };
        match budget::list_all(&self.db, workspace).await {
            Ok(budgets) => {
                let budgets: Arc<[Budget]> = budgets.into();
                let mut known = self.known();
                if known.changes == changes {
                    known.of.insert(workspace, (now, budgets.clone()));
                }
                Ok(budgets)
            }
            // Where the database is away, what is in open blocks can still be spent.
            Err(error) => stale.ok_or(error),
        }
    }

    /// They are not what they were.
    pub(super) fn changed(&self, workspace: WorkspaceId) {
        let mut known = self.known();
        known.of.remove(&workspace);
        known.changes += 1;
    }

    pub(super) fn forget_idle(&self) {
        self.known().of.retain(|_, (at, _)| at.elapsed() < IDLE);
        self.all_reading().retain(|_, lock| Arc::strong_count(lock) > 1);
    }

    /// Held by who reads what is not known yet of a workspace: of many calls at once, one.
    pub(super) async fn reading(&self, workspace: WorkspaceId) -> OwnedMutexGuard<()> {
        let lock = self.all_reading().entry(workspace).or_default().clone();
        lock.lock_owned().await
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all_reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
