//! Files documents, in the caller's transaction and with their partition taken: what is new, what changed, what stays,
//! what was forgotten. A new text takes the place of the old one with all its chunks, or not at all.
use super::{
    Document, DocumentChunk, DocumentFailure, DocumentStatus, Prepared, event,
    index::{self, Digest, Entry, ItemId, ItemKind, Times},
    ingest::mark,
    model::{Described, forgotten},
    partition::Partition,
    store::document::{self as store, StoredDocument, count},
    store::{find_tombstones, insert_tombstones},
};
use crate::{
    db::is_unique_violation,
    event::{NewEvent, Tx},
    shared::{
        Ambient, ClientId, Edited, Error, Result,
        actor::{Grant, Write},
        edit::is_stale,
        id::{DocumentChunkId, DocumentId, ErasureReceiptId},
        text::utf16_len,
    },
};
use serde_json::json;
use uuid::Uuid;

/// A document that came as a text. `salt` is the partition's.
pub(super) async fn add(
    tx: &mut Tx,
    ambient: &Ambient,
    grant: &Grant<Write>,
    (partition, salt): (&Partition, &[u8]),
    prepared: Prepared,
    (client_id, expected): (Option<ClientId>, Option<i32>),
) -> Result<Edited<Document>> {
    if let Some(client_id) = &client_id
        && let Some(document) = find_by_client_id(tx, grant, partition, client_id).await?
    {
        return Ok(Edited::Done(document));
    }
    let stored = find_described(tx, partition, salt, &prepared.described).await?;
    let Some(stored) = stored else {
        if expected.is_some() {
            return Err(Error::conflict("expectedVersion", "there is no such document (any more)"));
        }
        let stored = begin(ambient, partition, &prepared.described, client_id);
        store::save(tx, &stored, true).await.map_err(taken_meanwhile)?;
        let stored = rewrite(tx, ambient, stored, prepared).await?;
        record(tx, grant, &stored, event::DOCUMENT_ADDED, None);
        return Ok(Edited::Done(stored.document));
    };
    let version = stored.document.version;
    if is_stale(expected, version) {
        return Ok(Edited::Stale { current: stored.document, version });
    }
    if stored.document.status == DocumentStatus::Ready && stored.content_hash.as_ref() == Some(&prepared.hash)
    {
        return Ok(Edited::Done(stored.document));
    }
    // What it says now is newer than a file that is still to be read.
    super::store::upload::delete_of(tx, stored.document.id).await?;
    let stored = settle(tx, ambient, stored, prepared).await?;
    record(tx, grant, &stored, event::DOCUMENT_UPDATED, None);
    Ok(Edited::Done(stored.document))
}

/// The document that a description speaks of, where it is there; an error where it was forgotten.
pub(super) async fn find_described(
    tx: &Tx,
    partition: &Partition,
    salt: &[u8],
    described: &Described,
) -> Result<Option<StoredDocument>> {
    let Some(external_id) = &described.external_id else { return Ok(None) };
    let marks = vec![external_mark(salt, external_id)];
    if !find_tombstones(tx, partition.workspace(), marks).await?.is_empty() {
        return Err(forgotten("externalId"));
    }
    store::find_by_external_id(tx, partition, external_id).await
}

/// A memory of the same client's id is another thing.
fn client_mark(id: Uuid) -> Vec<u8> {
    [b"document ", id.as_bytes().as_slice()].concat()
}

/// The document that the client's id stands for, where it was added before.
async fn find_by_client_id(
    tx: &Tx,
    grant: &Grant<Write>,
    partition: &Partition,
    client_id: &ClientId,
) -> Result<Option<Document>> {
    let marks = vec![client_mark(client_id.id)];
    if !find_tombstones(tx, grant.workspace(), marks).await?.is_empty() {
        return Err(forgotten("clientId"));
    }
    match store::find_by_client_id(tx, grant, client_id.id).await? {
        None => Ok(None),
        Some(stored) if stored.partition == *partition => {
            client_id.require_same(stored.client_hash.as_deref())?;
            Ok(Some(stored.document))
        }
        Some(_) => Err(ClientId::taken()),
    }
}

/// The client's id is unique in the workspace, not in the partition that is taken: somebody else may have been quicker.
fn taken_meanwhile(error: Error) -> Error {
    if is_unique_violation(&error) { ClientId::taken() } else { error }
}

/// Apart from those of memories: no id that a client sends has a NUL in it.
fn external_mark(salt: &[u8], external_id: &str) -> Vec<u8> {
    mark(salt, &format!("document\0{external_id}"))
}

/// A document that says nothing yet.
pub(super) fn begin(
    ambient: &Ambient,
    partition: &Partition,
    described: &Described,
    client_id: Option<ClientId>,
) -> StoredDocument {
    let now = ambient.now();
    let (client_id, client_hash) = client_id.map(|client| (client.id, client.hash)).unzip();
    let document = Document {
        id: ambient.ids.next(),
        workspace: partition.workspace(),
        scope: partition.scope(),
        external_id: described.external_id.clone(),
        title: described.title.clone(),
        media_type: described.media_type,
        egress: described.egress,
        status: DocumentStatus::Processing,
        failure: None,
        progress: 0,
        version: 1,
        client_id,
        length: 0,
        created_at: now,
        updated_at: now,
    };
    StoredDocument { document, partition: *partition, client_hash, content_hash: None }
}

/// Gives a document that is there what was read: a new version, where that is another text than before.
pub(super) async fn settle(
    tx: &mut Tx,
    ambient: &Ambient,
    mut stored: StoredDocument,
    prepared: Prepared,
) -> Result<StoredDocument> {
    if stored.content_hash.as_ref() != Some(&prepared.hash) {
        stored.document.version += i32::from(stored.content_hash.is_some());
        return rewrite(tx, ambient, stored, prepared).await;
    }
    stand(&mut stored, ambient, DocumentStatus::Ready, None);
    store::save(tx, &stored, false).await?;
    Ok(stored)
}

/// What was there stays as it is: a file that cannot be read takes nothing away.
pub(super) async fn fail(
    tx: &mut Tx,
    ambient: &Ambient,
    mut stored: StoredDocument,
    failure: DocumentFailure,
) -> Result<StoredDocument> {
    stand(&mut stored, ambient, DocumentStatus::Failed, Some(failure));
    store::save(tx, &stored, false).await?;
    Ok(stored)
}

/// It is to be read anew, or is read.
pub(super) fn process(stored: &mut StoredDocument, ambient: &Ambient, progress: i32) {
    stand(stored, ambient, DocumentStatus::Processing, None);
    stored.document.progress = progress;
}

fn stand(
    stored: &mut StoredDocument,
    ambient: &Ambient,
    status: DocumentStatus,
    failure: Option<DocumentFailure>,
) {
    stored.document.status = status;
    stored.document.failure = failure;
    stored.document.progress = 100;
    stored.document.updated_at = ambient.now();
}

async fn rewrite(
    tx: &mut Tx,
    ambient: &Ambient,
    mut stored: StoredDocument,
    prepared: Prepared,
) -> Result<StoredDocument> {
    let Prepared { described, text, pieces, hash } = prepared;
    stored.content_hash = Some(hash);
    let document = &mut stored.document;
    document.title = described.title;
    document.media_type = described.media_type;
    document.egress = described.egress;
    document.length = count(utf16_len(&text))?;
    let (mut chunks, mut digests) = (Vec::with_capacity(pieces.len()), Vec::with_capacity(pieces.len()));
    for (number, (piece, digest)) in pieces.into_iter().enumerate() {
        digests.push(digest);
        chunks.push(DocumentChunk {
            id: ambient.ids.next(),
            document: document.id,
            workspace: document.workspace,
            number: count(number)?,
            heading: piece.heading,
            text: piece.text,
            start: count(piece.start)?,
            end: count(piece.end)?,
        });
    }
    stand(&mut stored, ambient, DocumentStatus::Ready, None);
    let old: Vec<Uuid> = uuids(store::chunk_ids(tx, &stored.partition, stored.document.id).await?);
    index::remove(tx, &stored.partition, &old, ambient.now()).await?;
    let entries = chunks.iter().zip(digests).map(|(chunk, digest)| entry(&stored.document, chunk, digest));
    index::insert(tx, &stored.partition, &entries.collect::<Vec<_>>()).await?;
    store::save(tx, &stored, false).await?;
    store::replace_text(tx, &stored.partition, stored.document.id, &text, &chunks).await?;
    Ok(stored)
}

fn uuids(chunks: Vec<DocumentChunkId>) -> Vec<Uuid> {
    chunks.into_iter().map(DocumentChunkId::uuid).collect()
}

/// What the index is to hold of a chunk.
pub(super) fn entry(document: &Document, chunk: &DocumentChunk, digest: Digest) -> Entry {
    Entry {
        item: ItemId { id: chunk.id.uuid(), kind: ItemKind::Chunk },
        collection: Some(document.id.to_string()),
        speaker: None,
        kind: None,
        at: document.updated_at,
        importance: None,
        times: Times::default(),
        digest,
        same_text: false,
    }
}

/// What went with a document.
pub(super) struct Gone {
    pub(super) chunks: Vec<Uuid>,
    /// Of the index.
    pub(super) entries: u64,
}

/// Takes a document out for good, and keeps its outer ids from coming back. `None` where it is gone already.
pub(super) async fn erase(
    tx: &Tx,
    ambient: &Ambient,
    salt: &[u8],
    stored: &StoredDocument,
) -> Result<Option<Gone>> {
    let StoredDocument { document, partition, .. } = stored;
    let chunks = uuids(store::chunk_ids(tx, partition, document.id).await?);
    let entries = index::remove(tx, partition, &chunks, ambient.now()).await?;
    if !store::delete(tx, partition, document.id).await? {
        return Ok(None);
    }
    let external_id = document.external_id.as_deref().map(|id| external_mark(salt, id));
    let client_id = document.client_id.map(client_mark);
    insert_tombstones(tx, partition.workspace(), external_id.into_iter().chain(client_id).collect()).await?;
    Ok(Some(Gone { chunks, entries }))
}

/// Without any of the text: the log outlives what is forgotten. `receipt` is of a forgetting.
pub(super) fn record(
    tx: &mut Tx,
    grant: &Grant<Write>,
    stored: &StoredDocument,
    kind: &'static str,
    receipt: Option<ErasureReceiptId>,
) {
    let StoredDocument { document, partition, .. } = stored;
    let data = json!({
        "scope": document.scope,
        "status": document.status,
        "failure": document.failure,
        "progress": document.progress,
        "version": document.version,
        "receipt": receipt,
    });
    tx.record(grant, event_of(kind, document.id, data).only_for(partition.user()));
}

fn event_of(kind: &'static str, id: DocumentId, data: serde_json::Value) -> NewEvent {
    NewEvent::new(kind, id.uuid(), data)
}
