//! What was read of bearers a moment ago. A screen sends many requests at once, and each would read the same again.
//!
//! What this process changes of anybody's rights holds from the next request on: [`Changes::noting`]. Other processes
//! hear of it on the bus, and where they do not, once what they have read is too old.
use quick_cache::sync::Cache;
use std::{
    fmt,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Bearers kept of each kind, some hundred bytes each; the ones that ask least go first.
const MOST: usize = 4096;

/// Cheap to clone; the clones know of the same changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes(Arc<AtomicU64>);

impl Changes {
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// What was read before this is not given out any more.
    pub fn note(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// Notes a change when it is dropped: also where nobody waits any more for what makes it.
    pub fn noting(&self) -> impl Drop + use<> {
        struct Noting(Changes);
        impl Drop for Noting {
            fn drop(&mut self) {
                self.0.note();
            }
        }
        Noting(self.clone())
    }
}

/// Cheap to clone.
pub(super) struct Recent<K, V> {
    kept: Arc<Cache<K, Read<V>>>,
    changes: Changes,
    kept_for: Duration,
}

struct Read<V> {
    value: Arc<V>,
    /// As it was when the reading began.
    changes: u64,
    at: Instant,
}

impl<K: Eq + Hash + Clone, V> Recent<K, V> {
    /// Nothing older than `kept_for` is given out; nothing at all where it is zero.
    pub fn new(changes: Changes, kept_for: Duration) -> Self {
        Self { kept: Arc::new(Cache::new(MOST)), changes, kept_for }
    }

    /// What is known of `key`, or what `read` finds; what is not there is asked for again each time.
    pub async fn get<E>(
        &self,
        key: &K,
        read: impl Future<Output = Result<Option<V>, E>>,
    ) -> Result<Option<Arc<V>>, E> {
        self.get_at(Instant::now(), key, read).await
    }

    async fn get_at<E>(
        &self,
        at: Instant,
        key: &K,
        read: impl Future<Output = Result<Option<V>, E>>,
    ) -> Result<Option<Arc<V>>, E> {
        if self.kept_for.is_zero() {
            return Ok(read.await?.map(Arc::new));
        }
        let changes = self.changes.now();
        if let Some(known) = self.kept.get(key)
            && known.changes == changes
            && at.duration_since(known.at) < self.kept_for
        {
            return Ok(Some(known.value));
        }
        let Some(value) = read.await?.map(Arc::new) else { return Ok(None) };
        // Of two that were read at once, the one that began later stays.
        if self.kept.get(key).is_none_or(|known| known.changes != changes || known.at <= at) {
            self.kept.insert(key.clone(), Read { value: Arc::clone(&value), changes, at });
        }
        Ok(Some(value))
    }
}

impl<V> Clone for Read<V> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), changes: self.changes, at: self.at }
    }
}

impl<K, V> Clone for Recent<K, V> {
    fn clone(&self) -> Self {
        Self { kept: Arc::clone(&self.kept), changes: self.changes.clone(), kept_for: self.kept_for }
    }
}

impl<K, V> fmt::Debug for Recent<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recent")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    const KEPT: Duration = Duration::from_secs(5);

    async fn ask(recent: &Recent<u8, u8>, at: Instant, found: u8) -> u8 {
        let read = async { Ok::<_, Infallible>(Some(found)) };
        *recent.get_at(at, &1, read).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn what_was_read_is_given_out_until_it_is_old_or_something_changed() {
        let (changes, start) = (Changes::default(), Instant::now());
        let recent = Recent::new(changes.clone(), KEPT);
        assert_eq!((ask(&recent, start, 1).await, ask(&recent, start, 2).await), (1, 1));
        assert_eq!(ask(&recent, start + KEPT, 3).await, 3);
        drop(changes.noting());
        assert_eq!(ask(&recent, start + KEPT, 4).await, 4);
        let asked_each_time = Recent::new(changes, Duration::ZERO);
        assert_eq!((ask(&asked_each_time, start, 1).await, ask(&asked_each_time, start, 2).await), (1, 2));
    }

    #[tokio::test]
    async fn what_changes_while_it_is_read_is_read_again() {
        let (changes, start) = (Changes::default(), Instant::now());
        let recent = Recent::new(changes.clone(), KEPT);
        let read = async {
            changes.note();
            Ok::<_, Infallible>(Some(1))
        };
        assert_eq!(recent.get_at(start, &1, read).await.unwrap().as_deref(), Some(&1));
        assert_eq!(ask(&recent, start, 2).await, 2);
    }

    #[tokio::test]
    async fn what_is_not_there_is_asked_for_each_time() {
        let recent = Recent::<u8, u8>::new(Changes::default(), KEPT);
        assert_eq!(recent.get(&1, async { Ok::<_, Infallible>(None) }).await.unwrap(), None);
        assert_eq!(ask(&recent, Instant::now(), 1).await, 1);
    }
}
