//! What a request loads by id, in batches.
use super::{ErasureReceipt, Memory, MemoryService, model};
use crate::{
    graphql_kit::{ApiError, ContextExt, Loaded, Loader, OfRequest},
    shared::{
        Page, PageRequest,
        actor::Actor,
        id::{ErasureReceiptId, MemoryId, WorkspaceId},
    },
};
use async_graphql::{Context, Request};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::Semaphore;

/// Puts into a request what bounds it.
pub fn request_data(request: Request) -> Request {
    request.data(Recalls(Semaphore::new(AT_ONCE)))
}

/// Recalls of one request at once.
const AT_ONCE: usize = 2;

/// The turns of one request's recalls.
pub(super) struct Recalls(pub(super) Semaphore);

/// Memories and receipts by id. Made of a request, whose actor it carries.
#[derive(Debug)]
pub struct MemoryLoader {
    memories: MemoryService,
    actor: Actor,
}

impl OfRequest for MemoryLoader {
    fn of(ctx: &Context<'_>) -> Result<Self, ApiError> {
        Ok(Self { actor: ctx.actor()?.clone(), memories: ctx.service::<MemoryService>()?.clone() })
    }
}

impl Loader<MemoryId> for MemoryLoader {
    type Value = Memory;

    async fn load(&self, ids: &[MemoryId]) -> Loaded<HashMap<MemoryId, Memory>> {
        let found = self.memories.find_many(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, memory)| (id, Memory(memory))).collect())
    }
}

/// What was done with a memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct HistoryOf(pub(super) MemoryId);

impl Loader<HistoryOf> for MemoryLoader {
    type Value = Vec<model::MemoryChange>;

    async fn load(&self, keys: &[HistoryOf]) -> Loaded<HashMap<HistoryOf, Self::Value>> {
        let ids: Vec<_> = keys.iter().map(|HistoryOf(id)| *id).collect();
        let found = self.memories.find_changes(&self.actor, &ids).await?;
        Ok(found.into_iter().map(|(id, changes)| (HistoryOf(id), changes)).collect())
    }
}

/// Where a memory was taken from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct SourcesOf(pub(super) MemoryId);

impl Loader<SourcesOf> for MemoryLoader {
    type Value = Vec<model::MemorySource>;

    async fn load(&self, keys: &[SourcesOf]) -> Loaded<HashMap<SourcesOf, Self::Value>> {
        let ids: Vec<_> = keys.iter().map(|SourcesOf(id)| *id).collect();
        let found = self.memories.find_sources(&self.actor, &ids).await?;
        Ok(found.into_iter().map(|(id, sources)| (SourcesOf(id), sources)).collect())
    }
}

/// The names that stand for others in a workspace.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct AliasesOf(pub(super) WorkspaceId);

impl Loader<AliasesOf> for MemoryLoader {
    type Value = Arc<model::Aliases>;

    async fn load(&self, keys: &[AliasesOf]) -> Loaded<HashMap<AliasesOf, Self::Value>> {
        let mut found = HashMap::new();
        for AliasesOf(workspace) in keys {
            let aliases = self.memories.aliases(&self.actor, *workspace).await?;
            found.insert(AliasesOf(*workspace), Arc::new(aliases));
        }
        Ok(found)
    }
}

/// What the caller's memories tell of a name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct EntityOf {
    pub(super) workspace: WorkspaceId,
    pub(super) key: String,
}

impl Loader<EntityOf> for MemoryLoader {
    type Value = model::Entity;

    async fn load(&self, keys: &[EntityOf]) -> Loaded<HashMap<EntityOf, Self::Value>> {
        let mut found = HashMap::new();
        for (workspace, of) in by_workspace(keys, |of| of.workspace) {
            let names = of.iter().map(|of| of.key.clone()).collect();
            let entities = self.memories.find_entities(&self.actor, workspace, names).await?;
            found.extend(entities.into_iter().map(|(key, entity)| (EntityOf { workspace, key }, entity)));
        }
        Ok(found)
    }
}

/// A page of the memories that name an entity.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct MemoriesNaming {
    pub(super) workspace: WorkspaceId,
    pub(super) key: String,
    pub(super) request: PageRequest,
}

impl Loader<MemoriesNaming> for MemoryLoader {
    type Value = Page<model::Memory>;

    async fn load(&self, keys: &[MemoriesNaming]) -> Loaded<HashMap<MemoriesNaming, Self::Value>> {
        let mut found = HashMap::new();
        for (workspace, of) in by_workspace(keys, |of| of.workspace) {
            let asked: Vec<_> = of.iter().map(|of| (of.key.clone(), of.request)).collect();
            let pages = self.memories.memories_naming(&self.actor, workspace, &asked).await?;
            found.extend(of.into_iter().cloned().zip(pages));
        }
        Ok(found)
    }
}

fn by_workspace<K>(keys: &[K], workspace: impl Fn(&K) -> WorkspaceId) -> HashMap<WorkspaceId, Vec<&K>> {
    let mut by_workspace: HashMap<_, Vec<_>> = HashMap::new();
    keys.iter().for_each(|key| by_workspace.entry(workspace(key)).or_default().push(key));
    by_workspace
}

impl Loader<ErasureReceiptId> for MemoryLoader {
    type Value = ErasureReceipt;

    async fn load(&self, ids: &[ErasureReceiptId]) -> Loaded<HashMap<ErasureReceiptId, ErasureReceipt>> {
        let found = self.memories.find_receipts(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, receipt)| (id, ErasureReceipt(receipt))).collect())
    }
}
