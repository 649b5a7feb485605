//! What is left of what was forgotten: that it is not to come back, and what its erasure took.
use super::{IDS, theirs};
use crate::{
    db::{Source, among},
    memory::ErasureReceipt,
    shared::{
        Error, Result,
        actor::{Grant, Read, Scope, Write},
        id::{ErasureReceiptId, WorkspaceId},
    },
};
use entity::{erasure_receipt, memory_tombstone};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set, sea_query::OnConflict};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Of these marks, those that stand for something forgotten.
pub(in crate::memory) async fn find_tombstones(
    tx: &impl Source,
    workspace: WorkspaceId,
    marks: Vec<Vec<u8>>,
) -> Result<HashSet<Vec<u8>>> {
    if marks.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = memory_tombstone::Entity::rows()
        .filter(memory_tombstone::Column::WorkspaceId.eq(workspace.uuid()))
        .filter(memory_tombstone::Column::Mark.is_in(marks))
        .all(tx.connection())
        .await?;
    Ok(rows.into_iter().map(|row| row.mark).collect())
}

pub(in crate::memory) async fn insert_tombstones(
    tx: &impl Source,
    workspace: WorkspaceId,
    marks: Vec<Vec<u8>>,
) -> Result<()> {
    let row = |mark: &Vec<u8>| memory_tombstone::ActiveModel {
        workspace_id: Set(workspace.uuid()),
        mark: Set(mark.clone()),
    };
    use memory_tombstone::Column::{Mark, WorkspaceId};
    // Ids that clients make are not told apart by who made them: the same one may have been forgotten before.
    let known = OnConflict::columns([WorkspaceId, Mark]).do_nothing().to_owned();
    for marks in marks.chunks(IDS) {
        memory_tombstone::Entity::insert_many(marks.iter().map(row))
            .on_conflict(known.clone())
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(())
}

/// `user` is who alone reads it, `of` the id of what was forgotten.
pub(in crate::memory) async fn insert_receipt(
    tx: &impl Source,
    grant: &Grant<Write>,
    user: Option<Uuid>,
    of: Uuid,
    receipt: &ErasureReceipt,
) -> Result<()> {
    let row = erasure_receipt::ActiveModel {
        id: Set(receipt.id.uuid()),
        workspace_id: Set(grant.workspace().uuid()),
        user_id: Set(user),
        memory_id: Set(of),
        requested_by: Set(grant.principal().uuid()),
        erased: Set(serde_json::to_value(&receipt.erased).map_err(Error::internal)?),
        at: Set(receipt.at),
    };
    erasure_receipt::Entity::insert(row).exec_without_returning(tx.connection()).await?;
    Ok(())
}

pub(in crate::memory) async fn find_receipts(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[ErasureReceiptId],
) -> Result<HashMap<ErasureReceiptId, ErasureReceipt>> {
    let rows = erasure_receipt::Entity::rows()
        .filter(erasure_receipt::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(among(erasure_receipt::Column::WorkspaceId, scope.workspaces()))
        .filter(theirs(erasure_receipt::Column::UserId, scope.principal().uuid()))
        .all(source.connection())
        .await?;
    let receipts = rows.into_iter().map(|row| {
        let id = ErasureReceiptId::from_uuid(row.id);
        let erased = serde_json::from_value(row.erased).map_err(Error::internal)?;
        Ok((id, ErasureReceipt { id, erased, at: row.at }))
    });
    receipts.collect()
}
