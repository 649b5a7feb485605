//! The query of a recall as the provider's model has it: from memory, or asked for within the time that a recall may wait.
use super::{ProviderEmbeddings, quantised};
use crate::{
    db::Db,
    gateway::{Egress, EmbedError, EmbedPurpose, EmbedRequest, EmbedText, EmbeddingModel, FailureKind},
    memory::{index::VectorsOf, rank::QueryVector, store},
    shared::{
        Result,
        actor::{Actor, Read},
        id::WorkspaceId,
    },
};
use sha2::{Digest, Sha256};
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// How long a model is left alone that took longer than a recall may wait: not each recall is to wait in vain.
const REST: Duration = Duration::from_secs(5);

/// A query with the vectors that it is to be compared with.
#[derive(Clone, Debug)]
pub struct AskedVector {
    pub query: QueryVector,
    pub vectors: VectorsOf,
}

impl ProviderEmbeddings {
    /// `None` where no model of a provider is in use in the workspace, or it gave no vector: recall goes by the embedded
    /// one then. Whoever may recall may have the query asked: what is found is not to depend on somebody's role.
    pub async fn query(
        &self,
        db: &Db,
        actor: &Actor,
        workspace: WorkspaceId,
        text: &str,
    ) -> Result<Option<AskedVector>> {
        actor.may::<Read>(workspace)?;
        let state = store::embedding_state::find(db, workspace).await?.unwrap_or_default();
        let (Some(name), Some(dimensions)) = (state.active, state.dimensions) else { return Ok(None) };
        let kept = self.kept(workspace, &name, text).filter(|numbers| numbers.len() == dimensions);
        let numbers = match kept {
            Some(numbers) => numbers,
            None => match self.ask(actor, workspace, (&name, dimensions), text).await {
                Some(numbers) => numbers,
                None => return Ok(None),
            },
        };
        let model: Arc<str> = name.into();
        let vectors = VectorsOf { model: model.clone(), dimensions };
        Ok(Some(AskedVector { query: QueryVector { model, numbers }, vectors }))
    }

    fn kept(&self, workspace: WorkspaceId, model: &str, text: &str) -> Option<Arc<[i8]>> {
        self.queries.get(&key(workspace, model, text))
    }

    async fn ask(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        (name, dimensions): (&str, usize),
        text: &str,
    ) -> Option<Arc<[i8]>> {
        let model = EmbeddingModel::parse(name)?;
        if self.rests(name) {
            return None;
        }
        let text_of = EmbedText { text: self.cut(text), egress: Egress::Allowed };
        let request = EmbedRequest {
            workspace,
            route: self.config.route.clone(),
            model,
            purpose: EmbedPurpose::Query,
            texts: vec![text_of],
        };
        let asked = timeout(self.config.patience(), self.gateway.embed(actor, request)).await;
        let embedded = match asked {
            Ok(Ok(embedded)) => embedded,
            Ok(Err(error)) => {
                if matches!(&error, EmbedError::Failed(failure) if failure.kind == FailureKind::Timeout) {
                    self.rest(name);
                }
                tracing::warn!(%workspace, model = name, %error, "recall goes by the embedded model: its query has no vector");
                return None;
            }
            Err(_) => {
                self.rest(name);
                tracing::warn!(%workspace, model = name, "recall goes by the embedded model: the provider took too long");
                return None;
            }
        };
        let vector = embedded.vectors.into_iter().next().flatten()?;
        if vector.len() != dimensions {
            let found = vector.len();
            tracing::warn!(%workspace, model = name, dimensions, found, "recall goes by the embedded model: the provider has another model under this name");
            return None;
        }
        let numbers: Arc<[i8]> = quantised(&vector).into();
        self.queries.insert(key(workspace, name, text), numbers.clone());
        Some(numbers)
    }

    fn rests(&self, model: &str) -> bool {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.get(model).is_some_and(|until| Instant::now() < *until)
    }

    fn rest(&self, model: &str) {
        let now = Instant::now();
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.retain(|_, until| now < *until);
        resting.insert(model.to_owned(), now + REST);
    }
}

/// Of one workspace alone: how soon an answer comes is not to tell what others asked.
fn key(workspace: WorkspaceId, model: &str, text: &str) -> [u8; 32] {
    let digest = Sha256::new()
        .chain_update(workspace.uuid().as_bytes())
        .chain_update((model.len() as u64).to_le_bytes())
        .chain_update(model)
        .chain_update(text);
    digest.finalize().into()
}
