//! What many who follow a workspace show at once is loaded once.
use crate::shared::id::WorkspaceId;
use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::OnceCell,
    time::{Instant, sleep, timeout},
};

/// Things kept, of all workspaces.
const MOST: usize = 256;
/// From one sweep to the next, as long as something is kept.
const SWEEP: Duration = Duration::from_secs(1);
/// How long to wait for somebody else's load, whose connection may have stopped taking data.
const WAIT: Duration = Duration::from_secs(1);

/// Things as they were loaded last, for as long as nothing newer is known of their workspace. A key has to say who may
/// see the thing: whoever asks by the same key is given the same. Cheap to clone.
pub struct Shares<K, V> {
    kept: Arc<Mutex<Kept<K, V>>>,
    kept_for: Duration,
}

struct Kept<K, V> {
    shares: HashMap<(WorkspaceId, K), Share<V>>,
    /// Whether somebody sweeps.
    swept: bool,
}

struct Share<V> {
    /// How far the log was known when it was loaded, or begun to be.
    as_of: i64,
    made: Instant,
    value: Arc<OnceCell<V>>,
}

impl<K, V> Shares<K, V>
where
    K: Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Nothing is given out for longer, and nothing stays in memory for more than a sweep longer: what is forgotten
    /// meanwhile must not.
    pub fn kept_for(kept_for: Duration) -> Self {
        Self { kept: Arc::new(Mutex::new(Kept { shares: HashMap::new(), swept: false })), kept_for }
    }

    /// The thing as it is now, or was when the log was known up to `as_of`. Of those who ask at once, one loads.
    pub async fn get<E, F: Future<Output = Result<V, E>>>(
        &self,
        workspace: WorkspaceId,
        as_of: i64,
        key: K,
        load: impl Fn() -> F,
    ) -> Result<V, E> {
        let value = self.share((workspace, key), as_of);
        match timeout(WAIT, value.get_or_try_init(&load)).await {
            Ok(loaded) => loaded.cloned(),
            Err(_) => load().await,
        }
    }

    /// The thing, where it was kept and is as new as that.
    pub fn find(&self, workspace: WorkspaceId, as_of: i64, key: K) -> Option<V> {
        let kept = self.lock();
        let share = kept.shares.get(&(workspace, key)).filter(|share| share.holds(as_of, self.kept_for))?;
        share.value.get().cloned()
    }

    /// Keeps what was made elsewhere.
    pub fn keep(&self, workspace: WorkspaceId, as_of: i64, key: K, value: V) {
        // Who was faster has kept the same.
        let _ = self.share((workspace, key), as_of).set(value);
    }

    /// Lets go of all of a workspace: from now on it is loaded anew.
    pub fn forget(&self, workspace: WorkspaceId) {
        self.lock().shares.retain(|(of, _), _| *of != workspace);
    }

    fn share(&self, key: (WorkspaceId, K), as_of: i64) -> Arc<OnceCell<V>> {
        let mut kept = self.lock();
        let shares = &mut kept.shares;
        if let Some(share) = shares.get(&key).filter(|share| share.holds(as_of, self.kept_for)) {
            return share.value.clone();
        }
        // What is older may hold what was forgotten meanwhile.
        shares.retain(|(workspace, _), share| *workspace != key.0 || share.holds(as_of, self.kept_for));
        if shares.len() >= MOST {
            shares.clear();
        }
        let value = Arc::default();
        shares.insert(key, Share { as_of, made: Instant::now(), value: Arc::clone(&value) });
        if !std::mem::replace(&mut kept.swept, true) {
            tokio::spawn(self.clone().sweep());
        }
        value
    }

    /// One for all, until nothing is kept.
    async fn sweep(self) {
        loop {
            sleep(SWEEP).await;
            let mut kept = self.lock();
            kept.shares.retain(|_, share| share.made.elapsed() < self.kept_for);
            if kept.shares.is_empty() {
                kept.swept = false;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept<K, V>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Share<V> {
    fn holds(&self, as_of: i64, kept_for: Duration) -> bool {
        self.as_of >= as_of && self.made.elapsed() < kept_for
    }
}

impl<K, V> Clone for Shares<K, V> {
    fn clone(&self) -> Self {
        Self { kept: Arc::clone(&self.kept), kept_for: self.kept_for }
    }
}

impl<K, V> fmt::Debug for Shares<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shares")
    }
}
