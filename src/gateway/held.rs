//! What a process keeps in memory of a workspace: the routes and policies that it set for itself, and the number by which
//! they hold.
//!
//! A call asks here, not the database. A change tells the other processes by the bus, which may lose it; so what was
//! looked at longer ago than [`FRESH`] is looked at again: a change holds everywhere after that at the latest.
use super::{
    guard::{Own, Policies},
    named::NamedRoute,
    store,
};
use crate::{
    db::Db,
    shared::{Result, id::WorkspaceId},
};
use quick_cache::sync::Cache;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// How long what was looked at is believed.
const FRESH: Duration = Duration::from_secs(2);
/// Workspaces in memory; each sets a bounded number of routes and policies.
const WORKSPACES: usize = 10_000;

/// Of one workspace, as it was looked at.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// Of routes, of policies, and of what models answered: an answer of another number does not count.
    pub(super) version: i64,
    pub(super) routes: Arc<BTreeMap<String, NamedRoute>>,
    pub(super) policies: Own,
    looked_at: Instant,
}

#[derive(Clone)]
pub(super) struct HeldOf(Arc<Inner>);

struct Inner {
    workspaces: Cache<WorkspaceId, Arc<Held>>,
    /// How often something was heard: what was read before it is not kept.
    heard: AtomicU64,
}

impl fmt::Debug for HeldOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldOf")
    }
}

impl HeldOf {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner { workspaces: Cache::new(WORKSPACES), heard: AtomicU64::new(0) }))
    }

    /// What holds in a workspace, without a statement where it was looked at just now. `changed` is told where it is
    /// another than before.
    pub(super) async fn of(
        &self,
        db: &Db,
        policies: &Policies,
        workspace: WorkspaceId,
        changed: impl FnOnce(),
    ) -> Result<Arc<Held>> {
        let known = self.0.workspaces.get(&workspace);
        if let Some(known) = known.as_ref().filter(|known| known.looked_at.elapsed() < FRESH) {
            return Ok(known.clone());
        }
        let (heard, looked_at) = (self.0.heard.load(Ordering::Acquire), Instant::now());
        // The number first: what is read after it is no older.
        let version = store::find_version(db, workspace).await?;
        if known.as_ref().is_some_and(|known| known.version != version) {
            changed();
        }
        let (routes, policies) = match known {
            Some(known) if known.version == version => (known.routes.clone(), known.policies.clone()),
            _ if version == 0 => (Arc::default(), Arc::default()),
            _ => {
                let routes = store::list_routes(db, workspace).await?;
                let routes = routes.into_iter().map(|route| (route.name.clone(), route)).collect();
                let own = store::list_guardrail_policies(db, workspace).await?;
                (Arc::new(routes), policies.ready(&own))
            }
        };
        let held = Arc::new(Held { version, routes, policies, looked_at });
        if self.0.heard.load(Ordering::Acquire) == heard {
            self.0.workspaces.insert(workspace, held.clone());
        }
        Ok(held)
    }

    pub(super) fn forget(&self, workspace: WorkspaceId) {
        self.0.heard.fetch_add(1, Ordering::AcqRel);
        self.0.workspaces.remove(&workspace);
    }

    pub(super) fn forget_all(&self) {
        self.0.heard.fetch_add(1, Ordering::AcqRel);
        self.0.workspaces.clear();
    }
}
