//! The providers of this process, and how each of their models fares: shared by all calls.
use super::{
    model::{Failure, FailureKind},
    provider::Provider,
    route::{Circuit, CircuitState, Skipped, Standing},
};
use crate::{
    config::{ProviderKind, Target},
    shared::id::WorkspaceId,
};
use chrono::{DateTime, Utc};
use futures_util::future::select_all;
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// Targets of which something is kept; beyond it those that fare well and are idle go, then those that were idle longest.
/// Workspaces name models as they like.
const MANY_TARGETS: usize = 4_096;

/// As one workspace uses them.
#[derive(Clone, Debug)]
pub struct Providers {
    inner: Arc<Inner>,
    workspace: Option<WorkspaceId>,
}

#[derive(Debug)]
struct Inner {
    by_name: BTreeMap<String, Known>,
    targets: Mutex<HashMap<Key, Slot>>,
    health: Mutex<BTreeMap<String, Health>>,
    began: Instant,
    /// A target that was silent for less than this before it was given up has not failed.
    patience: Duration,
}

/// Provider and model.
type Key = (String, String);

/// A provider, and what is configured of it.
#[derive(Clone, Debug)]
pub struct Known {
    pub provider: Arc<dyn Provider>,
    pub kind: ProviderKind,
    /// Calls at once to each of its models.
    pub max_concurrent: Option<u32>,
}

/// How a model of a provider fares.
#[derive(Debug, Default)]
struct Slot {
    circuit: Circuit,
    running: u32,
    /// The same by workspaces: none sees what others do.
    running_of: HashMap<Option<WorkspaceId>, u32>,
    used: Duration,
    /// Told when a call ended.
    freed: Arc<Notify>,
}

/// How a provider was found when it was looked at last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub models: Vec<String>,
    /// What went wrong.
    pub failure: Option<Failure>,
    pub at: DateTime<Utc>,
}

/// Why a target cannot be called now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// For so long.
    Rests(Duration),
    /// It takes no more calls at once.
    Busy,
}

pub(super) type Passed = (Arc<dyn Provider>, Admitted);

/// A call that a target let pass. Dropped without a word, it was given up by its caller.
#[derive(Debug)]
pub(super) struct Admitted {
    inner: Arc<Inner>,
    workspace: Option<WorkspaceId>,
    key: Key,
    told: bool,
    /// It is to find out whether the target works again.
    probe: bool,
    answered: bool,
    /// Since when nothing was heard of the target.
    silent_since: Instant,
}

impl Providers {
    pub fn new(by_name: impl IntoIterator<Item = (String, Known)>, patience: Duration) -> Self {
        let inner = Inner {
            by_name: by_name.into_iter().collect(),
            targets: Mutex::default(),
            health: Mutex::default(),
            began: Instant::now(),
            patience,
        };
        Self { inner: Arc::new(inner), workspace: None }
    }

    /// As this workspace uses them.
    pub fn of(&self, workspace: WorkspaceId) -> Self {
        Self { workspace: Some(workspace), ..self.clone() }
    }

    pub fn patience(&self) -> Duration {
        self.inner.patience
    }

    pub fn get(&self, name: &str) -> Option<&Known> {
        self.inner.by_name.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Known)> {
        self.inner.by_name.iter().map(|(name, known)| (name.as_str(), known))
    }

    /// How a target stands now.
    pub fn standing(&self, target: &Target) -> Standing {
        let now = self.inner.now();
        let max_concurrent = self.get(&target.provider).and_then(|known| known.max_concurrent);
        let targets = self.inner.targets();
        let slot = targets.get(&key(target));
        let circuit = slot.map_or(CircuitState::Closed, |slot| slot.circuit.state(now));
        let running = slot.map_or(0, |slot| slot.running);
        let own = slot.and_then(|slot| slot.running_of.get(&self.workspace)).copied().unwrap_or(0);
        let may = slot.map_or(Ok(()), |slot| slot.circuit.may(now));
        let skipped = match (may, circuit) {
            _ if self.get(&target.provider).is_none() => Some(Skipped::NoProvider),
            (Err(until), CircuitState::Open { .. }) => Some(Skipped::CircuitOpen(until.saturating_sub(now))),
            (Err(_), CircuitState::HalfOpen) => Some(Skipped::Probing),
            (Err(until), CircuitState::Closed) => Some(Skipped::Asked(until.saturating_sub(now))),
            (Ok(()), _) => max_concurrent.filter(|max| running >= *max).map(|_| Skipped::Busy),
        };
        Standing { circuit, running: own, max_concurrent, skipped }
    }

    /// The provider, if the target may be called now.
    pub(super) fn admit(&self, target: &Target) -> Result<Passed, Refused> {
        let known = self.get(&target.provider).ok_or(Refused::Rests(Duration::MAX))?;
        let (now, key) = (self.inner.now(), key(target));
        let mut targets = self.inner.targets();
        if targets.len() >= MANY_TARGETS && !targets.contains_key(&key) {
            make_room(&mut targets);
        }
        let slot = targets.entry(key.clone()).or_default();
        slot.used = now;
        if known.max_concurrent.is_some_and(|max| slot.running >= max) {
            return Err(Refused::Busy);
        }
        let admitted = slot.circuit.admit(now).map_err(|until| Refused::Rests(until.saturating_sub(now)));
        if admitted.is_ok() {
            slot.running += 1;
            *slot.running_of.entry(self.workspace).or_default() += 1;
        }
        // This one may have taken a notice that others wait for.
        if known.max_concurrent.is_some_and(|max| slot.running < max) {
            slot.freed.notify_one();
        }
        let probe = admitted?;
        drop(targets);
        let admitted = Admitted {
            inner: self.inner.clone(),
            workspace: self.workspace,
            key,
            told: false,
            probe,
            answered: false,
            silent_since: Instant::now(),
        };
        Ok((known.provider.clone(), admitted))
    }

    /// Waits until one of these takes a call, or is found to rest for so long.
    pub(super) async fn wait(&self, among: &[Target]) -> (Target, Result<Passed, Duration>) {
        loop {
            let room = |target: &Target| {
                let freed = self.inner.targets().entry(key(target)).or_default().freed.clone();
                let target = target.clone();
                Box::pin(async move {
                    freed.notified().await;
                    target
                })
            };
            let (target, ..) = select_all(among.iter().map(room)).await;
            match self.admit(&target) {
                Ok(passed) => return (target, Ok(passed)),
                Err(Refused::Rests(wait)) => return (target, Err(wait)),
                Err(Refused::Busy) => {}
            }
        }
    }

    pub(super) fn set_health(&self, name: &str, health: Health) {
        self.inner.health().insert(name.to_owned(), health);
    }

    /// `None` before it was looked at.
    pub fn health(&self, name: &str) -> Option<Health> {
        self.inner.health().get(name).cloned()
    }
}

impl Inner {
    fn targets(&self) -> MutexGuard<'_, HashMap<Key, Slot>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn health(&self) -> MutexGuard<'_, BTreeMap<String, Health>> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Admitted {
    /// The target said something.
    pub(super) fn answered(&mut self) {
        self.silent_since = Instant::now();
        self.answered = true;
        if mem::take(&mut self.probe)
            && let Some(slot) = self.inner.targets().get_mut(&self.key)
        {
            slot.circuit.answered();
        }
    }

    pub(super) fn succeeded(mut self) {
        self.tell(|circuit, _, probe| circuit.succeeded(probe));
    }

    /// What a workspace finds too long is none of the others' business: a target is given time that the operator allows.
    pub(super) fn failed(mut self, failure: Failure) {
        let impatient =
            failure.kind == FailureKind::Timeout && self.silent_since.elapsed() < self.inner.patience;
        self.tell(|circuit, now, probe| match impatient {
            true => circuit.given_up(probe),
            false => circuit.failed(failure.kind, failure.retry_after, now, probe),
        });
    }

    /// Once, however often it is called.
    fn tell(&mut self, how: impl FnOnce(&mut Circuit, Duration, bool)) {
        if mem::replace(&mut self.told, true) {
            return;
        }
        let now = self.inner.now();
        if let Some(slot) = self.inner.targets().get_mut(&self.key) {
            how(&mut slot.circuit, now, self.probe);
            slot.running = slot.running.saturating_sub(1);
            if let Entry::Occupied(mut own) = slot.running_of.entry(self.workspace) {
                *own.get_mut() -= 1;
                if *own.get() == 0 {
                    own.remove();
                }
            }
            slot.freed.notify_one();
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let answered = self.answered;
        self.tell(
            |circuit, _, probe| if answered { circuit.succeeded(probe) } else { circuit.given_up(probe) },
        );
    }
}

fn make_room(targets: &mut HashMap<Key, Slot>) {
    targets.retain(|_, slot| slot.running > 0 || !slot.circuit.is_new());
    if targets.len() < MANY_TARGETS {
        return;
    }
    let mut idle: Vec<_> = targets.values().filter(|slot| slot.running == 0).map(|slot| slot.used).collect();
    let middle = idle.len() / 2;
    if middle < idle.len() {
        let (_, middle, _) = idle.select_nth_unstable(middle);
        let middle = *middle;
        targets.retain(|_, slot| slot.running > 0 || slot.used > middle);
    }
}

fn key(target: &Target) -> Key {
    (target.provider.clone(), target.model.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::builtin::Builtin;

    fn target(model: usize) -> Target {
        Target { provider: "p".to_owned(), model: model.to_string(), weight: 1 }
    }

    #[test]
    fn models_that_are_invented_and_fail_do_not_fill_the_memory() {
        let provider = Arc::new(Builtin::new(Duration::ZERO));
        let known = Known { provider, kind: ProviderKind::Builtin, max_concurrent: None };
        let providers = Providers::new([("p".to_owned(), known)], Duration::ZERO);
        let (_, runs) = providers.admit(&target(0)).unwrap();
        for model in 1..3 * MANY_TARGETS {
            let (_, admitted) = providers.admit(&target(model)).unwrap();
            admitted.failed(FailureKind::Unauthorized.plain());
            assert!(providers.inner.targets().len() <= MANY_TARGETS);
        }
        assert_eq!(providers.standing(&target(0)).running, 1, "what is under way is known");
        drop(runs);
        assert_eq!(providers.standing(&target(0)).running, 0);
    }
}
