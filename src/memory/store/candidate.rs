//! What is proposed, and where it comes from.
use super::{Stored, from_row, to_row, visible};
use crate::{
    db::{Source, among},
    memory::{
        Memory,
        model::{MemorySource, MemoryStatus},
        partition::Partition,
    },
    shared::{
        Error, Result,
        actor::{Grant, Read, Scope, Write},
        id::{CoachingSessionId, MemoryId, MessageId},
    },
};
use chrono::{DateTime, Utc};
use entity::{memory, memory_source};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Set,
    sea_query::{Expr, LockType},
};
use std::collections::HashMap;

/// Rows of one statement.
const ROWS: usize = 100;

/// Writes proposed memories with their sources. They are in no index.
pub(in crate::memory) async fn insert(tx: &impl Source, proposed: &[(Stored, MemorySource)]) -> Result<()> {
    for proposed in proposed.chunks(ROWS) {
        let rows = proposed.iter().map(|(stored, _)| to_row(stored)).collect::<Result<Vec<_>>>()?;
        memory::Entity::insert_many(rows).exec_without_returning(tx.connection()).await?;
        let sources = proposed.iter().map(|(stored, source)| {
            Ok(memory_source::ActiveModel {
                memory_id: Set(stored.memory.id.uuid()),
                place: Set(1),
                workspace_id: Set(stored.memory.workspace.uuid()),
                session_id: Set(source.session.map(|id| id.uuid())),
                message_id: Set(source.message.map(|id| id.uuid())),
                quote: Set(source.quote.clone()),
                start_offset: Set(i64::try_from(source.start).map_err(Error::internal)?),
                end_offset: Set(i64::try_from(source.end).map_err(Error::internal)?),
            })
        });
        let sources = sources.collect::<Result<Vec<_>>>()?;
        memory_source::Entity::insert_many(sources).exec_without_returning(tx.connection()).await?;
    }
    Ok(())
}

/// What was proposed in the partition and was not taken up: still open, or refused by hand. The newest, at most `limit`.
pub(in crate::memory) async fn list(
    source: &impl Source,
    partition: &Partition,
    limit: u64,
) -> Result<Vec<Memory>> {
    let rows = memory::Entity::rows()
        .filter(memory::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(memory::Column::OwnerId.eq(partition.owner()))
        // As the index says it, or the database does not see that it fits.
        .filter(Expr::cust("status IN ('CANDIDATE', 'REJECTED')"))
        .order_by_desc(memory::Column::Id)
        .limit(limit)
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| Ok(from_row(row)?.memory)).collect()
}

/// Of these, the ones that exist, with the grants for their workspaces; `Forbidden` where the actor may only see one.
pub(in crate::memory) async fn find_many_granted(
    source: &impl Source,
    scope: &Scope<Write>,
    ids: &[MemoryId],
    lock: bool,
) -> Result<HashMap<MemoryId, (Stored, Grant<Write>)>> {
    let mut select = visible(scope)
        .filter(memory::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .order_by_asc(memory::Column::Id);
    if lock {
        select = select.lock(LockType::NoKeyUpdate);
    }
    let rows = select.all(source.connection()).await?;
    let granted = rows.into_iter().map(|row| {
        let grant = scope.grant(row.workspace_id)?;
        Ok((MemoryId::from_uuid(row.id), (from_row(row)?, grant)))
    });
    granted.collect()
}

/// Puts memories of a partition into another status.
pub(in crate::memory) async fn set_status(
    tx: &impl Source,
    partition: &Partition,
    ids: &[MemoryId],
    status: MemoryStatus,
    at: DateTime<Utc>,
) -> Result<()> {
    memory::Entity::update_many()
        .col_expr(memory::Column::Status, Expr::value(status.name()))
        .col_expr(memory::Column::UpdatedAt, Expr::value(at))
        .filter(among(memory::Column::WorkspaceId, [partition.workspace().uuid()]))
        .filter(memory::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Where memories come from, as far as who asks sees them.
pub(in crate::memory) async fn sources_of(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[MemoryId],
) -> Result<HashMap<MemoryId, Vec<MemorySource>>> {
    let seen = visible(scope)
        .filter(memory::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .select_only()
        .column(memory::Column::Id)
        .into_query();
    let rows = memory_source::Entity::rows()
        .filter(memory_source::Column::MemoryId.in_subquery(seen))
        .order_by_asc(memory_source::Column::MemoryId)
        .order_by_asc(memory_source::Column::Place)
        .all(source.connection())
        .await?;
    let mut found: HashMap<MemoryId, Vec<MemorySource>> = HashMap::new();
    for row in rows {
        found.entry(MemoryId::from_uuid(row.memory_id)).or_default().push(MemorySource {
            session: row.session_id.map(CoachingSessionId::from_uuid),
            message: row.message_id.map(MessageId::from_uuid),
            quote: row.quote,
            start: usize::try_from(row.start_offset).map_err(Error::internal)?,
            end: usize::try_from(row.end_offset).map_err(Error::internal)?,
        });
    }
    Ok(found)
}
