//! Carries runs out on our own tables. A worker takes a due run under a lease, plans, records, makes the calls that
//! the plan asks for, and records what came of them with what follows from it: each time planned outside ([`plan`]) and
//! written in one transaction that a stale token refuses ([`record`]). A call may be made twice when a worker dies in it; it is recorded once.
mod call;
mod plan;
mod record;
mod tool;

use super::{
    WorkflowService,
    event::Snapshot,
    model::{StepError, StepStatus},
    planner::{Definition, Outcome},
    store::{self, Lease},
};
use crate::{
    account::AccountService,
    config::WorkflowConfig,
    db::{Db, Source},
    event::Log,
    gateway::{Gateway, Tools},
    memory::{MemoryService, Remembered},
    shared::{Ambient, Error, Result, id::RunId},
};
use call::Within;
use chrono::{DateTime, TimeDelta, Utc};
use record::{Done, Recorded};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Versions kept ready: they never change.
const VERSIONS: usize = 256;
/// Workers that one run may take down, or leave, before anything more of it is recorded.
const MAX_TAKEOVERS: i64 = 10;
/// How often the clock is looked at: it may be a test's, or jump.
const TICK: Duration = Duration::from_millis(50);

#[derive(Clone, Debug)]
pub struct Executor {
    db: Db,
    log: Log,
    ambient: Ambient,
    account: AccountService,
    memory: MemoryService,
    gateway: Gateway,
    tools: Tools,
    settings: WorkflowConfig,
    hint: watch::Receiver<()>,
    /// This start of this server.
    owner: Uuid,
    versions: Arc<quick_cache::sync::Cache<Uuid, Arc<Published>>>,
    active: Arc<Mutex<HashSet<RunId>>>,
}

/// A run that is driven here, until this is dropped: a panic gives it back, too.
struct Driven {
    run: RunId,
    active: Arc<Mutex<HashSet<RunId>>>,
}

impl Driven {
    fn new(active: &Arc<Mutex<HashSet<RunId>>>, run: RunId) -> Self {
        active.lock().unwrap_or_else(PoisonError::into_inner).insert(run);
        Self { run, active: active.clone() }
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.run);
    }
}

/// A version, ready to be carried out.
#[derive(Debug)]
struct Published {
    definition: Definition,
    /// A person or a service account: a run may do no more than they may.
    publisher: Uuid,
}

/// What an executor does the steps with.
#[derive(Clone, Debug)]
pub struct Hands {
    pub account: AccountService,
    pub memory: MemoryService,
    pub gateway: Gateway,
    pub tools: Tools,
}

/// What came of a call, and which memories it read.
#[derive(Clone, Debug)]
struct Called {
    outcome: Outcome,
    sources: Vec<Remembered>,
}

/// Told where a worker finds that it may not write any more.
fn lost(lease: &Lease) {
    tracing::info!(run = %lease.run, "the run has ended or belongs to another worker; what was under way is dropped");
}

impl Executor {
    pub fn new(
        db: Db,
        log: Log,
        ambient: Ambient,
        workflows: &WorkflowService,
        hands: Hands,
        settings: WorkflowConfig,
    ) -> Self {
        let Hands { account, memory, gateway, tools } = hands;
        let (owner, hint) = (ambient.ids.uuid(), workflows.hint());
        let versions = Arc::new(quick_cache::sync::Cache::new(VERSIONS));
        Self {
            db,
            log,
            ambient,
            account,
            memory,
            gateway,
            tools,
            settings,
            hint,
            owner,
            versions,
            active: Arc::default(),
        }
    }

    /// Works until `stop`; then gives back what is under way.
    pub async fn work(self, stop: CancellationToken) {
        if self.db.is_sqlite()
            && let Err(error) = self.forget_owners().await
        {
            tracing::warn!(error = %error.for_log(), "leases of an earlier start stay until they end");
        }
        let mut hint = self.hint.clone();
        let mut drives: JoinSet<()> = JoinSet::new();
        while !stop.is_cancelled() {
            hint.mark_unchanged();
            while drives.try_join_next().is_some() {}
            let due = match self.take(&mut drives, &stop).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(error = %error.for_log(), "no runs could be taken; trying again");
                    None
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                _ = hint.changed() => {}
                Some(_) = drives.join_next() => {}
                () = self.until(due) => {}
            }
        }
        while drives.join_next().await.is_some() {}
    }

    /// Takes due runs as far as there is room, and tells when the next one is due.
    async fn take(
        &self,
        drives: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> Result<Option<DateTime<Utc>>> {
        let active = self.active();
        let room = self.settings.runs.saturating_sub(active.len());
        if room == 0 {
            return Ok(None);
        }
        let now = self.ambient.now();
        let due = store::find_due(&self.db, &active).await?;
        if due.is_none_or(|due| due > now) {
            return Ok(due);
        }
        let tx = self.db.begin().await?;
        let room = u64::try_from(room).unwrap_or(1);
        let leases = store::claim(&tx, self.owner, now, self.lease_end(), &active, room).await?;
        tx.commit().await?;
        for lease in leases {
            let driven = Driven::new(&self.active, lease.run);
            let (executor, stop) = (self.clone(), stop.clone());
            drives.spawn(async move {
                let _driven = driven;
                if let Err(error) = executor.drive(&lease, &stop).await {
                    // The lease ends by itself, and the next worker goes on from what is recorded.
                    match error {
                        Error::Internal(source) => {
                            tracing::error!(source = source.as_ref(), run = %lease.run, "a run was left");
                        }
                        error => tracing::warn!(error = %error.for_log(), run = %lease.run, "a run was left"),
                    }
                }
            });
        }
        // Whether there are more is seen at once.
        Ok(Some(now))
    }

    fn active(&self) -> Vec<RunId> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    fn lease_end(&self) -> DateTime<Utc> {
        self.ambient.now() + TimeDelta::seconds(self.settings.lease_seconds.into())
    }

    /// Until then by the clock of [`Ambient`], or until it is time to look again: other processes give no hint.
    async fn until(&self, due: Option<DateTime<Utc>>) {
        let looked = tokio::time::Instant::now();
        let poll = Duration::from_millis(self.settings.poll_milliseconds);
        while looked.elapsed() < poll && due.is_none_or(|due| due > self.ambient.now()) {
            tokio::time::sleep(TICK.min(poll)).await;
        }
    }

    async fn forget_owners(&self) -> Result<()> {
        let tx = self.db.begin().await?;
        store::forget_owners(&tx).await?;
        tx.commit().await
    }

    /// Goes on with a run until it ends, waits for something, or belongs to somebody else.
    async fn drive(&self, lease: &Lease, stop: &CancellationToken) -> Result<()> {
        if lease.takeovers >= MAX_TAKEOVERS {
            let message =
                format!("{MAX_TAKEOVERS} workers were lost with this run, and got no further in it");
            return self.end_at_once(lease, StepError::new("WORKER_LOST", message)).await;
        }
        let version = self.version(lease).await?;
        let mut hint = self.hint.clone();
        let mut calls: JoinSet<Called> = JoinSet::new();
        let mut under_way: BTreeMap<usize, i32> = BTreeMap::new();
        let mut done: Vec<Called> = vec![];
        loop {
            let came = Done { called: std::mem::take(&mut done), under_way: &under_way };
            let (new, revision, wake_at) = match self.record(lease, &version, came).await? {
                Recorded::Over => return Ok(()),
                Recorded::Calls { calls, revision, wake_at } => (calls, revision, wake_at),
            };
            for due in new {
                under_way.insert(due.place, due.attempt);
                let step = &version.definition.steps()[due.place];
                let (timeout, key) = (step.timeout.map(|time| time.0), step.key.clone());
                let status = StepStatus::Running;
                let step = Snapshot { id: due.step, key, status, attempt: due.attempt };
                let within = Within { lease: lease.clone(), step, actor: due.actor };
                calls.spawn(self.clone().call(within, due.place, due.call, timeout));
            }
            loop {
                tokio::select! {
                    () = stop.cancelled() => return self.give_back(lease).await,
                    Some(called) = calls.join_next() => {
                        // A call that panicked is not known by its place any more: what is recorded as running and
                        // is not under way counts as lost.
                        match called {
                            Ok(called) => done.push(called),
                            Err(error) => tracing::error!(%error, run = %lease.run, "a call broke"),
                        }
                        while let Some(Ok(called)) = calls.try_join_next() {
                            done.push(called);
                        }
                        if done.is_empty() {
                            under_way.clear();
                            calls.abort_all();
                        }
                        for called in &done {
                            under_way.remove(&called.outcome.place);
                        }
                        break;
                    }
                    _ = hint.changed() => {}
                    () = self.heartbeat(wake_at) => {}
                }
                match self.renew(lease).await? {
                    None => {
                        lost(lease);
                        return Ok(());
                    }
                    Some(now) if now != revision => break,
                    Some(_) if wake_at.is_some_and(|at| at <= self.ambient.now()) => break,
                    Some(_) => {}
                }
            }
        }
    }

    async fn version(&self, lease: &Lease) -> Result<Arc<Published>> {
        if let Some(version) = self.versions.get(&lease.version.uuid()) {
            return Ok(version);
        }
        let plan = store::get_plan(&self.db, lease).await?;
        let version = Published { definition: Definition::new(plan.graph), publisher: plan.publisher };
        let version = Arc::new(version);
        self.versions.insert(lease.version.uuid(), version.clone());
        Ok(version)
    }

    /// Until the lease is to be renewed, or something in the run is due.
    async fn heartbeat(&self, wake_at: Option<DateTime<Utc>>) {
        let beat = Duration::from_millis(self.settings.heartbeat_milliseconds);
        let due = async {
            while wake_at.is_none_or(|at| at > self.ambient.now()) {
                tokio::time::sleep(TICK).await;
            }
        };
        let _ = timeout(beat, due).await;
    }

    async fn renew(&self, lease: &Lease) -> Result<Option<i64>> {
        let tx = self.db.begin().await?;
        let revision = store::renew(&tx, lease, self.lease_end()).await?;
        tx.commit().await?;
        Ok(revision)
    }

    async fn give_back(&self, lease: &Lease) -> Result<()> {
        let tx = self.db.begin().await?;
        store::release(&tx, lease).await?;
        tx.commit().await
    }
}
