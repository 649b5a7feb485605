//! Memories that are indexed together, and the statistics of their index.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory_partition")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    /// Who alone reads it; null where everybody in the workspace does.
    pub user_id: Option<Uuid>,
    /// Indexed memories.
    pub documents: i64,
    /// Indexed words of all of them.
    pub length: i64,
    /// Random; keys the hashes of forgotten external ids.
    pub salt: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
