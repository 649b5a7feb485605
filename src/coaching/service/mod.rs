//! The use cases: [`start`] makes goals and sessions, [`send`] puts messages in the queue, [`stop`] ends turns and
//! sessions, [`update`] changes them by hand, [`action_item`] is about action items; here is what reads.
mod action_item;
mod send;
mod start;
mod stop;
mod update;

use super::{
    MemoryPorts,
    event::TurnFacts,
    model::{Citation, Goal, Message, MessageRole, MessageStatus, Session, StopReason, Turn},
    store::{self, SessionOrder, message as messages, turn as turns},
    stream::Texts,
};
use crate::{
    account::AccountService,
    config::CoachingConfig,
    db::{Db, Source},
    event::{Bus, Cursor, Log, NewEvent, Tx},
    gateway::{ChatMessage, Gateway, Tools},
    memory::MemoryService,
    shared::{
        Ambient, Error, Page, PageRequest, Result,
        actor::{Actor, AtLeast, Grant, Read, Write},
        id::{CoachingSessionId, GoalId, MessageId, TurnId, WorkspaceId},
    },
};
use std::{collections::HashMap, sync::Arc};

/// What coaching is built on.
#[derive(Clone, Debug)]
pub struct Parts {
    pub db: Db,
    pub log: Log,
    pub bus: Bus,
    pub ambient: Ambient,
    pub account: AccountService,
    pub gateway: Gateway,
    pub memory: MemoryService,
    /// What the coach may have done.
    pub tools: Tools,
    pub config: CoachingConfig,
}

/// Cheap to clone: each request has one.
#[derive(Clone, Debug)]
pub struct CoachingService {
    pub(super) parts: Arc<Parts>,
    /// What followers read of replies.
    pub(super) texts: Texts,
}

const NO_SESSION: Error = Error::NotFound("session");
const NO_TURN: Error = Error::NotFound("turn");

impl CoachingService {
    /// With what memory's ports of coaching let go of where something is forgotten.
    pub fn new(parts: Parts, ports: &MemoryPorts) -> Self {
        Self { parts: Arc::new(parts), texts: ports.texts.clone() }
    }

    /// The same, whose coach may have these done.
    pub fn offering(self, tools: Tools) -> Self {
        Self { parts: Arc::new(Parts { tools, ..(*self.parts).clone() }), ..self }
    }

    /// The same, with this gateway before its models.
    pub fn answered_by(self, gateway: Gateway) -> Self {
        Self { parts: Arc::new(Parts { gateway, ..(*self.parts).clone() }), ..self }
    }

    pub(super) async fn get_session<A>(
        &self,
        source: &impl Source,
        actor: &Actor,
        id: CoachingSessionId,
    ) -> Result<(Session, Grant<A>)>
    where
        A: AtLeast<Read>,
    {
        store::find_session(source, &actor.scope::<A>(), id).await?.ok_or(NO_SESSION)
    }

    /// The place in the workspace's log. Read before the session, so that a subscription from it has no gap.
    pub async fn head(&self, actor: &Actor, workspace: WorkspaceId) -> Result<Cursor> {
        let grant = actor.may::<Read>(workspace)?;
        Ok(Cursor::new(workspace, self.parts.log.head(&self.parts.db, grant.workspace()).await?))
    }

    /// Each with the goal that it serves, where they are wanted.
    pub async fn list_sessions(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        order: SessionOrder,
        with_goals: bool,
        request: &PageRequest,
    ) -> Result<Page<(Session, Option<Goal>)>> {
        let grant = actor.may::<Read>(workspace)?;
        store::list_sessions(&self.parts.db, &grant, order, with_goals, request).await
    }

    pub async fn find_sessions(
        &self,
        actor: &Actor,
        ids: &[CoachingSessionId],
    ) -> Result<HashMap<CoachingSessionId, Session>> {
        actor.key_allows::<Read>()?;
        store::find_sessions(&self.parts.db, &actor.scope::<Read>(), ids).await
    }

    pub async fn find_goals(&self, actor: &Actor, ids: &[GoalId]) -> Result<HashMap<GoalId, Goal>> {
        actor.key_allows::<Read>()?;
        store::find_goals(&self.parts.db, &actor.scope::<Read>(), ids).await
    }

    pub async fn find_turns(&self, actor: &Actor, ids: &[TurnId]) -> Result<HashMap<TurnId, Turn>> {
        actor.key_allows::<Read>()?;
        turns::find_turns(&self.parts.db, &actor.scope::<Read>(), ids).await
    }

    pub async fn find_messages(
        &self,
        actor: &Actor,
        ids: &[MessageId],
    ) -> Result<HashMap<MessageId, Message>> {
        actor.key_allows::<Read>()?;
        messages::find_messages(&self.parts.db, &actor.scope::<Read>(), ids).await
    }

    pub async fn list_messages(
        &self,
        actor: &Actor,
        sessions: &[CoachingSessionId],
        request: &PageRequest,
    ) -> Result<HashMap<CoachingSessionId, Page<Message>>> {
        actor.key_allows::<Read>()?;
        messages::list_messages(&self.parts.db, &actor.scope::<Read>(), sessions, request).await
    }

    pub async fn list_citations(
        &self,
        actor: &Actor,
        messages: &[MessageId],
    ) -> Result<HashMap<MessageId, Vec<Citation>>> {
        actor.key_allows::<Read>()?;
        messages::list_citations(&self.parts.db, &actor.scope::<Read>(), messages).await
    }
}

/// An event that only the grant's principal may see.
fn own_event(
    grant: &Grant<Write>,
    kind: &'static str,
    subject: uuid::Uuid,
    data: serde_json::Value,
) -> NewEvent {
    NewEvent::new(kind, subject, data).only_for(grant.principal().uuid())
}

/// Records that the turn has come into the state in which it is.
pub(super) fn record_turn(
    tx: &mut Tx,
    grant: &Grant<Write>,
    turn: &Turn,
    reason: Option<StopReason>,
) -> Result<()> {
    let facts = TurnFacts::of(turn, reason);
    let data = serde_json::to_value(&facts).map_err(Error::internal)?;
    tx.record(grant, own_event(grant, facts.kind(), turn.session.uuid(), data));
    Ok(())
}

pub(super) fn said(
    turn: &Turn,
    id: MessageId,
    role: MessageRole,
    text: String,
    status: MessageStatus,
    now: chrono::DateTime<chrono::Utc>,
) -> Message {
    Message {
        id,
        session: turn.session,
        role,
        text,
        status,
        stop_reason: None,
        usage: None,
        client_id: None,
        created_at: now,
    }
}

pub(super) fn chat_message(message: &Message) -> ChatMessage {
    match message.role {
        MessageRole::User => ChatMessage::user(message.text.as_str()),
        MessageRole::Coach => ChatMessage::assistant(message.text.as_str()),
    }
}
