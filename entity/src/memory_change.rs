//! What was done with a memory.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory_change")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub memory_id: Uuid,
    /// Counts the memory's changes from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    #[sea_orm(column_type = "Text")]
    pub what: String,
    /// In the words of whoever did it.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// The memory that had to do with it.
    pub other_id: Option<Uuid>,
    /// Who did it; null where time did.
    pub by_id: Option<Uuid>,
    pub at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(memory_id, number, what, reason, other_id, by_id, at);
