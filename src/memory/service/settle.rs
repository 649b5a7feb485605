//! What was proposed is accepted or rejected, many at once.
use super::{MemoryService, event, ingest, policy, store};
use crate::{
    event::Tx,
    memory::{
        Memory, MemoryStatus,
        model::{MAX_ITEMS, MemoryChanged},
        partition::Partition,
        store::Stored,
    },
    shared::{
        Error, Problems, Result,
        actor::{Actor, Grant, Scope, Write},
        id::MemoryId,
    },
};
use std::collections::{BTreeMap, HashMap};

impl MemoryService {
    /// From now on these are recalled. What was accepted before stays as it is.
    pub async fn accept(&self, actor: &Actor, ids: &[MemoryId]) -> Result<Vec<Memory>> {
        self.settle(&actor.scope::<policy::AcceptMemories>(), ids, MemoryStatus::Active).await
    }

    /// These are not wanted, and are not proposed again.
    pub async fn reject(&self, actor: &Actor, ids: &[MemoryId]) -> Result<Vec<Memory>> {
        self.settle(&actor.scope::<policy::RejectMemories>(), ids, MemoryStatus::Rejected).await
    }

    /// All or none; the memories in the order of the ids.
    async fn settle(&self, scope: &Scope<Write>, ids: &[MemoryId], to: MemoryStatus) -> Result<Vec<Memory>> {
        if ids.is_empty() || ids.len() > MAX_ITEMS {
            return Err(Error::invalid("memoryIds", format!("1 to {MAX_ITEMS} are possible in one call")));
        }
        let found = store::candidate::find_many_granted(&self.db, scope, ids, false).await?;
        let mut lots: BTreeMap<Partition, Vec<MemoryId>> = BTreeMap::new();
        let mut digests = HashMap::new();
        for (stored, _) in found.values() {
            if to == MemoryStatus::Active && stored.memory.status == MemoryStatus::Candidate {
                digests.insert(stored.memory.id, ingest::digest(&stored.memory.content));
            }
            lots.entry(stored.partition).or_default().push(stored.memory.id);
        }
        let mut tx = self.log.begin().await?;
        self.lock(&tx, lots.keys().copied()).await?;
        // They may have changed, or gone, while another held the locks.
        let mut found = store::candidate::find_many_granted(&tx, scope, ids, true).await?;
        check(ids, &found, to)?;
        let mut settled: HashMap<MemoryId, Memory> = HashMap::new();
        for (partition, mut lot) in lots {
            lot.sort_unstable();
            let open: Vec<(Stored, Grant<Write>)> = lot.iter().filter_map(|id| found.remove(id)).collect();
            let (open, same): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|(stored, _)| stored.memory.status == MemoryStatus::Candidate);
            settled.extend(same.into_iter().map(|(stored, _)| (stored.memory.id, stored.memory)));
            let Some((_, grant)) = open.first() else { continue };
            let grant = *grant;
            let open: Vec<_> = open.into_iter().map(|(stored, _)| stored).collect();
            let memories = match to {
                MemoryStatus::Active => {
                    let digested = open.into_iter().filter_map(|stored| {
                        let digest = digests.remove(&stored.memory.id)?;
                        Some((stored, digest))
                    });
                    ingest::accept(&mut tx, &self.ambient, &grant, &partition, digested.collect()).await?
                }
                _ => self.reject_in(&mut tx, &grant, &partition, open).await?,
            };
            settled.extend(memories.into_iter().map(|memory| (memory.id, memory)));
        }
        tx.commit().await?;
        Ok(ids.iter().filter_map(|id| settled.get(id).cloned()).collect())
    }

    async fn reject_in(
        &self,
        tx: &mut Tx,
        grant: &Grant<Write>,
        partition: &Partition,
        open: Vec<Stored>,
    ) -> Result<Vec<Memory>> {
        let (now, status) = (self.ambient.now(), MemoryStatus::Rejected);
        let ids: Vec<_> = open.iter().map(|stored| stored.memory.id).collect();
        store::candidate::set_status(tx, partition, &ids, status, now).await?;
        ingest::note(tx, grant, &ids, MemoryChanged::Rejected, now).await?;
        let memories: Vec<_> =
            open.into_iter().map(|stored| Memory { status, updated_at: now, ..stored.memory }).collect();
        for memory in &memories {
            ingest::record(tx, grant, partition, event::REJECTED, memory, None);
        }
        Ok(memories)
    }
}

/// Each is there, and is open or is so already.
fn check(
    ids: &[MemoryId],
    found: &HashMap<MemoryId, (Stored, Grant<Write>)>,
    to: MemoryStatus,
) -> Result<()> {
    let mut problems = Problems::default();
    for (place, id) in ids.iter().enumerate() {
        let (stored, _) = found.get(id).ok_or(Error::NotFound("memory"))?;
        let status = stored.memory.status;
        if status != MemoryStatus::Candidate && status != to {
            let message =
                format!("it is {}: only what is proposed can be accepted or rejected", status.name());
            problems.invalid(format!("memoryIds.{place}"), message);
        }
    }
    problems.finish()
}
