//! Batches what the resolvers of one execution load, by loader: one statement for a level of the answer, not one for
//! each object.
//!
//! Resolvers say which keys they need and wait. [`batching`] polls the execution; once that can get no further, all
//! keys that wait are loaded, each loader's in one batch, the loaders side by side. It happens in the execution's own
//! task, without a timer: what is one batch depends on the document, and on nothing else where no resolver reads by
//! itself; task-locals and spans hold, and whoever drops the execution cancels its loads.
//!
//! The next batches begin when the last ones are all done. Thus objects of one level that wait for different loaders
//! are together again for what they both load next.
//!
//! Nothing is kept: a key that was loaded is loaded again when somebody asks again, so that a mutation sees what it has
//! written. A key under way is shared as long as those still wait who asked first.
use super::{ApiError, ErrorCode, Loaded};
use crate::shared::{
    Error,
    explain::{self, Causes},
};
use async_graphql::{Request, indexmap::IndexMap};
use futures_util::{
    FutureExt, Stream, StreamExt,
    future::BoxFuture,
    stream::FuturesUnordered,
    task::{AtomicWaker, Context, Poll},
};
use std::{
    any::{Any, TypeId},
    collections::HashMap,
    hash::Hash,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::AcqRel, Ordering::Acquire, Ordering::Release},
    },
    task::{Wake, Waker},
};
use tokio::{sync::oneshot, task::unconstrained};

/// Loads many at once. It is made of a request and carries the request's actor, so that batching cannot step over
/// authorisation.
pub trait Loader<K>: Send + Sync + 'static {
    type Value: Clone + Send + Sync + 'static;

    /// What there is of the keys, of which no two are the same; at most 1,000.
    fn load(&self, keys: &[K]) -> impl Future<Output = Loaded<HashMap<K, Self::Value>>> + Send;
}

/// What was found for these keys, or what went wrong: with them alone, so that the rest of the batch is shown.
pub fn each<K: Key, V>(
    keys: impl IntoIterator<Item = K>,
    found: Result<impl IntoIterator<Item = (K, V)>, Error>,
) -> Vec<(K, Loaded<V>)> {
    match found {
        Ok(found) => found.into_iter().map(|(key, value)| (key, Ok(value))).collect(),
        Err(error) => {
            let error = ApiError::from(error);
            keys.into_iter().map(|key| (key, Err(error.clone()))).collect()
        }
    }
}

/// Keys in one batch: databases bound the parameters of a statement.
const MAX_BATCH: usize = 1_000;

/// What is loaded by.
pub trait Key: Eq + Hash + Clone + Send + Sync + 'static {}

impl<K: Eq + Hash + Clone + Send + Sync + 'static> Key for K {}

/// Gives a request what its resolvers load by, and polls its execution, a future or a stream of events.
pub fn batching<E>(request: Request, execute: impl FnOnce(Request) -> E) -> Batching<E> {
    let batches = Batches::default();
    let execution = execute(request.data(batches.clone()));
    Batching::new(execution, batches)
}

/// What the resolvers of one execution wait for.
#[derive(Clone, Default)]
pub(super) struct Batches(Arc<Mutex<Lines>>);

/// By the type of loader and key.
type Lines = Vec<(TypeId, Arc<dyn Line>)>;

type Batch = BoxFuture<'static, ()>;

impl Batches {
    /// `None` where the loader found none; `make` makes it where it is not there yet.
    pub(super) async fn load<K: Key, L: Loader<K>>(
        &self,
        key: K,
        make: impl FnOnce() -> Loaded<Arc<L>>,
    ) -> Loaded<Option<L::Value>> {
        let waiting = self.line::<K, L>(make)?.join(key);
        // Tokio would have a task pause that received much at once, and that would look as if nothing were left to do.
        unconstrained(waiting).await.unwrap_or_else(|_| Err(lost()))
    }

    fn line<K: Key, L: Loader<K>>(&self, make: impl FnOnce() -> Loaded<Arc<L>>) -> Loaded<Arc<LineOf<K, L>>> {
        let id = TypeId::of::<LineOf<K, L>>();
        let mut lines = locked(&self.0);
        let found = lines.iter().find(|(found, _)| *found == id).map(|(_, line)| Arc::clone(line));
        let line: Arc<dyn Any + Send + Sync> = match found {
            Some(line) => line,
            None => {
                let line = Arc::new(LineOf::<K, L>::new(make()?));
                lines.push((id, Arc::clone(&line) as Arc<dyn Line>));
                line
            }
        };
        line.downcast().map_err(|_| lost())
    }

    /// Everything that waits, to be loaded now.
    fn take(&self) -> Vec<Batch> {
        let lines: Vec<_> = locked(&self.0).iter().map(|(_, line)| Arc::clone(line)).collect();
        lines.into_iter().flat_map(Line::take).collect()
    }
}

fn lost() -> ApiError {
    tracing::error!("a load was given up by its execution, which still waits for it");
    ApiError::new(ErrorCode::Internal, "internal error")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Those who wait for one loader, whichever it is.
trait Line: Any + Send + Sync {
    fn take(self: Arc<Self>) -> Vec<Batch>;
}

struct LineOf<K, L: Loader<K>> {
    loader: Arc<L>,
    keys: Mutex<Keys<K, L::Value>>,
}

struct Keys<K, V> {
    waiting: Waiters<K, V>,
    /// In batches under way.
    loading: Waiters<K, V>,
    /// On whose behalf what waits is loaded, where somebody asked to have it explained.
    causes: Causes,
}

impl<K, V> Default for Keys<K, V> {
    fn default() -> Self {
        Self { waiting: IndexMap::new(), loading: IndexMap::new(), causes: Causes::new() }
    }
}

type Waiters<K, V> = IndexMap<K, Vec<oneshot::Sender<Loaded<Option<V>>>>>;

impl<K: Key, L: Loader<K>> LineOf<K, L> {
    fn new(loader: Arc<L>) -> Self {
        Self { loader, keys: Mutex::default() }
    }

    fn join(&self, key: K) -> oneshot::Receiver<Loaded<Option<L::Value>>> {
        let (sender, receiver) = oneshot::channel();
        let mut keys = locked(&self.keys);
        // Where all who asked first have gone, something may have been written since.
        let shared = keys.loading.get_mut(&key).filter(|waiters| is_wanted(waiters));
        match shared {
            Some(waiters) => waiters.push(sender),
            None => {
                keys.waiting.entry(key).or_default().push(sender);
                keys.causes.append(&mut explain::causes());
            }
        }
        receiver
    }

    fn deliver(&self, batch: &[K], loaded: Loaded<HashMap<K, L::Value>>) {
        let (mut found, failed) = match loaded {
            Ok(found) => (found, None),
            Err(error) => (HashMap::new(), Some(error)),
        };
        let mut keys = locked(&self.keys);
        for key in batch {
            let mut waiters = keys.loading.swap_remove(key).unwrap_or_default();
            let value = failed.clone().map_or_else(|| Ok(found.remove(key)), Err);
            // Most are alone, and need no copy. Whoever has gone does not want it.
            let last = waiters.pop();
            for waiter in waiters {
                let _ = waiter.send(value.clone());
            }
            if let Some(last) = last {
                let _ = last.send(value);
            }
        }
    }
}

fn is_wanted<V>(waiters: &[oneshot::Sender<V>]) -> bool {
    waiters.iter().any(|waiter| !waiter.is_closed())
}

impl<K: Key, L: Loader<K>> Line for LineOf<K, L> {
    fn take(self: Arc<Self>) -> Vec<Batch> {
        let mut keys = locked(&self.keys);
        let mut waiting = std::mem::take(&mut keys.waiting);
        waiting.retain(|_, waiters| is_wanted(waiters));
        let wanted: Vec<K> = waiting.keys().cloned().collect();
        keys.loading.extend(waiting);
        let causes = std::mem::take(&mut keys.causes);
        let batch = |batch: &[K]| {
            let (line, causes, batch) = (Arc::clone(&self), causes.clone(), batch.to_vec());
            async move {
                let loaded = explain::caused_by(causes, line.loader.load(&batch)).await;
                line.deliver(&batch, loaded);
            }
            .boxed()
        };
        wanted.chunks(MAX_BATCH).map(batch).collect()
    }
}

/// An execution and the batches that it waits for.
pub struct Batching<E> {
    execution: Pin<Box<E>>,
    batches: Batches,
    loading: FuturesUnordered<Batch>,
    bell: Arc<Bell>,
    waker: Waker,
}

impl<E> std::fmt::Debug for Batching<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Batching")
    }
}

/// Rings when the execution can get further, and wakes the task.
struct Bell {
    rung: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Release);
        self.task.wake();
    }
}

impl<E> Batching<E> {
    fn new(execution: E, batches: Batches) -> Self {
        let bell = Arc::new(Bell { rung: AtomicBool::new(true), task: AtomicWaker::new() });
        let waker = Waker::from(Arc::clone(&bell));
        Self { execution: Box::pin(execution), batches, loading: FuturesUnordered::new(), bell, waker }
    }

    fn advance<T>(
        &mut self,
        task: &mut Context<'_>,
        mut poll: impl FnMut(Pin<&mut E>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.bell.task.register(task.waker());
        loop {
            while let Poll::Ready(Some(())) = self.loading.poll_next_unpin(task) {}
            if self.bell.rung.swap(false, AcqRel) {
                let mut within = Context::from_waker(&self.waker);
                if let Poll::Ready(done) = poll(self.execution.as_mut(), &mut within) {
                    // A stream goes on.
                    self.bell.rung.store(true, Release);
                    return Poll::Ready(done);
                }
            }
            // What rang meanwhile has something to do yet, and has woken the task for it: large sets of futures pause so.
            if self.bell.rung.load(Acquire) || !self.loading.is_empty() {
                return Poll::Pending;
            }
            let batches = self.batches.take();
            if batches.is_empty() {
                return Poll::Pending;
            }
            self.loading.extend(batches);
        }
    }
}

impl<E: Future> Future for Batching<E> {
    type Output = E::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<E::Output> {
        self.advance(task, |execution, task| execution.poll(task))
    }
}

impl<E: Stream> Stream for Batching<E> {
    type Item = E::Item;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<E::Item>> {
        self.advance(task, |execution, task| execution.poll_next(task))
    }
}

#[cfg(test)]
mod tests;
