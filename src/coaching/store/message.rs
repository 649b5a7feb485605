//! Messages and what they quote.
use super::{REDACTED_AT_ONCE, each_its_own};
use crate::{
    coaching::{
        model::{Citation, Ending, Message, MessageRole, MessageStatus, StopReason, TokenUsage, Turn},
        speech::{Speech, without},
    },
    db::{self, Source, page},
    event::Tx,
    memory::Remembered,
    shared::{
        Error, Page, PageRequest, Result,
        actor::{AtLeast, Grant, Read, Scope, Write},
        id::{CoachingSessionId, DocumentChunkId, DocumentId, MemoryId, MessageId, TurnId, UserId},
    },
};
use entity::{citation, message};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
    sea_query::{Expr, ExprTrait, OnConflict, SimpleExpr},
};
use std::collections::HashMap;
use uuid::Uuid;

/// A new message, which nothing reads before the commit.
pub async fn insert_message(
    tx: &mut Tx,
    grant: &Grant<Write>,
    turn: &Turn,
    message: &Message,
    position: i64,
    client_hash: Option<Vec<u8>>,
) -> Result<()> {
    let row = message::Model {
        id: message.id.uuid(),
        workspace_id: grant.workspace().uuid(),
        owner_id: grant.principal().uuid(),
        session_id: message.session.uuid(),
        turn_id: turn.id.uuid(),
        turn_number: turn.number,
        position,
        role: message.role.name().to_owned(),
        text: message.text.clone(),
        status: message.status.name().to_owned(),
        stop_reason: None,
        input_tokens: None,
        output_tokens: None,
        client_id: message.client_id,
        client_hash,
        created_at: message.created_at,
    };
    tx.insert_last(row).await
}

/// What was sent before with a client's id.
pub struct Earlier {
    pub id: MessageId,
    pub turn: TurnId,
    pub client_hash: Option<Vec<u8>>,
}

/// The message that a client gave this id to.
pub async fn find_message_by_client_id(
    tx: &impl Source,
    grant: &Grant<Write>,
    session: CoachingSessionId,
    client_id: Uuid,
) -> Result<Option<Earlier>> {
    let row = message::Entity::rows()
        .filter(message::Column::SessionId.eq(session.uuid()))
        .filter(message::Column::OwnerId.eq(grant.principal().uuid()))
        .filter(message::Column::ClientId.eq(client_id))
        .one(tx.connection())
        .await?;
    Ok(row.map(|row| Earlier {
        id: MessageId::from_uuid(row.id),
        turn: TurnId::from_uuid(row.turn_id),
        client_hash: row.client_hash,
    }))
}

pub async fn find_messages(
    source: &impl Source,
    scope: &Scope<impl AtLeast<Read>>,
    ids: &[MessageId],
) -> Result<HashMap<MessageId, Message>> {
    let select = visible_messages(scope).filter(message::Column::Id.is_in(ids.iter().map(|id| id.uuid())));
    let rows = db::all(source, select).await?;
    rows.into_iter().map(|row| message_of(row).map(|message| (message.id, message))).collect()
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
    let select = message::Entity::rows().filter(db::checked(theirs(scope)));
    let pages: HashMap<Uuid, Page<message::Shown>> =
        page::list_by(source, select, message::Column::SessionId, &parents, &order, request).await?;
    pages
        .into_iter()
        .map(|(id, page)| Ok((CoachingSessionId::from_uuid(id), page.try_map(message_of)?)))
        .collect()
}

/// In the order of the text.
pub async fn list_citations(
    source: &impl Source,
    scope: &Scope<impl AtLeast<Read>>,
    messages: &[MessageId],
) -> Result<HashMap<MessageId, Vec<Citation>>> {
    let of_message = Expr::col((message::Entity, message::Column::Id))
        .equals((citation::Entity, citation::Column::MessageId));
    let mut select = citation::Entity::rows();
    QuerySelect::query(&mut select).join(JoinType::InnerJoin, message::Entity, of_message);
    let select = select
        .filter(citation::Column::MessageId.is_in(messages.iter().map(|id| id.uuid())))
        .filter(db::checked(theirs(scope)))
        .order_by_asc(citation::Column::MessageId)
        .order_by_asc(citation::Column::Place);
    let rows: Vec<citation::Model> = db::all(source, select).await?;
    let mut found: HashMap<MessageId, Vec<Citation>> = HashMap::new();
    for row in rows {
        found.entry(MessageId::from_uuid(row.message_id)).or_default().push(citation_of(row)?);
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
    let select = message::Entity::rows()
        .filter(message::Column::SessionId.eq(session.uuid()))
        .filter(message::Column::OwnerId.eq(grant.principal().uuid()))
        .filter(message::Column::TurnNumber.lte(last_turn))
        .order_by_desc(message::Column::TurnNumber)
        .order_by_desc(message::Column::Position)
        .limit(limit);
    let mut rows = db::all(source, select).await?;
    rows.reverse();
    rows.into_iter().map(message_of).collect()
}

/// What the person said in a session, latest first, at most `limit` messages.
pub async fn said(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    session: CoachingSessionId,
    limit: u64,
) -> Result<Vec<Message>> {
    let select = message::Entity::rows()
        .filter(message::Column::SessionId.eq(session.uuid()))
        .filter(message::Column::OwnerId.eq(grant.principal().uuid()))
        .filter(message::Column::Role.eq(MessageRole::User.name()))
        .order_by_desc(message::Column::TurnNumber)
        .order_by_desc(message::Column::Position)
        .limit(limit);
    let rows = db::all(source, select).await?;
    rows.into_iter().map(message_of).collect()
}

/// What replies of a session quote.
pub async fn quotes(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    session: CoachingSessionId,
) -> Result<Vec<String>> {
    let replies = message::Entity::find()
        .select_only()
        .column(message::Column::Id)
        .filter(message::Column::SessionId.eq(session.uuid()))
        .filter(message::Column::OwnerId.eq(grant.principal().uuid()))
        .into_query();
    let quotes = citation::Entity::find()
        .select_only()
        .column(citation::Column::Quote)
        .filter(citation::Column::MessageId.in_subquery(replies));
    Ok(quotes.into_tuple().all(source.connection()).await?)
}

/// What replies of as many turns quote, up to and with this one.
pub async fn cited(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    session: CoachingSessionId,
    last_turn: i64,
    turns: u64,
) -> Result<Vec<Citation>> {
    let replies = message::Entity::find()
        .select_only()
        .column(message::Column::Id)
        .filter(message::Column::SessionId.eq(session.uuid()))
        .filter(message::Column::OwnerId.eq(grant.principal().uuid()))
        .filter(message::Column::TurnNumber.lte(last_turn))
        .filter(message::Column::TurnNumber.gt(last_turn.saturating_sub_unsigned(turns)))
        .into_query();
    let rows = citation::Entity::rows()
        .filter(citation::Column::MessageId.in_subquery(replies))
        .all(source.connection())
        .await?;
    rows.into_iter().map(citation_of).collect()
}

/// Keeps what was said so far, and the citations that are new since the last time. A reply has one speaker and is
/// closed in the transaction that ends its turn, so that it still streams means that the turn is still this worker's.
pub async fn checkpoint(tx: &impl Source, reply: MessageId, speech: &Speech, known: usize) -> Result<()> {
    message::Entity::update_many()
        .col_expr(message::Column::Text, Expr::value(speech.text.as_str()))
        .filter(message::Column::Id.eq(reply.uuid()))
        .filter(message::Column::Status.eq(MessageStatus::Streaming.name()))
        .exec(tx.connection())
        .await?;
    cite(tx, reply, &speech.citations, known).await
}

/// What was kept of a reply.
pub async fn kept(tx: &impl Source, grant: &Grant<impl AtLeast<Read>>, reply: MessageId) -> Result<Speech> {
    let row = message::Entity::find_by_id(reply.uuid())
        .filter(message::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(message::Column::OwnerId.eq(grant.principal().uuid()))
        .one(tx.connection())
        .await?;
    let Some(row) = row else { return Ok(Speech::default()) };
    let citations = citation::Entity::rows()
        .filter(citation::Column::MessageId.eq(reply.uuid()))
        .order_by_asc(citation::Column::Place)
        .all(tx.connection())
        .await?;
    let citations = citations.into_iter().map(citation_of).collect::<Result<_>>()?;
    Ok(Speech { text: row.text, citations })
}

/// Puts the reply into its last state.
pub async fn close(tx: &impl Source, reply: MessageId, ending: &Ending, speech: &Speech) -> Result<()> {
    let mut update = message::Entity::update_many()
        .col_expr(message::Column::Status, Expr::value(ending.status.of_reply().name()))
        .col_expr(message::Column::StopReason, Expr::value(ending.reason.name()))
        .col_expr(message::Column::Text, Expr::value(speech.text.as_str()))
        .filter(message::Column::Id.eq(reply.uuid()));
    if let Some(usage) = ending.usage {
        update = update
            .col_expr(message::Column::InputTokens, Expr::value(i64::from(usage.input_tokens)))
            .col_expr(message::Column::OutputTokens, Expr::value(i64::from(usage.output_tokens)));
    }
    update.exec(tx.connection()).await?;
    citation::Entity::delete_many()
        .filter(citation::Column::MessageId.eq(reply.uuid()))
        .exec(tx.connection())
        .await?;
    cite(tx, reply, &speech.citations, 0).await
}

/// Writes the citations but for the first `known`.
async fn cite(tx: &impl Source, reply: MessageId, citations: &[Citation], known: usize) -> Result<()> {
    let rows = (1..).zip(citations).skip(known).map(|(place, citation)| {
        Ok(citation::Model {
            message_id: reply.uuid(),
            place,
            memory_id: citation.from.uuid(),
            chunk_id: citation.chunk.map(DocumentChunkId::uuid),
            quote: citation.quote.clone(),
            start_offset: i64::try_from(citation.start).map_err(Error::internal)?,
            end_offset: i64::try_from(citation.end).map_err(Error::internal)?,
        }
        .into_active_model())
    });
    let rows = rows.collect::<Result<Vec<_>>>()?;
    if rows.is_empty() {
        return Ok(());
    }
    // A checkpoint whose answer was lost is written once more.
    let key = [citation::Column::MessageId, citation::Column::Place];
    citation::Entity::insert_many(rows)
        .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

/// Takes the words of memories and documents out of every reply that quotes them, and the citations with them; gives the
/// replies, with whose they are, and the number of citations.
/// Another member's replies too: a memory of the workspace may be quoted to everybody.
pub async fn erase_quotes(
    tx: &impl Source,
    grant: &Grant<Write>,
    from: &[Remembered],
) -> Result<(Vec<(MessageId, UserId)>, u64)> {
    let connection = tx.connection();
    let of_these = citation::Column::MemoryId.is_in(from.iter().map(|from| from.uuid()));
    let citations = citation::Entity::rows().filter(of_these.clone()).all(connection).await?;
    // Locked, in one order: another forgetting may rewrite the same reply at the same time.
    let replies = message::Entity::rows()
        .filter(message::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(message::Column::Id.is_in(citations.iter().map(|citation| citation.message_id)))
        .order_by_asc(message::Column::Id)
        .lock_exclusive()
        .all(connection)
        .await?;
    let redacted = |reply: &message::Model| {
        let quotes = citations.iter().filter(|citation| citation.message_id == reply.id);
        without(reply.text.clone(), quotes.map(|citation| citation.quote.as_str()))
    };
    for replies in replies.chunks(REDACTED_AT_ONCE) {
        let texts = replies.iter().map(|reply| (reply.id, redacted(reply)));
        message::Entity::update_many()
            .col_expr(message::Column::Text, each_its_own(message::Column::Id, texts))
            .filter(message::Column::Id.is_in(replies.iter().map(|reply| reply.id)))
            .exec(connection)
            .await?;
    }
    let erased = citation::Entity::delete_many().filter(of_these).exec(connection).await?;
    let replies = replies.iter().map(|row| (MessageId::from_uuid(row.id), UserId::from_uuid(row.owner_id)));
    Ok((replies.collect(), erased.rows_affected))
}

fn citation_of(row: citation::Model) -> Result<Citation> {
    let chunk = row.chunk_id.map(DocumentChunkId::from_uuid);
    Ok(Citation {
        from: match chunk {
            None => Remembered::Memory(MemoryId::from_uuid(row.memory_id)),
            Some(_) => Remembered::Document(DocumentId::from_uuid(row.memory_id)),
        },
        chunk,
        quote: row.quote,
        start: usize::try_from(row.start_offset).map_err(Error::internal)?,
        end: usize::try_from(row.end_offset).map_err(Error::internal)?,
    })
}

fn visible_messages(scope: &Scope<impl AtLeast<Read>>) -> Select<message::Entity> {
    message::Entity::rows().filter(theirs(scope))
}

fn theirs(scope: &Scope<impl AtLeast<Read>>) -> SimpleExpr {
    let workspace = message::Column::WorkspaceId.is_in(scope.workspaces());
    workspace.and(message::Column::OwnerId.eq(scope.principal().uuid()))
}

fn message_of(row: message::Shown) -> Result<Message> {
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
        role: MessageRole::from_name(&row.role)?,
        text: row.text,
        status: MessageStatus::from_name(&row.status)?,
        stop_reason: row.stop_reason.as_deref().map(StopReason::from_name).transpose()?,
        usage,
        client_id: row.client_id,
        created_at: row.created_at,
    })
}
