//! The last position of each workspace's log; its row lock orders commits.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event_head")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    pub position: i64,
    /// Events up to here are no longer kept.
    pub trimmed: i64,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(workspace_id, position, trimmed);
