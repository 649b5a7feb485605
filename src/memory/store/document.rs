//! Rows of documents, of their texts and of their chunks.
use super::{find_by_ids, theirs};
use crate::{
    db::{
        Source, among,
        page::{self, Keyset},
    },
    gateway::Egress,
    memory::{
        about::Readable,
        model::{Document, DocumentChunk, DocumentFailure, DocumentStatus, MediaType, MemoryScope},
        partition::Partition,
    },
    shared::{
        Error, Page, PageRequest, Result,
        actor::{AtLeast, Grant, Read, Scope, Write},
        id::{DocumentChunkId, DocumentId, WorkspaceId},
    },
};
use entity::{document, document_chunk, document_text};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, JoinType, QueryFilter,
    QueryOrder, QuerySelect, Select, Set, sea_query::OnConflict,
};
use std::collections::HashMap;
use uuid::Uuid;

/// Rows of one statement: at nine values a row far below the bind limits of both databases.
const ROWS: usize = 500;

/// A document and what only the server knows of it.
#[derive(Clone, Debug)]
pub(in crate::memory) struct StoredDocument {
    pub(in crate::memory) document: Document,
    pub(in crate::memory) partition: Partition,
    pub(in crate::memory) client_hash: Option<Vec<u8>>,
    /// `None` before the first text.
    pub(in crate::memory) content_hash: Option<Vec<u8>>,
}

pub(in crate::memory) async fn find_by_external_id(
    tx: &impl Source,
    partition: &Partition,
    external_id: &str,
) -> Result<Option<StoredDocument>> {
    let row = document::Entity::rows()
        .filter(document::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(document::Column::OwnerId.eq(partition.owner()))
        .filter(document::Column::ExternalId.eq(external_id))
        .one(tx.connection())
        .await?;
    row.map(from_row).transpose()
}

/// Whoever's it is: a client's id is unique in the workspace.
pub(in crate::memory) async fn find_by_client_id(
    tx: &impl Source,
    grant: &Grant<Write>,
    client_id: Uuid,
) -> Result<Option<StoredDocument>> {
    let row = document::Entity::rows()
        .filter(document::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(document::Column::ClientId.eq(client_id))
        .one(tx.connection())
        .await?;
    row.map(from_row).transpose()
}

/// Of these, the ones that exist and that the actor may see.
pub(in crate::memory) async fn find_stored<A>(
    source: &impl Source,
    scope: &Scope<A>,
    ids: &[DocumentId],
) -> Result<Vec<StoredDocument>> {
    let ids = ids.iter().map(|id| id.uuid()).collect();
    let rows = find_by_ids(source, visible(scope), document::Column::Id, ids).await?;
    rows.into_iter().map(from_row).collect()
}

pub(in crate::memory) async fn find_many(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[DocumentId],
) -> Result<HashMap<DocumentId, Document>> {
    let found = find_stored(source, scope, ids).await?;
    Ok(found.into_iter().map(|stored| (stored.document.id, stored.document)).collect())
}

/// For who works with it, whoever's it is.
pub(in crate::memory) async fn find_in(
    tx: &impl Source,
    partition: &Partition,
    id: DocumentId,
) -> Result<Option<StoredDocument>> {
    let row = document::Entity::find_by_id(id.uuid())
        .filter(document::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(document::Column::OwnerId.eq(partition.owner()))
        .one(tx.connection())
        .await?;
    row.map(from_row).transpose()
}

/// The readable texts of documents.
pub(in crate::memory) async fn find_texts(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[DocumentId],
) -> Result<HashMap<DocumentId, String>> {
    let text = document::Entity::belongs_to(document_text::Entity)
        .from(document::Column::Id)
        .to(document_text::Column::DocumentId);
    let rows = visible(scope)
        .select_only()
        .column(document::Column::Id)
        .filter(document::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .join(JoinType::InnerJoin, text.into())
        .column(document_text::Column::Text)
        .into_tuple::<(Uuid, String)>()
        .all(source.connection())
        .await?;
    Ok(rows.into_iter().map(|(id, text)| (DocumentId::from_uuid(id), text)).collect())
}

/// Newest first.
pub(in crate::memory) async fn list(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    request: &PageRequest,
) -> Result<Page<Document>> {
    let select = document::Entity::rows()
        .filter(document::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(theirs(document::Column::UserId, grant.principal().uuid()));
    let order = Keyset::newest_first(document::Column::CreatedAt, document::Column::Id);
    let page = page::list(source, select, &order, request).await?;
    page.try_map(|row| Ok(from_row(row)?.document))
}

fn visible<A>(scope: &Scope<A>) -> Select<document::Entity> {
    document::Entity::rows()
        .filter(among(document::Column::WorkspaceId, scope.workspaces()))
        .filter(theirs(document::Column::UserId, scope.principal().uuid()))
}

pub(in crate::memory) async fn find_chunks(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[DocumentChunkId],
) -> Result<HashMap<DocumentChunkId, DocumentChunk>> {
    let ids = ids.iter().map(|id| id.uuid()).collect();
    let rows = find_by_ids(source, visible_chunks(scope), document_chunk::Column::Id, ids).await?;
    Ok(rows.into_iter().map(chunk_of).map(|chunk| (chunk.id, chunk)).collect())
}

/// The same page of each document's chunks, in the order of the text, in one statement.
pub(in crate::memory) async fn list_chunks(
    source: &impl Source,
    scope: &Scope<Read>,
    documents: &[DocumentId],
    request: &PageRequest,
) -> Result<HashMap<DocumentId, Page<DocumentChunk>>> {
    use document_chunk::Column;
    let order = Keyset::oldest_first(Column::Number, Column::Id);
    let parents: Vec<Uuid> = documents.iter().map(|id| id.uuid()).collect();
    let pages: HashMap<Uuid, _> =
        page::list_by(source, visible_chunks(scope), Column::DocumentId, &parents, &order, request).await?;
    Ok(pages.into_iter().map(|(id, page)| (DocumentId::from_uuid(id), page.map(chunk_of))).collect())
}

fn visible_chunks<A>(scope: &Scope<A>) -> Select<document_chunk::Entity> {
    document_chunk::Entity::rows()
        .filter(among(document_chunk::Column::WorkspaceId, scope.workspaces()))
        .filter(theirs(document_chunk::Column::UserId, scope.principal().uuid()))
}

/// In the order of the text.
pub(in crate::memory) async fn chunks_of(
    tx: &impl Source,
    partition: &Partition,
    document: DocumentId,
) -> Result<Vec<DocumentChunk>> {
    let rows = document_chunk::Entity::rows()
        .filter(document_chunk::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(document_chunk::Column::DocumentId.eq(document.uuid()))
        .order_by_asc(document_chunk::Column::Number)
        .all(tx.connection())
        .await?;
    Ok(rows.into_iter().map(chunk_of).collect())
}

/// All chunks that the principal may see, each with its document's title, in the order of the chunks' ids.
pub(in crate::memory) async fn texts_after(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Readable<DocumentId, Uuid>>> {
    use document_chunk::Column::{DocumentId as Of, Heading, Id, Text, UserId, WorkspaceId};
    let of_document = document_chunk::Entity::belongs_to(document::Entity).from(Of).to(document::Column::Id);
    let rows: Vec<(Uuid, Uuid, String, Option<String>, String)> = document_chunk::Entity::find()
        .select_only()
        .columns([Id, Of, Text, Heading])
        .column(document::Column::Title)
        .join(JoinType::InnerJoin, of_document.into())
        .filter(WorkspaceId.eq(grant.workspace().uuid()))
        .filter(theirs(UserId, grant.principal().uuid()))
        .filter(Condition::all().add_option(after.map(|after| Id.gt(after))))
        .order_by_asc(Id)
        .limit(limit)
        .into_tuple()
        .all(source.connection())
        .await?;
    let readable = |(id, document, text, heading, title)| {
        let texts = [Some(text), heading, Some(title)].into_iter().flatten().collect();
        Readable { of: DocumentId::from_uuid(document), place: id, texts }
    };
    Ok(rows.into_iter().map(readable).collect())
}

pub(in crate::memory) async fn chunk_ids(
    tx: &impl Source,
    partition: &Partition,
    document: DocumentId,
) -> Result<Vec<DocumentChunkId>> {
    let ids: Vec<Uuid> = document_chunk::Entity::find()
        .select_only()
        .column(document_chunk::Column::Id)
        .filter(document_chunk::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(document_chunk::Column::DocumentId.eq(document.uuid()))
        .into_tuple()
        .all(tx.connection())
        .await?;
    Ok(ids.into_iter().map(DocumentChunkId::from_uuid).collect())
}

/// Writes a new document, or what changed of one that is there. What is unique stays as it was: see
/// docs/architecture.md on locks.
pub(in crate::memory) async fn save(tx: &impl Source, stored: &StoredDocument, is_new: bool) -> Result<()> {
    let row = to_row(stored);
    if is_new {
        document::Entity::insert(row).exec_without_returning(tx.connection()).await?;
        return Ok(());
    }
    let changed = document::ActiveModel {
        id: row.id,
        title: row.title,
        media_type: row.media_type,
        egress: row.egress,
        status: row.status,
        failure: row.failure,
        progress: row.progress,
        version: row.version,
        content_hash: row.content_hash,
        length: row.length,
        updated_at: row.updated_at,
        ..Default::default()
    };
    changed.update(tx.connection()).await?;
    Ok(())
}

/// Puts a text and its parts in the place of those that were there.
pub(in crate::memory) async fn replace_text(
    tx: &impl Source,
    partition: &Partition,
    document: DocumentId,
    text: &str,
    chunks: &[DocumentChunk],
) -> Result<()> {
    document_chunk::Entity::delete_many()
        .filter(document_chunk::Column::DocumentId.eq(document.uuid()))
        .exec(tx.connection())
        .await?;
    let row = document_text::ActiveModel { document_id: Set(document.uuid()), text: Set(text.to_owned()) };
    document_text::Entity::insert(row)
        .on_conflict(
            OnConflict::column(document_text::Column::DocumentId)
                .update_column(document_text::Column::Text)
                .to_owned(),
        )
        .exec_without_returning(tx.connection())
        .await?;
    for some in chunks.chunks(ROWS) {
        let rows = some.iter().map(|chunk| chunk_row(partition, chunk).into_active_model());
        document_chunk::Entity::insert_many(rows).exec_without_returning(tx.connection()).await?;
    }
    Ok(())
}

/// With all that belongs to it. `false` where it was gone already.
pub(in crate::memory) async fn delete(
    tx: &impl Source,
    partition: &Partition,
    id: DocumentId,
) -> Result<bool> {
    let deleted = document::Entity::delete_many()
        .filter(document::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(document::Column::Id.eq(id.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(deleted.rows_affected > 0)
}

fn to_row(stored: &StoredDocument) -> document::ActiveModel {
    let StoredDocument { document, partition, client_hash, content_hash } = stored.clone();
    document::ActiveModel {
        id: Set(document.id.uuid()),
        workspace_id: Set(partition.workspace().uuid()),
        owner_id: Set(partition.owner()),
        user_id: Set(partition.user()),
        scope: Set(document.scope.name().to_owned()),
        external_id: Set(document.external_id),
        client_id: Set(document.client_id),
        client_hash: Set(client_hash),
        title: Set(document.title),
        media_type: Set(document.media_type.name().to_owned()),
        egress: Set(document.egress.name().to_owned()),
        status: Set(document.status.name().to_owned()),
        failure: Set(document.failure.map(|failure| failure.name().to_owned())),
        progress: Set(document.progress),
        version: Set(document.version),
        content_hash: Set(content_hash),
        length: Set(document.length),
        created_at: Set(document.created_at),
        updated_at: Set(document.updated_at),
    }
}

fn from_row(row: document::Model) -> Result<StoredDocument> {
    let workspace = WorkspaceId::from_uuid(row.workspace_id);
    let scope = MemoryScope::from_name(&row.scope)?;
    let document = Document {
        id: DocumentId::from_uuid(row.id),
        workspace,
        scope,
        external_id: row.external_id,
        title: row.title,
        media_type: MediaType::from_name(&row.media_type)?,
        egress: Egress::from_name(&row.egress)?,
        status: DocumentStatus::from_name(&row.status)?,
        failure: row.failure.as_deref().map(DocumentFailure::from_name).transpose()?,
        progress: row.progress,
        version: row.version,
        client_id: row.client_id,
        length: row.length,
        created_at: row.created_at,
        updated_at: row.updated_at,
    };
    let partition = Partition::of_row(workspace, scope, row.owner_id, row.user_id);
    Ok(StoredDocument { document, partition, client_hash: row.client_hash, content_hash: row.content_hash })
}

fn chunk_row(partition: &Partition, chunk: &DocumentChunk) -> document_chunk::Model {
    document_chunk::Model {
        id: chunk.id.uuid(),
        document_id: chunk.document.uuid(),
        workspace_id: partition.workspace().uuid(),
        user_id: partition.user(),
        number: chunk.number,
        heading: chunk.heading.clone(),
        text: chunk.text.clone(),
        start_offset: chunk.start,
        end_offset: chunk.end,
    }
}

fn chunk_of(row: document_chunk::Model) -> DocumentChunk {
    DocumentChunk {
        id: DocumentChunkId::from_uuid(row.id),
        document: DocumentId::from_uuid(row.document_id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        number: row.number,
        heading: row.heading,
        text: row.text,
        start: row.start_offset,
        end: row.end_offset,
    }
}

/// Of a count that fits where it was counted.
pub(in crate::memory) fn count(value: usize) -> Result<i32> {
    i32::try_from(value).map_err(Error::internal)
}
