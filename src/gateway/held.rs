//! What a process keeps in memory of a workspace: the routes and policies that it set for itself, and the number by which
//! they hold.
//!
//! A call asks here, not the database. A change tells the other processes by the bus, which may lose it; so what was
//! looked at longer ago than [`FRESH`] is looked at again, by one call while the others go on with it: a change holds
//! everywhere after that. Where the database cannot be asked, what is known holds on for as long as [`LASTS`].
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
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// How long what was looked at is believed.
const FRESH: Duration = Duration::from_secs(2);
/// How long it holds on where it cannot be looked at again.
const LASTS: Duration = Duration::from_secs(60);
/// Workspaces in memory; each sets a bounded number of routes and policies.
const WORKSPACES: usize = 10_000;

/// Of one workspace, as it was looked at.
#[derive(Debug)]
pub(super) struct Held {
    /// Of routes, of policies, and of what models answered: an answer of another number does not count.
    pub(super) version: i64,
    pub(super) routes: Arc<BTreeMap<String, NamedRoute>>,
    pub(super) policies: Own,
    /// Whether what calls ask and answer is kept.
    pub(super) keeps_contents: bool,
    looked_at: Instant,
    /// Somebody looks at it again.
    looking: AtomicBool,
}

/// Of all that look again, one at a time; also one that is given up lets the next one do it.
struct Looking<'h>(&'h AtomicBool);

impl<'h> Looking<'h> {
    fn begin(held: &'h Held) -> Option<Self> {
        (!held.looking.swap(true, Ordering::AcqRel)).then(|| Self(&held.looking))
    }
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
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
        let first = self.0.workspaces.get_or_insert_async(&workspace, look(db, policies, workspace, None));
        let known = first.await?;
        let age = known.looked_at.elapsed();
        if age < FRESH {
            return Ok(known);
        }
        let Some(_looking) = Looking::begin(&known) else {
            if age < LASTS {
                return Ok(known.clone());
            }
            // Whoever looks has no answer yet.
            return look(db, policies, workspace, Some(&*known)).await;
        };
        let heard = self.0.heard.load(Ordering::Acquire);
        let held = match look(db, policies, workspace, Some(&*known)).await {
            Ok(held) => held,
            Err(error) if age < LASTS => {
                tracing::warn!(%workspace, error = %error.for_log(), "what holds in a workspace could not be looked at again; it holds on");
                return Ok(known.clone());
            }
            Err(error) => return Err(error),
        };
        if held.version != known.version {
            changed();
        }
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

async fn look(
    db: &Db,
    policies: &Policies,
    workspace: WorkspaceId,
    known: Option<&Held>,
) -> Result<Arc<Held>> {
    let looked_at = Instant::now();
    // The number first: what is read after it is no older.
    let store::State { version, keeps_contents } = store::find_state(db, workspace).await?;
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
    Ok(Arc::new(Held {
        version,
        routes,
        policies,
        keeps_contents,
        looked_at,
        looking: AtomicBool::new(false),
    }))
}
