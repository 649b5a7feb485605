//! What memory needs of the slices above it; `app` fills it in.
use super::{Erased, extraction::Passage, provided::ProviderEmbeddings, rerank::Reranker};
use crate::{
    db::Db,
    event::Tx,
    gateway::Gateway,
    shared::{
        Result,
        actor::{Grant, Write},
        id::{AnyId, CoachingSessionId, DocumentId, MemoryId, RunId, WorkspaceId},
    },
};
use std::{fmt, sync::Arc};
use uuid::Uuid;

/// What others derive something from. Of a document it does not matter which part: they go together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Remembered {
    Memory(MemoryId),
    Document(DocumentId),
}

impl Remembered {
    pub fn uuid(self) -> Uuid {
        match self {
            Self::Memory(id) => id.uuid(),
            Self::Document(id) => id.uuid(),
        }
    }

    /// `None` of anything else.
    pub fn of(id: AnyId) -> Option<Self> {
        match id {
            AnyId::Memory(id) => Some(Self::Memory(id)),
            AnyId::Document(id) => Some(Self::Document(id)),
            _ => None,
        }
    }

    pub fn id(self) -> AnyId {
        match self {
            Self::Memory(id) => AnyId::Memory(id),
            Self::Document(id) => AnyId::Document(id),
        }
    }

    pub(super) fn apart(of: &[Self]) -> (Vec<MemoryId>, Vec<DocumentId>) {
        let (mut memories, mut documents) = (vec![], vec![]);
        for remembered in of {
            match remembered {
                Self::Memory(id) => memories.push(*id),
                Self::Document(id) => documents.push(*id),
            }
        }
        (memories, documents)
    }
}

/// Knows whose a coaching session is.
#[async_trait::async_trait]
pub trait Sessions: Send + Sync {
    /// Whether the session lies in the grant's workspace and is the principal's own.
    async fn is_own(&self, tx: &Tx, grant: &Grant<Write>, session: CoachingSessionId) -> Result<bool>;
}

/// Knows what was said in a coaching session.
#[async_trait::async_trait]
pub trait Transcript: Send + Sync {
    /// What the person said in it, the latest, at most `characters`; `None` where the session does not lie in the grant's
    /// workspace or is not the principal's own.
    async fn read(
        &self,
        db: &Db,
        grant: &Grant<Write>,
        session: CoachingSessionId,
        characters: usize,
    ) -> Result<Option<Said>>;
}

/// What extraction reads of a session.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The person's own words alone, oldest first: what the coach said is made of memories already.
    pub passages: Vec<Passage>,
    /// What was quoted of memories in it.
    pub recalled: Vec<String>,
    /// What the coach was told to be.
    pub instructions: Vec<String>,
    /// Whether the session is to leave nothing.
    pub leaves_nothing: bool,
}

/// Keeps something derived from memories and documents: quotes, outputs, summaries.
#[async_trait::async_trait]
pub trait Derived: Send + Sync {
    /// Erases what derives from any of these, in the transaction that forgets them, and counts it by kind. Called before
    /// they are gone themselves, and with their partitions taken: who writes a derivate and takes the partition, too,
    /// takes it first.
    async fn erase(&self, tx: &mut Tx, grant: &Grant<Write>, from: &[Remembered]) -> Result<Vec<Erased>>;

    /// The runs that read any of these. What they wrote into memory goes with it.
    async fn runs(&self, _tx: &Tx, _grant: &Grant<Write>, _read: &[Remembered]) -> Result<Vec<RunId>> {
        Ok(vec![])
    }

    /// That transaction was committed: for what is not in the database.
    fn erased(&self, _workspace: WorkspaceId) {}
}

/// Answers of models in memory, and contents of calls: of what they were made they do not tell, so none of the workspace
/// stays.
#[async_trait::async_trait]
impl Derived for Gateway {
    async fn erase(&self, tx: &mut Tx, grant: &Grant<Write>, _: &[Remembered]) -> Result<Vec<Erased>> {
        let contents = self.forget_answers_in(tx, grant).await?;
        let erased = (contents > 0).then(|| Erased { kind: "CALL_CONTENT".to_owned(), count: contents });
        Ok(erased.into_iter().collect())
    }

    fn erased(&self, workspace: WorkspaceId) {
        self.forget_held(workspace);
    }
}

#[derive(Clone, Default)]
pub struct Ports {
    /// Without one, nobody owns a session.
    pub sessions: Option<Arc<dyn Sessions>>,
    /// Without one, no session is read.
    pub transcript: Option<Arc<dyn Transcript>>,
    pub derived: Vec<Arc<dyn Derived>>,
    /// Without one, meaning is told by the embedded model alone.
    pub embeddings: Option<ProviderEmbeddings>,
    /// Without one, no model is asked for the order of hits.
    pub reranker: Option<Reranker>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ports")
    }
}
