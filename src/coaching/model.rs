use super::speech::Speech;
use crate::{
    memory::Remembered,
    shared::{
        ClientId, Patch, Problems, Result, TraceId,
        id::{
            ActionItemId, ApiKeyId, CoachingSessionId, DocumentChunkId, GoalId, MessageId, TurnId, UserId,
            WorkspaceId,
        },
        stored, text,
    },
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// Characters of a message.
pub const MAX_MESSAGE: usize = 20_000;
/// Characters of a session's topic and of a goal's title.
const MAX_TITLE: usize = 200;
/// Characters of an action item.
pub const MAX_ITEM: usize = 500;
/// Turns of a session that may wait at once.
pub const MAX_QUEUED: usize = 20;

stored! {
    SessionMode { Chat = "CHAT", RolePlay = "ROLE_PLAY", CheckIn = "CHECK_IN", LiveAssist = "LIVE_ASSIST", }
    ActionItemStatus { Open = "OPEN", Done = "DONE", Dismissed = "DISMISSED", }
    GoalStatus { Active = "ACTIVE", Achieved = "ACHIEVED", Abandoned = "ABANDONED", }
    SessionStatus { Active = "ACTIVE", Paused = "PAUSED", Ended = "ENDED", }
    MessageRole { User = "USER", Coach = "COACH", }
    MessageStatus {
        Streaming = "STREAMING",
        Completed = "COMPLETED",
        Interrupted = "INTERRUPTED",
        Incomplete = "INCOMPLETE",
        Failed = "FAILED",
    }
    TurnStatus {
        Queued = "QUEUED",
        Running = "RUNNING",
        Completed = "COMPLETED",
        Interrupted = "INTERRUPTED",
        Incomplete = "INCOMPLETE",
        Failed = "FAILED",
    }
    /// Why the coach stopped speaking.
    StopReason {
        EndOfTurn = "END_OF_TURN",
        Length = "LENGTH",
        ContentPolicy = "CONTENT_POLICY",
        Interrupted = "INTERRUPTED",
        ProviderFailed = "PROVIDER_FAILED",
        ServerRestarted = "SERVER_RESTARTED",
        Timeout = "TIMEOUT",
        BudgetExceeded = "BUDGET_EXCEEDED",
    }
}

/// What becomes of a message that comes while the coach speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum WhileRunning {
    /// It waits its turn.
    Enqueue,
    /// What runs is interrupted, keeping its text; what waits already still comes first.
    Interrupt,
    /// It is refused.
    Reject,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    pub id: GoalId,
    pub workspace: WorkspaceId,
    pub title: String,
    /// 0 to 1.
    pub progress: f64,
    pub status: GoalStatus,
    /// From 1, one more with each change.
    pub version: i32,
    pub client_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
}

/// What a person means to do.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionItem {
    pub id: ActionItemId,
    pub workspace: WorkspaceId,
    /// The session that it came from.
    pub session: Option<CoachingSessionId>,
    pub goal: Option<GoalId>,
    /// The turn in which the coach made it.
    pub turn: Option<TurnId>,
    pub text: String,
    pub due_at: Option<DateTime<Utc>>,
    pub status: ActionItemStatus,
    /// From 1, one more with each change.
    pub version: i32,
    pub client_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Since when it is done.
    pub completed_at: Option<DateTime<Utc>>,
}

/// Words of a memory or a document that stand in an action item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Borrowed {
    pub from: Remembered,
    pub quote: String,
}

/// Which action items are wanted; what is left out wants all.
#[derive(Clone, Debug, Default)]
pub struct ActionItemFilter {
    pub status: Option<Vec<ActionItemStatus>>,
    pub goal: Option<GoalId>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub id: CoachingSessionId,
    pub workspace: WorkspaceId,
    pub owner: UserId,
    pub goal: Option<GoalId>,
    pub mode: SessionMode,
    pub topic: Option<String>,
    pub status: SessionStatus,
    pub summary: Option<String>,
    /// From 1, one more with each change by hand.
    pub version: i32,
    pub client_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    pub id: TurnId,
    pub workspace: WorkspaceId,
    pub owner: UserId,
    pub session: CoachingSessionId,
    /// From 1, in the order in which the session's turns run.
    pub number: i64,
    pub status: TurnStatus,
    pub message: MessageId,
    pub reply: Option<MessageId>,
    pub fence: i64,
    pub interrupt_requested: bool,
    /// The key that the message was sent with.
    pub key: Option<ApiKeyId>,
    /// The trace of the request that sent it.
    pub trace: Option<TraceId>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: MessageId,
    pub session: CoachingSessionId,
    pub role: MessageRole,
    pub text: String,
    pub status: MessageStatus,
    pub stop_reason: Option<StopReason>,
    pub usage: Option<TokenUsage>,
    pub client_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenUsage {
    pub input_tokens: u32,
    pub output_tokens: u32,
}

impl TokenUsage {
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }
}

/// The text of a memory or a chunk between two offsets (UTF-16 code units), as it was when it was quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    pub from: Remembered,
    /// The part of the document.
    pub chunk: Option<DocumentChunkId>,
    pub quote: String,
    pub start: usize,
    pub end: usize,
}

/// How a turn ends.
#[derive(Clone, Debug)]
pub struct Ending {
    pub status: TurnStatus,
    pub reason: StopReason,
    /// The whole reply; `None` keeps what was checkpointed.
    pub speech: Option<Speech>,
    pub usage: Option<TokenUsage>,
}

#[derive(Clone, Debug, Serialize)]
pub struct NewSession {
    pub workspace: WorkspaceId,
    pub mode: SessionMode,
    pub topic: Option<String>,
    pub goal: Option<GoalId>,
    /// A UUID that the client made.
    pub client_id: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct NewMessage {
    pub session: CoachingSessionId,
    pub text: String,
    pub while_running: WhileRunning,
    /// A UUID that the client made.
    pub client_id: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct NewGoal {
    pub workspace: WorkspaceId,
    pub title: String,
    /// A UUID that the client made.
    pub client_id: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct NewActionItem {
    pub workspace: WorkspaceId,
    pub text: String,
    pub due_at: Option<DateTime<Utc>>,
    pub session: Option<CoachingSessionId>,
    /// The session's, where there is none.
    pub goal: Option<GoalId>,
    /// A UUID that the client made.
    pub client_id: Option<String>,
}

#[derive(Clone, Debug)]
pub struct ActionItemUpdate {
    pub item: ActionItemId,
    pub expected_version: Option<i32>,
    pub text: Patch<String>,
    pub due_at: Patch<DateTime<Utc>>,
    pub status: Patch<ActionItemStatus>,
}

#[derive(Clone, Debug)]
pub struct GoalUpdate {
    pub goal: GoalId,
    pub expected_version: Option<i32>,
    pub title: Patch<String>,
    pub progress: Patch<f64>,
    pub status: Patch<GoalStatus>,
}

#[derive(Clone, Debug)]
pub struct SessionUpdate {
    pub session: CoachingSessionId,
    pub expected_version: Option<i32>,
    pub topic: Patch<String>,
    pub goal: Patch<GoalId>,
}

impl TurnStatus {
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// What the reply of a turn that ended so is.
    pub fn of_reply(self) -> MessageStatus {
        match self {
            Self::Queued | Self::Running => MessageStatus::Streaming,
            Self::Completed => MessageStatus::Completed,
            Self::Interrupted => MessageStatus::Interrupted,
            Self::Incomplete => MessageStatus::Incomplete,
            Self::Failed => MessageStatus::Failed,
        }
    }
}

impl Ending {
    /// Somebody or something stopped it: what was said so far stays.
    pub fn interrupted(reason: StopReason, speech: Option<Speech>) -> Self {
        Self { status: TurnStatus::Interrupted, reason, speech, usage: None }
    }

    /// It broke off: incomplete where something was said, else failed.
    pub fn broken(reason: StopReason, speech: Speech) -> Self {
        let status = if speech.text.is_empty() { TurnStatus::Failed } else { TurnStatus::Incomplete };
        Self { status, reason, speech: Some(speech), usage: None }
    }
}

impl NewSession {
    /// The checked topic, without blanks around it, and the client's id.
    pub fn checked(&self) -> Result<(Option<String>, Option<ClientId>)> {
        let mut problems = Problems::default();
        let topic =
            self.topic.as_ref().map(|topic| text::bounded(&mut problems, "topic", topic.trim(), MAX_TITLE));
        let topic = topic.filter(|topic| !topic.is_empty());
        text::one_line(&mut problems, "topic", topic.as_deref().unwrap_or_default());
        let content = (self.mode, &topic, self.goal);
        let client_id = ClientId::checked(&mut problems, self.client_id.as_deref(), &content)?;
        problems.finish()?;
        Ok((topic, client_id))
    }
}

impl NewMessage {
    pub fn checked(&self) -> Result<(String, Option<ClientId>)> {
        let mut problems = Problems::default();
        let text = text::required(&mut problems, "text", &self.text, MAX_MESSAGE);
        let client_id = ClientId::checked(&mut problems, self.client_id.as_deref(), &text)?;
        problems.finish()?;
        Ok((text, client_id))
    }
}

impl NewGoal {
    pub fn checked(&self) -> Result<(String, Option<ClientId>)> {
        let mut problems = Problems::default();
        let title = text::name(&mut problems, "title", &self.title, MAX_TITLE);
        let client_id = ClientId::checked(&mut problems, self.client_id.as_deref(), &title)?;
        problems.finish()?;
        Ok((title, client_id))
    }
}

impl NewActionItem {
    pub fn checked(&self) -> Result<(String, Option<ClientId>)> {
        let mut problems = Problems::default();
        let text = text::name(&mut problems, "text", &self.text, MAX_ITEM);
        let content = (&text, self.due_at, self.session, self.goal);
        let client_id = ClientId::checked(&mut problems, self.client_id.as_deref(), &content)?;
        problems.finish()?;
        Ok((text, client_id))
    }
}

impl ActionItemUpdate {
    /// The item as it would be now, with the version that it has.
    pub fn apply(self, old: &ActionItem, now: DateTime<Utc>) -> Result<ActionItem> {
        let mut problems = Problems::default();
        let text = self.text.checked(&mut problems, "text", MAX_ITEM);
        let text = text.over_required(&mut problems, "text", old.text.clone());
        let due_at = self.due_at.over(old.due_at);
        let status = self.status.over_required(&mut problems, "status", old.status);
        let completed_at = (status == ActionItemStatus::Done).then(|| old.completed_at.unwrap_or(now));
        problems.finish().map(|()| ActionItem { text, due_at, status, completed_at, ..old.clone() })
    }
}

impl GoalUpdate {
    /// The goal as it would be, with the version that it has.
    pub fn apply(self, old: &Goal) -> Result<Goal> {
        let mut problems = Problems::default();
        let title = self.title.checked(&mut problems, "title", MAX_TITLE);
        let title = title.over_required(&mut problems, "title", old.title.clone());
        let progress = self.progress.over_required(&mut problems, "progress", old.progress);
        if !(0.0..=1.0).contains(&progress) {
            problems.invalid("progress", "from 0, nothing yet, to 1, reached");
        }
        let status = self.status.over_required(&mut problems, "status", old.status);
        problems.finish().map(|()| Goal { title, progress, status, ..old.clone() })
    }
}

impl SessionUpdate {
    /// The session as it would be, with the version that it has.
    pub fn apply(self, old: &Session) -> Result<Session> {
        let mut problems = Problems::default();
        let topic = self.topic.checked(&mut problems, "topic", MAX_TITLE).over(old.topic.clone());
        let goal = self.goal.over(old.goal);
        problems.finish().map(|()| Session { topic, goal, ..old.clone() })
    }
}
