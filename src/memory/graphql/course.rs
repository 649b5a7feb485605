//! What becomes of a memory: superseded, with its history; and what speaks against it.
use super::{Memory, MemoryLoader};
use crate::{
    graphql_kit::{ApiError, ContextExt, DateTime, UserError, payload},
    memory::{MemoryService, model},
    shared::id::MemoryId,
};
use async_graphql::{ComplexObject, Context, Enum, InputObject, Object, OneofObject, SimpleObject};

/// What was done with a memory. New things may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::MemoryChanged")]
pub enum MemoryChangeKind {
    /// It was proposed, and was taken up.
    Accepted,
    /// It was proposed, and was refused.
    Rejected,
    /// Another memory says otherwise.
    Superseded,
    /// It says otherwise than another.
    Supersedes,
    /// Its time was over.
    Expired,
}

/// Something that was done with a memory.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub struct MemoryChange {
    /// What was done.
    kind: MemoryChangeKind,
    /// Why, in the words of whoever did it.
    reason: Option<String>,
    /// When.
    at: DateTime,
    #[graphql(skip)]
    other: Option<MemoryId>,
}

#[ComplexObject]
impl MemoryChange {
    /// The memory that had to do with it; null where there is none, or the caller may not see it (any more).
    async fn other(&self, ctx: &Context<'_>) -> Result<Option<Memory>, ApiError> {
        match self.other {
            Some(id) => ctx.load::<_, MemoryLoader>(id).await,
            None => Ok(None),
        }
    }
}

impl From<model::MemoryChange> for MemoryChange {
    fn from(change: model::MemoryChange) -> Self {
        let model::MemoryChange { what, reason, other, at, .. } = change;
        Self { kind: what.into(), reason, at: DateTime(at), other }
    }
}

/// How one memory speaks against another. New ways may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::Contradiction")]
pub enum ContradictionKind {
    /// It denies what the other says.
    Denies,
    /// It has another number or date for the same.
    OtherNumber,
    /// It has another name for the same.
    OtherValue,
    /// It cannot hold beside the other in another way.
    Other,
}

/// Who found that a memory speaks against another.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::ContradictionFinder")]
pub enum ContradictionFinder {
    /// Rules, by the words of both.
    Rules,
    /// A model. What it quotes stands in both, word for word.
    Model,
}

/// A memory that speaks against another: a guess, by its words.
#[derive(SimpleObject, Debug)]
pub struct MemoryContradiction {
    /// The memory.
    memory: Memory,
    /// How it speaks against it.
    kind: ContradictionKind,
    /// Who found it.
    found_by: Vec<ContradictionFinder>,
    /// What the memory says against it, word for word; null where no model said so.
    quote: Option<String>,
    /// The words of the memory that was asked about which it speaks against; null where no model said so.
    against: Option<String>,
}

impl From<model::MemoryContradiction> for MemoryContradiction {
    fn from(found: model::MemoryContradiction) -> Self {
        let model::MemoryContradiction { memory, kind, found_by, quotes } = found;
        let (quote, against) = quotes.map(|quotes| (quotes.quote, quotes.against)).unzip();
        let found_by = found_by.into_iter().map(ContradictionFinder::from).collect();
        Self { memory: memory.into(), kind: kind.into(), found_by, quote, against }
    }
}

/// What rules and a model find that cannot hold beside a memory.
#[derive(SimpleObject, Debug)]
pub struct ContradictionCheck {
    /// Memories in use near it that speak against it.
    contradictions: Vec<MemoryContradiction>,
    /// Whether the model's answer counts here: where it is false, none came that could be read, and the rules alone have
    /// looked. Null where nothing is near, so that none was asked.
    model_answered: Option<bool>,
}

impl From<model::ContradictionCheck> for ContradictionCheck {
    fn from(check: model::ContradictionCheck) -> Self {
        let contradictions = check.found.into_iter().map(MemoryContradiction::from).collect();
        Self { contradictions, model_answered: check.model_answered }
    }
}

/// That a memory says otherwise than another.
#[derive(InputObject, Debug)]
pub struct SupersedeMemoryInput {
    /// The memory that is not right any more, or never was.
    memory_id: MemoryId,
    /// What says otherwise.
    by: SupersedingInput,
    /// Since when the other is so: until then the old one was, and `trueAt` finds it for that time. Where it is left out,
    /// the old one never was so.
    since: Option<DateTime>,
    /// Why, at most 500 characters. It is in the history of both.
    reason: Option<String>,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    idempotency_key: Option<String>,
}

/// One of these.
#[derive(OneofObject, Debug)]
pub enum SupersedingInput {
    /// A memory that the same people read; one that is proposed is accepted by this.
    MemoryId(MemoryId),
    /// What is so instead, at most 10,000 characters: a new memory, in other respects as the old one.
    Text(String),
}

impl From<SupersedeMemoryInput> for model::NewSuccession {
    fn from(input: SupersedeMemoryInput) -> Self {
        let by = match input.by {
            SupersedingInput::MemoryId(id) => model::SupersededBy::Memory(id),
            SupersedingInput::Text(text) => model::SupersededBy::Text(text),
        };
        Self { memory: input.memory_id, by, since: input.since.map(|at| at.0), reason: input.reason }
    }
}

/// What came of `supersedeMemory`.
#[derive(SimpleObject, Debug)]
pub struct SupersedeMemoryPayload {
    /// The memory that was superseded; null where `userErrors` says why not.
    memory: Option<Memory>,
    /// The memory that says otherwise.
    by: Option<Memory>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

#[derive(Default, Debug)]
pub struct CourseMutation;

#[Object]
impl CourseMutation {
    /// Says that a memory is not right any more, and what is so instead. The old one is kept with its history: it is not
    /// recalled, save for the time in which it was so (`trueAt`), or was taken for so (`knownAt`).
    async fn supersede_memory(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is superseded, and by what.")] input: SupersedeMemoryInput,
    ) -> Result<SupersedeMemoryPayload, ApiError> {
        let (memories, actor) = (ctx.service::<MemoryService>()?, ctx.actor()?);
        let key = input.idempotency_key.clone();
        let (done, user_errors) = payload(memories.supersede(actor, input.into(), key).await)?;
        let (memory, by) = done.map(|(old, by)| (Memory(old), Memory(by))).unzip();
        Ok(SupersedeMemoryPayload { memory, by, user_errors })
    }
}
