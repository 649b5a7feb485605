//! Carries out a batch of writes into one partition: what is new, what changed, what stays, what was forgotten.
use super::{
    Content, Memory, MemoryStatus, NewItem, Outcome, Succession, event,
    index::{self, Digest, Entry, ItemId, ItemKind, Times},
    model::{MemoryChange, MemoryChanged},
    partition::Partition,
    store::{self, Stored},
};
use crate::{
    db::is_unique_violation,
    event::{NewEvent, Tx},
    shared::{
        Ambient, ClientId, Error, Problem, ProblemCode, Result,
        actor::{Grant, Write},
        id::{ErasureReceiptId, MemoryId, RunId},
    },
};
use chrono::{DateTime, Utc};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// An item that was checked, and digested before the transaction began.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) item: NewItem,
    digest: Digest,
    /// The one that writes it.
    run: Option<RunId>,
}

impl Prepared {
    pub(super) fn new(item: NewItem) -> Self {
        let digest = digest(&item.content);
        Self { item, digest, run: None }
    }

    pub(super) fn of_run(self, run: Option<RunId>) -> Self {
        Self { run, ..self }
    }
}

pub(super) fn digest(content: &Content) -> Digest {
    Digest::of_memory(&content.text, content.speaker.as_deref())
}

/// What the index is to hold of a memory.
pub(super) fn entry(memory: &Memory, digest: Digest) -> Entry {
    let content = &memory.content;
    Entry {
        item: ItemId { id: memory.id.uuid(), kind: ItemKind::Memory },
        collection: content.collection.clone(),
        speaker: content.speaker.clone(),
        kind: Some(content.kind),
        at: content.occurred_at.unwrap_or(memory.created_at),
        importance: content.importance,
        times: Times::of(memory),
        digest,
        same_text: false,
    }
}

/// Writes what is new or changed and gives every item's memory, in the order of the items. Items with the same
/// external id must not be in one batch; a client's id goes with a single item. `path` tells where an item
/// stands in the input.
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
    known.extend(find_exported(tx, partition, external_ids()).await?);

    let now = ambient.now();
    let (client_id, client_hash) = client_id.map(|client| (client.id, client.hash)).unzip();
    let mut outcomes = Vec::with_capacity(batch.len());
    let (mut rows, mut entries) = (Vec::new(), Vec::new());
    for Prepared { item, digest, run } in batch {
        let stored = item.external_id.as_ref().and_then(|id| known.remove(id));
        let (memory, client_hash, outcome) = match stored {
            Some(stored) if stored.memory.content == item.content => {
                outcomes.push((stored.memory, Outcome::Unchanged));
                continue;
            }
            Some(Stored { memory, client_hash, .. }) => {
                let version = memory.version + 1;
                // What it says now was not known before, and stands whatever became of what it said then.
                let succession = Succession { known_from: Some(now), ..Succession::default() };
                let status = MemoryStatus::Active;
                let content = item.content;
                let memory = Memory { content, version, status, succession, updated_at: now, ..memory };
                (memory, client_hash, Outcome::Updated)
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
                    succession: Succession::default(),
                    created_at: now,
                    updated_at: now,
                };
                (memory, client_hash.clone(), Outcome::Created)
            }
        };
        entries.push(entry(&memory, digest));
        rows.push(Stored { memory: memory.clone(), partition: *partition, client_hash, run });
        outcomes.push((memory, outcome));
    }

    store::save(tx, &rows).await.map_err(taken_meanwhile)?;
    index::insert(tx, partition, &entries).await?;
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

/// Memories without an external id, which an export names by their own: so what was exported comes back as itself.
async fn find_exported(
    tx: &Tx,
    partition: &Partition,
    external_ids: impl Iterator<Item = &str>,
) -> Result<HashMap<String, Stored>> {
    let ids: Vec<MemoryId> = external_ids.filter_map(|id| id.parse().ok()).collect();
    let found = store::find_without_external_id(tx, partition, &ids).await?;
    Ok(found.into_iter().map(|stored| (stored.memory.id.to_string(), stored)).collect())
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
pub(super) fn mark(salt: &[u8], external_id: &str) -> Vec<u8> {
    Sha256::new().chain_update(salt).chain_update(external_id).finalize().to_vec()
}

/// Takes proposed memories up: from now on they are found. The partition is locked. Their digests were made before the
/// transaction began.
pub(super) async fn accept(
    tx: &mut Tx,
    ambient: &Ambient,
    grant: &Grant<Write>,
    partition: &Partition,
    proposed: Vec<(Stored, Digest)>,
) -> Result<Vec<Memory>> {
    let now = ambient.now();
    let (mut memories, mut entries) = (Vec::new(), Vec::new());
    for (stored, digest) in proposed {
        let memory = Memory { status: MemoryStatus::Active, updated_at: now, ..stored.memory };
        entries.push(entry(&memory, digest));
        memories.push(memory);
    }
    let ids: Vec<_> = memories.iter().map(|memory| memory.id).collect();
    store::candidate::set_status(tx, partition, &ids, MemoryStatus::Active, now).await?;
    index::insert(tx, partition, &entries).await?;
    note(tx, grant, &ids, MemoryChanged::Accepted, now).await?;
    for memory in &memories {
        record(tx, grant, partition, event::ACCEPTED, memory, None);
    }
    Ok(memories)
}

/// Notes that the grant's principal did this with memories.
pub(super) async fn note(
    tx: &Tx,
    grant: &Grant<Write>,
    ids: &[MemoryId],
    what: MemoryChanged,
    at: DateTime<Utc>,
) -> Result<()> {
    let by = Some(grant.principal().uuid());
    let change = MemoryChange { what, reason: None, other: None, by, at };
    let changes: Vec<_> = ids.iter().map(|id| (*id, change.clone())).collect();
    store::course::note(tx, &changes).await
}

/// What went with memories.
pub(super) struct Gone {
    pub(super) memories: u64,
    /// Of the index.
    pub(super) entries: u64,
    pub(super) reasons: u64,
}

/// Takes memories of a partition out for good, and keeps their outer ids from coming back. The partition is locked, and
/// `salt` is its key.
pub(super) async fn erase(
    tx: &Tx,
    ambient: &Ambient,
    (partition, salt): (&Partition, &[u8]),
    stored: &[&Stored],
) -> Result<Gone> {
    let ids: Vec<_> = stored.iter().map(|stored| stored.memory.id.uuid()).collect();
    let memories = store::delete(tx, partition, &ids).await?;
    let entries = index::remove(tx, partition, &ids, ambient.now()).await?;
    let reasons = store::course::erase_reasons(tx, &ids).await?;
    let marks = stored.iter().flat_map(|Stored { memory, .. }| {
        let name = memory.external_id.clone().unwrap_or_else(|| memory.id.to_string());
        let client_id = memory.client_id.map(|id| id.as_bytes().to_vec());
        [mark(salt, &name)].into_iter().chain(client_id)
    });
    store::insert_tombstones(tx, partition.workspace(), marks.collect()).await?;
    Ok(Gone { memories, entries, reasons })
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
