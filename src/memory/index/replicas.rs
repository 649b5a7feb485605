//! The copies that this process has, within their bound: found, brought up to date, let go.
use super::{MADE_BY, replica::Replica};
use crate::{
    db::Db,
    memory::{
        partition::Partition,
        store::{self, Standing},
    },
    shared::{Error, Result},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    thread::available_parallelism,
};
use tokio::{sync::Semaphore, task::spawn_blocking};
use uuid::Uuid;

/// Rows that are read and taken in at once.
const PAGE: u64 = 1000;
/// Partitions that are loaded at once: each takes a processor.
const LOADS: usize = 2;
/// Fewer rows or entries are gone through at once, where the request is.
const SMALL: usize = 4000;

/// All copies of this process.
#[derive(Clone, Debug)]
pub struct Index(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    /// What all copies together may take.
    bytes: usize,
    slots: Mutex<HashMap<(Uuid, Uuid), Arc<Slot>>>,
    /// Counts the uses of all copies.
    clock: AtomicU64,
    loads: Semaphore,
    /// Of large partitions.
    rankings: Semaphore,
}

/// A copy, or the place for one.
#[derive(Debug, Default)]
pub struct Slot {
    replica: RwLock<Replica>,
    /// The revision at which the copy is, with all removals until then.
    revision: AtomicI64,
    bytes: AtomicUsize,
    entries: AtomicUsize,
    /// By the clock of uses.
    used: AtomicU64,
    /// Held by who brings it up to date.
    turn: tokio::sync::Mutex<()>,
}

impl Index {
    pub fn new(db: Db, bytes: usize) -> Self {
        let processors = available_parallelism().map_or(2, usize::from);
        Self(Arc::new(Inner {
            db,
            bytes,
            slots: Mutex::default(),
            clock: AtomicU64::default(),
            loads: Semaphore::new(LOADS),
            rankings: Semaphore::new(processors),
        }))
    }

    /// Copies of these partitions, at least as new as they stand, for one ranking. A second one asks again: what is
    /// beyond the bound is let go meanwhile.
    pub(in crate::memory) async fn copies(&self, standings: &[Standing]) -> Result<Copies> {
        let mut slots = Vec::with_capacity(standings.len());
        for standing in standings {
            let slot = self.slot(&standing.partition);
            if slot.is_behind(standing) {
                let _turn = slot.turn.lock().await;
                if slot.is_behind(standing) {
                    self.follow(&slot, standing).await?;
                    self.let_go();
                }
            }
            slots.push(slot);
        }
        Ok(Copies { index: self.clone(), slots })
    }

    /// Takes items out of this process's copy, after the transaction that removed them.
    pub fn drop_copies(&self, partition: &Partition, items: &[Uuid]) {
        let slot = self.slots().get(&key(partition)).cloned();
        if let Some(slot) = slot {
            let mut replica = slot.replica.write().unwrap_or_else(PoisonError::into_inner);
            items.iter().for_each(|item| replica.remove(*item));
        }
    }

    fn slot(&self, partition: &Partition) -> Arc<Slot> {
        let slot = self.slots().entry(key(partition)).or_default().clone();
        slot.used.store(self.0.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        slot
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<(Uuid, Uuid), Arc<Slot>>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what the copy does not have. What was read stays where the reader is given up, and the next one goes on.
    async fn follow(&self, slot: &Arc<Slot>, standing: &Standing) -> Result<()> {
        let Standing { partition, revision, pruned } = standing;
        let (mut read, removals) = slot.begin(*revision, *pruned);
        let _load = match read {
            0 => Some(self.0.loads.acquire().await.map_err(Error::internal)?),
            _ => None,
        };
        loop {
            let rows = store::entries_after(&self.0.db, partition, read, &MADE_BY, PAGE).await?;
            let Some(last) = rows.last() else { break };
            read = last.revision;
            let is_last = (rows.len() as u64) < PAGE;
            slot.change(rows.len() > SMALL / 10, move |replica| replica.insert(&rows)).await?;
            if is_last {
                break;
            }
        }
        // After the rows: what was removed meanwhile is told, and what is told twice does no harm.
        let removed = store::removals_after(&self.0.db, partition, removals).await?;
        let until = read.max(*revision);
        slot.change(false, move |replica| {
            replica.remove_all(&removed, until);
            Ok(())
        })
        .await?;
        slot.settle().await?;
        slot.revision.store(until, Ordering::Release);
        Ok(())
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

fn key(partition: &Partition) -> (Uuid, Uuid) {
    (partition.workspace().uuid(), partition.owner())
}

impl Slot {
    fn is_behind(&self, standing: &Standing) -> bool {
        self.revision.load(Ordering::Acquire) < standing.revision
    }

    /// Where the copy is to be read on from: rows, removals. One that cannot follow any more begins anew.
    fn begin(&self, revision: i64, pruned: i64) -> (i64, i64) {
        let mut replica = self.replica.write().unwrap_or_else(PoisonError::into_inner);
        if replica.revision() == 0 || replica.removals() < pruned {
            *replica = Replica::begun_at(revision);
        }
        (replica.revision(), replica.removals())
    }

    /// On a thread for it where it takes its time.
    async fn change(
        self: &Arc<Self>,
        is_large: bool,
        change: impl FnOnce(&mut Replica) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let slot = self.clone();
        let change = move || {
            let mut replica = slot.replica.write().unwrap_or_else(PoisonError::into_inner);
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
    async fn settle(self: &Arc<Self>) -> Result<()> {
        let is_loose = self.read().is_loose();
        if !is_loose {
            return Ok(());
        }
        let slot = self.clone();
        let compact = move || slot.read().compacted();
        let compacted = match self.entries.load(Ordering::Relaxed) > SMALL {
            true => spawn_blocking(compact).await.map_err(Error::internal)?,
            false => compact(),
        };
        self.change(false, move |replica| {
            *replica = compacted;
            Ok(())
        })
        .await
    }

    fn read(&self) -> RwLockReadGuard<'_, Replica> {
        self.replica.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The copies that one recall ranks in.
#[derive(Debug)]
pub struct Copies {
    index: Index,
    slots: Vec<Arc<Slot>>,
}

impl Copies {
    /// Runs a ranking over the copies; on a thread for it where they are large, so many at once as there are processors.
    pub async fn rank<T: Send + 'static>(
        self,
        rank: impl FnOnce(&[&Replica]) -> T + Send + 'static,
    ) -> Result<T> {
        let Self { index, slots } = self;
        let entries: usize = slots.iter().map(|slot| slot.entries.load(Ordering::Relaxed)).sum();
        let ranked = move || {
            let guards: Vec<_> = slots.iter().map(|slot| slot.read()).collect();
            rank(&guards.iter().map(|guard| &**guard).collect::<Vec<_>>())
        };
        if entries <= SMALL {
            return Ok(ranked());
        }
        let _turn = index.0.rankings.acquire().await.map_err(Error::internal)?;
        spawn_blocking(ranked).await.map_err(Error::internal)
    }
}
