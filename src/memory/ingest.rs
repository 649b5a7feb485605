//! Carries out a batch of writes into one partition: what is new, what changed, what stays, what was forgotten.
use super::{
    Memory, MemoryStatus, NewItem, Outcome, event,
    partition::Partition,
    store::{self, Stored},
    terms::Terms,
};
use crate::{
    db::is_unique_violation,
    event::{NewEvent, Tx},
    shared::{
        Ambient, ClientId, Error, Problem, ProblemCode, Result,
        actor::{Grant, Write},
        id::ErasureReceiptId,
    },
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// An item that was checked, and cut into terms before the transaction began.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) item: NewItem,
    terms: Terms,
}

impl Prepared {
    pub(super) fn new(item: NewItem) -> Self {
        let terms = indexed(&item.content.text, item.content.speaker.as_deref());
        Self { item, terms }
    }
}

/// Who said it is part of what is found: questions name people.
fn indexed(text: &str, speaker: Option<&str>) -> Terms {
    let mut terms = Terms::of(text);
    if let Some(speaker) = speaker {
        terms.add(speaker);
    }
    terms
}

fn indexed_of(stored: &Stored) -> Terms {
    indexed(&stored.memory.content.text, stored.memory.content.speaker.as_deref())
}

/// Writes what is new or changed and gives every item's memory, in the order of the items. Items with the same
/// external id must not be in one batch; a client's id goes with a single item. `path` tells where an item stands in the input.
pub(super) async fn write(
    tx: &mut Tx,
    ambient: &Ambient,
    grant: &Grant<Write>,
    partition: &Partition,
    batch: Vec<Prepared>,
    client_id: Option<ClientId>,
    path: impl Fn(usize) -> String,
) -> Result<Vec<(Memory, Outcome)>> {
    let salt = store::lock_partition(tx, partition, ambient.random.bytes()).await?;
    if let Some(client_id) = &client_id
        && let Some(memory) = find_by_client_id(tx, grant, partition, client_id).await?
    {
        return Ok(vec![(memory, Outcome::Unchanged)]);
    }
    let external_ids = || batch.iter().filter_map(|prepared| prepared.item.external_id.as_deref());
    refuse_forgotten(tx, partition, &salt, &batch, &path).await?;
    let mut known = store::find_by_external_ids(tx, partition, external_ids().collect()).await?;

    let now = ambient.now();
    let (client_id, client_hash) = client_id.map(|client| (client.id, client.hash)).unzip();
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut written = Vec::new();
    let mut replaced = Vec::new();
    for Prepared { item, terms } in batch {
        let stored = item.external_id.as_ref().and_then(|id| known.remove(id));
        let (memory, outcome) = match stored {
            Some(stored) if stored.memory.content == item.content => (stored.memory, Outcome::Unchanged),
            Some(stored) => {
                let version = stored.memory.version + 1;
                let memory =
                    Memory { content: item.content, version, updated_at: now, ..stored.memory.clone() };
                written.push((
                    Stored::new(memory.clone(), *partition, stored.client_hash.clone(), &terms),
                    terms,
                ));
                replaced.push(stored);
                (memory, Outcome::Updated)
            }
            None => {
                let memory = Memory {
                    id: ambient.ids.next(),
                    workspace: partition.workspace(),
                    scope: partition.scope(),
                    external_id: item.external_id,
                    content: item.content,
                    status: MemoryStatus::Active,
                    version: 1,
                    client_id,
                    confidence: None,
                    created_at: now,
                    updated_at: now,
                };
                written.push((Stored::new(memory.clone(), *partition, client_hash.clone(), &terms), terms));
                (memory, Outcome::Created)
            }
        };
        outcomes.push((memory, outcome));
    }

    let removed = unindex(tx, partition, &replaced).await?;
    let rows: Vec<&Stored> = written.iter().map(|(stored, _)| stored).collect();
    store::save(tx, &rows).await.map_err(taken_meanwhile)?;
    let postings: Vec<_> = written.iter().map(|(stored, terms)| (stored.memory.id, terms)).collect();
    store::insert_postings(tx, partition, &postings).await?;
    let added: i64 = written.iter().map(|(stored, _)| i64::from(stored.length)).sum();
    if !written.is_empty() {
        let created = written.len() - replaced.len();
        let created = i64::try_from(created).map_err(Error::internal)?;
        store::add_to_statistics(tx, partition, created, added - removed.length).await?;
    }
    for (memory, outcome) in &outcomes {
        match outcome {
            Outcome::Created => record(tx, grant, partition, event::REMEMBERED, memory, None),
            Outcome::Updated => record(tx, grant, partition, event::UPDATED, memory, None),
            Outcome::Unchanged => {}
        }
    }
    Ok(outcomes)
}

/// The client's id is unique in the workspace, not in the locked partition: somebody else may have been quicker.
fn taken_meanwhile(error: Error) -> Error {
    if is_unique_violation(&error) { ClientId::taken() } else { error }
}

/// The memory that the client's id stands for, where it was written before: the same request again gives the same
/// memory, whatever it says by now.
async fn find_by_client_id(
    tx: &Tx,
    grant: &Grant<Write>,
    partition: &Partition,
    client_id: &ClientId,
) -> Result<Option<Memory>> {
    let mark = vec![client_id.id.as_bytes().to_vec()];
    if !store::find_tombstones(tx, grant.workspace(), mark).await?.is_empty() {
        return Err(Error::Refused(vec![forgotten("clientId".to_owned())]));
    }
    match store::find_by_client_id(tx, grant, client_id.id).await? {
        None => Ok(None),
        Some(stored) if stored.partition == *partition => {
            client_id.require_same(stored.client_hash.as_deref())?;
            Ok(Some(stored.memory))
        }
        Some(_) => Err(ClientId::taken()),
    }
}

async fn refuse_forgotten(
    tx: &Tx,
    partition: &Partition,
    salt: &[u8],
    batch: &[Prepared],
    path: &impl Fn(usize) -> String,
) -> Result<()> {
    let mark_of = |prepared: &Prepared| prepared.item.external_id.as_deref().map(|id| mark(salt, id));
    let marks: HashMap<Vec<u8>, usize> =
        batch.iter().enumerate().filter_map(|(index, prepared)| Some((mark_of(prepared)?, index))).collect();
    let found = store::find_tombstones(tx, partition.workspace(), marks.keys().cloned().collect()).await?;
    if found.is_empty() {
        return Ok(());
    }
    let mut indices: Vec<usize> = found.iter().filter_map(|mark| marks.get(mark).copied()).collect();
    indices.sort_unstable();
    Err(Error::Refused(
        indices.into_iter().map(|index| forgotten(format!("{}externalId", path(index)))).collect(),
    ))
}

fn forgotten(path: String) -> Problem {
    Problem::new(
        ProblemCode::Forgotten,
        path,
        "this was forgotten on request, and stays so: use another id to remember anew",
    )
}

/// What stays of an external id: enough to know it again, and without the partition's salt not to guess it.
fn mark(salt: &[u8], external_id: &str) -> Vec<u8> {
    Sha256::new().chain_update(salt).chain_update(external_id).finalize().to_vec()
}

pub(super) struct Removed {
    pub(super) postings: u64,
    length: i64,
}

/// Takes memories out of the index; their statistics stay to be changed.
async fn unindex(tx: &Tx, partition: &Partition, memories: &[Stored]) -> Result<Removed> {
    let length = memories.iter().map(|stored| i64::from(stored.length)).sum();
    if memories.is_empty() {
        return Ok(Removed { postings: 0, length });
    }
    let terms: Vec<_> = memories.iter().map(|stored| (stored.memory.id, indexed_of(stored))).collect();
    let by_key: Vec<_> = terms.iter().map(|(memory, terms)| (*memory, terms)).collect();
    let mut postings = store::delete_postings(tx, partition, &by_key).await?;
    let expected: u64 = memories.iter().map(|stored| u64::from(stored.postings)).sum();
    if postings != expected {
        // They were made by another version's rules.
        postings +=
            store::sweep_postings(tx, partition, memories.iter().map(|stored| stored.memory.id)).await?;
    }
    Ok(Removed { postings, length })
}

/// Takes proposed memories up: from now on they are found. The partition is locked.
pub(super) async fn accept(
    tx: &mut Tx,
    ambient: &Ambient,
    grant: &Grant<Write>,
    partition: &Partition,
    proposed: Vec<Stored>,
) -> Result<Vec<Memory>> {
    let now = ambient.now();
    let accepted: Vec<_> = proposed
        .into_iter()
        .map(|stored| {
            let memory = Memory { status: MemoryStatus::Active, updated_at: now, ..stored.memory };
            let terms = indexed(&memory.content.text, memory.content.speaker.as_deref());
            (Stored::new(memory, *partition, stored.client_hash, &terms), terms)
        })
        .collect();
    let ids: Vec<_> = accepted.iter().map(|(stored, _)| stored.memory.id).collect();
    store::save(tx, &accepted.iter().map(|(stored, _)| stored).collect::<Vec<_>>()).await?;
    store::candidate::set_status(tx, partition, &ids, MemoryStatus::Active, now).await?;
    let postings: Vec<_> = accepted.iter().map(|(stored, terms)| (stored.memory.id, terms)).collect();
    store::insert_postings(tx, partition, &postings).await?;
    let count = i64::try_from(accepted.len()).map_err(Error::internal)?;
    let length = accepted.iter().map(|(stored, _)| i64::from(stored.length)).sum();
    store::add_to_statistics(tx, partition, count, length).await?;
    let memories: Vec<_> = accepted.into_iter().map(|(stored, _)| stored.memory).collect();
    for memory in &memories {
        record(tx, grant, partition, event::ACCEPTED, memory, None);
    }
    Ok(memories)
}

/// Takes a memory out for good, and keeps its outer ids from coming back. `None` where it is gone already. The
/// partition is locked.
pub(super) async fn erase(tx: &Tx, salt: &[u8], stored: &Stored) -> Result<Option<Removed>> {
    let partition = &stored.partition;
    if !store::delete(tx, partition, stored.memory.id).await? {
        return Ok(None);
    }
    let removed = unindex(tx, partition, std::slice::from_ref(stored)).await?;
    // What was only proposed is in no index.
    if stored.memory.status == MemoryStatus::Active {
        store::add_to_statistics(tx, partition, -1, -removed.length).await?;
    }
    let external_id = stored.memory.external_id.as_deref().map(|id| mark(salt, id));
    let client_id = stored.memory.client_id.map(|id| id.as_bytes().to_vec());
    store::insert_tombstones(tx, partition.workspace(), external_id.into_iter().chain(client_id).collect())
        .await?;
    Ok(Some(removed))
}

/// Without any of the text: the log outlives what is forgotten. `receipt` is of a forgetting.
pub(super) fn record(
    tx: &mut Tx,
    grant: &Grant<Write>,
    partition: &Partition,
    kind: &'static str,
    memory: &Memory,
    receipt: Option<ErasureReceiptId>,
) {
    let data = json!({
        "kind": memory.content.kind,
        "scope": memory.scope,
        "version": memory.version,
        "receipt": receipt,
    });
    tx.record(grant, NewEvent::new(kind, memory.id.uuid(), data).only_for(partition.user()));
}
