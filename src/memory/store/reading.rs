//! Memories that are read one after the other, page by page.
use super::{from_row, theirs};
use crate::{
    db::Source,
    memory::{Memory, MemoryStatus, about::Readable, partition::Partition},
    shared::{
        Result,
        actor::{AtLeast, Grant, Read},
        id::MemoryId,
    },
};
use chrono::{DateTime, Utc};
use entity::memory;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// All that the principal may see, whatever its state, in the order in which it was made, which an index has.
pub(in crate::memory) async fn texts_after(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: u64,
) -> Result<Vec<Readable<MemoryId, (DateTime<Utc>, Uuid)>>> {
    use memory::Column::{Collection, CreatedAt, Id, Speaker, Text, UserId, WorkspaceId};
    let beyond = after.map(|(at, id)| {
        let behind = Condition::any().add(CreatedAt.gt(at)).add(Id.gt(id));
        Condition::all().add(CreatedAt.gte(at)).add(behind)
    });
    type Row = (DateTime<Utc>, Uuid, String, Option<String>, Option<String>);
    let rows: Vec<Row> = memory::Entity::find()
        .select_only()
        .columns([CreatedAt, Id, Text, Speaker, Collection])
        .filter(WorkspaceId.eq(grant.workspace().uuid()))
        .filter(theirs(UserId, grant.principal().uuid()))
        .filter(Condition::all().add_option(beyond))
        .order_by_asc(CreatedAt)
        .order_by_asc(Id)
        .limit(limit)
        .into_tuple()
        .all(source.connection())
        .await?;
    let readable = |(at, id, text, speaker, collection)| {
        let texts = [Some(text), speaker, collection].into_iter().flatten().collect();
        Readable { of: MemoryId::from_uuid(id), place: (at, id), texts }
    };
    Ok(rows.into_iter().map(readable).collect())
}

/// Active memories of a partition of the principal's own or the workspace's, in the order in which they were written, which
/// an index has: by the owner alone, for beside a condition on who reads them SQLite would sort all of them for each page.
pub(in crate::memory) async fn written_after(
    source: &impl Source,
    partition: &Partition,
    after: Option<MemoryId>,
    limit: u64,
) -> Result<Vec<Memory>> {
    use memory::Column::{Id, OwnerId, Status, WorkspaceId};
    let rows = memory::Entity::rows()
        .filter(WorkspaceId.eq(partition.workspace().uuid()))
        .filter(OwnerId.eq(partition.owner()))
        .filter(Status.eq(MemoryStatus::Active.name()))
        .filter(Condition::all().add_option(after.map(|after| Id.gt(after.uuid()))))
        .order_by_asc(Id)
        .limit(limit)
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| Ok(from_row(row)?.memory)).collect()
}
