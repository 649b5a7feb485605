//! The providers of this process, and how each of their models fares: shared by all calls.
use super::{
    model::Failure,
    provider::Provider,
    route::{Circuit, CircuitState},
};
use crate::config::Target;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

#[derive(Clone, Debug)]
pub struct Providers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    by_name: BTreeMap<String, Arc<dyn Provider>>,
    circuits: Mutex<HashMap<(String, String), Circuit>>,
    began: Instant,
}

/// A call that a target's circuit let pass. Dropped without a word, it was given up by its caller.
#[derive(Debug)]
pub(super) struct Admitted {
    inner: Arc<Inner>,
    key: (String, String),
    told: bool,
}

impl Providers {
    pub fn new(by_name: impl IntoIterator<Item = (String, Arc<dyn Provider>)>) -> Self {
        Self(Arc::new(Inner {
            by_name: by_name.into_iter().collect(),
            circuits: Mutex::default(),
            began: Instant::now(),
        }))
    }

    /// The same with these beside the others, or in the place of those of the same name.
    pub fn with(&self, more: impl IntoIterator<Item = (String, Arc<dyn Provider>)>) -> Self {
        Self::new(self.0.by_name.clone().into_iter().chain(more))
    }

    pub fn get(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.0.by_name.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.by_name.keys().map(String::as_str)
    }

    pub fn circuit(&self, target: &Target) -> CircuitState {
        let circuits = self.0.circuits();
        circuits.get(&key(target)).map_or(CircuitState::Closed, |circuit| circuit.state(self.0.now()))
    }

    /// The provider, if the target may be called now; if not, how long not.
    pub(super) fn admit(&self, target: &Target) -> Result<(Arc<dyn Provider>, Admitted), Duration> {
        let provider = self.get(&target.provider).cloned().ok_or(Duration::MAX)?;
        let (now, key) = (self.0.now(), key(target));
        self.0.circuits().entry(key.clone()).or_default().admit(now).map_err(|until| until - now)?;
        Ok((provider, Admitted { inner: self.0.clone(), key, told: false }))
    }
}

impl Inner {
    fn circuits(&self) -> MutexGuard<'_, HashMap<(String, String), Circuit>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn tell(&mut self, how: impl FnOnce(&mut Circuit, Duration)) {
        self.told = true;
        let now = self.inner.now();
        if let Some(circuit) = self.inner.circuits().get_mut(&self.key) {
            how(circuit, now);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if !self.told {
            self.tell(|circuit, _| circuit.given_up());
        }
    }
}

fn key(target: &Target) -> (String, String) {
    (target.provider.clone(), target.model.clone())
}
