//! What is remembered beside a memory and speaks against it.
use super::{MemoryService, store};
use crate::{
    memory::{Memory, MemoryStatus, contradiction, model::Contradiction},
    shared::{
        Error, Result,
        actor::{Actor, Read},
        id::{MemoryId, WorkspaceId},
    },
};

/// Neighbours that are looked at.
const NEAR: usize = 20;

impl MemoryService {
    /// Memories in use near this one that cannot hold beside it, as far as their words tell. Nothing is changed.
    pub async fn contradictions(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        id: MemoryId,
    ) -> Result<Vec<(Memory, Contradiction)>> {
        let grant = actor.may::<Read>(workspace)?;
        let mut found = store::find_many(&self.db, &actor.scope(), &[id]).await?;
        let memory = found.remove(&id).filter(|memory| memory.workspace == workspace);
        let memory = memory.ok_or(Error::NotFound("memory"))?;
        let text = memory.content.text.clone();
        let mut near = self.near(&grant, actor, std::slice::from_ref(&text), NEAR).await?;
        near.retain(|other| {
            other.id != id
                && other.status == MemoryStatus::Active
                && (other.content.speaker.is_none()
                    || memory.content.speaker.is_none()
                    || other.content.speaker == memory.content.speaker)
        });
        near.sort_by_key(|other| other.id);
        let against = near.into_iter().filter_map(|other| {
            let how = contradiction::between(&text, &other.content.text)?;
            Some((other, how))
        });
        Ok(against.collect())
    }
}
