//! Extraction: what is asked for, and what came of it.
use super::{Egress, Memory, MemoryKind, MemoryLoader, MemoryScope, into};
use crate::{
    coaching::{CoachingLoader, CoachingSession, Message},
    gateway::Gateway,
    graphql_kit::{ApiError, ContextExt, DateTime, UserError, payload},
    memory::{MemoryService, extraction, model, service},
    shared::id::{CoachingSessionId, MemoryId, WorkspaceId},
};
use async_graphql::{ComplexObject, Context, Enum, InputObject, Object, OneofObject, SimpleObject};
use futures_util::future::try_join_all;

/// What a candidate is about. New ones may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "extraction::CandidateTopic")]
pub enum CandidateTopic {
    /// What somebody likes, avoids or wants done in some way.
    Preference,
    /// What is so of a person, or of what belongs to them.
    Fact,
    /// When something is.
    Date,
    /// What was settled.
    Decision,
    /// What somebody is going to do.
    Commitment,
}

/// Why a candidate is not kept. New reasons may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "extraction::gate::Refusal")]
pub enum CandidateRefusal {
    /// Its source does not say so.
    Unsupported,
    /// It is of the instructions of a model.
    SystemPrompt,
    /// It was recalled before, and comes back.
    Recalled,
    /// It is remembered or proposed already, was rejected, or another candidate says the same.
    Duplicate,
    /// It does not say enough to be understood by itself.
    Vague,
}

/// Where to look for what is worth remembering.
#[derive(InputObject, Debug)]
pub struct ExtractMemoriesInput {
    /// The workspace that it lies in.
    workspace_id: WorkspaceId,
    /// What is read.
    source: ExtractionSourceInput,
    /// Who is to read what is kept. SESSION only with a session.
    #[graphql(default_with = "MemoryScope::User")]
    scope: MemoryScope,
    /// Which providers of models may see what is kept.
    #[graphql(default_with = "Egress::Allowed")]
    egress: Egress,
    /// Shows the candidates and keeps nothing: the first step, so that somebody looks before anything is kept.
    #[graphql(default = true)]
    dry_run: bool,
    /// A route to a model that looks, too; without one, rules for English look alone. Whatever it says goes through the
    /// same gate.
    route: Option<String>,
    /// Makes a repeated request give what the first one kept, for 24 hours: `memories` alone.
    idempotency_key: Option<String>,
}

/// One of these.
#[derive(OneofObject, Debug)]
pub enum ExtractionSourceInput {
    /// One of the caller's own coaching sessions: what they said in it, the latest 50,000 characters. What the coach said
    /// is not read, for it is made of what is remembered already.
    SessionId(CoachingSessionId),
    /// A text that is kept nowhere.
    Text(TextSourceInput),
}

/// A text to read.
#[derive(InputObject, Debug)]
pub struct TextSourceInput {
    /// At most 50,000 characters. Lines like `Ana: …` say who speaks; what stands behind `Assistant:` is passed over.
    text: String,
    /// Whose words they are, at most 200 characters, where they are not the caller's.
    speaker: Option<String>,
    /// When it was said.
    at: Option<DateTime>,
}

impl From<ExtractMemoriesInput> for model::NewExtraction {
    fn from(input: ExtractMemoriesInput) -> Self {
        let source = match input.source {
            ExtractionSourceInput::SessionId(session) => model::ExtractionSource::Session(session),
            ExtractionSourceInput::Text(TextSourceInput { text, speaker, at }) => {
                model::ExtractionSource::Text { text, speaker, at: at.map(|at| at.0) }
            }
        };
        Self {
            workspace: input.workspace_id,
            source,
            scope: input.scope.into(),
            egress: input.egress.into(),
            dry_run: input.dry_run,
            route: input.route,
        }
    }
}

/// What came of `extractMemories`.
#[derive(SimpleObject, Debug, Default)]
pub struct ExtractMemoriesPayload {
    /// What may be kept, at most 100.
    candidates: Vec<MemoryCandidate>,
    /// What was found and is not kept, with the reason.
    refused: Vec<RefusedCandidate>,
    /// What was kept, with the status CANDIDATE, in the order of `candidates`: accept or reject it. Empty in a dry run.
    memories: Vec<Memory>,
    /// Whether a model looked and was understood; where it was not, the rules looked alone.
    used_model: bool,
    /// Whether there was more to find than one call gives: send less text at once.
    truncated: bool,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// What may be worth remembering.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub struct MemoryCandidate {
    /// What would be remembered. By rules it is its source's own words; a model may have worded it.
    text: String,
    /// What sort of memory it would be.
    kind: MemoryKind,
    /// What it is about.
    topic: CandidateTopic,
    /// How sure it is, from 0 to 1. What is below 0.5 is refused as VAGUE.
    confidence: f64,
    /// Why it was taken up, in plain words.
    reason: String,
    /// Who says it, where that is told.
    speaker: Option<String>,
    /// The words that say it.
    source: MemorySource,
    #[graphql(skip)]
    contradicts: Vec<MemoryId>,
}

#[ComplexObject]
impl MemoryCandidate {
    /// Memories in use that cannot hold beside it, as far as their words tell: a guess, for somebody to decide. See
    /// `supersedeMemory`.
    async fn contradicts(&self, ctx: &Context<'_>) -> Result<Vec<Memory>, ApiError> {
        let found = self.contradicts.iter().map(|id| ctx.load::<_, MemoryLoader>(*id));
        Ok(try_join_all(found).await?.into_iter().flatten().collect())
    }
}

/// What was found and is not kept.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub struct RefusedCandidate {
    /// What was found.
    candidate: MemoryCandidate,
    /// Why it is not kept.
    refusal: CandidateRefusal,
    /// The same in plain words.
    message: String,
    #[graphql(skip)]
    duplicate_of: Option<MemoryId>,
}

#[ComplexObject]
impl RefusedCandidate {
    /// The memory that says the same; null where there is none, or the caller may not see it.
    async fn duplicate_of(&self, ctx: &Context<'_>) -> Result<Option<Memory>, ApiError> {
        match self.duplicate_of {
            Some(id) => ctx.load::<_, MemoryLoader>(id).await,
            None => Ok(None),
        }
    }
}

#[derive(Debug)]
pub struct MemorySource(pub(super) model::MemorySource);

/// The words that a memory was taken from. Offsets count UTF-16 code units of the source's text, as JavaScript, Swift
/// and Java do; the quote is the text between them.
#[Object]
impl MemorySource {
    /// The words.
    async fn quote(&self) -> &str {
        &self.0.quote
    }

    /// Where they begin in their source.
    async fn start(&self) -> i32 {
        i32::try_from(self.0.start).unwrap_or(i32::MAX)
    }

    /// Where they end in their source, exclusive.
    async fn end(&self) -> i32 {
        i32::try_from(self.0.end).unwrap_or(i32::MAX)
    }

    /// The message that says it; null where it was a text, or the caller may not see it.
    async fn message(&self, ctx: &Context<'_>) -> Result<Option<Message>, ApiError> {
        match self.0.message {
            Some(id) => Ok(ctx.load::<_, CoachingLoader>(id).await?.map(Message::from)),
            None => Ok(None),
        }
    }

    /// The session that it was said in; null where it was a text, or the caller may not see it.
    async fn session(&self, ctx: &Context<'_>) -> Result<Option<CoachingSession>, ApiError> {
        match self.0.session {
            Some(id) => CoachingSession::visible(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl From<model::Extraction> for ExtractMemoriesPayload {
    fn from(extraction: model::Extraction) -> Self {
        let shown = |candidate: &extraction::Candidate| MemoryCandidate {
            text: candidate.text.clone(),
            kind: candidate.topic.kind().into(),
            topic: candidate.topic.into(),
            confidence: candidate.confidence,
            reason: candidate.reason.clone(),
            speaker: candidate.speaker.clone(),
            source: MemorySource(service::source_of(candidate, &extraction)),
            contradicts: candidate.contradicts.clone(),
        };
        let refused = extraction.refused.iter().map(|refused| RefusedCandidate {
            candidate: shown(&refused.candidate),
            refusal: refused.refusal.into(),
            message: refused.refusal.text().to_owned(),
            duplicate_of: refused.duplicate_of,
        });
        Self {
            candidates: extraction.candidates.iter().map(shown).collect(),
            refused: refused.collect(),
            used_model: extraction.used_model,
            truncated: extraction.truncated,
            memories: into(extraction.memories),
            user_errors: vec![],
        }
    }
}

/// Which proposed memories to settle.
#[derive(InputObject, Debug)]
pub struct AcceptMemoriesInput {
    /// At most 1,000, with the status CANDIDATE. One that was accepted before stays as it is.
    memory_ids: Vec<MemoryId>,
}

/// Which proposed memories to refuse.
#[derive(InputObject, Debug)]
pub struct RejectMemoriesInput {
    /// At most 1,000, with the status CANDIDATE. One that was rejected before stays as it is.
    memory_ids: Vec<MemoryId>,
}

/// What came of `acceptMemories`: all of it, or none and the problems.
#[derive(SimpleObject, Debug)]
pub struct AcceptMemoriesPayload {
    /// The memories, in the order of the ids.
    memories: Vec<Memory>,
    /// What a person can mend, each with the path of its id: `memoryIds.3`.
    user_errors: Vec<UserError>,
}

/// What came of `rejectMemories`: all of it, or none and the problems.
#[derive(SimpleObject, Debug)]
pub struct RejectMemoriesPayload {
    /// The memories, in the order of the ids.
    memories: Vec<Memory>,
    /// What a person can mend, each with the path of its id: `memoryIds.3`.
    user_errors: Vec<UserError>,
}

#[derive(Default, Debug)]
pub struct ExtractionMutation;

#[Object]
impl ExtractionMutation {
    /// Finds what of a session or a text is worth remembering: preferences, facts about people, dates, decisions,
    /// commitments. First as a dry run; then what passes the gate is kept as CANDIDATE, which nobody recalls before it is
    /// accepted.
    async fn extract_memories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where to look.")] input: ExtractMemoriesInput,
    ) -> Result<ExtractMemoriesPayload, ApiError> {
        let (memories, gateway, actor) =
            (ctx.service::<MemoryService>()?, ctx.service::<Gateway>()?, ctx.actor()?);
        let key = input.idempotency_key.clone();
        let (found, user_errors) = payload(memories.extract(gateway, actor, input.into(), key).await)?;
        Ok(ExtractMemoriesPayload { user_errors, ..found.map(Into::into).unwrap_or_default() })
    }

    /// Takes up what was proposed, many at once: from now on it is recalled.
    async fn accept_memories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which to accept.")] input: AcceptMemoriesInput,
    ) -> Result<AcceptMemoriesPayload, ApiError> {
        let memories = ctx.service::<MemoryService>()?;
        let (accepted, user_errors) = payload(memories.accept(ctx.actor()?, &input.memory_ids).await)?;
        Ok(AcceptMemoriesPayload { memories: into(accepted.unwrap_or_default()), user_errors })
    }

    /// Refuses what was proposed, many at once. The same is not proposed again.
    async fn reject_memories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which to reject.")] input: RejectMemoriesInput,
    ) -> Result<RejectMemoriesPayload, ApiError> {
        let memories = ctx.service::<MemoryService>()?;
        let (rejected, user_errors) = payload(memories.reject(ctx.actor()?, &input.memory_ids).await)?;
        Ok(RejectMemoriesPayload { memories: into(rejected.unwrap_or_default()), user_errors })
    }
}
