//! What is to be indexed anew, of all workspaces: for the server itself, at its start.
use super::{Stored, from_row};
use crate::{
    db::Source,
    memory::{MemoryScope, MemoryStatus, partition::Partition},
    shared::{
        Result,
        id::{DocumentId, MemoryId, WorkspaceId},
    },
};
use entity::{document, document_chunk, memory, memory_index, memory_partition};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{DynIden, Expr, ExprTrait},
};
use uuid::Uuid;

/// Whether some partition has entries that other rules or another model made.
pub(in crate::memory) async fn has_stale_partitions(source: &impl Source, made_by: &str) -> Result<bool> {
    let stale = memory_partition::Entity::rows().filter(stale(made_by)).one(source.connection()).await?;
    Ok(stale.is_some())
}

pub(in crate::memory) async fn mark_partitions(tx: &impl Source, made_by: &str) -> Result<()> {
    memory_partition::Entity::update_many()
        .col_expr(memory_partition::Column::MadeBy, Expr::value(made_by))
        .filter(stale(made_by))
        .exec(tx.connection())
        .await?;
    Ok(())
}

fn stale(made_by: &str) -> Condition {
    let column = memory_partition::Column::MadeBy;
    Condition::any().add(column.is_null()).add(column.ne(made_by))
}

/// Memories without an entry of these rules and this model, in the order of their ids.
pub(in crate::memory) async fn stale_memories(
    source: &impl Source,
    made_by: &str,
    after: Option<MemoryId>,
    limit: u64,
) -> Result<Vec<(MemoryId, Partition)>> {
    use memory::Column::{Id, OwnerId, Scope, UserId, WorkspaceId as Workspace};
    let mut select = without_entry(made_by);
    if let Some(after) = after {
        select = select.filter(Id.gt(after.uuid()));
    }
    let rows: Vec<Row> = select
        .select_only()
        .columns([Id, Workspace, OwnerId, UserId, Scope])
        .order_by_asc(Id)
        .limit(limit)
        .into_tuple()
        .all(source.connection())
        .await?;
    let found = rows.into_iter().map(|row| Ok((MemoryId::from_uuid(row.0), partition_of(row)?)));
    found.collect()
}

/// An id, and where it lies: workspace, owner, user, scope.
type Row = (Uuid, Uuid, Uuid, Option<Uuid>, String);

fn partition_of((_, workspace, owner, user, scope): Row) -> Result<Partition> {
    let scope = MemoryScope::from_name(&scope)?;
    Ok(Partition::of_row(WorkspaceId::from_uuid(workspace), scope, owner, user))
}

/// Entries of the index of these rules and this model.
fn made_by_these(made_by: &str) -> impl Fn(DynIden, DynIden) -> Condition + Send + Sync + 'static {
    let made_by = made_by.to_owned();
    move |_, entry| Expr::col((entry, memory_index::Column::MadeBy)).eq(made_by.as_str()).into()
}

/// Documents of which a chunk has no entry of these rules and this model, in the order of their ids.
pub(in crate::memory) async fn stale_documents(
    source: &impl Source,
    made_by: &str,
    after: Option<DocumentId>,
    limit: u64,
) -> Result<Vec<(DocumentId, Partition)>> {
    use document::Column::{Id, OwnerId, Scope, UserId, WorkspaceId as Workspace};
    let chunk =
        document::Entity::belongs_to(document_chunk::Entity).from(Id).to(document_chunk::Column::DocumentId);
    let entry = document_chunk::Entity::belongs_to(memory_index::Entity)
        .from(document_chunk::Column::Id)
        .to(memory_index::Column::ItemId)
        .on_condition(made_by_these(made_by));
    let rows: Vec<Row> = document::Entity::find()
        .select_only()
        .columns([Id, Workspace, OwnerId, UserId, Scope])
        .distinct()
        .join(JoinType::InnerJoin, chunk.into())
        .join(JoinType::LeftJoin, entry.into())
        .filter(memory_index::Column::ItemId.is_null())
        .filter(Condition::all().add_option(after.map(|after| Id.gt(after.uuid()))))
        .order_by_asc(Id)
        .limit(limit)
        .into_tuple()
        .all(source.connection())
        .await?;
    let found = rows.into_iter().map(|row| Ok((DocumentId::from_uuid(row.0), partition_of(row)?)));
    found.collect()
}

/// Of these, the ones that exist and still have no such entry.
pub(in crate::memory) async fn find_stale_memories(
    source: &impl Source,
    partition: &Partition,
    made_by: &str,
    ids: &[MemoryId],
) -> Result<Vec<Stored>> {
    let rows = without_entry(made_by)
        .filter(memory::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(memory::Column::OwnerId.eq(partition.owner()))
        .filter(memory::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .order_by_asc(memory::Column::Id)
        .all(source.connection())
        .await?;
    rows.into_iter().map(from_row).collect()
}

fn without_entry(made_by: &str) -> Select<memory::Entity> {
    let entry = memory::Entity::belongs_to(memory_index::Entity)
        .from(memory::Column::Id)
        .to(memory_index::Column::ItemId)
        .on_condition(made_by_these(made_by));
    memory::Entity::rows()
        .join(JoinType::LeftJoin, entry.into())
        .filter(memory_index::Column::ItemId.is_null())
        .filter(memory::Column::Status.is_in(MemoryStatus::INDEXED.map(MemoryStatus::name)))
}
