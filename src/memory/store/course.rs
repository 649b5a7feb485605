//! What was done with memories, and what time is to do.
use super::{Stored, from_row, visible};
use crate::{
    db::{Source, among},
    memory::{
        model::{MemoryChange, MemoryChanged, MemoryStatus, Succession},
        partition::Partition,
    },
    shared::{
        Result,
        actor::{Grant, Read, Scope, Write},
        id::MemoryId,
    },
};
use chrono::{DateTime, Utc};
use entity::{memory, memory_change};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Set, sea_query::Expr,
};
use std::collections::HashMap;

/// Rows of one statement.
const ROWS: usize = 500;

/// Takes away why others were superseded by these, or these by them: the words may speak of them. Gives how many.
pub(in crate::memory) async fn erase_reasons(tx: &impl Source, others: &[uuid::Uuid]) -> Result<u64> {
    let mut erased = 0;
    for others in others.chunks(ROWS) {
        let done = memory_change::Entity::update_many()
            .col_expr(memory_change::Column::Reason, Expr::value(None::<String>))
            .filter(memory_change::Column::OtherId.is_in(others.iter().copied()))
            .filter(memory_change::Column::Reason.is_not_null())
            .exec(tx.connection())
            .await?;
        erased += done.rows_affected;
    }
    Ok(erased)
}

/// Notes what was done with memories. Each gets its next number: its partition is locked.
pub(in crate::memory) async fn note(tx: &impl Source, changes: &[(MemoryId, MemoryChange)]) -> Result<()> {
    for changes in changes.chunks(ROWS) {
        let ids = changes.iter().map(|(id, _)| id.uuid());
        let last: Vec<(uuid::Uuid, i64)> = memory_change::Entity::find()
            .select_only()
            .column(memory_change::Column::MemoryId)
            .column_as(memory_change::Column::Number.max(), "number")
            .filter(memory_change::Column::MemoryId.is_in(ids))
            .group_by(memory_change::Column::MemoryId)
            .into_tuple()
            .all(tx.connection())
            .await?;
        let last: HashMap<_, _> = last.into_iter().collect();
        let rows = changes.iter().map(|(id, change)| memory_change::ActiveModel {
            memory_id: Set(id.uuid()),
            number: Set(last.get(&id.uuid()).copied().unwrap_or_default() + 1),
            what: Set(change.what.name().to_owned()),
            reason: Set(change.reason.clone()),
            other_id: Set(change.other.map(|id| id.uuid())),
            by_id: Set(change.by),
            at: Set(change.at),
        });
        memory_change::Entity::insert_many(rows).exec_without_returning(tx.connection()).await?;
    }
    Ok(())
}

/// What was done with memories, oldest first, as far as who asks sees them.
pub(in crate::memory) async fn changes_of(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[MemoryId],
) -> Result<HashMap<MemoryId, Vec<MemoryChange>>> {
    let seen = visible(scope)
        .filter(memory::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .select_only()
        .column(memory::Column::Id)
        .into_query();
    let rows = memory_change::Entity::rows()
        .filter(memory_change::Column::MemoryId.in_subquery(seen))
        .order_by_asc(memory_change::Column::MemoryId)
        .order_by_asc(memory_change::Column::Number)
        .all(source.connection())
        .await?;
    let mut found: HashMap<MemoryId, Vec<MemoryChange>> = HashMap::new();
    for row in rows {
        found.entry(MemoryId::from_uuid(row.memory_id)).or_default().push(MemoryChange {
            what: MemoryChanged::from_name(&row.what)?,
            reason: row.reason,
            other: row.other_id.map(MemoryId::from_uuid),
            by: row.by_id,
            at: row.at,
        });
    }
    Ok(found)
}

/// The memory is superseded from now on.
pub(in crate::memory) async fn supersede(
    tx: &impl Source,
    grant: &Grant<Write>,
    id: MemoryId,
    succession: &Succession,
    at: DateTime<Utc>,
) -> Result<()> {
    memory::Entity::update_many()
        .col_expr(memory::Column::Status, Expr::value(MemoryStatus::Superseded.name()))
        .col_expr(memory::Column::SupersededAt, Expr::value(succession.superseded_at))
        .col_expr(memory::Column::SupersededFrom, Expr::value(succession.superseded_from))
        .col_expr(memory::Column::SupersededBy, Expr::value(succession.superseded_by.map(|id| id.uuid())))
        .col_expr(memory::Column::UpdatedAt, Expr::value(at))
        .filter(memory::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(memory::Column::Id.eq(id.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Memories of all workspaces whose time is over and that are still in use, at most `limit`.
pub(in crate::memory) async fn due(
    source: &impl Source,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Stored>> {
    let rows =
        in_use(now).order_by_asc(memory::Column::ExpiresAt).limit(limit).all(source.connection()).await?;
    rows.into_iter().map(from_row).collect()
}

/// Of these, in a partition that is locked, the ones that still are.
pub(in crate::memory) async fn still_due(
    tx: &impl Source,
    partition: &Partition,
    now: DateTime<Utc>,
    ids: &[MemoryId],
) -> Result<Vec<Stored>> {
    let rows = in_use(now)
        .filter(among(memory::Column::WorkspaceId, [partition.workspace().uuid()]))
        .filter(memory::Column::OwnerId.eq(partition.owner()))
        .filter(memory::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .order_by_asc(memory::Column::Id)
        .all(tx.connection())
        .await?;
    rows.into_iter().map(from_row).collect()
}

fn in_use(now: DateTime<Utc>) -> sea_orm::Select<memory::Entity> {
    let over = [MemoryStatus::Expired, MemoryStatus::Rejected].map(MemoryStatus::name);
    memory::Entity::rows()
        .filter(memory::Column::ExpiresAt.is_not_null())
        .filter(memory::Column::ExpiresAt.lte(now))
        .filter(memory::Column::Status.is_not_in(over))
}
