//! What is done with documents: the part of the service that is about them. Reading and cutting a text happens before
//! the transaction begins.
use super::{
    Document, DocumentChunk, MemoryService, NewDocument, filing,
    model::{forgotten, prepare},
    partition::Partition,
    policy,
    store::{self, document as documents},
};
use crate::{
    db::idempotency::{self, Claimed, Key},
    shared::{
        ClientId, Edited, Error, Page, PageRequest, Problems, Result,
        actor::{Actor, Read},
        id::{DocumentChunkId, DocumentId, WorkspaceId},
        text::sha256_hex,
    },
};
use serde_json::json;
use std::collections::HashMap;

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
        let partition = Partition::of_scope(&grant, prepared.described.scope, None);
        let _turn = self.turn(prepared.pieces.len()).await?;
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
