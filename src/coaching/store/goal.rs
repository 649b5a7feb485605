//! Rows of goals. Each is its owner's alone.
use crate::{
    coaching::model::{Goal, GoalStatus},
    db::{self, Source},
    shared::{
        Error, Result,
        actor::{AtLeast, Grant, Read, Scope, Write},
        id::{GoalId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::goal;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set, sea_query::LockType};
use std::collections::HashMap;
use uuid::Uuid;

pub async fn insert_goal(
    tx: &impl Source,
    grant: &Grant<Write>,
    goal: &Goal,
    client_hash: Option<Vec<u8>>,
) -> Result<()> {
    let row = goal::Model {
        id: goal.id.uuid(),
        workspace_id: grant.workspace().uuid(),
        owner_id: grant.principal().uuid(),
        title: goal.title.clone(),
        progress: goal.progress,
        status: goal.status.name().to_owned(),
        version: goal.version.into(),
        client_id: goal.client_id,
        client_hash,
        created_at: goal.created_at,
        updated_at: goal.created_at,
    };
    db::insert(tx, row).await
}

/// What can be changed of it.
pub async fn update_goal(
    tx: &impl Source,
    grant: &Grant<Write>,
    goal: &Goal,
    now: DateTime<Utc>,
) -> Result<()> {
    let changed = goal::ActiveModel {
        title: Set(goal.title.clone()),
        progress: Set(goal.progress),
        status: Set(goal.status.name().to_owned()),
        version: Set(goal.version.into()),
        updated_at: Set(now),
        ..Default::default()
    };
    goal::Entity::update_many()
        .set(changed)
        .filter(goal::Column::Id.eq(goal.id.uuid()))
        .filter(goal::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(goal::Column::OwnerId.eq(grant.principal().uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// The goal that a client gave this id to, and the hash of what was sent with it.
pub async fn find_goal_by_client_id(
    tx: &impl Source,
    grant: &Grant<Write>,
    client_id: Uuid,
) -> Result<Option<(Goal, Option<Vec<u8>>)>> {
    let row = goal::Entity::rows()
        .filter(goal::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(goal::Column::OwnerId.eq(grant.principal().uuid()))
        .filter(goal::Column::ClientId.eq(client_id))
        .one(tx.connection())
        .await?;
    row.map(|mut row| {
        let hash = row.client_hash.take();
        Ok((goal_of(row)?, hash))
    })
    .transpose()
}

/// The goal, and the grant for the workspace that it lies in; others that change it wait until the transaction ends.
pub async fn find_goal_to_change<A>(
    tx: &impl Source,
    scope: &Scope<A>,
    id: GoalId,
) -> Result<Option<(Goal, Grant<A>)>> {
    let select = goal::Entity::rows()
        .filter(goal::Column::Id.eq(id.uuid()))
        .filter(goal::Column::WorkspaceId.is_in(scope.workspaces()))
        .filter(goal::Column::OwnerId.eq(scope.principal().uuid()))
        .lock(LockType::NoKeyUpdate);
    let Some(row) = db::one::<goal::Model>(tx, select).await? else { return Ok(None) };
    let grant = scope.grant(row.workspace_id)?;
    Ok(Some((goal_of(row)?, grant)))
}

pub async fn find_goals(
    source: &impl Source,
    scope: &Scope<impl AtLeast<Read>>,
    ids: &[GoalId],
) -> Result<HashMap<GoalId, Goal>> {
    let select = goal::Entity::rows()
        .filter(goal::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(db::among(goal::Column::WorkspaceId, scope.workspaces()))
        .filter(goal::Column::OwnerId.eq(scope.principal().uuid()));
    let rows = db::all(source, select).await?;
    rows.into_iter().map(|row| goal_of(row).map(|goal| (goal.id, goal))).collect()
}

/// The goal, where it lies in the grant's workspace and is the principal's own.
pub async fn find_goal<A>(source: &impl Source, grant: &Grant<A>, id: GoalId) -> Result<Option<Goal>>
where
    A: AtLeast<Read>,
{
    let row = goal::Entity::find_by_id(id.uuid())
        .filter(goal::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(goal::Column::OwnerId.eq(grant.principal().uuid()))
        .one(source.connection())
        .await?;
    row.map(goal_of).transpose()
}

pub(super) fn goal_of(row: goal::Model) -> Result<Goal> {
    Ok(Goal {
        id: GoalId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        title: row.title,
        progress: row.progress,
        status: GoalStatus::from_name(&row.status)?,
        version: i32::try_from(row.version).map_err(Error::internal)?,
        client_id: row.client_id,
        created_at: row.created_at,
    })
}
