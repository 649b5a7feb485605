//! Rows that stay while a transaction needs them.
use super::{IDS, Stored, document::StoredDocument};
use crate::{
    db::{Source, among},
    memory::Remembered,
    shared::{
        Result,
        actor::{Grant, Write},
        id::{DocumentId, MemoryId},
    },
};
use entity::{document, memory};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::LockType};
use std::collections::HashSet;
use uuid::Uuid;

/// Of these, the ones that exist. They can be changed, but not erased, until the transaction ends; SQLite has one
/// writer anyway.
pub(in crate::memory) async fn hold(
    tx: &impl Source,
    grant: &Grant<Write>,
    of: &[Remembered],
) -> Result<HashSet<Remembered>> {
    let (memories, documents) = Remembered::apart(of);
    let memories = memories.into_iter().map(MemoryId::uuid).collect();
    let memories = lock_memories(tx, grant, memories, LockType::KeyShare).await?;
    let documents = documents.into_iter().map(DocumentId::uuid).collect();
    let documents = lock_documents(tx, grant, documents, LockType::KeyShare).await?;
    let memories = memories.into_iter().map(|id| Remembered::Memory(MemoryId::from_uuid(id)));
    let documents = documents.into_iter().map(|id| Remembered::Document(DocumentId::from_uuid(id)));
    Ok(memories.chain(documents).collect())
}

/// Whoever holds one of these is waited for, and nobody holds it from now on.
pub(in crate::memory) async fn hold_to_erase(
    tx: &impl Source,
    grant: &Grant<Write>,
    memories: impl Iterator<Item = &Stored>,
    documents: &[StoredDocument],
) -> Result<()> {
    let memories = memories.map(|stored| stored.memory.id.uuid()).collect();
    lock_memories(tx, grant, memories, LockType::Update).await?;
    let documents = documents.iter().map(|stored| stored.document.id.uuid()).collect();
    lock_documents(tx, grant, documents, LockType::Update).await?;
    Ok(())
}

async fn lock_memories(
    tx: &impl Source,
    grant: &Grant<Write>,
    ids: Vec<Uuid>,
    lock: LockType,
) -> Result<Vec<Uuid>> {
    use memory::Column::{Id, WorkspaceId};
    lock_rows::<memory::Entity>(tx, (WorkspaceId, grant), (Id, ids), lock).await
}

async fn lock_documents(
    tx: &impl Source,
    grant: &Grant<Write>,
    ids: Vec<Uuid>,
    lock: LockType,
) -> Result<Vec<Uuid>> {
    use document::Column::{Id, WorkspaceId};
    lock_rows::<document::Entity>(tx, (WorkspaceId, grant), (Id, ids), lock).await
}

/// In one order, so that no two deadlock.
async fn lock_rows<E: EntityTrait>(
    tx: &impl Source,
    (workspace, grant): (E::Column, &Grant<Write>),
    (id, mut ids): (E::Column, Vec<Uuid>),
    lock: LockType,
) -> Result<Vec<Uuid>> {
    ids.sort_unstable();
    let mut locked = vec![];
    for ids in ids.chunks(IDS) {
        let rows: Vec<Uuid> = E::find()
            .select_only()
            .column(id)
            .filter(among(workspace, [grant.workspace().uuid()]))
            .filter(id.is_in(ids.iter().copied()))
            .order_by_asc(id)
            .lock(lock)
            .into_tuple()
            .all(tx.connection())
            .await?;
        locked.extend(rows);
    }
    Ok(locked)
}
