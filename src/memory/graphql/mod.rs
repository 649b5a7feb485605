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
mod workspace;
mod write;

pub use document::{Document, DocumentChunk, WorkspaceFiles};
pub use document_load::DocumentLoader;
pub use filing::DocumentMutation;
pub use load::{MemoryLoader, request_data};
pub use workspace::WorkspaceMemories;

use super::{MemoryService, model, policy};
use crate::{
    gateway,
    graphql_kit::{ApiError, ContextExt, DateTime},
    shared::id::{ErasureReceiptId, MemoryId},
};
use async_graphql::{Context, Enum, ID, MergedObject, Object, SimpleObject};
use course::MemoryChange;
use entities::Entity;
use extract::MemorySource;
use input::into;
use load::{AliasesOf, HistoryOf, SourcesOf};
use write::WriteMutation;

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

/// Changes of what is remembered and proposed.
#[derive(MergedObject, Default, Debug)]
pub struct MemoryMutation(
    WriteMutation,
    extract::ExtractionMutation,
    course::CourseMutation,
    entities::EntityMutation,
);
