//! How far the items of a partition have vectors of a model.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory_embedding_progress")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    /// Provider and model.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub model: String,
    /// Rows of the index up to this revision were looked at.
    pub revision: i64,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(workspace_id, owner_id, model, revision);
