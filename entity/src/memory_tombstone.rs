//! What must not come back: an id under which something was forgotten.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory_tombstone")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// An external id's keyed hash (32 bytes), or a client's id (16 bytes).
    #[sea_orm(primary_key, auto_increment = false)]
    pub mark: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(workspace_id, mark);
