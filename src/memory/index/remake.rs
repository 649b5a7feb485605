//! Indexes anew what other rules or another model indexed, or what a version without this index left behind. Done at
//! the start, before anything is served; what was done stays done if it is cut short.
use super::{MADE_BY, insert};
use crate::{
    event::{Log, Tx},
    memory::{filing, ingest, model, partition::Partition, store},
    shared::{
        Ambient, Result,
        id::{DocumentId, MemoryId},
    },
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Items of one transaction.
const BATCH: u64 = 500;

/// Looks at the partitions alone where all is as it should be.
pub async fn remake(log: &Log, ambient: &Ambient) -> Result<()> {
    let tx = log.begin().await?;
    if !store::has_stale_partitions(&tx, &MADE_BY).await? {
        return Ok(());
    }
    drop(tx);
    let done = remake_memories(log, ambient).await?;
    let documents = remake_documents(log, ambient).await?;
    let tx = log.begin().await?;
    store::mark_partitions(&tx, &MADE_BY).await?;
    tx.commit().await?;
    tracing::info!(memories = done, documents, "memory was indexed anew");
    Ok(())
}

/// One after the other, each with all its chunks.
async fn remake_documents(log: &Log, ambient: &Ambient) -> Result<usize> {
    let (mut after, mut done) = (None, 0);
    loop {
        let tx = log.begin().await?;
        let Some(stale) = store::document::find_stale(&tx, &MADE_BY, after).await? else { return Ok(done) };
        let id: DocumentId = stale.document.id;
        after = Some(id);
        store::lock_partition(&tx, &stale.partition, ambient.random.bytes()).await?;
        // What was forgotten meanwhile has no chunks.
        let chunks = store::document::chunks_of(&tx, &stale.partition, id).await?;
        let title = &stale.document.title;
        let entries = chunks.iter().map(|chunk| {
            let digest = model::digest(title, chunk.heading.as_deref(), &chunk.text);
            filing::entry(&stale.document, chunk, digest)
        });
        insert(&tx, &stale.partition, &entries.collect::<Vec<_>>()).await?;
        tx.commit().await?;
        done += 1;
    }
}

async fn remake_memories(log: &Log, ambient: &Ambient) -> Result<usize> {
    let (mut after, mut done) = (None, 0);
    loop {
        let tx = log.begin().await?;
        let stale = store::stale_memories(&tx, &MADE_BY, after, BATCH).await?;
        drop(tx);
        let Some((last, _)) = stale.last() else { return Ok(done) };
        after = Some(*last);
        let mut by_partition: BTreeMap<(Uuid, Uuid), (Partition, Vec<MemoryId>)> = BTreeMap::new();
        for (id, partition) in &stale {
            let key = (partition.workspace().uuid(), partition.owner());
            by_partition.entry(key).or_insert_with(|| (*partition, vec![])).1.push(*id);
        }
        for (partition, ids) in by_partition.into_values() {
            let mut tx = log.begin().await?;
            done += remake_some(&mut tx, ambient, &partition, &ids).await?;
            tx.commit().await?;
        }
        tracing::info!(memories = done, "indexing memory anew");
    }
}

/// With the partition taken, so that nothing is changed or forgotten between the reading and the commit.
async fn remake_some(
    tx: &mut Tx,
    ambient: &Ambient,
    partition: &Partition,
    ids: &[MemoryId],
) -> Result<usize> {
    store::lock_partition(tx, partition, ambient.random.bytes()).await?;
    let memories = store::find_stale_memories(tx, partition, &MADE_BY, ids).await?;
    let entries: Vec<_> = memories
        .iter()
        .map(|stored| ingest::entry(&stored.memory, ingest::digest(&stored.memory.content)))
        .collect();
    insert(tx, partition, &entries).await?;
    Ok(entries.len())
}
