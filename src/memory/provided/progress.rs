//! How far a workspace is.
use crate::{
    memory::{
        MemoryService,
        embedding::{DIMENSIONS, Embedder},
        model::EmbeddingProgress,
        store,
    },
    shared::{
        Result,
        actor::{Actor, Read},
        id::WorkspaceId,
    },
};

impl MemoryService {
    /// Of what the actor may recall: how much that is, and how much of it is done, others may not know.
    pub async fn embedding_progress(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
    ) -> Result<EmbeddingProgress> {
        let grant = actor.may::<Read>(workspace)?;
        let state = store::embedding_state::find(&self.db, workspace).await?.unwrap_or_default();
        let wanted = match &self.ports.embeddings {
            Some(embeddings) => embeddings.wanted(workspace).await,
            None => None,
        };
        let (total, left) =
            store::embedding_progress::count(&self.db, &grant, wanted.as_deref().unwrap_or_default()).await?;
        let in_use = state.active.zip(state.dimensions).filter(|_| self.ports.embeddings.is_some());
        let (model, dimensions) =
            in_use.unwrap_or_else(|| (Embedder::embedded().name().to_owned(), DIMENSIONS));
        let done = if wanted.is_some() { total.saturating_sub(left) } else { total };
        let retry_at = state.not_before.filter(|_| state.failures > 0 && wanted.is_some());
        Ok(EmbeddingProgress { model, dimensions, wanted, done, total, retry_at })
    }
}
