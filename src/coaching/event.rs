//! What happens in a session, as it is recorded and as it is heard.
use super::model::{ActionItem, StopReason, Turn, TurnStatus};
use crate::{
    event::{Change, Cursor, Event, NewEvent},
    shared::{
        Error, Result,
        actor::{Grant, Write},
        id::{ActionItemId, AnyId, CoachingSessionId, GoalId, MessageId, TurnId, UserId},
    },
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};

pub(super) const SESSION_STARTED: &str = "SESSION_STARTED";
pub(super) const SESSION_ENDED: &str = "SESSION_ENDED";
pub(super) const SESSION_UPDATED: &str = "SESSION_UPDATED";
pub(super) const GOAL_CREATED: &str = "GOAL_CREATED";
pub(super) const GOAL_UPDATED: &str = "GOAL_UPDATED";
const ACTION_ITEM_CREATED: &str = "ACTION_ITEM_CREATED";
pub(super) const ACTION_ITEM_UPDATED: &str = "ACTION_ITEM_UPDATED";
/// What a reply quoted of a forgotten memory is gone.
const REPLY_ERASED: &str = "REPLY_ERASED";
const TURN_QUEUED: &str = "TURN_QUEUED";
const TURN_STARTED: &str = "TURN_STARTED";
const TURN_COMPLETED: &str = "TURN_COMPLETED";
const TURN_INTERRUPTED: &str = "TURN_INTERRUPTED";
const TURN_INCOMPLETE: &str = "TURN_INCOMPLETE";
const TURN_FAILED: &str = "TURN_FAILED";
const TOOL_STARTED: &str = "TOOL_STARTED";
const TOOL_COMPLETED: &str = "TOOL_COMPLETED";

/// A turn as it was when something happened to it; its texts stay where they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnFacts {
    pub turn: TurnId,
    pub status: TurnStatus,
    pub message: MessageId,
    pub reply: Option<MessageId>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it ended. A reason that a later version knows is none here: that the turn ended is told all the same.
    #[serde(default, deserialize_with = "known")]
    pub reason: Option<StopReason>,
}

fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StopReason>, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(deserializer)?).ok())
}

/// A tool that the coach uses: its name, nothing of what it was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolFacts {
    pub turn: TurnFacts,
    pub tool: String,
    /// Once it is known.
    pub succeeded: Option<bool>,
}

/// An action item that is new.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionItemFacts {
    pub item: ActionItemId,
    /// The session that it came from, whose stream tells of it.
    pub session: Option<CoachingSessionId>,
}

pub(super) fn action_item_created(grant: &Grant<Write>, item: &ActionItem) -> Result<NewEvent> {
    let facts = ActionItemFacts { item: item.id, session: item.session };
    let subject = item.session.map_or(item.id.uuid(), CoachingSessionId::uuid);
    let data = serde_json::to_value(facts).map_err(Error::internal)?;
    Ok(NewEvent::new(ACTION_ITEM_CREATED, subject, data).only_for(grant.principal().uuid()))
}

/// What an item quoted of something forgotten is gone.
pub(super) fn action_item_erased(item: ActionItemId, owner: UserId) -> NewEvent {
    let data = serde_json::json!({});
    NewEvent::new(ACTION_ITEM_UPDATED, item.uuid(), data).only_for(owner.uuid())
}

/// That the tool is being used, or how that went.
pub(super) fn tool_event(
    grant: &Grant<Write>,
    turn: &Turn,
    tool: &str,
    succeeded: Option<bool>,
) -> Result<NewEvent> {
    let kind = if succeeded.is_some() { TOOL_COMPLETED } else { TOOL_STARTED };
    let facts = ToolFacts { turn: TurnFacts::of(turn, None), tool: tool.to_owned(), succeeded };
    let data = serde_json::to_value(&facts).map_err(Error::internal)?;
    Ok(NewEvent::new(kind, turn.session.uuid(), data).only_for(grant.principal().uuid()))
}

/// Something that a follower of a session hears.
#[derive(Clone, Debug)]
pub struct CoachingEvent {
    pub cursor: Cursor,
    pub at: DateTime<Utc>,
    pub what: Happened,
}

#[derive(Clone, Debug)]
pub enum Happened {
    SessionStarted(CoachingSessionId),
    TurnQueued(TurnFacts),
    TurnStarted(TurnFacts),
    /// All that the coach has said so far, instead of whatever was heard before; `offset` is where it ends.
    TurnSnapshot {
        turn: TurnFacts,
        text: String,
        offset: u32,
    },
    /// What the coach goes on to say; `offset` is where it begins.
    TurnDelta {
        turn: TurnFacts,
        text: String,
        offset: u32,
    },
    ToolStarted(ToolFacts),
    ToolCompleted(ToolFacts),
    ActionItemCreated(ActionItemFacts),
    TurnCompleted(TurnFacts),
    TurnInterrupted(TurnFacts),
    TurnIncomplete(TurnFacts),
    TurnFailed(TurnFacts),
    SessionEnded(CoachingSessionId),
}

/// What travels on the bus while a coach speaks: a hint, for the checkpoint and the log have it too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Delta {
    pub turn: TurnId,
    pub at: DateTime<Utc>,
    /// Where it begins, in UTF-16 code units.
    pub offset: u32,
    pub text: String,
}

impl TurnFacts {
    pub fn of(turn: &Turn, reason: Option<StopReason>) -> Self {
        Self {
            turn: turn.id,
            status: turn.status,
            message: turn.message,
            reply: turn.reply,
            started_at: turn.started_at,
            finished_at: turn.finished_at,
            reason,
        }
    }

    /// The kind of event that puts a turn into this status.
    pub(super) fn kind(&self) -> &'static str {
        match self.status {
            TurnStatus::Queued => TURN_QUEUED,
            TurnStatus::Running => TURN_STARTED,
            TurnStatus::Completed => TURN_COMPLETED,
            TurnStatus::Interrupted => TURN_INTERRUPTED,
            TurnStatus::Incomplete => TURN_INCOMPLETE,
            TurnStatus::Failed => TURN_FAILED,
        }
    }
}

impl Happened {
    /// `None` for what a later version records, as servers of two versions may share a database.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let session = || CoachingSessionId::from_uuid(event.subject);
        let turn = || serde_json::from_value(event.data.clone()).ok();
        let tool = || serde_json::from_value(event.data.clone()).ok();
        let item = || serde_json::from_value(event.data.clone()).ok();
        Some(match event.kind.as_str() {
            SESSION_STARTED => Self::SessionStarted(session()),
            SESSION_ENDED => Self::SessionEnded(session()),
            TURN_QUEUED => Self::TurnQueued(turn()?),
            TURN_STARTED => Self::TurnStarted(turn()?),
            TOOL_STARTED => Self::ToolStarted(tool()?),
            TOOL_COMPLETED => Self::ToolCompleted(tool()?),
            ACTION_ITEM_CREATED => Self::ActionItemCreated(item()?),
            TURN_COMPLETED => Self::TurnCompleted(turn()?),
            TURN_INTERRUPTED => Self::TurnInterrupted(turn()?),
            TURN_INCOMPLETE => Self::TurnIncomplete(turn()?),
            TURN_FAILED => Self::TurnFailed(turn()?),
            _ => return None,
        })
    }

    /// The turn that is over with this.
    pub(super) fn ended(&self) -> Option<&TurnFacts> {
        match self {
            Self::TurnCompleted(turn)
            | Self::TurnInterrupted(turn)
            | Self::TurnIncomplete(turn)
            | Self::TurnFailed(turn) => Some(turn),
            _ => None,
        }
    }
}

/// Where a session's deltas travel.
pub(super) fn delta_topic(session: CoachingSessionId) -> String {
    format!("coaching.{session}")
}

/// Where a turn's worker is asked to stop.
pub(super) fn interrupt_topic(turn: TurnId) -> String {
    format!("coaching.interrupt.{turn}")
}

/// Where workers hear of turns that wait.
pub(super) const WORK_TOPIC: &str = "coaching.work";

pub(super) fn reply_erased(reply: MessageId, owner: UserId) -> NewEvent {
    let data = serde_json::json!({});
    NewEvent::new(REPLY_ERASED, reply.uuid(), data).only_for(owner.uuid())
}

/// What an event did to a goal, an action item, a session, a turn or a message; nothing where it is none of theirs.
pub fn changes(event: &Event) -> Vec<Change> {
    let goal = AnyId::Goal(GoalId::from_uuid(event.subject));
    match event.kind.as_str() {
        GOAL_CREATED => return vec![Change::created(goal)],
        GOAL_UPDATED => return vec![Change::updated(goal)],
        ACTION_ITEM_UPDATED => {
            return vec![Change::updated(AnyId::ActionItem(ActionItemId::from_uuid(event.subject)))];
        }
        // Only for copies: a session's stream tells what is said in it.
        SESSION_UPDATED => {
            let session = CoachingSessionId::from_uuid(event.subject);
            return vec![Change::updated(AnyId::CoachingSession(session))];
        }
        REPLY_ERASED => return vec![Change::updated(AnyId::Message(MessageId::from_uuid(event.subject)))],
        _ => {}
    }
    let session = AnyId::CoachingSession(CoachingSessionId::from_uuid(event.subject));
    let reply = |turn: &TurnFacts| turn.reply.map(AnyId::Message);
    match Happened::of(event) {
        Some(Happened::SessionStarted(_)) => vec![Change::created(session)],
        Some(Happened::SessionEnded(_)) => vec![Change::updated(session)],
        // Whatever happens in a session, it was updated then.
        Some(Happened::TurnQueued(turn)) => vec![
            Change::created(AnyId::Turn(turn.turn)),
            Change::created(AnyId::Message(turn.message)),
            Change::updated(session),
        ],
        Some(Happened::TurnStarted(turn)) => {
            let changes = [Change::updated(AnyId::Turn(turn.turn)), Change::updated(session)];
            changes.into_iter().chain(reply(&turn).map(Change::created)).collect()
        }
        Some(
            Happened::TurnCompleted(turn)
            | Happened::TurnInterrupted(turn)
            | Happened::TurnIncomplete(turn)
            | Happened::TurnFailed(turn),
        ) => {
            let changes = [Change::updated(AnyId::Turn(turn.turn)), Change::updated(session)];
            changes.into_iter().chain(reply(&turn).map(Change::updated)).collect()
        }
        Some(Happened::ActionItemCreated(ActionItemFacts { item, session })) => {
            let session = session.map(|session| Change::updated(AnyId::CoachingSession(session)));
            [Change::created(AnyId::ActionItem(item))].into_iter().chain(session).collect()
        }
        // What a tool does is told by what it changed.
        Some(Happened::ToolStarted(_) | Happened::ToolCompleted(_)) => vec![],
        // They travel on the bus alone.
        Some(Happened::TurnSnapshot { .. } | Happened::TurnDelta { .. }) | None => vec![],
    }
}
