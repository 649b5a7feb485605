//! Sessions, turns, messages and goals; [`mutation`] changes them, [`event`] shows them live, [`load`] batches.
mod event;
mod load;
mod mutation;

pub use event::CoachingSubscription;
pub use load::{CoachingLoader, request_data};
pub use mutation::CoachingMutation;

use super::{CoachingService, model, store::SessionOrder};
use crate::{
    graphql_kit::{
        ApiError, Connection, ContextExt, Cursor, DateTime, OrderDirection, connection, page_request,
    },
    memory::{MemoryLoader, graphql::Memory},
    shared::{
        Error, Page,
        id::{CoachingSessionId, GoalId, MessageId, TurnId, WorkspaceId},
    },
};
use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use load::{CitationsOf, MessagesOf};

/// What a session is for.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::SessionMode")]
pub enum CoachingMode {
    /// An open conversation.
    Chat,
    /// The coach plays a part, to practise with.
    RolePlay,
    /// A short look at how it goes.
    CheckIn,
    /// At the person's side while they work.
    LiveAssist,
}

/// Where a session is in its life.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::SessionStatus")]
pub enum CoachingSessionStatus {
    /// Messages can be sent.
    Active,
    /// It rests; nothing is sent until it goes on.
    Paused,
    /// It is over, with a summary.
    Ended,
}

/// Who said a message.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::MessageRole")]
pub enum MessageRole {
    /// The person.
    User,
    /// The coach.
    Coach,
}

/// How far a message is. New values may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::MessageStatus")]
pub enum MessageStatus {
    /// The coach is still speaking.
    Streaming,
    /// It is whole.
    Completed,
    /// It was stopped; what had been said stays.
    Interrupted,
    /// It broke off; what had been said stays.
    Incomplete,
    /// Nothing came.
    Failed,
}

/// Why the coach stopped speaking. New values may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::StopReason")]
pub enum StopReason {
    /// All was said.
    EndOfTurn,
    /// The reply had reached its greatest length.
    Length,
    /// The provider refused to go on.
    ContentPolicy,
    /// Somebody interrupted it, or the session ended.
    Interrupted,
    /// The provider failed.
    ProviderFailed,
    /// The server that spoke was stopped or lost.
    ServerRestarted,
    /// It took too long.
    Timeout,
}

/// How far a turn is. New values may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::TurnStatus")]
pub enum TurnStatus {
    /// It waits for the turns before it.
    Queued,
    /// The coach answers.
    Running,
    /// Answered.
    Completed,
    /// Stopped, before or while the coach spoke.
    Interrupted,
    /// The answer broke off.
    Incomplete,
    /// No answer came.
    Failed,
}

#[derive(Clone, Debug)]
pub struct Goal(model::Goal);

impl From<model::Goal> for Goal {
    fn from(goal: model::Goal) -> Self {
        Self(goal)
    }
}

/// What a person works towards. Only they see it.
#[Object]
impl Goal {
    /// Stable for ever.
    pub async fn id(&self) -> GoalId {
        self.0.id
    }

    /// What it is, in the person's words.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// How far it is reached, from 0 to 1.
    async fn progress(&self) -> f64 {
        self.0.progress
    }
}

#[derive(Clone, Debug)]
pub struct CoachingSession {
    session: model::Session,
    /// Read before the session was.
    cursor: Option<Cursor>,
}

impl From<model::Session> for CoachingSession {
    fn from(session: model::Session) -> Self {
        Self { session, cursor: None }
    }
}

impl CoachingSession {
    /// `None` where the actor may not see it. The cursor, where selected, is read first: so what is read after it is
    /// never older, and a subscription from it has no gap.
    pub async fn visible(ctx: &Context<'_>, id: CoachingSessionId) -> Result<Option<Self>, ApiError> {
        let Some(mut session) = ctx.load::<_, CoachingLoader>(id).await? else { return Ok(None) };
        if ctx.look_ahead().field("cursor").exists() {
            let cursor = head(ctx, session.workspace).await?;
            let Some(again) = ctx.load::<_, CoachingLoader>(id).await? else { return Ok(None) };
            session = again;
            return Ok(Some(Self { session, cursor: Some(cursor) }));
        }
        Ok(Some(session.into()))
    }
}

async fn head(ctx: &Context<'_>, workspace: WorkspaceId) -> Result<Cursor, ApiError> {
    Ok(Cursor(ctx.service::<CoachingService>()?.head(ctx.actor()?, workspace).await?))
}

/// A conversation with the coach. Only the person whose it is sees it.
#[Object]
impl CoachingSession {
    /// Stable for ever.
    pub async fn id(&self) -> CoachingSessionId {
        self.session.id
    }

    /// What the session is for.
    async fn mode(&self) -> CoachingMode {
        self.session.mode.into()
    }

    /// What it is about, in the person's words.
    async fn topic(&self) -> Option<&str> {
        self.session.topic.as_deref()
    }

    /// Where it is in its life.
    async fn status(&self) -> CoachingSessionStatus {
        self.session.status.into()
    }

    /// The place in the workspace's event log at which this answer was read: follow `coachingEvents` from it and miss
    /// nothing.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<Cursor, ApiError> {
        match self.cursor {
            Some(cursor) => Ok(cursor),
            None => head(ctx, self.session.workspace).await,
        }
    }

    /// The goal that it serves.
    async fn goal(&self, ctx: &Context<'_>) -> Result<Option<Goal>, ApiError> {
        match self.session.goal {
            Some(goal) => ctx.load::<_, CoachingLoader>(goal).await,
            None => Ok(None),
        }
    }

    /// What it came to; null until it has ended.
    async fn summary(&self) -> Option<SessionSummary> {
        self.session.summary.clone().map(|text| SessionSummary { text })
    }

    /// What was said, oldest first.
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Message>, ApiError> {
        let request = page_request(ctx, first, after, last, before)?;
        let key = MessagesOf { session: self.session.id, request };
        let page = ctx.load::<_, CoachingLoader>(key).await?;
        Ok(connection(page.unwrap_or_else(|| Page::empty(Some(0))), Message))
    }

    /// When it was started.
    async fn created_at(&self) -> DateTime {
        DateTime(self.session.created_at)
    }

    /// When something last happened in it.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.session.updated_at)
    }
}

/// What a session came to.
#[derive(SimpleObject, Debug)]
pub struct SessionSummary {
    /// In the words that were used in it: nothing is made up.
    text: String,
}

#[derive(Clone, Debug)]
pub struct Message(model::Message);

impl From<model::Message> for Message {
    fn from(message: model::Message) -> Self {
        Self(message)
    }
}

/// What was said, by the person or by the coach.
#[Object]
impl Message {
    /// Stable for ever.
    pub async fn id(&self) -> MessageId {
        self.0.id
    }

    /// Who said it.
    async fn role(&self) -> MessageRole {
        self.0.role.into()
    }

    /// What was said. While the coach speaks, what was kept of it a moment ago: `coachingEvents` has it sooner.
    async fn text(&self) -> &str {
        &self.0.text
    }

    /// How far it is.
    async fn status(&self) -> MessageStatus {
        self.0.status.into()
    }

    /// Why the coach stopped speaking; null for the person's own, and while the coach speaks.
    async fn stop_reason(&self) -> Option<StopReason> {
        self.0.stop_reason.map(StopReason::from)
    }

    /// What the coach quotes, in the order of the text.
    async fn citations(&self, ctx: &Context<'_>) -> Result<Vec<Citation>, ApiError> {
        if self.0.role == model::MessageRole::User {
            return Ok(vec![]);
        }
        let found = ctx.load::<_, CoachingLoader>(CitationsOf(self.0.id)).await?;
        Ok(found.unwrap_or_default().into_iter().map(Citation).collect())
    }

    /// What it cost; null for the person's own, and while the coach speaks.
    async fn usage(&self) -> Option<TokenUsage> {
        let shown = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        self.0.usage.map(|usage| TokenUsage {
            input_tokens: shown(usage.input_tokens),
            output_tokens: shown(usage.output_tokens),
        })
    }

    /// When it was sent; for the coach, when it began to speak.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

#[derive(Clone, Debug)]
pub struct Citation(model::Citation);

/// A part of something remembered that a reply quotes word for word. Offsets count UTF-16 code units of the source's
/// text, as JavaScript, Swift and Java do; the quote is the text between them.
#[Object]
impl Citation {
    /// The quoted words.
    async fn quote(&self) -> &str {
        &self.0.quote
    }

    /// Where the quote begins in its source.
    async fn start(&self) -> i32 {
        i32::try_from(self.0.start).unwrap_or(i32::MAX)
    }

    /// Where the quote ends in its source, exclusive.
    async fn end(&self) -> i32 {
        i32::try_from(self.0.end).unwrap_or(i32::MAX)
    }

    /// The memory that is quoted; null where the caller may not see it any more.
    async fn memory(&self, ctx: &Context<'_>) -> Result<Option<Memory>, ApiError> {
        ctx.load::<_, MemoryLoader>(self.0.memory).await
    }
}

/// What a reply cost, in tokens: as the provider counted them, or estimated as a quarter of the characters.
#[derive(SimpleObject, Debug)]
pub struct TokenUsage {
    /// Of the conversation, the instructions and what was recalled.
    input_tokens: i32,
    /// Of the reply.
    output_tokens: i32,
}

#[derive(Clone, Debug)]
pub struct Turn(super::TurnFacts);

impl From<model::Turn> for Turn {
    fn from(turn: model::Turn) -> Self {
        Self(super::TurnFacts::of(&turn, None))
    }
}

/// A message of the person's and what the coach makes of it. The turns of a session run one after the other.
#[Object]
impl Turn {
    /// Stable for ever.
    pub async fn id(&self) -> TurnId {
        self.0.turn
    }

    /// How far it is; in an event, how far it was then.
    async fn status(&self) -> TurnStatus {
        self.0.status.into()
    }

    /// What the person said.
    async fn message(&self, ctx: &Context<'_>) -> Result<Message, ApiError> {
        let found = ctx.load::<_, CoachingLoader>(self.0.message).await?;
        Ok(found.map(Message).ok_or(Error::NotFound("message"))?)
    }

    /// What the coach says; null before it begins.
    async fn reply(&self, ctx: &Context<'_>) -> Result<Option<Message>, ApiError> {
        match self.0.reply {
            Some(reply) => Ok(ctx.load::<_, CoachingLoader>(reply).await?.map(Message)),
            None => Ok(None),
        }
    }

    /// When the coach began; null while it waits.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(DateTime)
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }
}

/// What sessions can be ordered by.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoachingSessionOrderField {
    /// When they were started.
    CreatedAt,
    /// When something last happened in them.
    UpdatedAt,
}

/// An order of sessions; where two are equal, their ids decide.
#[derive(InputObject, Debug)]
pub struct CoachingSessionOrder {
    /// By what.
    field: CoachingSessionOrderField,
    /// Which way.
    direction: OrderDirection,
}

/// The part of `Workspace` that this slice gives.
#[derive(Debug)]
pub struct WorkspaceSessions {
    pub workspace: WorkspaceId,
}

#[Object]
impl WorkspaceSessions {
    /// The caller's own coaching sessions, the newest first if nothing else is said. Nobody else sees them.
    async fn coaching_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "In which order.")] order_by: Option<CoachingSessionOrder>,
    ) -> Result<Connection<CoachingSession>, ApiError> {
        let request = page_request(ctx, first, after, last, before)?;
        let order = SessionOrder {
            by_update: order_by.as_ref().is_some_and(|by| by.field == CoachingSessionOrderField::UpdatedAt),
            descending: order_by.as_ref().is_none_or(|by| by.direction == OrderDirection::Desc),
        };
        let ahead = ctx.look_ahead();
        let wanted = ahead.field("nodes").field("cursor").exists()
            || ahead.field("edges").field("node").field("cursor").exists();
        let cursor = if wanted { Some(head(ctx, self.workspace).await?) } else { None };
        let coaching = ctx.service::<CoachingService>()?;
        let page = coaching.list_sessions(ctx.actor()?, self.workspace, order, &request).await?;
        Ok(connection(page, |session| CoachingSession { session, cursor }))
    }
}
