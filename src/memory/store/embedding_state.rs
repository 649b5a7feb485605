//! By which model a workspace's recall goes, by which one it is to go, and who works on that.
use super::embedding_progress::is_behind;
use crate::{
    db::Source,
    shared::{Result, id::WorkspaceId},
};
use chrono::{DateTime, Utc};
use entity::{memory_embedding_progress, memory_embedding_state, memory_partition};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

/// Names of models, as [`EmbeddingModel`](crate::gateway::EmbeddingModel) writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub active: Option<String>,
    /// Of the active one's vectors; none where it has none.
    pub dimensions: Option<usize>,
    pub wanted: Option<String>,
    pub wanted_dimensions: Option<usize>,
    pub switched_at: Option<DateTime<Utc>>,
    /// Until then somebody works on it, or waits.
    pub not_before: Option<DateTime<Utc>>,
    pub failures: u32,
}

pub(in crate::memory) async fn find(source: &impl Source, workspace: WorkspaceId) -> Result<Option<State>> {
    let row = memory_embedding_state::Entity::find_by_id(workspace.uuid()).one(source.connection()).await?;
    Ok(row.map(from_row))
}

/// States in the order of their workspaces, from behind one.
pub(in crate::memory) async fn list_after(
    source: &impl Source,
    after: Option<WorkspaceId>,
    limit: u64,
) -> Result<Vec<(WorkspaceId, State)>> {
    use memory_embedding_state::Column::WorkspaceId as Id;
    let rows = memory_embedding_state::Entity::rows()
        .filter(Condition::all().add_option(after.map(|after| Id.gt(after.uuid()))))
        .order_by_asc(Id)
        .limit(limit)
        .all(source.connection())
        .await?;
    Ok(rows.into_iter().map(|row| (WorkspaceId::from_uuid(row.workspace_id), from_row(row))).collect())
}

fn from_row(row: memory_embedding_state::Model) -> State {
    let count = |number: Option<i64>| number.and_then(|number| usize::try_from(number).ok());
    State {
        active: row.active,
        dimensions: count(row.dimensions),
        wanted: row.wanted,
        wanted_dimensions: count(row.wanted_dimensions),
        switched_at: row.switched_at,
        not_before: row.not_before,
        failures: u32::try_from(row.failures).unwrap_or(u32::MAX),
    }
}

/// Workspaces in which there is something to do now, that nobody does: items without a vector of the wanted model, or a
/// model that is not in use yet. Those behind `after`, in the order of their ids.
pub(in crate::memory) async fn list_due(
    source: &impl Source,
    now: DateTime<Utc>,
    after: Option<WorkspaceId>,
    limit: u64,
) -> Result<Vec<WorkspaceId>> {
    use memory_embedding_state::Column::{Active, NotBefore, Wanted};
    use memory_partition::Column::{OwnerId, WorkspaceId as Workspace};
    let state: RelationDef = memory_partition::Entity::belongs_to(memory_embedding_state::Entity)
        .from(Workspace)
        .to(memory_embedding_state::Column::WorkspaceId)
        .into();
    let progress: RelationDef = memory_partition::Entity::belongs_to(memory_embedding_progress::Entity)
        .from((Workspace, OwnerId))
        .to((memory_embedding_progress::Column::WorkspaceId, memory_embedding_progress::Column::OwnerId))
        .on_condition(|_, progress| {
            let model = Expr::col((progress, memory_embedding_progress::Column::Model));
            model.eq(Expr::col((memory_embedding_state::Entity, Wanted))).into()
        })
        .into();
    let is_other = Expr::col((memory_embedding_state::Entity, Active))
        .ne(Expr::col((memory_embedding_state::Entity, Wanted)));
    let not_in_use =
        Condition::all().add(Wanted.is_not_null()).add(Condition::any().add(Active.is_null()).add(is_other));
    let found: Vec<Uuid> = memory_partition::Entity::find()
        .select_only()
        .column(Workspace)
        .distinct()
        .join(JoinType::LeftJoin, state)
        .join(JoinType::LeftJoin, progress)
        .filter(Condition::any().add(is_behind()).add(not_in_use))
        .filter(Condition::any().add(NotBefore.is_null()).add(NotBefore.lte(now)))
        .filter(Condition::all().add_option(after.map(|after| Workspace.gt(after.uuid()))))
        .order_by_asc(Workspace)
        .limit(limit)
        .into_tuple()
        .all(source.connection())
        .await?;
    Ok(found.into_iter().map(WorkspaceId::from_uuid).collect())
}

/// Takes the workspace until `until`; `None` where somebody has it.
pub(in crate::memory) async fn take(
    tx: &impl Source,
    workspace: WorkspaceId,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<State>> {
    use memory_embedding_state::Column::{NotBefore, WorkspaceId as Id};
    let row = memory_embedding_state::ActiveModel {
        workspace_id: Set(workspace.uuid()),
        active: Set(None),
        dimensions: Set(None),
        wanted: Set(None),
        wanted_dimensions: Set(None),
        switched_at: Set(None),
        not_before: Set(None),
        failures: Set(0),
    };
    memory_embedding_state::Entity::insert(row)
        .on_conflict(OnConflict::column(Id).update_column(Id).to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    let taken = memory_embedding_state::Entity::update_many()
        .col_expr(NotBefore, Expr::value(until))
        .filter(Id.eq(workspace.uuid()))
        .filter(Condition::any().add(NotBefore.is_null()).add(NotBefore.lte(now)))
        .exec_with_returning(tx.connection())
        .await?;
    Ok(taken.into_iter().next().map(from_row))
}

/// The workspace is still in somebody's hands.
pub(in crate::memory) async fn renew(
    tx: &impl Source,
    workspace: WorkspaceId,
    until: DateTime<Utc>,
) -> Result<()> {
    memory_embedding_state::Entity::update_many()
        .col_expr(memory_embedding_state::Column::NotBefore, Expr::value(until))
        .filter(memory_embedding_state::Column::WorkspaceId.eq(workspace.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Nobody has a workspace.
pub(in crate::memory) async fn release_all(tx: &impl Source) -> Result<()> {
    use memory_embedding_state::Column::NotBefore;
    memory_embedding_state::Entity::update_many()
        .col_expr(NotBefore, Expr::value(None::<DateTime<Utc>>))
        .filter(NotBefore.is_not_null())
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Leaves the workspace to others, from `not_before` on where something failed.
pub(in crate::memory) async fn give_back(
    tx: &impl Source,
    workspace: WorkspaceId,
    not_before: Option<DateTime<Utc>>,
    failures: u32,
) -> Result<()> {
    use memory_embedding_state::Column::{Failures, NotBefore, WorkspaceId as Id};
    memory_embedding_state::Entity::update_many()
        .col_expr(NotBefore, Expr::value(not_before))
        .col_expr(Failures, Expr::value(i64::from(failures)))
        .filter(Id.eq(workspace.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Another model is wanted from now on, whose vectors have so many dimensions, where there are some already.
pub(in crate::memory) async fn want(
    tx: &impl Source,
    workspace: WorkspaceId,
    model: &str,
    dimensions: Option<i64>,
) -> Result<()> {
    use memory_embedding_state::Column::{Wanted, WantedDimensions, WorkspaceId as Id};
    memory_embedding_state::Entity::update_many()
        .col_expr(Wanted, Expr::value(model))
        .col_expr(WantedDimensions, Expr::value(dimensions))
        .filter(Id.eq(workspace.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Whether recall goes by this model and no other one is wanted, held until the transaction ends.
pub(in crate::memory) async fn lock_settled(
    tx: &impl Source,
    workspace: WorkspaceId,
    model: &str,
) -> Result<bool> {
    use memory_embedding_state::Column::{Active, Failures, Wanted, WorkspaceId as Id};
    let found = memory_embedding_state::Entity::update_many()
        .col_expr(Failures, Expr::col(Failures))
        .filter(Id.eq(workspace.uuid()))
        .filter(Active.eq(model))
        .filter(Wanted.eq(model))
        .exec(tx.connection())
        .await?;
    Ok(found.rows_affected > 0)
}

/// Nothing is left of the models before.
pub(in crate::memory) async fn forget_switch(tx: &impl Source, workspace: WorkspaceId) -> Result<()> {
    use memory_embedding_state::Column::{SwitchedAt, WorkspaceId as Id};
    memory_embedding_state::Entity::update_many()
        .col_expr(SwitchedAt, Expr::value(None::<DateTime<Utc>>))
        .filter(Id.eq(workspace.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// The wanted model turned out to have so many dimensions; false where another number, or another model, is known by now.
pub(in crate::memory) async fn set_dimensions(
    tx: &impl Source,
    workspace: WorkspaceId,
    model: &str,
    dimensions: usize,
) -> Result<bool> {
    use memory_embedding_state::Column::{Active, Dimensions, Wanted, WantedDimensions, WorkspaceId as Id};
    let dimensions = dimensions as i64;
    memory_embedding_state::Entity::update_many()
        .col_expr(WantedDimensions, Expr::value(dimensions))
        .filter(Id.eq(workspace.uuid()))
        .filter(Wanted.eq(model))
        .filter(WantedDimensions.is_null())
        .exec(tx.connection())
        .await?;
    let wanted = Condition::all().add(Wanted.eq(model)).add(WantedDimensions.eq(dimensions));
    let active = Condition::all().add(Active.eq(model)).add(Dimensions.eq(dimensions));
    let found = memory_embedding_state::Entity::find_by_id(workspace.uuid())
        .filter(Condition::any().add(wanted).add(active))
        .one(tx.connection())
        .await?;
    Ok(found.is_some())
}

/// From now on recall goes by the wanted model, if that is still this one.
pub(in crate::memory) async fn switch(
    tx: &impl Source,
    workspace: WorkspaceId,
    model: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    use memory_embedding_state::Column::{
        Active, Dimensions, SwitchedAt, Wanted, WantedDimensions, WorkspaceId as Id,
    };
    memory_embedding_state::Entity::update_many()
        .col_expr(Active, Expr::col(Wanted))
        .col_expr(Dimensions, Expr::col(WantedDimensions))
        .col_expr(SwitchedAt, Expr::value(now))
        .filter(Id.eq(workspace.uuid()))
        .filter(Wanted.eq(model))
        .exec(tx.connection())
        .await?;
    Ok(())
}
