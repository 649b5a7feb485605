//! Sessions; goals are in [`goal`], action items in [`action_item`], turns in [`turn`], what is said in them in [`message`]. Each row is
//! its owner's alone: every query by a person filters by workspace and owner.
mod action_item;
mod goal;
pub mod message;
pub mod turn;

pub use action_item::{
    erase_item_quotes, find_action_item, find_action_item_by_client_id, find_action_item_to_change,
    find_action_items, insert_action_item, insert_item_quotes, list_action_items, list_action_items_of,
    update_action_item,
};
pub use goal::{
    find_goal, find_goal_by_client_id, find_goal_to_change, find_goals, insert_goal, update_goal,
};

use super::model::{Goal, Session, SessionMode, SessionStatus};
use crate::{
    db::{self, Source, page},
    shared::{
        Error, Page, PageRequest, Result,
        actor::{AtLeast, Grant, Principal, Read, Scope, Write},
        id::{CoachingSessionId, GoalId, UserId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::coaching_session as session;
use goal::goal_of;
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QuerySelect, Select, Set, UpdateMany,
    sea_query::{CaseStatement, Expr, LockType},
};
use std::collections::HashMap;
use uuid::Uuid;

/// What a list of sessions is ordered by; the id breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOrder {
    pub by_update: bool,
    pub descending: bool,
}

/// A session whose counters were raised, and which is locked until the transaction ends.
#[derive(Debug)]
pub struct Locked {
    pub session: Session,
    /// The position of the last message.
    pub messages: i64,
    /// The number of the last turn.
    pub turns: i64,
}

pub async fn insert_session(
    tx: &impl Source,
    grant: &Grant<Write>,
    session: &Session,
    client_hash: Option<Vec<u8>>,
) -> Result<()> {
    let row = session::Model {
        id: session.id.uuid(),
        workspace_id: grant.workspace().uuid(),
        owner_id: session.owner.uuid(),
        goal_id: session.goal.map(|goal| goal.uuid()),
        mode: session.mode.name().to_owned(),
        topic: session.topic.clone(),
        status: session.status.name().to_owned(),
        summary: session.summary.clone(),
        client_id: session.client_id,
        client_hash,
        version: session.version.into(),
        messages: 0,
        turns: 0,
        created_at: session.created_at,
        updated_at: session.updated_at,
    };
    db::insert(tx, row).await
}

/// The session that a client gave this id to, and the hash of what was sent with it.
pub async fn find_session_by_client_id(
    tx: &impl Source,
    grant: &Grant<Write>,
    client_id: Uuid,
) -> Result<Option<(Session, Option<Vec<u8>>)>> {
    let row = session::Entity::rows()
        .filter(session::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(session::Column::OwnerId.eq(grant.principal().uuid()))
        .filter(session::Column::ClientId.eq(client_id))
        .one(tx.connection())
        .await?;
    row.map(|mut row| {
        let hash = row.client_hash.take();
        Ok((session_of(row.into())?, hash))
    })
    .transpose()
}

/// The session, and the grant for the workspace that it lies in.
pub async fn find_session<A>(
    source: &impl Source,
    scope: &Scope<A>,
    id: CoachingSessionId,
) -> Result<Option<(Session, Grant<A>)>> {
    session_with_grant(one_session(scope, id), source, scope).await
}

/// As [`find_session`]; others that change it wait until the transaction ends. NO KEY: messages may still come in.
pub async fn find_session_to_change<A>(
    tx: &impl Source,
    scope: &Scope<A>,
    id: CoachingSessionId,
) -> Result<Option<(Session, Grant<A>)>> {
    session_with_grant(one_session(scope, id).lock(LockType::NoKeyUpdate), tx, scope).await
}

fn one_session<A>(scope: &Scope<A>, id: CoachingSessionId) -> Select<session::Entity> {
    session::Entity::rows()
        .filter(session::Column::Id.eq(id.uuid()))
        .filter(session::Column::WorkspaceId.is_in(scope.workspaces()))
        .filter(session::Column::OwnerId.eq(scope.principal().uuid()))
}

async fn session_with_grant<A>(
    select: Select<session::Entity>,
    source: &impl Source,
    scope: &Scope<A>,
) -> Result<Option<(Session, Grant<A>)>> {
    let Some(row) = db::one::<session::Shown>(source, select).await? else { return Ok(None) };
    let grant = scope.grant(row.workspace_id)?;
    Ok(Some((session_of(row)?, grant)))
}

/// What can be changed of it by hand.
pub async fn update_session(tx: &impl Source, grant: &Grant<Write>, session: &Session) -> Result<()> {
    let changed = session::ActiveModel {
        topic: Set(session.topic.clone()),
        goal_id: Set(session.goal.map(|goal| goal.uuid())),
        version: Set(session.version.into()),
        updated_at: Set(session.updated_at),
        ..Default::default()
    };
    session::Entity::update_many()
        .set(changed)
        .filter(session::Column::Id.eq(session.id.uuid()))
        .filter(session::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(session::Column::OwnerId.eq(grant.principal().uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Whether the session lies in the grant's workspace and is the principal's own.
pub async fn is_own(tx: &impl Source, grant: &Grant<Write>, id: CoachingSessionId) -> Result<bool> {
    let count = session::Entity::find_by_id(id.uuid())
        .filter(session::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(session::Column::OwnerId.eq(grant.principal().uuid()))
        .count(tx.connection())
        .await?;
    Ok(count > 0)
}

pub async fn find_sessions(
    source: &impl Source,
    scope: &Scope<impl AtLeast<Read>>,
    ids: &[CoachingSessionId],
) -> Result<HashMap<CoachingSessionId, Session>> {
    let select = session::Entity::rows()
        .filter(session::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(db::among(session::Column::WorkspaceId, scope.workspaces()))
        .filter(session::Column::OwnerId.eq(scope.principal().uuid()));
    let rows = db::all(source, select).await?;
    rows.into_iter().map(|row| session_of(row).map(|session| (session.id, session))).collect()
}

pub async fn list_sessions(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    order: SessionOrder,
    with_goals: bool,
    request: &PageRequest,
) -> Result<Page<(Session, Option<Goal>)>> {
    let column = if order.by_update { session::Column::UpdatedAt } else { session::Column::CreatedAt };
    let keyset = page::Keyset { column, id: session::Column::Id, descending: order.descending };
    let select = session::Entity::rows()
        .filter(session::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(session::Column::OwnerId.eq(grant.principal().uuid()));
    if !with_goals {
        let page = page::list(source, select, &keyset, request).await?;
        return page.try_map(|session| Ok((session_of(session)?, None)));
    }
    let goal = session::Entity::belongs_to(entity::goal::Entity)
        .from(session::Column::GoalId)
        .to(entity::goal::Column::Id)
        .into();
    let page = page::list_with(source, select, goal, &keyset, request).await?;
    page.try_map(|(session, goal)| Ok((session_of(session)?, goal.map(goal_of).transpose()?)))
}

/// Raises the session's counters and locks it: who else writes to it waits.
pub async fn lock_session(
    tx: &impl Source,
    grant: &Grant<Write>,
    id: CoachingSessionId,
    (messages, turns): (i64, i64),
    now: DateTime<Utc>,
) -> Result<Option<Locked>> {
    let raised = raised(id, grant.principal(), (messages, turns), now)
        .filter(session::Column::WorkspaceId.eq(grant.workspace().uuid()));
    let rows = raised.exec_with_returning(tx.connection()).await?;
    rows.into_iter().next().map(locked).transpose()
}

/// As [`lock_session`], with the grant for it: `Forbidden`, and nothing done, where the actor may only see it.
pub async fn find_and_lock_session<A>(
    tx: &impl Source,
    scope: &Scope<A>,
    id: CoachingSessionId,
    counters: (i64, i64),
    now: DateTime<Utc>,
) -> Result<Option<(Locked, Grant<A>)>> {
    let raised = raised(id, scope.principal(), counters, now)
        .filter(session::Column::WorkspaceId.is_in(scope.workspaces()));
    let rows = raised.exec_with_returning(tx.connection()).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    let grant = scope.grant(row.workspace_id)?;
    Ok(Some((locked(row)?, grant)))
}

fn raised(
    id: CoachingSessionId,
    owner: Principal,
    (messages, turns): (i64, i64),
    now: DateTime<Utc>,
) -> UpdateMany<session::Entity> {
    session::Entity::update_many()
        .col_expr(session::Column::Messages, Expr::col(session::Column::Messages).add(messages))
        .col_expr(session::Column::Turns, Expr::col(session::Column::Turns).add(turns))
        .col_expr(session::Column::UpdatedAt, Expr::value(now))
        .filter(session::Column::Id.eq(id.uuid()))
        .filter(session::Column::OwnerId.eq(owner.uuid()))
}

fn locked(row: session::Model) -> Result<Locked> {
    let (messages, turns) = (row.messages, row.turns);
    Ok(Locked { session: session_of(row.into())?, messages, turns })
}

pub async fn end_session(
    tx: &impl Source,
    grant: &Grant<Write>,
    id: CoachingSessionId,
    summary: &str,
) -> Result<()> {
    session::Entity::update_many()
        .col_expr(session::Column::Status, Expr::value(SessionStatus::Ended.name()))
        .col_expr(session::Column::Summary, Expr::value(summary))
        .filter(session::Column::Id.eq(id.uuid()))
        .filter(session::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(session::Column::OwnerId.eq(grant.principal().uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Rows that one statement rewrites: three values each, below the bind limits of both databases.
const REDACTED_AT_ONCE: usize = 500;

/// Of each row, by its id, the text that goes with it.
fn each_its_own(id: impl ColumnTrait, texts: impl Iterator<Item = (Uuid, String)>) -> Expr {
    texts.fold(CaseStatement::new(), |texts, (row, text)| texts.case(id.eq(row), text)).into()
}

fn session_of(row: session::Shown) -> Result<Session> {
    Ok(Session {
        id: CoachingSessionId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        owner: UserId::from_uuid(row.owner_id),
        goal: row.goal_id.map(GoalId::from_uuid),
        mode: SessionMode::from_name(&row.mode)?,
        topic: row.topic,
        status: SessionStatus::from_name(&row.status)?,
        summary: row.summary,
        version: i32::try_from(row.version).map_err(Error::internal)?,
        client_id: row.client_id,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
