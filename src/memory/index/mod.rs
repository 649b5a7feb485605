//! The index: what a recall finds memories and chunks of documents by.
//!
//! The database holds what it is made from, one row an item (`memory_index`), written and removed in the transaction
//! of the change itself. The index proper is in memory: each process has copies of the partitions that are asked for
//! (`replicas`), which follow the rows by their partition's `revision`. What ranks is in `rank`, and pure.
mod collections;
mod digest;
mod remake;
mod replica;
mod replicas;
mod times;
mod words;

pub use collections::NONE;
pub use digest::{Digest, MADE_BY, spoken_term};
pub use remake::remake;
pub use replica::{Embeddings, Held, Place, Replica, Signs, Statistics, length, signs};
pub use replicas::{Index, VectorsOf};
pub use times::{Moment, Times};
pub use words::Posting;

use super::{
    MemoryKind,
    partition::Partition,
    store::{self, Raised},
};
use crate::{
    event::Tx,
    shared::{Result, stored},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

stored! {
    /// What is indexed.
    ItemKind {
        Memory = "MEMORY",
        Chunk = "CHUNK",
    }
}

/// Names something indexed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ItemId {
    /// Also tells the order of making.
    pub id: Uuid,
    pub kind: ItemKind,
}

/// Something to be found.
#[derive(Clone, Debug)]
pub struct Entry {
    pub item: ItemId,
    /// What it belongs to with its neighbours, which stand in the order of `at`, then of their ids. Of a chunk: its
    /// document.
    pub collection: Option<String>,
    pub speaker: Option<String>,
    /// Of a memory.
    pub kind: Option<MemoryKind>,
    /// When it happened, or was written where that is not known.
    pub at: DateTime<Utc>,
    /// 0 to 1, where it was told.
    pub importance: Option<f64>,
    /// When it holds; of a chunk always.
    pub times: Times,
    /// Made before the transaction begins.
    pub digest: Digest,
    /// Its text is what was indexed before: vectors of it hold.
    pub same_text: bool,
}

impl Entry {
    /// For what is written anew with the text that it had.
    pub fn of_same_text(self) -> Self {
        Self { same_text: true, ..self }
    }
}

/// Indexes items; what is there under the same id is replaced. The partition must exist ([`store::lock_partition`]) and
/// is taken until the transaction ends.
pub async fn insert(tx: &Tx, partition: &Partition, entries: &[Entry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let Raised { revision, has_embeddings } = store::raise_revision(tx, partition, entries.len()).await?;
    store::insert_entries(tx, partition, entries, &MADE_BY, revision).await?;
    if has_embeddings {
        let of = |same_text| {
            let entries = entries.iter().filter(move |entry| entry.same_text == same_text);
            entries.map(|entry| entry.item.id).collect::<Vec<_>>()
        };
        store::embedding::delete(tx, partition, &of(false)).await?;
        // Copies that take the row take its vector again.
        store::embedding::confirm(tx, partition, &of(true), revision).await?;
    }
    Ok(())
}

/// Takes items out of the index, with all their vectors, and gives how many were in it. After the commit, [`Index::drop_copies`] makes this
/// process forget them, too; others do with their next recall.
pub async fn remove(tx: &Tx, partition: &Partition, items: &[Uuid], now: DateTime<Utc>) -> Result<u64> {
    let removed = store::delete_entries(tx, partition, items).await?;
    if removed > 0 {
        let raised = store::raise_revision(tx, partition, items.len()).await?;
        store::insert_removals(tx, partition, items, raised.revision, now).await?;
        store::prune_removals(tx, partition, now).await?;
    }
    Ok(removed)
}
