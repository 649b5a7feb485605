//! A vector of a provider's model, of an item of the index of memory: it goes with the item's row there.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory_embedding")]
pub struct Model {
    pub workspace_id: Uuid,
    /// With the workspace: the partition.
    pub owner_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub item_id: Uuid,
    /// Provider and model.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub model: String,
    pub dimensions: i64,
    /// The partition's number when the row was written, or found to hold for a row of the index that was written anew.
    pub revision: i64,
    /// One byte a dimension, the largest 127 or -127.
    pub vector: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(workspace_id, owner_id, item_id, model, dimensions, revision, vector);
