mod answer;
mod course;
mod document;
mod document_load;
mod embedding;
mod entities;
mod extract;
mod filing;
mod forgetting;
mod input;
mod load;
mod recall;

pub use document::{Document, DocumentChunk, WorkspaceFiles};
pub use document_load::DocumentLoader;
pub use filing::DocumentMutation;
pub use load::{MemoryLoader, request_data};

use super::{MemoryService, model, policy};
use crate::{
    gateway::{self, Gateway},
    graphql_kit::{ApiError, Connection, ContextExt, DateTime, UserError, connection, page_request, payload},
    shared::{
        Error,
        id::{ErasureReceiptId, MemoryId, WorkspaceId},
    },
};
use answer::{Answer, AnswerInput};
use async_graphql::{Context, Enum, ID, MergedObject, Object, SimpleObject};
use course::{ContradictionCheck, MemoryChange, MemoryContradiction};
use embedding::MemoryEmbedding;
use entities::{Entity, EntityFilter};
use extract::MemorySource;
use forgetting::{ForgetAboutInput, ForgetAboutPayload, MemoryExport};
use input::{ForgetMemoryInput, ImportMemoriesInput, MemoryFilter, RecallInput, RememberInput, into};
use load::{AliasesOf, HistoryOf, Recalls, SourcesOf};
use recall::RecallResult;

/// What sort of thing is remembered. New kinds may come: show an unknown one as a note.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::MemoryKind")]
pub enum MemoryKind {
    /// Something that is so.
    Fact,
    /// What somebody likes, wants or avoids.
    Preference,
    /// Something written down.
    Note,
    /// Something said or done at a time: a turn of a conversation, an event.
    Episode,
    /// What keeps happening.
    Pattern,
    /// The gist of something longer.
    Summary,
}

/// Who reads a memory.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::MemoryScope")]
pub enum MemoryScope {
    /// Only the one who wrote it.
    User,
    /// Only the one who wrote it, within one coaching session.
    Session,
    /// Every member of the workspace.
    Workspace,
}

/// Where a memory is in its life.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::MemoryStatus")]
pub enum MemoryStatus {
    /// Proposed, not yet taken up.
    Candidate,
    /// In use: recall finds it.
    Active,
    /// A newer memory says otherwise.
    Superseded,
    /// It went into another memory that says the same.
    Merged,
    /// Proposed and refused.
    Rejected,
    /// Erased on request.
    Forgotten,
    /// Its time is over.
    Expired,
}

/// Where something may go.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "gateway::Egress")]
pub enum Egress {
    /// To every provider of models.
    Allowed,
    /// To providers alone that the operator marked as internal: on this machine, or in the operator's own house.
    InternalOnly,
}

#[derive(Clone, Debug)]
pub struct Memory(model::Memory);

impl From<model::Memory> for Memory {
    fn from(memory: model::Memory) -> Self {
        Self(memory)
    }
}

/// Something remembered.
#[Object]
impl Memory {
    /// Stable for ever.
    pub async fn id(&self) -> MemoryId {
        self.0.id
    }

    /// The id in the system that it came from.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// The id that the client gave it which wrote it; null where it gave none.
    async fn client_id(&self) -> Option<ID> {
        self.0.client_id.map(|id| ID(id.to_string()))
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<MemoryViewerCan, ApiError> {
        let (actor, workspace) = (ctx.actor()?, self.0.workspace);
        Ok(MemoryViewerCan {
            accept_memories: actor.may::<policy::AcceptMemories>(workspace).is_ok(),
            forget_memory: actor.may::<policy::ForgetMemory>(workspace).is_ok(),
            reject_memories: actor.may::<policy::RejectMemories>(workspace).is_ok(),
            supersede_memory: actor.may::<policy::SupersedeMemory>(workspace).is_ok(),
        })
    }

    /// What it belongs to with its neighbours: a conversation, a notebook.
    async fn collection(&self) -> Option<&str> {
        self.0.content.collection.as_deref()
    }

    /// Who said it.
    async fn speaker(&self) -> Option<&str> {
        self.0.content.speaker.as_deref()
    }

    /// As it was written, without surrounding blanks.
    async fn text(&self) -> &str {
        &self.0.content.text
    }

    /// What sort of thing it is.
    async fn kind(&self) -> MemoryKind {
        self.0.content.kind.into()
    }

    /// Who reads it.
    async fn scope(&self) -> MemoryScope {
        self.0.scope.into()
    }

    /// Where it is in its life.
    async fn status(&self) -> MemoryStatus {
        self.0.status.into()
    }

    /// When it was said or happened, where that is known.
    async fn occurred_at(&self) -> Option<DateTime> {
        self.0.content.occurred_at.map(DateTime)
    }

    /// Which providers of models may see it.
    async fn egress(&self) -> Egress {
        self.0.content.egress.into()
    }

    /// How much it matters, from 0 to 1; null where nothing was said.
    async fn importance(&self) -> Option<f64> {
        self.0.content.importance
    }

    /// Of what was proposed: how sure it is, from 0 to 1; null for what was written by hand.
    async fn confidence(&self) -> Option<f64> {
        self.0.confidence
    }

    /// The words that it was extracted from; empty for what was written by hand.
    async fn sources(&self, ctx: &Context<'_>) -> Result<Vec<MemorySource>, ApiError> {
        // What was written by hand has none: not asked for.
        if self.0.confidence.is_none() {
            return Ok(vec![]);
        }
        let found = ctx.load::<_, MemoryLoader>(SourcesOf(self.0.id)).await?;
        Ok(found.unwrap_or_default().into_iter().map(MemorySource).collect())
    }

    /// When it began to be so, where that is known.
    async fn valid_from(&self) -> Option<DateTime> {
        self.0.content.holds.valid_from.map(DateTime)
    }

    /// When it ended to be so, exclusive.
    async fn valid_to(&self) -> Option<DateTime> {
        self.0.content.holds.valid_to.map(DateTime)
    }

    /// When it goes out of use. From then on it is not recalled; its status follows within seconds.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.content.holds.expires_at.map(DateTime)
    }

    /// The memory that says otherwise; null where there is none, or the caller may not see it (any more).
    async fn superseded_by(&self, ctx: &Context<'_>) -> Result<Option<Memory>, ApiError> {
        match self.0.succession.superseded_by {
            Some(id) => ctx.load::<_, MemoryLoader>(id).await,
            None => Ok(None),
        }
    }

    /// When it was told that another says otherwise.
    async fn superseded_at(&self) -> Option<DateTime> {
        self.0.succession.superseded_at.map(DateTime)
    }

    /// Since when the other is so; null where this one never was.
    async fn superseded_from(&self) -> Option<DateTime> {
        self.0.succession.superseded_from.map(DateTime)
    }

    /// What was done with it, oldest first: accepted, rejected, superseded, expired. Changes of its content are not in it.
    async fn history(&self, ctx: &Context<'_>) -> Result<Vec<MemoryChange>, ApiError> {
        let found = ctx.load::<_, MemoryLoader>(HistoryOf(self.0.id)).await?;
        Ok(found.unwrap_or_default().into_iter().map(MemoryChange::from).collect())
    }

    /// The people, projects and things that it names, in the order of their letters.
    async fn entities(&self, ctx: &Context<'_>) -> Result<Vec<Entity>, ApiError> {
        let named = self.0.named();
        if named.is_empty() {
            return Ok(vec![]);
        }
        let aliases = ctx.load::<_, MemoryLoader>(AliasesOf(self.0.workspace)).await?.unwrap_or_default();
        Ok(into(self.0.entities(named, &aliases)))
    }

    /// When it was written here.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// What the caller may do with a memory: true where the mutation of that name is not refused with FORBIDDEN.
#[derive(SimpleObject, Debug)]
pub struct MemoryViewerCan {
    /// Accept it, where it is proposed.
    accept_memories: bool,
    /// Erase it.
    forget_memory: bool,
    /// Reject it, where it is proposed.
    reject_memories: bool,
    /// Say what is so instead.
    supersede_memory: bool,
}

#[derive(Clone, Debug)]
pub struct ErasureReceipt(model::ErasureReceipt);

impl From<model::ErasureReceipt> for ErasureReceipt {
    fn from(receipt: model::ErasureReceipt) -> Self {
        Self(receipt)
    }
}

/// The proof that something was erased.
#[Object]
impl ErasureReceipt {
    /// Stable for ever.
    pub async fn id(&self) -> ErasureReceiptId {
        self.0.id
    }

    /// How much of what was erased.
    async fn erased(&self) -> Vec<ErasedCount> {
        let shown = |erased: &model::Erased| ErasedCount {
            kind: erased.kind.clone(),
            count: i32::try_from(erased.count).unwrap_or(i32::MAX),
        };
        self.0.erased.iter().map(shown).collect()
    }

    /// When it was erased.
    async fn at(&self) -> DateTime {
        DateTime(self.0.at)
    }
}

/// How much of one sort was erased.
#[derive(SimpleObject, Debug)]
pub struct ErasedCount {
    /// `MEMORY` for the text itself, `DOCUMENT` and `CHUNK` for a document and its parts, `INDEX_ENTRY` for entries in the
    /// search index (`POSTING` on older receipts); others for what derived from it.
    kind: String,
    /// How many.
    count: i32,
}

/// The part of `Workspace` that this slice gives.
#[derive(Clone, Debug)]
pub struct WorkspaceMemories {
    pub workspace: WorkspaceId,
}

#[Object]
impl WorkspaceMemories {
    /// Finds what answers a query best among the caller's own memories and the workspace's: by its words, by its meaning,
    /// by its neighbours in its collection, and by the collection as a whole. English word forms are one word; words
    /// without content (the, what, I …) are passed over. Nothing in the query is an operator but quotation marks around a
    /// phrase.
    async fn recall(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to look for, and where.")] input: RecallInput,
    ) -> Result<RecallResult, ApiError> {
        let request = input.request(self.workspace)?;
        let (memories, actor) = (ctx.service::<MemoryService>()?, ctx.actor()?);
        // One request does not take the connections of all others.
        let _turn = ctx.service::<Recalls>()?.0.acquire().await.map_err(Error::internal)?;
        Ok(memories.recall(actor, &request).await?.into())
    }

    /// The caller's own memories that are in use, or the workspace's, to be kept elsewhere or imported again, in the order
    /// in which they were written.
    async fn memory_export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose: USER or WORKSPACE.", default_with = "MemoryScope::User")] scope: MemoryScope,
        #[graphql(desc = "The `next` of the part before.")] after: Option<MemoryId>,
    ) -> Result<MemoryExport, ApiError> {
        let memories = ctx.service::<MemoryService>()?;
        Ok(memories.export(ctx.actor()?, self.workspace, scope.into(), after).await?.into())
    }

    /// Answers a question from what is remembered: recalls as `recall` does, has a model answer, and holds each quote
    /// against its source. Where the evidence is not there, there is no answer. Without a model it quotes the passages
    /// that speak of what is asked. Costs a call of a model: a viewer of the workspace may not ask.
    async fn answer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is asked, and where to look.")] input: AnswerInput,
    ) -> Result<Answer, ApiError> {
        let request = input.request(self.workspace)?;
        let (memories, gateway, actor) =
            (ctx.service::<MemoryService>()?, ctx.service::<Gateway>()?, ctx.actor()?);
        let _turn = ctx.service::<Recalls>()?.0.acquire().await.map_err(Error::internal)?;
        Ok(memories.answer(gateway, actor, &request).await?.into())
    }

    /// Memories in use that cannot hold beside this one, as far as their words tell: a guess, for somebody to decide. See
    /// `supersedeMemory`.
    async fn contradictions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The memory.")] memory_id: MemoryId,
    ) -> Result<Vec<MemoryContradiction>, ApiError> {
        let memories = ctx.service::<MemoryService>()?;
        let _turn = ctx.service::<Recalls>()?.0.acquire().await.map_err(Error::internal)?;
        let found = memories.contradictions(ctx.actor()?, self.workspace, memory_id).await?;
        Ok(found.into_iter().map(MemoryContradiction::from).collect())
    }

    /// The same with a model beside the rules, which also finds what other words say: a guess, for somebody to decide. Costs a
    /// call of a model: a viewer of the workspace may not ask.
    async fn contradiction_check(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The memory.")] memory_id: MemoryId,
        #[graphql(desc = "The route to the model.")] route: String,
    ) -> Result<ContradictionCheck, ApiError> {
        let (memories, gateway, actor) =
            (ctx.service::<MemoryService>()?, ctx.service::<Gateway>()?, ctx.actor()?);
        let _turn = ctx.service::<Recalls>()?.0.acquire().await.map_err(Error::internal)?;
        let checked =
            memories.check_contradictions(gateway, actor, self.workspace, memory_id, &route).await?;
        Ok(checked.into())
    }

    /// By which model recall tells meaning, and how far another one is.
    async fn memory_embedding(&self, ctx: &Context<'_>) -> Result<MemoryEmbedding, ApiError> {
        let memories = ctx.service::<MemoryService>()?;
        Ok(memories.embedding_progress(ctx.actor()?, self.workspace).await?.into())
    }

    /// The people, projects and things that the caller's own memories and the workspace's name, most named first.
    async fn entities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that fit.")] filter: Option<EntityFilter>,
    ) -> Result<Connection<Entity>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let filter = filter.map(model::EntityFilter::from).unwrap_or_default().checked()?;
        let memories = ctx.service::<MemoryService>()?;
        let _turn = ctx.service::<Recalls>()?.0.acquire().await.map_err(Error::internal)?;
        let page = memories.entities(ctx.actor()?, self.workspace, &filter, &request).await?;
        Ok(connection(self.workspace, page, Entity::from))
    }

    /// The memories that the caller may see, newest first.
    async fn memories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that fit.")] filter: Option<MemoryFilter>,
    ) -> Result<Connection<Memory>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let filter = filter.map(model::MemoryFilter::from).unwrap_or_default();
        let memories = ctx.service::<MemoryService>()?;
        let page = memories.list(ctx.actor()?, self.workspace, &filter, &request).await?;
        Ok(connection(self.workspace, page, Memory))
    }
}

/// Changes of what is remembered and proposed.
#[derive(MergedObject, Default, Debug)]
pub struct MemoryMutation(
    WriteMutation,
    extract::ExtractionMutation,
    course::CourseMutation,
    entities::EntityMutation,
);

#[derive(Default, Debug)]
pub struct WriteMutation;

#[Object]
impl WriteMutation {
    /// Writes one memory. The same `externalId` again, in the same scope, is the same memory: changed where its
    /// content differs.
    async fn remember(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to remember.")] input: RememberInput,
    ) -> Result<RememberPayload, ApiError> {
        let (memories, actor) = (ctx.service::<MemoryService>()?, ctx.actor()?);
        let key = input.idempotency_key.clone();
        let (memory, user_errors) = payload(memories.remember(actor, input.into(), key).await)?;
        Ok(RememberPayload { memory: memory.map(Memory), user_errors })
    }

    /// Writes up to 1,000 memories, listed or in a file, all or none. The same `externalId` again, in the same scope, is the same memory:
    /// changed where its content differs.
    async fn import_memories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to import.")] input: ImportMemoriesInput,
    ) -> Result<ImportMemoriesPayload, ApiError> {
        let (memories, actor) = (ctx.service::<MemoryService>()?, ctx.actor()?);
        let key = input.idempotency_key.clone();
        let (imported, user_errors) = payload(memories.import(actor, input.into(), key).await)?;
        let count = |outcome| {
            let imported = imported.as_ref()?;
            i32::try_from(imported.count(outcome)).ok()
        };
        Ok(ImportMemoriesPayload {
            created: count(model::Outcome::Created),
            updated: count(model::Outcome::Updated),
            unchanged: count(model::Outcome::Unchanged),
            memories: imported
                .into_iter()
                .flat_map(|it| it.memories)
                .map(|(memory, _)| Memory(memory))
                .collect(),
            user_errors,
        })
    }

    /// Erases a memory for good: its text, its entries in the search index, its words where replies quote them, and the
    /// outputs of runs that read it, and the memories that those wrote, whoever's they are. The `externalId` stays taken, so
    /// that no import brings it back.
    async fn forget_memory(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to forget.")] input: ForgetMemoryInput,
    ) -> Result<ForgetMemoryPayload, ApiError> {
        let (memories, actor) = (ctx.service::<MemoryService>()?, ctx.actor()?);
        let (receipt, user_errors) = payload(memories.forget(actor, input.memory_id).await)?;
        Ok(ForgetMemoryPayload { receipt: receipt.map(ErasureReceipt), user_errors })
    }

    /// Erases all that is about a person or a topic, as `forgetMemory` and `forgetDocument` do; or shows what that would
    /// be, which it does unless told otherwise.
    async fn forget_about(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who or what to forget.")] input: ForgetAboutInput,
    ) -> Result<ForgetAboutPayload, ApiError> {
        let (memories, actor) = (ctx.service::<MemoryService>()?, ctx.actor()?);
        let (dry_run, about) = (input.dry_run, input.into());
        if !dry_run {
            let (done, user_errors) = payload(memories.forget_about(actor, &about).await)?;
            let (receipt, more) = done.unwrap_or_default();
            let receipt = receipt.map(ErasureReceipt);
            return Ok(ForgetAboutPayload { receipt, more, user_errors, ..Default::default() });
        }
        let (found, user_errors) = payload(memories.about(actor, &about).await)?;
        let found = found.unwrap_or_default();
        let ids: Vec<_> = found.memories.into_iter().collect();
        let mut of_memories: Vec<_> = memories.find_many(actor, &ids).await?.into_iter().collect();
        of_memories.sort_unstable_by_key(|(id, _)| *id);
        let ids: Vec<_> = found.documents.into_iter().collect();
        let mut of_documents: Vec<_> = memories.find_documents(actor, &ids).await?.into_iter().collect();
        of_documents.sort_unstable_by_key(|(id, _)| *id);
        Ok(ForgetAboutPayload {
            memories: of_memories.into_iter().map(|(_, memory)| Memory(memory)).collect(),
            documents: of_documents.into_iter().map(|(_, document)| document.into()).collect(),
            more: found.more,
            receipt: None,
            user_errors,
        })
    }
}

/// What came of `remember`.
#[derive(SimpleObject, Debug)]
pub struct RememberPayload {
    /// The memory; null where `userErrors` says why not.
    memory: Option<Memory>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// What came of `importMemories`: all of it, or none and the problems.
#[derive(SimpleObject, Debug)]
pub struct ImportMemoriesPayload {
    /// How many are new; null where `userErrors` says why nothing was imported.
    created: Option<i32>,
    /// How many were there with another content.
    updated: Option<i32>,
    /// How many were there just so.
    unchanged: Option<i32>,
    /// The memory of each item, in the order of the items.
    memories: Vec<Memory>,
    /// What a person can mend, each with the path of its item, `items.17.text`, or of its line, `file.18.text`.
    user_errors: Vec<UserError>,
}

/// What came of `forgetMemory`.
#[derive(SimpleObject, Debug)]
pub struct ForgetMemoryPayload {
    /// What was erased; null where `userErrors` says why not.
    receipt: Option<ErasureReceipt>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
