//! Turns, messages and citations. What a worker writes is guarded by the turn's fence and status: one that lost its
//! turn changes nothing.
use super::try_map;
use crate::{
    coaching::model::{
        Citation, Ending, Message, MessageRole, MessageStatus, StopReason, TokenUsage, Turn, TurnStatus,
    },
    db::{Source, page},
    shared::{
        Error, Page, PageRequest, Result,
        actor::{AtLeast, Grant, Read, Scope, Write},
        id::{CoachingSessionId, MemoryId, MessageId, TurnId, UserId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::{citation, message, turn};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select, Set,
    sea_query::{Alias, Expr, Query},
};
use std::collections::HashMap;
use uuid::Uuid;

pub async fn insert_turn(
    tx: &impl Source,
    grant: &Grant<Write>,
    turn: &Turn,
    now: DateTime<Utc>,
) -> Result<()> {
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
        created_at: now,
        started_at: None,
        finished_at: None,
    };
    row.into_active_model().insert(tx.connection()).await?;
    Ok(())
}

pub async fn insert_message(
    tx: &impl Source,
    grant: &Grant<Write>,
    message: &Message,
    position: i64,
    client_id: Option<Uuid>,
) -> Result<()> {
    let row = message::Model {
        id: message.id.uuid(),
        workspace_id: grant.workspace().uuid(),
        owner_id: grant.principal().uuid(),
        session_id: message.session.uuid(),
        turn_id: message.turn.uuid(),
        turn_number: message.turn_number,
        position,
        role: message.role.name().to_owned(),
        text: message.text.clone(),
        status: message.status.name().to_owned(),
        stop_reason: None,
        input_tokens: None,
        output_tokens: None,
        client_id,
        created_at: message.created_at,
    };
    row.into_active_model().insert(tx.connection()).await?;
    Ok(())
}

/// The message that a client gave this id to.
pub async fn find_message_by_client_id(
    tx: &impl Source,
    grant: &Grant<Write>,
    session: CoachingSessionId,
    client_id: Uuid,
) -> Result<Option<Message>> {
    let row = message::Entity::find()
        .filter(message::Column::SessionId.eq(session.uuid()))
        .filter(message::Column::OwnerId.eq(grant.principal().uuid()))
        .filter(message::Column::ClientId.eq(client_id))
        .one(tx.connection())
        .await?;
    row.map(message_of).transpose()
}

/// The turn, and the grant for the workspace that it lies in.
pub async fn find_turn<A>(
    source: &impl Source,
    scope: &Scope<A>,
    id: TurnId,
) -> Result<Option<(Turn, Grant<A>)>> {
    let row = turn::Entity::find_by_id(id.uuid())
        .filter(turn::Column::WorkspaceId.is_in(scope.workspaces()))
        .filter(turn::Column::OwnerId.eq(scope.principal().uuid()))
        .one(source.connection())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let grant = scope.grant(row.workspace_id)?;
    Ok(Some((turn_of(row)?, grant)))
}

pub async fn find_turns(
    source: &impl Source,
    scope: &Scope<impl AtLeast<Read>>,
    ids: &[TurnId],
) -> Result<HashMap<TurnId, Turn>> {
    let rows = turn::Entity::find()
        .filter(turn::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(turn::Column::WorkspaceId.is_in(scope.workspaces()))
        .filter(turn::Column::OwnerId.eq(scope.principal().uuid()))
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| Ok((TurnId::from_uuid(row.id), turn_of(row)?))).collect()
}

pub async fn find_messages(
    source: &impl Source,
    scope: &Scope<impl AtLeast<Read>>,
    ids: &[MessageId],
) -> Result<HashMap<MessageId, Message>> {
    let rows = visible_messages(scope)
        .filter(message::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| Ok((MessageId::from_uuid(row.id), message_of(row)?))).collect()
}

/// The same page of each session's messages, oldest first, in one statement.
pub async fn list_messages(
    source: &impl Source,
    scope: &Scope<impl AtLeast<Read>>,
    sessions: &[CoachingSessionId],
    request: &PageRequest,
) -> Result<HashMap<CoachingSessionId, Page<Message>>> {
    let order = page::Keyset::oldest_first(message::Column::Position, message::Column::Id);
    let parents: Vec<Uuid> = sessions.iter().map(|id| id.uuid()).collect();
    let select = visible_messages(scope);
    let pages: HashMap<Uuid, Page<message::Model>> =
        page::list_by(source, select, message::Column::SessionId, &parents, &order, request).await?;
    pages
        .into_iter()
        .map(|(id, page)| Ok((CoachingSessionId::from_uuid(id), try_map(page, message_of)?)))
        .collect()
}

/// In the order of the text.
pub async fn list_citations(
    source: &impl Source,
    scope: &Scope<impl AtLeast<Read>>,
    messages: &[MessageId],
) -> Result<HashMap<MessageId, Vec<Citation>>> {
    let visible = visible_messages(scope)
        .filter(message::Column::Id.is_in(messages.iter().map(|id| id.uuid())))
        .select_only()
        .column(message::Column::Id)
        .into_query();
    let rows = citation::Entity::find()
        .filter(citation::Column::MessageId.in_subquery(visible))
        .order_by_asc(citation::Column::MessageId)
        .order_by_asc(citation::Column::Place)
        .all(source.connection())
        .await?;
    let mut found: HashMap<MessageId, Vec<Citation>> = HashMap::new();
    for row in rows {
        found.entry(MessageId::from_uuid(row.message_id)).or_default().push(Citation {
            memory: MemoryId::from_uuid(row.memory_id),
            quote: row.quote,
            start: usize::try_from(row.start_offset).map_err(Error::internal)?,
            end: usize::try_from(row.end_offset).map_err(Error::internal)?,
        });
    }
    Ok(found)
}

/// What was said up to and with this turn, in the order of the turns, at most `limit` messages.
pub async fn conversation(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    session: CoachingSessionId,
    last_turn: i64,
    limit: u64,
) -> Result<Vec<Message>> {
    let mut rows = message::Entity::find()
        .filter(message::Column::SessionId.eq(session.uuid()))
        .filter(message::Column::OwnerId.eq(grant.principal().uuid()))
        .filter(message::Column::TurnNumber.lte(last_turn))
        .order_by_desc(message::Column::TurnNumber)
        .order_by_desc(message::Column::Position)
        .limit(limit)
        .all(source.connection())
        .await?;
    rows.reverse();
    rows.into_iter().map(message_of).collect()
}

/// The turns of a session that wait or run, in order.
pub async fn open_turns(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    session: CoachingSessionId,
) -> Result<Vec<Turn>> {
    let rows = open()
        .filter(turn::Column::SessionId.eq(session.uuid()))
        .filter(turn::Column::OwnerId.eq(grant.principal().uuid()))
        .order_by_asc(turn::Column::Number)
        .all(source.connection())
        .await?;
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
    let rows = turn::Entity::find()
        .filter(turn::Column::Status.eq(TurnStatus::Queued.name()))
        .filter(Expr::exists(blocked).not())
        .order_by_asc(turn::Column::CreatedAt)
        .order_by_asc(turn::Column::Id)
        .limit(limit)
        .all(source.connection())
        .await?;
    rows.into_iter().map(turn_of).collect()
}

/// For workers, of all tenants: turns that run under a lease that ended before `deadline`; all that run without one.
pub async fn abandoned(source: &impl Source, deadline: Option<DateTime<Utc>>) -> Result<Vec<Turn>> {
    let mut running = turn::Entity::find().filter(turn::Column::Status.eq(TurnStatus::Running.name()));
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

/// Keeps what was said so far. A reply has one speaker and is closed in the transaction that ends its turn, so
/// that it still streams means that the turn is still this worker's.
pub async fn checkpoint(tx: &impl Source, turn: &Turn, text: &str) -> Result<()> {
    let Some(reply) = turn.reply else { return Ok(()) };
    message::Entity::update_many()
        .col_expr(message::Column::Text, Expr::value(text))
        .filter(message::Column::Id.eq(reply.uuid()))
        .filter(message::Column::Status.eq(MessageStatus::Streaming.name()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Ends the turn and its reply as one; `None` where the turn is in other hands or over: then nothing was changed.
pub async fn end(tx: &impl Source, turn: &Turn, ending: &Ending, now: DateTime<Utc>) -> Result<Option<Turn>> {
    let rows = turn::Entity::update_many()
        .col_expr(turn::Column::Status, Expr::value(ending.status.name()))
        .col_expr(turn::Column::Fence, Expr::col(turn::Column::Fence).add(1))
        .col_expr(turn::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>))
        .col_expr(turn::Column::FinishedAt, Expr::value(now))
        .filter(held(turn))
        .exec_with_returning(tx.connection())
        .await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    if let Some(reply) = row.reply_id {
        let mut update = message::Entity::update_many()
            .col_expr(message::Column::Status, Expr::value(ending.status.of_reply().name()))
            .col_expr(message::Column::StopReason, Expr::value(ending.reason.name()))
            .filter(message::Column::Id.eq(reply));
        if let Some(text) = &ending.text {
            update = update.col_expr(message::Column::Text, Expr::value(text.as_str()));
        }
        if let Some(usage) = ending.usage {
            update = update
                .col_expr(message::Column::InputTokens, Expr::value(i64::from(usage.input_tokens)))
                .col_expr(message::Column::OutputTokens, Expr::value(i64::from(usage.output_tokens)));
        }
        update.exec(tx.connection()).await?;
        let citations = (1..).zip(&ending.citations).map(|(place, citation)| {
            Ok(citation::Model {
                message_id: reply,
                place,
                memory_id: citation.memory.uuid(),
                quote: citation.quote.clone(),
                start_offset: i64::try_from(citation.start).map_err(Error::internal)?,
                end_offset: i64::try_from(citation.end).map_err(Error::internal)?,
            }
            .into_active_model())
        });
        let citations = citations.collect::<Result<Vec<_>>>()?;
        if !citations.is_empty() {
            citation::Entity::insert_many(citations).exec_without_returning(tx.connection()).await?;
        }
    }
    turn_of(row).map(Some)
}

/// Takes a memory's words out of every reply that quotes them, and the citations with them; returns how many.
/// Another member's replies too: a memory of the workspace may be quoted to everybody.
pub async fn erase_quotes(tx: &impl Source, grant: &Grant<Write>, memory: MemoryId) -> Result<u64> {
    let connection = tx.connection();
    let citations =
        citation::Entity::find().filter(citation::Column::MemoryId.eq(memory.uuid())).all(connection).await?;
    let replies = message::Entity::find()
        .filter(message::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(message::Column::Id.is_in(citations.iter().map(|citation| citation.message_id)))
        .all(connection)
        .await?;
    for reply in replies {
        let quotes = citations.iter().filter(|citation| citation.message_id == reply.id);
        let text = quotes.fold(reply.text.clone(), |text, citation| text.replace(&citation.quote, ERASED));
        message::ActiveModel { id: Set(reply.id), text: Set(text), ..Default::default() }
            .update(connection)
            .await?;
    }
    let erased = citation::Entity::delete_many()
        .filter(citation::Column::MemoryId.eq(memory.uuid()))
        .exec(connection)
        .await?;
    Ok(erased.rows_affected)
}

/// Stands in a reply where a forgotten memory was quoted.
const ERASED: &str = "[forgotten]";

/// A turn that is still in the state and the hands in which `turn` was read.
fn held(turn: &Turn) -> sea_orm::Condition {
    sea_orm::Condition::all()
        .add(turn::Column::Id.eq(turn.id.uuid()))
        .add(turn::Column::WorkspaceId.eq(turn.workspace.uuid()))
        .add(turn::Column::Status.eq(turn.status.name()))
        .add(turn::Column::Fence.eq(turn.fence))
}

const OPEN: [TurnStatus; 2] = [TurnStatus::Queued, TurnStatus::Running];

fn open() -> Select<turn::Entity> {
    turn::Entity::find().filter(turn::Column::Status.is_in(OPEN.map(TurnStatus::name)))
}

fn visible_messages(scope: &Scope<impl AtLeast<Read>>) -> Select<message::Entity> {
    message::Entity::find()
        .filter(message::Column::WorkspaceId.is_in(scope.workspaces()))
        .filter(message::Column::OwnerId.eq(scope.principal().uuid()))
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
        started_at: row.started_at,
        finished_at: row.finished_at,
    })
}

fn message_of(row: message::Model) -> Result<Message> {
    let tokens = |count: i64| u32::try_from(count).map_err(Error::internal);
    let usage = match (row.input_tokens, row.output_tokens) {
        (Some(input), Some(output)) => {
            Some(TokenUsage { input_tokens: tokens(input)?, output_tokens: tokens(output)? })
        }
        _ => None,
    };
    Ok(Message {
        id: MessageId::from_uuid(row.id),
        session: CoachingSessionId::from_uuid(row.session_id),
        turn: TurnId::from_uuid(row.turn_id),
        turn_number: row.turn_number,
        role: MessageRole::from_name(&row.role)?,
        text: row.text,
        status: MessageStatus::from_name(&row.status)?,
        stop_reason: row.stop_reason.as_deref().map(StopReason::from_name).transpose()?,
        usage,
        created_at: row.created_at,
    })
}
