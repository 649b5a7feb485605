//! What is done with documents: the part of the service that is about them. Reading and cutting a text happens before
//! the transaction begins.
use super::{
    Document, DocumentChunk, MemoryScope, MemoryService, NewDocument, Prepared, filing,
    model::{forgotten, prepare},
    partition::Partition,
    policy,
    store::{self, document as documents},
};
use crate::{
    db::idempotency::{self, Claimed, Key},
    shared::{
        ClientId, Edited, Error, Page, PageRequest, Problems, Result,
        actor::{Actor, AtLeast, Grant, Read},
        id::{DocumentChunkId, DocumentId, WorkspaceId},
        text::sha256_hex,
    },
};
use serde_json::json;
use std::collections::HashMap;

/// Chunks that one transaction writes without others having to take turns for it.
const LARGE: usize = 50;

impl MemoryService {
    /// Adds a document, or a new version of one: the same external id again is the same document.
    pub async fn add_document(
        &self,
        actor: &Actor,
        new: NewDocument,
        idempotency_key: Option<String>,
    ) -> Result<Edited<Document>> {
        let grant = actor.may::<policy::AddDocument>(new.workspace)?;
        let mut problems = Problems::default();
        let described = new.described(&mut problems);
        let sent = json!({ "described": described, "text": sha256_hex(&new.text) });
        let client_id = ClientId::checked(&mut problems, new.client_id.as_deref(), &sent)?;
        problems.finish()?;
        let described = described.ok_or_else(|| Error::internal("a problem was not told"))?;
        let input = (&sent, &new.client_id, new.expected_version);
        let key = idempotency_key.map(|key| Key::new("addDocument", key, &input)).transpose()?;
        let NewDocument { text, expected_version, .. } = new;
        // Megabytes of text: not on a thread that others wait for.
        let prepared = tokio::task::spawn_blocking(move || prepare(described, &text)).await;
        let prepared = prepared.map_err(Error::internal)??;
        let partition = partition_of(&grant, prepared.described.scope);
        let _turn = self.turn(&prepared).await?;
        let mut tx = self.log.begin().await?;
        let added = match idempotency::claim(&tx, &self.ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => {
                let found = documents::find_many(&tx, &actor.scope(), &[id]).await?.remove(&id);
                Edited::Done(found.ok_or_else(|| forgotten("idempotencyKey"))?)
            }
            Claimed::New(claim) => {
                let salt = store::lock_partition(&tx, &partition, self.ambient.random.bytes()).await?;
                let given = (client_id, expected_version);
                let within = (&partition, salt.as_slice());
                let added = filing::add(&mut tx, &self.ambient, &grant, within, prepared, given).await?;
                if let Edited::Done(document) = &added {
                    claim.keep(&tx, &document.id).await?;
                    tx.commit().await?;
                }
                return Ok(added);
            }
        };
        tx.commit().await?;
        Ok(added)
    }

    /// For who writes very much: others come between two of them.
    pub(super) async fn turn(&self, prepared: &Prepared) -> Result<Option<tokio::sync::SemaphorePermit<'_>>> {
        if prepared.pieces.len() <= LARGE {
            return Ok(None);
        }
        self.imports.acquire().await.map(Some).map_err(Error::internal)
    }

    /// All that the actor may see, newest first.
    pub async fn list_documents(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        page: &PageRequest,
    ) -> Result<Page<Document>> {
        documents::list(&self.db, &actor.may::<Read>(workspace)?, page).await
    }

    /// Of these, the ones that exist and that the actor may see.
    pub async fn find_documents(
        &self,
        actor: &Actor,
        ids: &[DocumentId],
    ) -> Result<HashMap<DocumentId, Document>> {
        actor.key_allows::<Read>()?;
        documents::find_many(&self.db, &actor.scope(), ids).await
    }

    /// The readable texts of documents.
    pub async fn find_texts(&self, actor: &Actor, ids: &[DocumentId]) -> Result<HashMap<DocumentId, String>> {
        actor.key_allows::<Read>()?;
        documents::find_texts(&self.db, &actor.scope(), ids).await
    }

    pub async fn find_chunks(
        &self,
        actor: &Actor,
        ids: &[DocumentChunkId],
    ) -> Result<HashMap<DocumentChunkId, DocumentChunk>> {
        actor.key_allows::<Read>()?;
        documents::find_chunks(&self.db, &actor.scope(), ids).await
    }

    /// The same page of each document's chunks.
    pub async fn list_chunks(
        &self,
        actor: &Actor,
        of: &[DocumentId],
        request: &PageRequest,
    ) -> Result<HashMap<DocumentId, Page<DocumentChunk>>> {
        actor.key_allows::<Read>()?;
        documents::list_chunks(&self.db, &actor.scope(), of, request).await
    }
}

/// Where documents of a scope lie.
pub(super) fn partition_of(grant: &Grant<impl AtLeast<Read>>, scope: MemoryScope) -> Partition {
    match scope {
        MemoryScope::Workspace => Partition::of_workspace(grant),
        MemoryScope::User | MemoryScope::Session => Partition::of_user(grant),
    }
}
