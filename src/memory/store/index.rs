//! The rows that the index is made from, and the partitions with their revisions.
use super::theirs;
use crate::{
    db::{Source, among},
    memory::{
        embedding::Vector,
        index::{Entry, ItemId, ItemKind, Times},
        model::{MemoryKind, MemoryScope},
        partition::Partition,
    },
    shared::{
        Error, Result,
        actor::{AtLeast, Grant, Read},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use entity::{memory_index, memory_index_removal, memory_partition};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

/// Rows of one statement: at twenty values a row far below the bind limits of both databases.
const ROWS: usize = 250;

/// How long a removal is told to copies that still have what was removed.
const TOLD: TimeDelta = TimeDelta::days(1);

/// A partition as a recall finds it.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub partition: Partition,
    pub revision: i64,
    /// A copy that is older than this cannot follow any more.
    pub pruned: i64,
}

/// A row of the index.
#[derive(Debug)]
pub struct Row {
    pub revision: i64,
    pub item: ItemId,
    pub collection: Option<String>,
    pub kind: Option<MemoryKind>,
    pub at: DateTime<Utc>,
    pub importance: Option<f32>,
    pub times: Times,
    pub length: u32,
    pub terms: Vec<u8>,
    /// `None` where another model made it.
    pub vector: Option<Vector>,
}

/// A partition that is written into.
#[derive(Clone, Copy, Debug)]
pub struct Raised {
    /// The last of the new ones.
    pub revision: i64,
    pub has_embeddings: bool,
}

/// Counts a partition's revision on. Others who write into the partition wait until the transaction ends: so revisions are
/// committed in their order.
pub(in crate::memory) async fn raise_revision(
    tx: &impl Source,
    partition: &Partition,
    by: usize,
) -> Result<Raised> {
    use memory_partition::Column::{OwnerId, Revision, WorkspaceId};
    let by = i64::try_from(by).map_err(Error::internal)?;
    let rows = memory_partition::Entity::update_many()
        .col_expr(Revision, Expr::col(Revision).add(by))
        .filter(WorkspaceId.eq(partition.workspace().uuid()))
        .filter(OwnerId.eq(partition.owner()))
        .exec_with_returning(tx.connection())
        .await?;
    let row = rows.first().ok_or_else(|| Error::internal("the partition is not there"))?;
    Ok(Raised { revision: row.revision, has_embeddings: row.has_embeddings })
}

/// The last entry gets the revision `last`, those before it the ones before.
pub(in crate::memory) async fn insert_entries(
    tx: &impl Source,
    partition: &Partition,
    entries: &[Entry],
    made_by: &str,
    last: i64,
) -> Result<()> {
    use memory_index::Column::{
        At, Collection, ExpiresAt, Importance, ItemId, Kind, KnownFrom, Length, MadeBy, Revision, Speaker,
        SupersededAt, SupersededFrom, Terms, ValidFrom, ValidTo, Vector,
    };
    let count = i64::try_from(entries.len()).map_err(Error::internal)?;
    let replaced = OnConflict::column(ItemId)
        .update_columns([Revision, Collection, Speaker, Kind, At, Length, Terms, Vector, MadeBy])
        .update_columns([Importance, ValidFrom, ValidTo, ExpiresAt, KnownFrom, SupersededAt, SupersededFrom])
        .to_owned();
    let rows: Vec<_> = (last + 1 - count..)
        .zip(entries)
        .map(|(revision, entry)| (revision, entry, entry.times.columns()))
        .map(|(revision, entry, times)| memory_index::ActiveModel {
            valid_from: Set(times[0]),
            valid_to: Set(times[1]),
            expires_at: Set(times[2]),
            known_from: Set(times[3]),
            superseded_at: Set(times[4]),
            superseded_from: Set(times[5]),
            workspace_id: Set(partition.workspace().uuid()),
            owner_id: Set(partition.owner()),
            revision: Set(revision),
            item_id: Set(entry.item.id),
            item: Set(entry.item.kind.name().to_owned()),
            collection: Set(entry.collection.clone()),
            speaker: Set(entry.speaker.clone()),
            kind: Set(entry.kind.map(|kind| kind.name().to_owned())),
            at: Set(entry.at),
            importance: Set(entry.importance),
            length: Set(entry.digest.length.into()),
            terms: Set(entry.digest.terms.clone()),
            vector: Set(entry.digest.vector.iter().map(|number| number.cast_unsigned()).collect()),
            made_by: Set(made_by.to_owned()),
        })
        .collect();
    for rows in rows.chunks(ROWS) {
        memory_index::Entity::insert_many(rows.to_vec())
            .on_conflict(replaced.clone())
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(())
}

/// How many were there.
pub(in crate::memory) async fn delete_entries(
    tx: &impl Source,
    partition: &Partition,
    items: &[Uuid],
) -> Result<u64> {
    let mut deleted = 0;
    for items in items.chunks(1000) {
        let done = memory_index::Entity::delete_many()
            .filter(among(memory_index::Column::WorkspaceId, [partition.workspace().uuid()]))
            .filter(memory_index::Column::OwnerId.eq(partition.owner()))
            .filter(memory_index::Column::ItemId.is_in(items.iter().copied()))
            .exec(tx.connection())
            .await?;
        deleted += done.rows_affected;
    }
    Ok(deleted)
}

/// The last item gets the revision `last`, those before it the ones before.
pub(in crate::memory) async fn insert_removals(
    tx: &impl Source,
    partition: &Partition,
    items: &[Uuid],
    last: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    let count = i64::try_from(items.len()).map_err(Error::internal)?;
    let rows: Vec<_> = (last + 1 - count..)
        .zip(items)
        .map(|(revision, item)| memory_index_removal::ActiveModel {
            workspace_id: Set(partition.workspace().uuid()),
            owner_id: Set(partition.owner()),
            revision: Set(revision),
            item_id: Set(*item),
            at: Set(now),
        })
        .collect();
    for rows in rows.chunks(1000) {
        memory_index_removal::Entity::insert_many(rows.to_vec())
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(())
}

/// Deletes the partition's removals that were told for long enough.
pub(in crate::memory) async fn prune_removals(
    tx: &impl Source,
    partition: &Partition,
    now: DateTime<Utc>,
) -> Result<()> {
    let old = memory_index_removal::Entity::delete_many()
        .filter(memory_index_removal::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(memory_index_removal::Column::OwnerId.eq(partition.owner()))
        .filter(memory_index_removal::Column::At.lt(now - TOLD))
        .exec_with_returning(tx.connection())
        .await?;
    let Some(newest) = old.iter().map(|row| row.revision).max() else { return Ok(()) };
    use memory_partition::Column::{OwnerId, Pruned, WorkspaceId};
    memory_partition::Entity::update_many()
        .col_expr(Pruned, Expr::value(newest))
        .filter(WorkspaceId.eq(partition.workspace().uuid()))
        .filter(OwnerId.eq(partition.owner()))
        .filter(Pruned.lt(newest))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// The partitions that a recall reads, which are the principal's own and the workspace's.
pub(in crate::memory) async fn standings(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    scopes: &[MemoryScope],
) -> Result<Vec<Standing>> {
    let rows = memory_partition::Entity::rows()
        .filter(memory_partition::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(theirs(memory_partition::Column::UserId, grant.principal().uuid()))
        .filter(memory_partition::Column::Scope.is_in(scopes.iter().map(|scope| scope.name())))
        .filter(memory_partition::Column::Revision.gt(0))
        .all(source.connection())
        .await?;
    let standings = rows.into_iter().map(|row| {
        let scope = MemoryScope::from_name(&row.scope)?;
        let partition = Partition::of_row(grant.workspace(), scope, row.owner_id, row.user_id);
        Ok(Standing { partition, revision: row.revision, pruned: row.pruned })
    });
    standings.collect()
}

/// The partition's rows beyond a revision, in the order of their revisions.
pub(in crate::memory) async fn entries_after(
    source: &impl Source,
    partition: &Partition,
    revision: i64,
    made_by: &str,
    limit: u64,
) -> Result<Vec<Row>> {
    use memory_index::Column;
    let rows = memory_index::Entity::rows()
        .filter(Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(Column::OwnerId.eq(partition.owner()))
        .filter(Column::Revision.gt(revision))
        .order_by_asc(Column::Revision)
        .limit(limit)
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| from_row(row, made_by)).collect()
}

fn from_row(row: memory_index::Model, made_by: &str) -> Result<Row> {
    let vector = (row.made_by == made_by).then(|| {
        let numbers: Vec<i8> = row.vector.iter().map(|byte| byte.cast_signed()).collect();
        Vector::try_from(numbers).map_err(|_| Error::internal("a vector of another length"))
    });
    Ok(Row {
        revision: row.revision,
        item: ItemId { id: row.item_id, kind: ItemKind::from_name(&row.item)? },
        collection: row.collection,
        kind: row.kind.as_deref().map(MemoryKind::from_name).transpose()?,
        at: row.at,
        importance: row.importance.map(|importance| importance as f32),
        times: Times::of_row([
            row.valid_from,
            row.valid_to,
            row.expires_at,
            row.known_from,
            row.superseded_at,
            row.superseded_from,
        ]),
        length: u32::try_from(row.length).map_err(Error::internal)?,
        terms: row.terms,
        vector: vector.transpose()?,
    })
}

/// What left the partition beyond a revision, each with the revision of its removal.
pub(in crate::memory) async fn removals_after(
    source: &impl Source,
    partition: &Partition,
    revision: i64,
) -> Result<Vec<(Uuid, i64)>> {
    use memory_index_removal::Column;
    let rows = memory_index_removal::Entity::rows()
        .filter(Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(Column::OwnerId.eq(partition.owner()))
        .filter(Column::Revision.gt(revision))
        .all(source.connection())
        .await?;
    Ok(rows.into_iter().map(|row| (row.item_id, row.revision)).collect())
}

#[cfg(test)]
impl Row {
    /// Of a memory as `ingest` would have it written.
    pub fn of(revision: i64, id: u128, text: &str, collection: Option<&str>, at: DateTime<Utc>) -> Self {
        Self::said(revision, id, (text, None), collection, at)
    }

    /// The same with who said it.
    pub fn said(
        revision: i64,
        id: u128,
        (text, speaker): (&str, Option<&str>),
        collection: Option<&str>,
        at: DateTime<Utc>,
    ) -> Self {
        let digest = crate::memory::index::Digest::of_memory(text, speaker);
        Self {
            revision,
            item: ItemId { id: Uuid::from_u128(id), kind: ItemKind::Memory },
            collection: collection.map(str::to_owned),
            kind: Some(MemoryKind::Note),
            at,
            importance: None,
            times: Times::default(),
            length: digest.length,
            terms: digest.terms,
            vector: Some(digest.vector),
        }
    }
}
