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
        let stale = store::stale_documents(&tx, &MADE_BY, after, BATCH).await?;
        drop(tx);
        let Some((last, _)) = stale.last() else { return Ok(done) };
        after = Some(*last);
        for (id, partition) in stale {
            remake_document(log, ambient, id, &partition).await?;
            done += 1;
        }
        tracing::info!(documents = done, "indexing documents anew");
    }
}

async fn remake_document(log: &Log, ambient: &Ambient, id: DocumentId, partition: &Partition) -> Result<()> {
    let tx = log.begin().await?;
    store::lock_partition(&tx, partition, ambient.random.bytes()).await?;
    // It may have been forgotten meanwhile.
    let Some(stored) = store::document::find_in(&tx, partition, id).await? else { return Ok(()) };
    let chunks = store::document::chunks_of(&tx, partition, id).await?;
    let title = &stored.document.title;
    let entries = chunks.iter().map(|chunk| {
        let digest = model::digest(title, chunk.heading.as_deref(), &chunk.text);
        filing::entry(&stored.document, chunk, digest).of_same_text()
    });
    insert(&tx, partition, &entries.collect::<Vec<_>>()).await?;
    tx.commit().await
}

async fn remake_memories(log: &Log, ambient: &Ambient) -> Result<usize> {
    let (mut after, mut done) = (None, 0);
    loop {
        let tx = log.begin().await?;
        let stale = store::stale_memories(&tx, &MADE_BY, after, BATCH).await?;
        drop(tx);
        let Some((last, _)) = stale.last() else { return Ok(done) };
        after = Some(*last);
        let mut by_partition: BTreeMap<Partition, Vec<MemoryId>> = BTreeMap::new();
        for (id, partition) in &stale {
            by_partition.entry(*partition).or_default().push(*id);
        }
        for (partition, ids) in by_partition {
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
        .map(|stored| ingest::entry(&stored.memory, ingest::digest(&stored.memory.content)).of_same_text())
        .collect();
    insert(tx, partition, &entries).await?;
    Ok(entries.len())
}
