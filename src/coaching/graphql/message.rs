use super::{CoachingSession, MessageRole, MessageStatus, StopReason, TurnStatus, load::CitationsOf};
use crate::{
    coaching::{CoachingLoader, TurnFacts, model},
    graphql_kit::{ApiError, ContextExt, DateTime, List},
    memory::{
        DocumentLoader, MemoryLoader, Remembered,
        graphql::{DocumentChunk, Memory},
    },
    shared::{
        Error,
        id::{MessageId, TurnId},
    },
};
use async_graphql::{Context, ID, Object, SimpleObject};

#[derive(Clone, Debug)]
pub struct Message(pub(super) model::Message);

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

    /// The session in which it was said.
    async fn session(&self, ctx: &Context<'_>) -> Result<CoachingSession, ApiError> {
        Ok(CoachingSession::visible(ctx, self.0.session).await?.ok_or(Error::NotFound("session"))?)
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

    /// The id that the client gave it which made it; null where it gave none.
    async fn client_id(&self) -> Option<ID> {
        self.0.client_id.map(|id| ID(id.to_string()))
    }

    /// What the coach quotes, in the order of the text.
    async fn citations(&self, ctx: &Context<'_>) -> Result<List<Citation>, ApiError> {
        if self.0.role == model::MessageRole::User {
            return Ok(List::default());
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

impl From<model::Citation> for Citation {
    fn from(citation: model::Citation) -> Self {
        Self(citation)
    }
}

/// A part of a memory or of a document's chunk that a reply quotes word for word. Offsets count UTF-16 code units of its
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

    /// The memory that is quoted; null where it is a chunk, and where the caller may not see it any more.
    async fn memory(&self, ctx: &Context<'_>) -> Result<Option<Memory>, ApiError> {
        match self.0.from {
            Remembered::Memory(memory) => ctx.load::<_, MemoryLoader>(memory).await,
            Remembered::Document(_) => Ok(None),
        }
    }

    /// The part of a document that is quoted; null where it is a memory, where the document says something else by now, and
    /// where the caller may not see it any more.
    async fn chunk(&self, ctx: &Context<'_>) -> Result<Option<DocumentChunk>, ApiError> {
        match self.0.chunk {
            Some(chunk) => ctx.load::<_, DocumentLoader>(chunk).await,
            None => Ok(None),
        }
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
pub struct Turn(pub(super) TurnFacts);

impl From<model::Turn> for Turn {
    fn from(turn: model::Turn) -> Self {
        Self(TurnFacts::of(&turn, None))
    }
}

/// A message of the person's and what the coach makes of it. The turns of a session run one after the other.
#[Object]
impl Turn {
    /// Stable for ever.
    pub async fn id(&self) -> TurnId {
        self.0.turn
    }

    /// The session that it is part of.
    async fn session(&self, ctx: &Context<'_>) -> Result<CoachingSession, ApiError> {
        self.message(ctx).await?.session(ctx).await
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
