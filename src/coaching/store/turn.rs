//! The queue of turns. What a worker writes is guarded by the turn's fence and status: one that lost its turn changes
//! nothing.
use crate::{
    coaching::model::{Turn, TurnStatus},
    db::{self, Source},
    event::Tx,
    shared::{
        Result, TraceId,
        actor::{AtLeast, Grant, Read, Scope, Write},
        id::{ApiKeyId, CoachingSessionId, MessageId, TurnId, UserId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::turn;
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Alias, Expr, Query},
};
use std::collections::HashMap;

/// A new turn, which nothing reads before the commit.
pub async fn insert_turn(tx: &mut Tx, grant: &Grant<Write>, turn: &Turn, now: DateTime<Utc>) -> Result<()> {
    let row = turn::Model {
        id: turn.id.uuid(),
        workspace_id: grant.workspace().uuid(),
        owner_id: grant.principal().uuid(),
        session_id: turn.session.uuid(),
        number: turn.number,
        status: turn.status.name().to_owned(),
        message_id: turn.message.uuid(),
        reply_id: None,
        fence: 0,
        lease_until: None,
        interrupt_requested: false,
        api_key_id: turn.key.map(|key| key.uuid()),
        trace_id: turn.trace.map(TraceId::uuid),
        created_at: now,
        started_at: None,
        finished_at: None,
    };
    tx.insert_last(row).await
}

/// The turn, and the grant for the workspace that it lies in.
pub async fn find_turn<A>(
    source: &impl Source,
    scope: &Scope<A>,
    id: TurnId,
) -> Result<Option<(Turn, Grant<A>)>> {
    let select = turn::Entity::rows()
        .filter(turn::Column::Id.eq(id.uuid()))
        .filter(turn::Column::WorkspaceId.is_in(scope.workspaces()))
        .filter(turn::Column::OwnerId.eq(scope.principal().uuid()));
    let Some(row) = db::one::<turn::Model>(source, select).await? else { return Ok(None) };
    let grant = scope.grant(row.workspace_id)?;
    Ok(Some((turn_of(row)?, grant)))
}

pub async fn find_turns(
    source: &impl Source,
    scope: &Scope<impl AtLeast<Read>>,
    ids: &[TurnId],
) -> Result<HashMap<TurnId, Turn>> {
    let select = turn::Entity::rows()
        .filter(turn::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(db::among(turn::Column::WorkspaceId, scope.workspaces()))
        .filter(turn::Column::OwnerId.eq(scope.principal().uuid()));
    let rows = db::all(source, select).await?;
    rows.into_iter().map(|row| turn_of(row).map(|turn| (turn.id, turn))).collect()
}

/// The turns of a session that wait or run, in order.
pub async fn open_turns(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    session: CoachingSessionId,
) -> Result<Vec<Turn>> {
    let select = open()
        .filter(turn::Column::SessionId.eq(session.uuid()))
        .filter(turn::Column::OwnerId.eq(grant.principal().uuid()))
        .order_by_asc(turn::Column::Number);
    let rows = db::all(source, select).await?;
    rows.into_iter().map(turn_of).collect()
}

/// Leaves word for the worker.
pub async fn request_interrupt(tx: &impl Source, grant: &Grant<Write>, id: TurnId) -> Result<()> {
    turn::Entity::update_many()
        .col_expr(turn::Column::InterruptRequested, Expr::value(true))
        .filter(turn::Column::Id.eq(id.uuid()))
        .filter(turn::Column::OwnerId.eq(grant.principal().uuid()))
        .filter(turn::Column::Status.eq(TurnStatus::Running.name()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// For workers, of all tenants: turns that wait and that nothing in their session comes before, oldest first.
pub async fn claimable(source: &impl Source, limit: u64) -> Result<Vec<Turn>> {
    let before = Alias::new("before");
    let blocked = Query::select()
        .expr(Expr::val(1))
        .from_as(turn::Entity, before.clone())
        .and_where(
            Expr::col((before.clone(), turn::Column::SessionId))
                .equals((turn::Entity, turn::Column::SessionId)),
        )
        .and_where(
            Expr::col((before.clone(), turn::Column::Number))
                .lt(Expr::col((turn::Entity, turn::Column::Number))),
        )
        .and_where(Expr::col((before, turn::Column::Status)).is_in(OPEN.map(TurnStatus::name)))
        .to_owned();
    let select = turn::Entity::rows()
        .filter(turn::Column::Status.eq(TurnStatus::Queued.name()))
        .filter(Expr::exists(blocked).not())
        .order_by_asc(turn::Column::CreatedAt)
        .order_by_asc(turn::Column::Id)
        .limit(limit);
    let rows = db::all(source, select).await?;
    rows.into_iter().map(turn_of).collect()
}

/// For workers, of all tenants: turns that run under a lease that ended before `deadline`; all that run without one.
pub async fn abandoned(source: &impl Source, deadline: Option<DateTime<Utc>>) -> Result<Vec<Turn>> {
    let mut running = turn::Entity::rows().filter(turn::Column::Status.eq(TurnStatus::Running.name()));
    if let Some(deadline) = deadline {
        running = running.filter(turn::Column::LeaseUntil.lt(deadline));
    }
    running.all(source.connection()).await?.into_iter().map(turn_of).collect()
}

/// Takes a waiting turn; `None` where another worker was faster.
pub async fn claim(
    tx: &impl Source,
    grant: &Grant<Write>,
    id: TurnId,
    reply: MessageId,
    lease_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<Turn>> {
    let rows = turn::Entity::update_many()
        .col_expr(turn::Column::Status, Expr::value(TurnStatus::Running.name()))
        .col_expr(turn::Column::ReplyId, Expr::value(reply.uuid()))
        .col_expr(turn::Column::Fence, Expr::col(turn::Column::Fence).add(1))
        .col_expr(turn::Column::LeaseUntil, Expr::value(lease_until))
        .col_expr(turn::Column::StartedAt, Expr::value(now))
        .filter(turn::Column::Id.eq(id.uuid()))
        .filter(turn::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(turn::Column::Status.eq(TurnStatus::Queued.name()))
        .exec_with_returning(tx.connection())
        .await?;
    rows.into_iter().next().map(turn_of).transpose()
}

/// Holds on to a turn; tells whether it is to be interrupted, `None` where it is lost.
pub async fn renew(tx: &impl Source, turn: &Turn, lease_until: DateTime<Utc>) -> Result<Option<bool>> {
    let rows = turn::Entity::update_many()
        .col_expr(turn::Column::LeaseUntil, Expr::value(lease_until))
        .filter(held(turn))
        .exec_with_returning(tx.connection())
        .await?;
    Ok(rows.first().map(|row| row.interrupt_requested))
}

/// Ends the turn; `None` where it is in other hands or over: then nothing was changed.
pub async fn end(
    tx: &impl Source,
    turn: &Turn,
    status: TurnStatus,
    now: DateTime<Utc>,
) -> Result<Option<Turn>> {
    let rows = turn::Entity::update_many()
        .col_expr(turn::Column::Status, Expr::value(status.name()))
        .col_expr(turn::Column::Fence, Expr::col(turn::Column::Fence).add(1))
        .col_expr(turn::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>))
        .col_expr(turn::Column::FinishedAt, Expr::value(now))
        .filter(held(turn))
        .exec_with_returning(tx.connection())
        .await?;
    rows.into_iter().next().map(turn_of).transpose()
}

/// A turn that is still in the state and the hands in which `turn` was read.
fn held(turn: &Turn) -> sea_orm::Condition {
    sea_orm::Condition::all()
        .add(turn::Column::Id.eq(turn.id.uuid()))
        .add(turn::Column::WorkspaceId.eq(turn.workspace.uuid()))
        .add(turn::Column::Status.eq(turn.status.name()))
        .add(turn::Column::Fence.eq(turn.fence))
}

const OPEN: [TurnStatus; 2] = [TurnStatus::Queued, TurnStatus::Running];

/// As the index of a session's open turns says it. Without the disguise PostgreSQL, which last counted when nobody waited, takes
/// going through all that wait on the whole server for the shortest way.
fn open() -> Select<turn::Entity> {
    turn::Entity::rows().filter(db::checked(db::named(turn::Column::Status, OPEN.map(TurnStatus::name))))
}

fn turn_of(row: turn::Model) -> Result<Turn> {
    Ok(Turn {
        id: TurnId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        owner: UserId::from_uuid(row.owner_id),
        session: CoachingSessionId::from_uuid(row.session_id),
        number: row.number,
        status: TurnStatus::from_name(&row.status)?,
        message: MessageId::from_uuid(row.message_id),
        reply: row.reply_id.map(MessageId::from_uuid),
        fence: row.fence,
        interrupt_requested: row.interrupt_requested,
        key: row.api_key_id.map(ApiKeyId::from_uuid),
        trace: row.trace_id.map(TraceId::from_uuid),
        started_at: row.started_at,
        finished_at: row.finished_at,
    })
}
