//! The lexical index: a term in a memory.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory_posting")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub term: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub memory_id: Uuid,
    /// How often the term occurs.
    pub frequency: i32,
    /// Indexed words of the memory.
    pub length: i32,
}

impl ActiveModelBehavior for ActiveModel {}
