//! Rows of registered documents.
use super::model::{DocumentId, TrustedDocument};
use crate::{
    db::{
        Source,
        page::{self, Keyset},
    },
    shared::{
        Ambient, Error, Page, PageRequest, Result,
        actor::{Grant, Read, RegisterDocuments, Scope},
    },
};
use entity::trusted_document as row;
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select, Set,
    sea_query::{LockType, OnConflict},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use uuid::Uuid;

/// Leaves those out whose id the workspace has already, whatever their text; gives how many are new. Waits for who
/// registers the same ids at the same time.
pub(super) async fn insert(
    tx: &impl Source,
    grant: &Grant<RegisterDocuments>,
    application: &str,
    documents: impl Iterator<Item = (&DocumentId, &Arc<str>)>,
    ambient: &Ambient,
) -> Result<u64> {
    let at = ambient.now();
    // Seven values a row, and no more rows than a registration has: below the bind limits of both databases.
    let rows = documents.map(|(id, text)| row::ActiveModel {
        id: Set(ambient.ids.uuid()),
        workspace_id: Set(grant.workspace().uuid()),
        application: Set(application.to_owned()),
        document_id: Set(id.as_str().to_owned()),
        text: Set(text.to_string()),
        registered_by: Set(grant.principal().to_string()),
        created_at: Set(at),
    });
    let unique = [row::Column::WorkspaceId, row::Column::DocumentId];
    let inserted = row::Entity::insert_many(rows)
        .on_conflict(OnConflict::columns(unique).do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(inserted)
}

/// Gives how many of them there were. Locked in the order of their ids, so that two retirements never wait for each other.
pub(super) async fn delete(
    tx: &impl Source,
    grant: &Grant<RegisterDocuments>,
    ids: &BTreeSet<DocumentId>,
) -> Result<u64> {
    let retired = row::Entity::find()
        .select_only()
        .column(row::Column::Id)
        .filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(row::Column::DocumentId.is_in(ids.iter().map(DocumentId::as_str)))
        .order_by_asc(row::Column::DocumentId)
        .lock(LockType::Update)
        .into_query();
    let deleted = row::Entity::delete_many().filter(row::Column::Id.in_subquery(retired));
    Ok(deleted.exec(tx.connection()).await?.rows_affected)
}

/// Newest first.
pub(super) async fn list(
    source: &impl Source,
    grant: &Grant<RegisterDocuments>,
    application: Option<&str>,
    request: &PageRequest,
) -> Result<Page<TrustedDocument>> {
    let mut select = row::Entity::rows().filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()));
    if let Some(application) = application {
        select = select.filter(row::Column::Application.eq(application));
    }
    let order = Keyset::newest_first(row::Column::CreatedAt, row::Column::Id);
    page::list(source, select, &order, request).await?.try_map(document)
}

fn document(row: row::Model) -> Result<TrustedDocument> {
    let unreadable = || Error::internal(format!("{:?} is no id of a document", row.document_id));
    Ok(TrustedDocument {
        id: DocumentId::parse(&row.document_id).ok_or_else(unreadable)?,
        application: row.application,
        text: row.text,
        registered_by: row.registered_by.parse()?,
        registered_at: row.created_at,
    })
}

/// The texts that the workspace has under these ids.
pub(super) async fn list_texts(
    source: &impl Source,
    grant: &Grant<RegisterDocuments>,
    ids: impl Iterator<Item = &DocumentId>,
) -> Result<HashMap<String, String>> {
    let rows: Vec<(String, String)> = row::Entity::find()
        .select_only()
        .columns([row::Column::DocumentId, row::Column::Text])
        .filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(row::Column::DocumentId.is_in(ids.map(DocumentId::as_str)))
        .into_tuple()
        .all(source.connection())
        .await?;
    Ok(rows.into_iter().collect())
}

/// How many documents the application has, and how many the workspace.
pub(super) async fn count(
    source: &impl Source,
    grant: &Grant<RegisterDocuments>,
    application: &str,
) -> Result<(u64, u64)> {
    let of_workspace = row::Entity::rows().filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()));
    let of_application = of_workspace.clone().filter(row::Column::Application.eq(application));
    let connection = source.connection();
    Ok((of_application.count(connection).await?, of_workspace.count(connection).await?))
}

/// Where the actor may read and the id is registered.
pub(super) async fn list_workspaces(
    source: &impl Source,
    scope: &Scope<Read>,
    id: &DocumentId,
) -> Result<Vec<Uuid>> {
    let found = registered(scope, id).select_only().column(row::Column::WorkspaceId).into_tuple();
    Ok(found.all(source.connection()).await?)
}

/// What the id stands for in the workspaces where the actor may read: two different texts at most.
pub(super) async fn find_texts(
    source: &impl Source,
    scope: &Scope<Read>,
    id: &DocumentId,
) -> Result<Vec<String>> {
    let found =
        registered(scope, id).select_only().column(row::Column::Text).distinct().limit(2).into_tuple();
    Ok(found.all(source.connection()).await?)
}

fn registered(scope: &Scope<Read>, id: &DocumentId) -> Select<row::Entity> {
    row::Entity::rows()
        .filter(row::Column::DocumentId.eq(id.as_str()))
        .filter(row::Column::WorkspaceId.is_in(scope.allowed()))
}
