//! The providers of this process, and how each of their models fares: shared by all calls.
use super::{
    model::Failure,
    provider::Provider,
    route::{Circuit, CircuitState, Skipped, Standing},
};
use crate::config::{ProviderKind, Target};
use chrono::{DateTime, Utc};
use futures_util::future::select_all;
use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// Targets of which something is kept; beyond it those that fare well and are idle go. Workspaces name models as they
/// like.
const MANY_TARGETS: usize = 4_096;

#[derive(Clone, Debug)]
pub struct Providers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    by_name: BTreeMap<String, Known>,
    targets: Mutex<HashMap<Key, Slot>>,
    health: Mutex<BTreeMap<String, Health>>,
    began: Instant,
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
    key: Key,
    told: bool,
}

impl Providers {
    pub fn new(by_name: impl IntoIterator<Item = (String, Known)>) -> Self {
        Self(Arc::new(Inner {
            by_name: by_name.into_iter().collect(),
            targets: Mutex::default(),
            health: Mutex::default(),
            began: Instant::now(),
        }))
    }

    pub fn get(&self, name: &str) -> Option<&Known> {
        self.0.by_name.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Known)> {
        self.0.by_name.iter().map(|(name, known)| (name.as_str(), known))
    }

    /// How a target stands now.
    pub fn standing(&self, target: &Target) -> Standing {
        let now = self.0.now();
        let max_concurrent = self.get(&target.provider).and_then(|known| known.max_concurrent);
        let targets = self.0.targets();
        let slot = targets.get(&key(target));
        let circuit = slot.map_or(CircuitState::Closed, |slot| slot.circuit.state(now));
        let running = slot.map_or(0, |slot| slot.running);
        let may = slot.map_or(Ok(()), |slot| slot.circuit.may(now));
        let skipped = match (may, circuit) {
            _ if self.get(&target.provider).is_none() => Some(Skipped::NoProvider),
            (Err(until), CircuitState::Open { .. }) => Some(Skipped::CircuitOpen(until.saturating_sub(now))),
            (Err(_), CircuitState::HalfOpen) => Some(Skipped::Probing),
            (Err(until), CircuitState::Closed) => Some(Skipped::Asked(until.saturating_sub(now))),
            (Ok(()), _) => max_concurrent.filter(|max| running >= *max).map(|_| Skipped::Busy),
        };
        Standing { circuit, running, max_concurrent, skipped }
    }

    /// The provider, if the target may be called now.
    pub(super) fn admit(&self, target: &Target) -> Result<Passed, Refused> {
        let known = self.get(&target.provider).ok_or(Refused::Rests(Duration::MAX))?;
        let (now, key) = (self.0.now(), key(target));
        let mut targets = self.0.targets();
        if targets.len() >= MANY_TARGETS {
            targets.retain(|_, slot| slot.running > 0 || !slot.circuit.is_new());
        }
        let slot = targets.entry(key.clone()).or_default();
        if known.max_concurrent.is_some_and(|max| slot.running >= max) {
            return Err(Refused::Busy);
        }
        let admitted = slot.circuit.admit(now).map_err(|until| Refused::Rests(until.saturating_sub(now)));
        if admitted.is_ok() {
            slot.running += 1;
        }
        // This one may have taken a notice that others wait for.
        if known.max_concurrent.is_some_and(|max| slot.running < max) {
            slot.freed.notify_one();
        }
        admitted?;
        drop(targets);
        Ok((known.provider.clone(), Admitted { inner: self.0.clone(), key, told: false }))
    }

    /// Waits until one of these takes a call, or is found to rest for so long.
    pub(super) async fn wait(&self, among: &[Target]) -> (Target, Result<Passed, Duration>) {
        loop {
            let room = |target: &Target| {
                let freed = self.0.targets().entry(key(target)).or_default().freed.clone();
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
        self.0.health().insert(name.to_owned(), health);
    }

    /// `None` before it was looked at.
    pub fn health(&self, name: &str) -> Option<Health> {
        self.0.health().get(name).cloned()
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
    pub(super) fn succeeded(mut self) {
        self.tell(|circuit, _| circuit.succeeded());
    }

    pub(super) fn failed(mut self, failure: Failure) {
        self.tell(|circuit, now| circuit.failed(failure.kind, failure.retry_after, now));
    }

    /// Once, however often it is called.
    fn tell(&mut self, how: impl FnOnce(&mut Circuit, Duration)) {
        if mem::replace(&mut self.told, true) {
            return;
        }
        let now = self.inner.now();
        if let Some(slot) = self.inner.targets().get_mut(&self.key) {
            how(&mut slot.circuit, now);
            slot.running = slot.running.saturating_sub(1);
            slot.freed.notify_one();
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.tell(|circuit, _| circuit.given_up());
    }
}

fn key(target: &Target) -> Key {
    (target.provider.clone(), target.model.clone())
}
