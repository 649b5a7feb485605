//! Rows of memories and partitions; `index` has those that the index is made from, `candidate` what is proposed, `document` and
//! `upload` those of documents, `erased` what is left of what was forgotten.
mod alias;
pub(super) mod candidate;
pub(super) mod course;
pub(super) mod document;
pub(super) mod embedding;
pub(super) mod embedding_progress;
pub(super) mod embedding_state;
mod erased;
mod hold;
mod index;
mod reading;
mod remake;
pub(super) mod upload;

pub(super) use alias::{aliases, aliases_in, replace_aliases};
pub(super) use embedding::VectorRow;
pub(super) use erased::{find_receipts, find_tombstones, insert_receipt, insert_tombstones};
pub(super) use hold::{hold, hold_to_erase};
pub(super) use index::{
    Raised, Row, Standing, delete_entries, entries_after, insert_entries, insert_removals, prune_removals,
    raise_revision, removals_after, standings,
};
pub(super) use reading::{texts_after, written_after};
pub(super) use remake::{
    find_stale_memories, has_stale_partitions, mark_partitions, stale_documents, stale_memories,
};

use super::{
    Memory, MemoryFilter,
    index::MADE_BY,
    model::{Content, Holds, MemoryKind, MemoryScope, MemoryStatus, Succession},
    partition::Partition,
};
use crate::{
    db::{
        self, Source, among,
        page::{self, Keyset},
    },
    gateway::Egress,
    shared::{
        Page, PageRequest, Result,
        actor::{AtLeast, Grant, Read, Scope, Write},
        id::{MemoryId, RunId, WorkspaceId},
    },
};
use entity::{FromRow, memory, memory_partition};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, Select, Set,
    sea_query::{Expr, ExprTrait, Func, OnConflict, SimpleExpr},
};
use std::collections::HashMap;
use uuid::Uuid;

/// Ids of one statement.
const IDS: usize = 1000;

/// A memory with what is not shown of it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) memory: Memory,
    pub(super) partition: Partition,
    /// Of what was sent with the client's id.
    pub(super) client_hash: Option<Vec<u8>>,
    /// The run that wrote what it says now.
    pub(super) run: Option<RunId>,
}

/// Makes the partition where it is missing and keeps others from writing into it until the transaction ends. Gives
/// the key of its hashes: `salt`, or an older one.
pub(super) async fn lock_partition(
    tx: &impl Source,
    partition: &Partition,
    salt: [u8; 32],
) -> Result<Vec<u8>> {
    let row = memory_partition::ActiveModel {
        workspace_id: Set(partition.workspace().uuid()),
        owner_id: Set(partition.owner()),
        scope: Set(partition.scope().name().to_owned()),
        user_id: Set(partition.user()),
        salt: Set(salt.to_vec()),
        revision: Set(0),
        pruned: Set(0),
        made_by: Set(Some(MADE_BY.clone())),
        has_embeddings: Set(false),
    };
    use memory_partition::Column::{OwnerId, Scope, WorkspaceId};
    // An update of nothing, for its lock and its RETURNING.
    let existing = OnConflict::columns([WorkspaceId, OwnerId]).update_column(Scope).to_owned();
    let row = memory_partition::Entity::insert(row)
        .on_conflict(existing)
        .exec_with_returning(tx.connection())
        .await?;
    Ok(row.salt)
}

/// Keeps others from writing into the partition, but not from doing the same, until the transaction ends. On SQLite
/// the transaction has the only writer.
pub(super) async fn share_partition(tx: &impl Source, partition: &Partition) -> Result<()> {
    if !tx.is_sqlite() {
        let key = (partition.workspace().uuid(), partition.owner());
        memory_partition::Entity::find_by_id(key).lock_shared().one(tx.connection()).await?;
    }
    Ok(())
}

/// Writes new memories, and the content of those that are there.
pub(super) async fn save(tx: &impl Source, memories: &[Stored]) -> Result<()> {
    use memory::Column::{
        Collection, Egress, ExpiresAt, Id, Importance, Kind, KnownFrom, OccurredAt, RunId, Speaker, Status,
        SupersededAt, SupersededBy, SupersededFrom, Text, UpdatedAt, ValidFrom, ValidTo, Version,
    };
    let content =
        [Text, Kind, OccurredAt, Speaker, Collection, Egress, Importance, ValidFrom, ValidTo, ExpiresAt];
    let course = [Status, Version, KnownFrom, SupersededAt, SupersededFrom, SupersededBy, RunId, UpdatedAt];
    let changed = content.into_iter().chain(course).collect::<Vec<_>>();
    for memories in memories.chunks(100) {
        let rows = memories.iter().map(to_row).collect::<Result<Vec<_>>>()?;
        memory::Entity::insert_many(rows)
            .on_conflict(OnConflict::column(Id).update_columns(changed.clone()).to_owned())
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(())
}

pub(super) async fn find_by_external_ids(
    tx: &impl Source,
    partition: &Partition,
    external_ids: Vec<&str>,
) -> Result<HashMap<String, Stored>> {
    if external_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = memory::Entity::rows()
        .filter(memory::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(memory::Column::OwnerId.eq(partition.owner()))
        .filter(memory::Column::ExternalId.is_in(external_ids))
        .all(tx.connection())
        .await?;
    let found = rows.into_iter().map(from_row).filter_map(|stored| match stored {
        Ok(stored) => stored.memory.external_id.clone().map(|id| Ok((id, stored))),
        Err(error) => Some(Err(error)),
    });
    found.collect()
}

/// Of these, the ones that lie in the partition and have no external id.
pub(super) async fn find_without_external_id(
    tx: &impl Source,
    partition: &Partition,
    ids: &[MemoryId],
) -> Result<Vec<Stored>> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let rows = memory::Entity::rows()
        .filter(among(memory::Column::WorkspaceId, [partition.workspace().uuid()]))
        .filter(memory::Column::OwnerId.eq(partition.owner()))
        .filter(memory::Column::ExternalId.is_null())
        .filter(memory::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .all(tx.connection())
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// Whoever's they are: what runs wrote goes with what they read.
pub(super) async fn find_of_runs(
    tx: &impl Source,
    grant: &Grant<Write>,
    runs: &[RunId],
) -> Result<Vec<Stored>> {
    let mut found = vec![];
    for runs in runs.chunks(1000) {
        let rows = memory::Entity::rows()
            .filter(memory::Column::WorkspaceId.eq(grant.workspace().uuid()))
            .filter(memory::Column::RunId.is_in(runs.iter().map(|run| run.uuid())))
            .all(tx.connection())
            .await?;
        found.extend(rows.into_iter().map(from_row).collect::<Result<Vec<_>>>()?);
    }
    Ok(found)
}

/// Whoever's it is: a client's id is unique in the workspace.
pub(super) async fn find_by_client_id(
    tx: &impl Source,
    grant: &Grant<Write>,
    client_id: Uuid,
) -> Result<Option<Stored>> {
    let row = memory::Entity::rows()
        .filter(memory::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(memory::Column::ClientId.eq(client_id))
        .one(tx.connection())
        .await?;
    row.map(from_row).transpose()
}

/// Of these, the ones that exist and that the actor may see.
pub(super) async fn find_stored<A>(
    source: &impl Source,
    scope: &Scope<A>,
    ids: &[MemoryId],
) -> Result<Vec<Stored>> {
    let ids = ids.iter().map(|id| id.uuid()).collect();
    let rows = find_by_ids(source, visible(scope), memory::Column::Id, ids).await?;
    rows.into_iter().map(from_row).collect()
}

/// The memory by its id, and the grant for its workspace: `Forbidden` where the actor may only see it.
pub(super) async fn find<A>(
    source: &impl Source,
    scope: &Scope<A>,
    id: MemoryId,
) -> Result<Option<(Stored, Grant<A>)>> {
    let Some(stored) = find_stored(source, scope, &[id]).await?.pop() else { return Ok(None) };
    let grant = scope.grant(stored.partition.workspace().uuid())?;
    Ok(Some((stored, grant)))
}

pub(super) async fn find_many(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[MemoryId],
) -> Result<HashMap<MemoryId, Memory>> {
    let found = find_stored(source, scope, ids).await?;
    Ok(found.into_iter().map(|stored| (stored.memory.id, stored.memory)).collect())
}

/// Of what a statement selects, the rows of these ids.
async fn find_by_ids<R: FromRow>(
    source: &impl Source,
    select: Select<R::Entity>,
    id: <R::Entity as EntityTrait>::Column,
    ids: Vec<Uuid>,
) -> Result<Vec<R>> {
    let mut found = vec![];
    for ids in ids.chunks(IDS) {
        let some = select.clone().filter(id.is_in(ids.iter().copied()));
        found.extend(db::all(source, some).await?);
    }
    Ok(found)
}

fn visible<A>(scope: &Scope<A>) -> Select<memory::Entity> {
    memory::Entity::rows()
        .filter(among(memory::Column::WorkspaceId, scope.workspaces()))
        .filter(theirs(memory::Column::UserId, scope.principal().uuid()))
}

/// Rows that everybody reads, or this principal alone.
fn theirs<C: ColumnTrait>(user_id: C, principal: Uuid) -> Condition {
    Condition::any().add(user_id.is_null()).add(user_id.eq(principal))
}

/// Newest first.
pub(super) async fn list(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    filter: &MemoryFilter,
    request: &PageRequest,
) -> Result<Page<Memory>> {
    use memory::Column;
    let mut select = memory::Entity::rows()
        .filter(Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(theirs(Column::UserId, grant.principal().uuid()))
        .filter(content_filter(filter.kinds.as_deref(), filter.collection_prefix.as_deref()));
    if let Some(scopes) = &filter.scopes {
        select = select.filter(db::named(Column::Scope, scopes.iter().map(|scope| scope.name())));
    }
    if let Some(statuses) = &filter.statuses {
        select = select.filter(db::named(Column::Status, statuses.iter().map(|status| status.name())));
    }
    let order = Keyset::newest_first(Column::CreatedAt, Column::Id);
    page::list(source, select, &order, request).await?.try_map(|row| Ok(from_row(row)?.memory))
}

/// Not LIKE: its wildcards and its case differ between the databases.
fn content_filter(kinds: Option<&[MemoryKind]>, collection_prefix: Option<&str>) -> Condition {
    let kinds = kinds.map(|kinds| db::named(memory::Column::Kind, kinds.iter().map(|kind| kind.name())));
    let prefix = collection_prefix.filter(|prefix| !prefix.is_empty()).map(|prefix| {
        let characters = i32::try_from(prefix.chars().count()).unwrap_or(i32::MAX);
        let column = Expr::col((memory::Entity, memory::Column::Collection));
        let start = Func::cust("substr").arg(column).arg(1).arg(characters);
        SimpleExpr::from(start).eq(prefix)
    });
    Condition::all().add_option(kinds).add_option(prefix)
}

/// Gives how many there were.
pub(super) async fn delete(tx: &impl Source, partition: &Partition, ids: &[Uuid]) -> Result<u64> {
    let mut deleted = 0;
    for ids in ids.chunks(IDS) {
        let done = memory::Entity::delete_many()
            .filter(among(memory::Column::WorkspaceId, [partition.workspace().uuid()]))
            .filter(memory::Column::OwnerId.eq(partition.owner()))
            .filter(memory::Column::Id.is_in(ids.iter().copied()))
            .exec(tx.connection())
            .await?;
        deleted += done.rows_affected;
    }
    Ok(deleted)
}

fn to_row(stored: &Stored) -> Result<memory::ActiveModel> {
    let Stored { memory, partition, client_hash, run } = stored;
    let content = &memory.content;
    Ok(memory::ActiveModel {
        id: Set(memory.id.uuid()),
        workspace_id: Set(partition.workspace().uuid()),
        owner_id: Set(partition.owner()),
        user_id: Set(partition.user()),
        scope: Set(memory.scope.name().to_owned()),
        external_id: Set(memory.external_id.clone()),
        client_id: Set(memory.client_id),
        client_hash: Set(client_hash.clone()),
        collection: Set(content.collection.clone()),
        egress: Set(content.egress.name().to_owned()),
        speaker: Set(content.speaker.clone()),
        text: Set(content.text.clone()),
        kind: Set(content.kind.name().to_owned()),
        status: Set(memory.status.name().to_owned()),
        version: Set(memory.version),
        occurred_at: Set(content.occurred_at),
        run_id: Set(run.map(RunId::uuid)),
        confidence: Set(memory.confidence),
        importance: Set(content.importance),
        valid_from: Set(content.holds.valid_from),
        valid_to: Set(content.holds.valid_to),
        expires_at: Set(content.holds.expires_at),
        known_from: Set(memory.succession.known_from),
        superseded_at: Set(memory.succession.superseded_at),
        superseded_from: Set(memory.succession.superseded_from),
        superseded_by: Set(memory.succession.superseded_by.map(|id| id.uuid())),
        created_at: Set(memory.created_at),
        updated_at: Set(memory.updated_at),
    })
}

fn from_row(row: memory::Model) -> Result<Stored> {
    let workspace = WorkspaceId::from_uuid(row.workspace_id);
    let scope = MemoryScope::from_name(&row.scope)?;
    let content = Content {
        text: row.text,
        kind: MemoryKind::from_name(&row.kind)?,
        occurred_at: row.occurred_at,
        speaker: row.speaker,
        collection: row.collection,
        egress: Egress::from_name(&row.egress)?,
        importance: row.importance,
        holds: Holds { valid_from: row.valid_from, valid_to: row.valid_to, expires_at: row.expires_at },
    };
    let memory = Memory {
        id: MemoryId::from_uuid(row.id),
        workspace,
        scope,
        external_id: row.external_id,
        content,
        status: MemoryStatus::from_name(&row.status)?,
        version: row.version,
        client_id: row.client_id,
        confidence: row.confidence,
        succession: Succession {
            known_from: row.known_from,
            superseded_at: row.superseded_at,
            superseded_from: row.superseded_from,
            superseded_by: row.superseded_by.map(MemoryId::from_uuid),
        },
        created_at: row.created_at,
        updated_at: row.updated_at,
    };
    Ok(Stored {
        memory,
        partition: Partition::of_row(workspace, scope, row.owner_id, row.user_id),
        client_hash: row.client_hash,
        run: row.run_id.map(RunId::from_uuid),
    })
}
