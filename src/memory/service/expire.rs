//! What has an end goes out of use when it comes. A recall looks at the time itself; this puts the rows in order, and tells.
use super::{MemoryService, event, ingest, store};
use crate::{
    memory::{
        Memory, MemoryStatus, index,
        model::{MemoryChange, MemoryChanged},
        partition::Partition,
    },
    shared::{
        Result,
        actor::{Grant, Principal, Write},
        id::{MemoryId, UserId},
    },
};
use chrono::TimeDelta;
use std::{collections::BTreeMap, time::Duration};
use tokio_util::sync::CancellationToken;

/// From one look to the next.
const EVERY: Duration = Duration::from_secs(5);
/// Memories of one look.
const MOST: u64 = 500;
/// How long leave to send a file is kept beyond its end: the file may be on its way.
const LATE: TimeDelta = TimeDelta::minutes(60);

impl MemoryService {
    /// Puts out of use what has expired, until told to stop. Each process that works may do it: two do no harm to each
    /// other, and what one leaves out the next look finds.
    pub async fn expire_memories(self, stop: CancellationToken) {
        let looks = async {
            loop {
                if let Err(error) = self.expire_due().await {
                    tracing::warn!(error = %error.for_log(), "expired memories stay in their lists; it is tried again");
                }
                if let Err(error) = self.drop_unused_uploads().await {
                    tracing::warn!(error = %error.for_log(), "leave to send files that ended was not deleted; it is tried again");
                }
                tokio::time::sleep(EVERY).await;
            }
        };
        let _ = stop.run_until_cancelled(looks).await;
    }

    /// How many it put out of use.
    pub async fn expire_due(&self) -> Result<usize> {
        let mut done = 0;
        loop {
            let due = store::course::due(&self.db, self.ambient.now(), MOST).await?;
            let mut lots: BTreeMap<Partition, Vec<MemoryId>> = BTreeMap::new();
            for stored in &due {
                lots.entry(stored.partition).or_default().push(stored.memory.id);
            }
            for (partition, ids) in lots {
                done += self.expire(&partition, &ids).await?;
            }
            if due.len() < usize::try_from(MOST).unwrap_or(usize::MAX) {
                return Ok(done);
            }
        }
    }

    /// What was to be sent, and never was: its title goes, too.
    async fn drop_unused_uploads(&self) -> Result<()> {
        let before = self.ambient.now() - LATE;
        if !store::upload::has_unused(&self.db, before).await? {
            return Ok(());
        }
        let tx = self.log.begin().await?;
        store::upload::delete_unused(&tx, before).await?;
        tx.commit().await
    }

    async fn expire(&self, partition: &Partition, ids: &[MemoryId]) -> Result<usize> {
        // Whose they are; what everybody reads is nobody's, and time asks nobody.
        let owner = UserId::from_uuid(partition.user().unwrap_or(partition.workspace().uuid()));
        let grant = Grant::<Write>::upkeep(partition.workspace(), Principal::User(owner));
        let mut tx = self.log.begin().await?;
        store::lock_partition(&tx, partition, self.ambient.random.bytes()).await?;
        let (now, status) = (self.ambient.now(), MemoryStatus::Expired);
        let due = store::course::still_due(&tx, partition, now, ids).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let memories: Vec<_> =
            due.into_iter().map(|stored| Memory { status, updated_at: now, ..stored.memory }).collect();
        let ids: Vec<_> = memories.iter().map(|memory| memory.id).collect();
        store::candidate::set_status(&tx, partition, &ids, status, now).await?;
        let items: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
        index::remove(&tx, partition, &items, now).await?;
        let what = MemoryChanged::Expired;
        let change = MemoryChange { what, reason: None, other: None, by: None, at: now };
        let changes: Vec<_> = ids.iter().map(|id| (*id, change.clone())).collect();
        store::course::note(&tx, &changes).await?;
        for memory in &memories {
            ingest::record(&mut tx, &grant, partition, event::EXPIRED, memory, None);
        }
        tx.commit().await?;
        self.index.drop_copies(partition, &items).await;
        Ok(memories.len())
    }
}
