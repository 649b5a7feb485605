//! The copies that this process has, within their bound: found, brought up to date, let go.
use super::{MADE_BY, replica::Replica};
use crate::{
    db::Db,
    memory::{
        partition::Partition,
        rank::Among,
        store::{self, Standing},
    },
    shared::{Error, Result},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    thread::available_parallelism,
};
use tokio::{
    sync::{OwnedMutexGuard, OwnedRwLockReadGuard, OwnedSemaphorePermit, RwLock, Semaphore},
    task::spawn_blocking,
};
use uuid::Uuid;

/// Rows that are read and taken in at once.
const PAGE: u64 = 1000;
/// Pages that are taken in at once: each takes a processor.
const PAGES: usize = 2;
/// Fewer rows are taken in at once, where the request is.
const FEW: usize = 400;
/// Fewer entries are gone through at once, where the request is.
const SMALL: usize = 4000;
/// More are gone through by two threads: each ranking then takes more than some milliseconds.
const LARGE: usize = 200_000;
/// Partitions of one recall that are followed at once.
const FOLLOWED: usize = 4;

/// Which vectors of a provider a ranking needs.
#[derive(Clone, Debug)]
pub struct VectorsOf {
    /// Provider and model.
    pub model: Arc<str>,
    pub dimensions: usize,
}

/// All copies of this process.
#[derive(Clone, Debug)]
pub struct Index(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    /// What all copies together may take.
    bytes: usize,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
    /// Counts the uses of all copies.
    clock: AtomicU64,
    /// For a page each, first come first served: a partition of many pages lets others in between any two of them.
    pages: Arc<Semaphore>,
    /// Of large partitions, and of texts that phrases are looked for in.
    rankings: Arc<Semaphore>,
}

/// A partition's workspace and owner.
type Key = (Uuid, Uuid);

/// A copy, or the place for one.
#[derive(Debug, Default)]
struct Slot {
    /// Waited for without a thread. Who takes several takes them in the order of their keys.
    replica: Arc<RwLock<Replica>>,
    /// The revision at which the copy is, with all removals until then.
    revision: AtomicI64,
    bytes: AtomicUsize,
    entries: AtomicUsize,
    /// By the clock of uses.
    used: AtomicU64,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// Held by who brings a copy up to date, and by each thread that works for them: who is given up leaves nothing behind that
/// comes late.
type Turn = Arc<OwnedMutexGuard<()>>;

impl Index {
    pub fn new(db: Db, bytes: usize) -> Self {
        let processors = available_parallelism().map_or(2, usize::from);
        Self(Arc::new(Inner {
            db,
            bytes,
            slots: Mutex::default(),
            clock: AtomicU64::default(),
            pages: Arc::new(Semaphore::new(PAGES)),
            rankings: Arc::new(Semaphore::new(processors)),
        }))
    }

    /// Copies of these partitions, at least as new as they stand, for one ranking. A second one asks again: what is
    /// beyond the bound is let go meanwhile.
    pub(in crate::memory) async fn copies(&self, standings: &[Standing]) -> Result<Copies> {
        self.copies_with(standings, None).await
    }

    /// The same with the vectors of a provider's model.
    pub(in crate::memory) async fn copies_with(
        &self,
        standings: &[Standing],
        vectors: Option<&VectorsOf>,
    ) -> Result<Copies> {
        let mut standings = standings.to_vec();
        standings.sort_unstable_by_key(|standing| key(&standing.partition));
        let slots: Vec<_> = standings.iter().map(|standing| self.slot(&standing.partition)).collect();
        let behind = slots.iter().zip(&standings).filter(|(slot, standing)| slot.is_behind(standing));
        // Collected first: a stream that borrows from a closure is not Send.
        let following: Vec<_> = behind.map(|(slot, standing)| self.bring(slot, standing)).collect();
        stream::iter(following).buffer_unordered(FOLLOWED).try_collect::<()>().await?;
        if let Some(vectors) = vectors {
            let pairs = slots.iter().zip(&standings);
            let following: Vec<_> =
                pairs.map(|(slot, standing)| self.bring_vectors(slot, standing, vectors)).collect();
            stream::iter(following).buffer_unordered(FOLLOWED).try_collect::<()>().await?;
        }
        Ok(Copies { index: self.clone(), slots })
    }

    /// Takes items out of this process's copy, after the transaction that removed them.
    pub async fn drop_copies(&self, partition: &Partition, items: &[Uuid]) {
        let slot = self.slots().get(&key(partition)).cloned();
        if let Some(slot) = slot {
            let mut replica = slot.replica.write().await;
            items.iter().for_each(|item| replica.remove(*item));
        }
    }

    /// For work that takes a processor for a while: so many at once as there are.
    pub(in crate::memory) async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        self.0.rankings.clone().acquire_owned().await.map_err(Error::internal)
    }

    fn slot(&self, partition: &Partition) -> Arc<Slot> {
        let slot = self.slots().entry(key(partition)).or_default().clone();
        slot.used.store(self.0.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        slot
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<Slot>>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to where the partition stands, by whoever is the first to have the turn.
    async fn bring(&self, slot: &Arc<Slot>, standing: &Standing) -> Result<()> {
        let turn = Arc::new(slot.turn.clone().lock_owned().await);
        if slot.is_behind(standing) {
            self.follow(slot, standing, &turn).await?;
            self.let_go();
        }
        Ok(())
    }

    /// Reads what the copy does not have. What was read stays where the reader is given up, and the next one goes on.
    async fn follow(&self, slot: &Arc<Slot>, standing: &Standing, turn: &Turn) -> Result<()> {
        let Standing { partition, revision, pruned } = standing;
        let (mut read, removals) = slot.begin(*revision, *pruned).await;
        loop {
            // Each row has a revision of its own.
            let page = match revision - read > FEW as i64 {
                true => Some(self.0.pages.clone().acquire_owned().await.map_err(Error::internal)?),
                false => None,
            };
            let rows = store::entries_after(&self.0.db, partition, read, &MADE_BY, PAGE).await?;
            let Some(last) = rows.last() else { break };
            read = last.revision;
            let is_last = (rows.len() as u64) < PAGE;
            let is_large = rows.len() > FEW;
            let insert = move |replica: &mut Replica| {
                let _page = page;
                replica.insert(&rows)
            };
            slot.change(turn, is_large, insert).await?;
            if is_last {
                break;
            }
        }
        // After the rows: what was removed meanwhile is told, and what is told twice does no harm.
        let removed = store::removals_after(&self.0.db, partition, removals).await?;
        let until = read.max(*revision);
        let is_large = removed.len() > FEW;
        let remove = move |replica: &mut Replica| {
            replica.remove_all(&removed, until);
            Ok(())
        };
        slot.change(turn, is_large, remove).await?;
        slot.settle(turn).await?;
        slot.revision.store(until, Ordering::Release);
        Ok(())
    }

    /// The same of a model's vectors, after the entries that they belong to.
    async fn bring_vectors(&self, slot: &Arc<Slot>, standing: &Standing, vectors: &VectorsOf) -> Result<()> {
        let is_behind = async || {
            let replica = slot.replica.read().await;
            replica.embedded_until(&vectors.model) < standing.revision
        };
        if !is_behind().await {
            return Ok(());
        }
        let turn = Arc::new(slot.turn.clone().lock_owned().await);
        if is_behind().await {
            self.follow_vectors(slot, &standing.partition, vectors, &turn).await?;
            self.let_go();
        }
        Ok(())
    }

    async fn follow_vectors(
        &self,
        slot: &Arc<Slot>,
        partition: &Partition,
        vectors: &VectorsOf,
        turn: &Turn,
    ) -> Result<()> {
        // What was written beyond it may belong to entries that the copy does not have yet: it is read again with them.
        let (mut after, until) = {
            let replica = slot.replica.read().await;
            ((replica.embedded_until(&vectors.model), Uuid::max()), replica.revision())
        };
        loop {
            let VectorsOf { model, dimensions } = vectors.clone();
            let rows = store::embedding::vectors_after(&self.0.db, partition, &model, after, PAGE).await?;
            let is_last = (rows.len() as u64) < PAGE;
            if let Some(last) = rows.last() {
                after = (last.revision, last.item);
            }
            let is_large = rows.len() > FEW;
            let embed = move |replica: &mut Replica| {
                replica.embed(&model, dimensions, &rows, is_last.then_some(until));
                Ok(())
            };
            slot.change(turn, is_large, embed).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Gives up the copies that were not used for longest, until the others are within the bound.
    fn let_go(&self) {
        let mut slots = self.slots();
        let mut taken: usize = slots.values().map(|slot| slot.bytes.load(Ordering::Relaxed)).sum();
        if taken <= self.0.bytes {
            return;
        }
        let mut by_use: Vec<_> = slots
            .iter()
            .map(|(key, slot)| {
                let bytes = slot.bytes.load(Ordering::Relaxed);
                // One that alone is beyond the bound goes first: it is not to drive out all others with each recall.
                (bytes <= self.0.bytes, slot.used.load(Ordering::Relaxed), *key, bytes)
            })
            .collect();
        by_use.sort_unstable();
        for (_, _, key, bytes) in by_use {
            if taken <= self.0.bytes {
                break;
            }
            slots.remove(&key);
            taken -= bytes;
        }
    }
}

fn key(partition: &Partition) -> Key {
    (partition.workspace().uuid(), partition.owner())
}

impl Slot {
    fn is_behind(&self, standing: &Standing) -> bool {
        self.revision.load(Ordering::Acquire) < standing.revision
    }

    /// Where the copy is to be read on from: rows, removals. One that cannot follow any more begins anew.
    async fn begin(&self, revision: i64, pruned: i64) -> (i64, i64) {
        let mut replica = self.replica.write().await;
        if replica.revision() == 0 || replica.removals() < pruned {
            *replica = Replica::begun_at(revision);
        }
        (replica.revision(), replica.removals())
    }

    /// On a thread for it where it takes its time.
    async fn change(
        self: &Arc<Self>,
        turn: &Turn,
        is_large: bool,
        change: impl FnOnce(&mut Replica) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let mut replica = self.replica.clone().write_owned().await;
        let (slot, turn) = (self.clone(), turn.clone());
        let change = move || {
            let _turn = turn;
            let changed = change(&mut replica);
            slot.bytes.store(replica.bytes(), Ordering::Relaxed);
            slot.entries.store(replica.entries().len(), Ordering::Relaxed);
            changed
        };
        match is_large {
            true => spawn_blocking(change).await.map_err(Error::internal)?,
            false => change(),
        }
    }

    /// Compacts the copy where that pays. Others rank in it meanwhile; who changes it has the turn.
    async fn settle(self: &Arc<Self>, turn: &Turn) -> Result<()> {
        let replica = self.replica.clone().read_owned().await;
        if !replica.is_loose() {
            return Ok(());
        }
        let is_large = replica.entries().len() > SMALL;
        // Whoever reads is done before somebody writes, on whatever thread.
        let compact = move || {
            let compacted = replica.compacted();
            drop(replica);
            compacted
        };
        let compacted = match is_large {
            true => spawn_blocking(compact).await.map_err(Error::internal)?,
            false => compact(),
        };
        let replace = move |replica: &mut Replica| {
            *replica = compacted;
            Ok(())
        };
        // What it takes the place of is freed there, too.
        self.change(turn, is_large, replace).await
    }
}

/// The copies that one recall ranks in.
#[derive(Debug)]
pub struct Copies {
    index: Index,
    /// In the order of their keys.
    slots: Vec<Arc<Slot>>,
}

impl Copies {
    /// Runs a ranking over the copies; on a thread for it where they are large, on two where they are very large and a processor
    /// has nothing to do: so many threads at once as there are processors.
    pub async fn rank<T: Send + 'static>(self, rank: impl FnOnce(&Among) -> T + Send + 'static) -> Result<T> {
        let Self { index, slots } = self;
        let entries: usize = slots.iter().map(|slot| slot.entries.load(Ordering::Relaxed)).sum();
        let is_large = entries > SMALL;
        let turn = match is_large {
            true => Some(index.turn().await?),
            false => None,
        };
        // Of a second processor, where nobody else has work for it.
        let help = (entries > LARGE).then(|| index.0.rankings.clone().try_acquire_owned().ok()).flatten();
        let mut guards: Vec<OwnedRwLockReadGuard<Replica>> = Vec::with_capacity(slots.len());
        for slot in slots {
            guards.push(slot.replica.clone().read_owned().await);
        }
        let ranked = move || {
            let _turn = turn;
            let copies: Vec<_> = guards.iter().map(|guard| &**guard).collect();
            rank(&Among::of(&copies).with_help(help.is_some()))
        };
        match is_large {
            true => spawn_blocking(ranked).await.map_err(Error::internal),
            false => Ok(ranked()),
        }
    }
}
