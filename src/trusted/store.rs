//! Rows of registered documents.
use super::model::DocumentId;
use crate::{
    db::Source,
    shared::{
        Ambient, Result,
        actor::{Grant, Read, RegisterDocuments, Scope},
    },
};
use entity::trusted_document as row;
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Set, sea_query::OnConflict,
};
use std::{collections::HashMap, sync::Arc};

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

pub(super) async fn count(
    source: &impl Source,
    grant: &Grant<RegisterDocuments>,
    application: &str,
) -> Result<u64> {
    let of_application = row::Entity::find()
        .filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(row::Column::Application.eq(application));
    Ok(of_application.count(source.connection()).await?)
}

/// What the id stands for in the workspaces where the actor may read: two different texts at most.
pub(super) async fn find_texts(
    source: &impl Source,
    scope: &Scope<Read>,
    id: &DocumentId,
) -> Result<Vec<String>> {
    Ok(row::Entity::find()
        .select_only()
        .column(row::Column::Text)
        .distinct()
        .filter(row::Column::DocumentId.eq(id.as_str()))
        .filter(row::Column::WorkspaceId.is_in(scope.allowed()))
        .limit(2)
        .into_tuple()
        .all(source.connection())
        .await?)
}
