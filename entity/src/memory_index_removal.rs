//! What left the index of memory, for copies that still have it; kept for a day.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory_index_removal")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    /// The partition's number after the removal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: i64,
    pub item_id: Uuid,
    pub at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(workspace_id, owner_id, revision, item_id, at);
