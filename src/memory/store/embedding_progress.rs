//! How far partitions are with the vectors of a provider's model.
use super::theirs;
use crate::{
    db::Source,
    memory::{model::MemoryScope, partition::Partition},
    shared::{
        Error, Result,
        actor::{AtLeast, Grant, Read},
        id::WorkspaceId,
    },
};
use entity::{memory_embedding_progress, memory_index, memory_partition};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, JoinType, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    RelationDef, Select,
    sea_query::{Expr, ExprTrait, Func, OnConflict},
};
use uuid::Uuid;

/// A partition whose items were not all looked at.
#[derive(Clone, Copy, Debug)]
pub struct Behind {
    pub partition: Partition,
    /// Up to here they were.
    pub until: i64,
}

/// Partitions of the workspace whose items were not all looked at for this model.
pub(in crate::memory) async fn behind(
    source: &impl Source,
    workspace: WorkspaceId,
    model: &str,
    limit: u64,
) -> Result<Vec<Behind>> {
    use memory_partition::Column::{OwnerId, Scope, UserId, WorkspaceId as Workspace};
    type Row = (Uuid, String, Option<Uuid>, Option<i64>);
    let rows: Vec<Row> = with_progress(model)
        .select_only()
        .columns([OwnerId, Scope, UserId])
        .column_as(memory_embedding_progress::Column::Revision, "until")
        .filter(Workspace.eq(workspace.uuid()))
        .filter(is_behind())
        .order_by_asc(OwnerId)
        .limit(limit)
        .into_tuple()
        .all(source.connection())
        .await?;
    let behind = rows.into_iter().map(|(owner, scope, user, until)| {
        let partition = Partition::of_row(workspace, MemoryScope::from_name(&scope)?, owner, user);
        Ok(Behind { partition, until: until.unwrap_or(0) })
    });
    behind.collect()
}

/// Partitions, each with how far it is with a model.
fn with_progress(model: &str) -> Select<memory_partition::Entity> {
    let progress: RelationDef = memory_partition::Entity::belongs_to(memory_embedding_progress::Entity)
        .from((memory_partition::Column::WorkspaceId, memory_partition::Column::OwnerId))
        .to((memory_embedding_progress::Column::WorkspaceId, memory_embedding_progress::Column::OwnerId))
        .on_condition({
            let model = model.to_owned();
            move |_, progress| {
                let column = Expr::col((progress, memory_embedding_progress::Column::Model));
                column.eq(model.as_str()).into()
            }
        })
        .into();
    memory_partition::Entity::rows().join(JoinType::LeftJoin, progress)
}

/// Of [`with_progress`].
pub(super) fn is_behind() -> Condition {
    let until = Func::coalesce([
        Expr::col((memory_embedding_progress::Entity, memory_embedding_progress::Column::Revision)),
        Expr::value(0),
    ]);
    let revision = Expr::col((memory_partition::Entity, memory_partition::Column::Revision));
    Condition::all().add(revision.gt(until))
}

/// Items of the partition beyond a revision.
pub(in crate::memory) async fn count_after(
    source: &impl Source,
    partition: &Partition,
    revision: i64,
) -> Result<u64> {
    let count = memory_index::Entity::rows()
        .filter(memory_index::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(memory_index::Column::OwnerId.eq(partition.owner()))
        .filter(memory_index::Column::Revision.gt(revision))
        .count(source.connection())
        .await?;
    Ok(count)
}

/// Whether there are such.
pub(in crate::memory) async fn has_after(
    source: &impl Source,
    partition: &Partition,
    revision: i64,
) -> Result<bool> {
    let first: Option<i64> = memory_index::Entity::find()
        .select_only()
        .column(memory_index::Column::Revision)
        .filter(memory_index::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(memory_index::Column::OwnerId.eq(partition.owner()))
        .filter(memory_index::Column::Revision.gt(revision))
        .order_by_asc(memory_index::Column::Revision)
        .limit(1)
        .into_tuple()
        .one(source.connection())
        .await?;
    Ok(first.is_some())
}

/// The partition's items were looked at up to this revision.
pub(in crate::memory) async fn set_progress(
    tx: &impl Source,
    partition: &Partition,
    model: &str,
    revision: i64,
) -> Result<()> {
    use memory_embedding_progress::Column::{Model, OwnerId, Revision, WorkspaceId};
    let row = memory_embedding_progress::ActiveModel {
        workspace_id: Set(partition.workspace().uuid()),
        owner_id: Set(partition.owner()),
        model: Set(model.to_owned()),
        revision: Set(revision),
    };
    memory_embedding_progress::Entity::insert(row)
        .on_conflict(OnConflict::columns([WorkspaceId, OwnerId, Model]).update_column(Revision).to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

/// Where the partition stands.
pub(in crate::memory) async fn revision_of(tx: &impl Source, partition: &Partition) -> Result<i64> {
    let key = (partition.workspace().uuid(), partition.owner());
    let row = memory_partition::Entity::find_by_id(key).one(tx.connection()).await?;
    row.map(|row| row.revision).ok_or_else(|| Error::internal("the partition is not there"))
}

/// Items that the principal may recall: all of them, and those that were not looked at for the model.
pub(in crate::memory) async fn count(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    model: &str,
) -> Result<(u64, u64)> {
    let own = with_progress(model)
        .filter(memory_partition::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(theirs(memory_partition::Column::UserId, grant.principal().uuid()));
    let rows: Vec<(Uuid, String, Option<Uuid>, Option<i64>)> = own
        .select_only()
        .columns([
            memory_partition::Column::OwnerId,
            memory_partition::Column::Scope,
            memory_partition::Column::UserId,
        ])
        .column_as(memory_embedding_progress::Column::Revision, "until")
        .into_tuple()
        .all(source.connection())
        .await?;
    let (mut all, mut left) = (0, 0);
    for (owner, scope, user, until) in rows {
        let scope = MemoryScope::from_name(&scope)?;
        let partition = Partition::of_row(grant.workspace(), scope, owner, user);
        all += count_after(source, &partition, 0).await?;
        left += count_after(source, &partition, until.unwrap_or(0)).await?;
    }
    Ok((all, left))
}
