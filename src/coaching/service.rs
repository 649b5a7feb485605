use super::{
    event::{GOAL_CREATED, SESSION_ENDED, SESSION_STARTED, TurnFacts, WORK_TOPIC, interrupt_topic},
    model::{
        Citation, Ending, Goal, MAX_QUEUED, Message, MessageRole, MessageStatus, NewGoal, NewMessage,
        NewSession, Session, SessionStatus, StopReason, Turn, TurnStatus, WhileRunning,
    },
    store::{self, SessionOrder, turn as turns},
};
use crate::{
    account::AccountService,
    config::CoachingConfig,
    db::{
        Db, Source,
        idempotency::{self, Claimed, Key},
    },
    event::{Bus, Cursor, Log, NewEvent, Tx},
    gateway::{ChatMessage, Gateway, digest},
    memory::MemoryService,
    shared::{
        Ambient, Error, Page, PageRequest, Problem, ProblemCode, Result,
        actor::{Actor, AtLeast, Grant, Read, Write},
        id::{CoachingSessionId, GoalId, MessageId, TurnId, WorkspaceId},
    },
};
use std::{collections::HashMap, time::Duration};
use tokio::time::{Instant, timeout};

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
    pub config: CoachingConfig,
}

#[derive(Clone, Debug)]
pub struct CoachingService {
    pub(super) parts: Parts,
}

const NO_SESSION: Error = Error::NotFound("session");
const NO_TURN: Error = Error::NotFound("turn");
/// How long whoever interrupts waits for the worker to stop by itself, with its last words.
const GRACE: Duration = Duration::from_secs(2);
/// Messages that a summary looks at.
const SUMMARISED: u64 = 1_000;

impl CoachingService {
    pub fn new(parts: Parts) -> Self {
        Self { parts }
    }

    pub async fn create_goal(&self, actor: &Actor, new: NewGoal, key: Option<String>) -> Result<Goal> {
        let grant = actor.may::<Write>(new.workspace)?;
        actor.user()?;
        let title = new.checked()?;
        let key = key.map(|key| Key::new("createGoal", key, &new)).transpose()?;
        let ambient = &self.parts.ambient;
        let mut tx = self.parts.log.begin().await?;
        let claim = match idempotency::claim(&tx, ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => {
                return store::find_goal(&tx, &grant, id).await?.ok_or(Error::NotFound("goal"));
            }
            Claimed::New(claim) => claim,
        };
        let (id, created_at) = (ambient.ids.next(), ambient.now());
        let goal = Goal { id, workspace: new.workspace, title, progress: 0.0, created_at };
        store::insert_goal(&tx, &grant, &goal).await?;
        tx.record(&grant, own_event(&grant, GOAL_CREATED, goal.id.uuid(), serde_json::json!({})));
        claim.keep(&tx, &goal.id).await?;
        tx.commit().await?;
        Ok(goal)
    }

    /// A new session. The same client id again gives the same session.
    pub async fn start(&self, actor: &Actor, new: NewSession, key: Option<String>) -> Result<Session> {
        let grant = actor.may::<Write>(new.workspace)?;
        let owner = actor.user()?;
        let (topic, client_id) = new.checked()?;
        let key = key.map(|key| Key::new("startCoachingSession", key, &new)).transpose()?;
        let ambient = &self.parts.ambient;
        let mut tx = self.parts.log.begin().await?;
        let claim = match idempotency::claim(&tx, ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => return Ok(self.get_session::<Read>(&tx, actor, id).await?.0),
            Claimed::New(claim) => claim,
        };
        if let Some(goal) = new.goal
            && store::find_goal(&tx, &grant, goal).await?.is_none()
        {
            return Err(Error::invalid("goalId", "there is no such goal of yours in this workspace"));
        }
        if let Some(client_id) = client_id
            && let Some(session) = store::find_session_by_client_id(&tx, &grant, client_id).await?
        {
            if (session.mode, &session.topic, session.goal) != (new.mode, &topic, new.goal) {
                return Err(Error::conflict("clientId", "another session has this id: give each its own"));
            }
            claim.keep(&tx, &session.id).await?;
            tx.commit().await?;
            return Ok(session);
        }
        let now = ambient.now();
        let session = Session {
            id: ambient.ids.next(),
            workspace: new.workspace,
            owner,
            goal: new.goal,
            mode: new.mode,
            topic,
            status: SessionStatus::Active,
            summary: None,
            created_at: now,
            updated_at: now,
        };
        store::insert_session(&tx, &grant, &session, client_id).await?;
        tx.record(&grant, own_event(&grant, SESSION_STARTED, session.id.uuid(), serde_json::json!({})));
        claim.keep(&tx, &session.id).await?;
        tx.commit().await?;
        Ok(session)
    }

    /// Commits the message and its place in the queue, and returns: the answer comes as events.
    pub async fn send(&self, actor: &Actor, new: NewMessage, key: Option<String>) -> Result<(Message, Turn)> {
        actor.key_allows::<Write>()?;
        let (text, client_id) = new.checked()?;
        let key = key.map(|key| Key::new("sendMessage", key, &new)).transpose()?;
        let ambient = &self.parts.ambient;
        let mut tx = self.parts.log.begin().await?;
        let claim = match idempotency::claim(&tx, ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay((message, turn)) => return self.sent(&tx, actor, message, turn).await,
            Claimed::New(claim) => claim,
        };
        let (_, grant) = self.get_session::<Write>(&tx, actor, new.session).await?;
        let now = ambient.now();
        let locked = store::lock_session(&tx, &grant, new.session, (1, 1), now).await?.ok_or(NO_SESSION)?;
        if let Some(client_id) = client_id
            && let Some(earlier) =
                turns::find_message_by_client_id(&tx, &grant, new.session, client_id).await?
        {
            if earlier.text != text {
                return Err(Error::conflict("clientId", "another message has this id: give each its own"));
            }
            // Nothing new: the counters go back with the transaction.
            return self.sent(&tx, actor, earlier.id, earlier.turn).await;
        }
        if locked.session.status == SessionStatus::Ended {
            return Err(Error::conflict("sessionId", "the session has ended: start a new one"));
        }
        let running = self.make_room(&tx, &grant, &new).await?;
        let turn = Turn {
            id: ambient.ids.next(),
            workspace: grant.workspace(),
            owner: locked.session.owner,
            session: new.session,
            number: locked.turns,
            status: TurnStatus::Queued,
            message: ambient.ids.next(),
            reply: None,
            fence: 0,
            interrupt_requested: false,
            started_at: None,
            finished_at: None,
        };
        let message = said(&turn, turn.message, MessageRole::User, text, MessageStatus::Completed, now);
        turns::insert_message(&tx, &grant, &message, locked.messages, client_id).await?;
        turns::insert_turn(&tx, &grant, &turn, now).await?;
        record_turn(&mut tx, &grant, &turn, None)?;
        claim.keep(&tx, &(message.id, turn.id)).await?;
        tx.commit().await?;
        if let Some(running) = running {
            self.parts.bus.publish(&interrupt_topic(running), vec![]).await;
        }
        self.parts.bus.publish(WORK_TOPIC, vec![]).await;
        Ok((message, turn))
    }

    /// Holds the message against what waits and runs; gives the running turn that is to be interrupted for it.
    async fn make_room(&self, tx: &Tx, grant: &Grant<Write>, new: &NewMessage) -> Result<Option<TurnId>> {
        let open = turns::open_turns(tx, grant, new.session).await?;
        let running = open.iter().find(|turn| turn.status == TurnStatus::Running);
        match new.while_running {
            WhileRunning::Reject if !open.is_empty() => {
                return Err(Error::conflict(
                    "whileRunning",
                    "the coach is still answering: wait for it, or send with ENQUEUE or INTERRUPT",
                ));
            }
            WhileRunning::Interrupt => {
                if let Some(running) = running {
                    turns::request_interrupt(tx, grant, running.id).await?;
                    return Ok(Some(running.id));
                }
            }
            WhileRunning::Enqueue | WhileRunning::Reject => {}
        }
        if open.len() > MAX_QUEUED {
            let message = format!("{MAX_QUEUED} messages are waiting for an answer: let the coach catch up");
            return Err(Error::Refused(vec![Problem::new(ProblemCode::LimitReached, "text", message)]));
        }
        Ok(None)
    }

    /// What an earlier call has sent, as it is now.
    async fn sent(
        &self,
        source: &impl Source,
        actor: &Actor,
        message: MessageId,
        turn: TurnId,
    ) -> Result<(Message, Turn)> {
        let scope = actor.scope::<Read>();
        let message = turns::find_messages(source, &scope, &[message]).await?.remove(&message);
        let turn = turns::find_turn(source, &scope, turn).await?;
        Ok((message.ok_or(Error::NotFound("message"))?, turn.ok_or(NO_TURN)?.0))
    }

    /// Stops a turn; what was said so far stays. A turn that is over already is given back as it is.
    pub async fn interrupt(&self, actor: &Actor, id: TurnId) -> Result<Turn> {
        actor.key_allows::<Write>()?;
        let scope = actor.scope::<Write>();
        let (turn, grant) = turns::find_turn(&self.parts.db, &scope, id).await?.ok_or(NO_TURN)?;
        if turn.status == TurnStatus::Running {
            self.ask_to_stop(&grant, &turn).await?;
        }
        let mut tx = self.parts.log.begin().await?;
        // Writers take turns at the session, so that what is read next stays so.
        store::lock_session(&tx, &grant, turn.session, (0, 0), self.parts.ambient.now()).await?;
        let (turn, _) = turns::find_turn(&tx, &scope, id).await?.ok_or(NO_TURN)?;
        let turn = self.stop_in(&mut tx, &grant, turn).await?;
        tx.commit().await?;
        Ok(turn)
    }

    /// Ends a turn that waits, or whose worker did not stop by itself.
    async fn stop_in(&self, tx: &mut Tx, grant: &Grant<Write>, turn: Turn) -> Result<Turn> {
        if turn.status.is_over() {
            return Ok(turn);
        }
        let ending = Ending::interrupted(StopReason::Interrupted, None);
        let ended = turns::end(tx, &turn, &ending, self.parts.ambient.now()).await?;
        match ended {
            Some(ended) => {
                record_turn(tx, grant, &ended, Some(ending.reason))?;
                Ok(ended)
            }
            None => Ok(turn),
        }
    }

    /// Leaves word for the turn's worker, and waits a little for it to stop.
    async fn ask_to_stop(&self, grant: &Grant<Write>, turn: &Turn) -> Result<()> {
        let mut wake = self.parts.log.listen(grant.workspace()).await;
        let tx = self.parts.log.begin().await?;
        turns::request_interrupt(&tx, grant, turn.id).await?;
        tx.commit().await?;
        self.parts.bus.publish(&interrupt_topic(turn.id), vec![]).await;
        let deadline = Instant::now() + GRACE;
        loop {
            let open = turns::open_turns(&self.parts.db, grant, turn.session).await?;
            let runs = open.iter().any(|open| open.id == turn.id && open.status == TurnStatus::Running);
            let left = deadline.saturating_duration_since(Instant::now());
            if !runs || left.is_zero() {
                return Ok(());
            }
            let _ = timeout(left, wake.wait()).await;
        }
    }

    /// Ends the session, with a summary of what was said. A turn that runs is interrupted, keeping its text; those
    /// that wait are not answered any more.
    pub async fn end(&self, actor: &Actor, id: CoachingSessionId) -> Result<Session> {
        actor.key_allows::<Write>()?;
        let (session, grant) = self.get_session::<Write>(&self.parts.db, actor, id).await?;
        if session.status == SessionStatus::Ended {
            return Ok(session);
        }
        let open = turns::open_turns(&self.parts.db, &grant, id).await?;
        if let Some(running) = open.iter().find(|turn| turn.status == TurnStatus::Running) {
            self.ask_to_stop(&grant, running).await?;
        }
        let now = self.parts.ambient.now();
        let mut tx = self.parts.log.begin().await?;
        let locked = store::lock_session(&tx, &grant, id, (0, 0), now).await?.ok_or(NO_SESSION)?;
        if locked.session.status == SessionStatus::Ended {
            return Ok(locked.session);
        }
        for turn in turns::open_turns(&tx, &grant, id).await? {
            self.stop_in(&mut tx, &grant, turn).await?;
        }
        let goal = match session.goal {
            Some(goal) => store::find_goal(&tx, &grant, goal).await?.map(|goal| goal.title),
            None => None,
        };
        let messages = turns::conversation(&tx, &grant, id, locked.turns, SUMMARISED).await?;
        let messages: Vec<ChatMessage> = messages.iter().map(chat_message).collect();
        let summary = digest(session.topic.as_deref(), goal.as_deref(), &messages);
        store::end_session(&tx, &grant, id, &summary).await?;
        tx.record(&grant, own_event(&grant, SESSION_ENDED, id.uuid(), serde_json::json!({})));
        tx.commit().await?;
        Ok(Session { status: SessionStatus::Ended, summary: Some(summary), ..locked.session })
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

    pub async fn list_sessions(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        order: SessionOrder,
        request: &PageRequest,
    ) -> Result<Page<Session>> {
        store::list_sessions(&self.parts.db, &actor.may::<Read>(workspace)?, order, request).await
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
        turns::find_messages(&self.parts.db, &actor.scope::<Read>(), ids).await
    }

    pub async fn list_messages(
        &self,
        actor: &Actor,
        sessions: &[CoachingSessionId],
        request: &PageRequest,
    ) -> Result<HashMap<CoachingSessionId, Page<Message>>> {
        actor.key_allows::<Read>()?;
        turns::list_messages(&self.parts.db, &actor.scope::<Read>(), sessions, request).await
    }

    pub async fn list_citations(
        &self,
        actor: &Actor,
        messages: &[MessageId],
    ) -> Result<HashMap<MessageId, Vec<Citation>>> {
        actor.key_allows::<Read>()?;
        turns::list_citations(&self.parts.db, &actor.scope::<Read>(), messages).await
    }
}

/// An event that only the grant's principal may see.
fn own_event(
    grant: &Grant<Write>,
    kind: &'static str,
    subject: uuid::Uuid,
    data: serde_json::Value,
) -> NewEvent {
    NewEvent { kind, subject, owner: Some(grant.principal().uuid()), data }
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
        turn: turn.id,
        turn_number: turn.number,
        role,
        text,
        status,
        stop_reason: None,
        usage: None,
        created_at: now,
    }
}

pub(super) fn chat_message(message: &Message) -> ChatMessage {
    match message.role {
        MessageRole::User => ChatMessage::user(message.text.as_str()),
        MessageRole::Coach => ChatMessage::assistant(message.text.as_str()),
    }
}
