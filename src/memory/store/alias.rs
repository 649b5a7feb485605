//! Other names of what memories name.
use super::theirs;
use crate::{
    db::Source,
    memory::{
        model::{Alias, Aliases},
        partition::Partition,
    },
    shared::{
        Result,
        actor::{AtLeast, Grant, Read},
    },
};
use entity::memory_alias::{ActiveModel, Column, Entity, Model};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};

/// Rows of one statement.
const ROWS: usize = 250;

/// All that hold for the principal.
pub(in crate::memory) async fn aliases(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
) -> Result<Aliases> {
    let rows = Entity::rows()
        .filter(Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(theirs(Column::UserId, grant.principal().uuid()))
        .all(source.connection())
        .await?;
    let (own, shared): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.user_id.is_some());
    Ok(Aliases::new(shared.into_iter().map(from_row).collect(), own.into_iter().map(from_row).collect()))
}

/// Those of a partition, in the order of their keys.
pub(in crate::memory) async fn aliases_in(tx: &impl Source, partition: &Partition) -> Result<Vec<Alias>> {
    let rows = Entity::rows()
        .filter(Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(Column::OwnerId.eq(partition.owner()))
        .order_by_asc(Column::Key)
        .all(tx.connection())
        .await?;
    Ok(rows.into_iter().map(from_row).collect())
}

/// These instead of all that the partition has, which is locked.
pub(in crate::memory) async fn replace_aliases(
    tx: &impl Source,
    partition: &Partition,
    aliases: &[Alias],
) -> Result<()> {
    Entity::delete_many()
        .filter(Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(Column::OwnerId.eq(partition.owner()))
        .exec(tx.connection())
        .await?;
    for aliases in aliases.chunks(ROWS) {
        let rows = aliases.iter().map(|alias| ActiveModel {
            workspace_id: Set(partition.workspace().uuid()),
            owner_id: Set(partition.owner()),
            key: Set(alias.key.clone()),
            user_id: Set(partition.user()),
            name: Set(alias.name.clone()),
            entity_key: Set(alias.entity_key.clone()),
            entity_name: Set(alias.entity_name.clone()),
        });
        Entity::insert_many(rows).exec_without_returning(tx.connection()).await?;
    }
    Ok(())
}

fn from_row(row: Model) -> Alias {
    Alias { key: row.key, name: row.name, entity_key: row.entity_key, entity_name: row.entity_name }
}
