//! What a reply quotes, and from where.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "citation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: Uuid,
    /// Counts the reply's citations from 1, in the order of the text.
    #[sea_orm(primary_key, auto_increment = false)]
    pub place: i64,
    /// The memory that is quoted; with a chunk, its document.
    pub memory_id: Uuid,
    pub chunk_id: Option<Uuid>,
    /// The text of the memory or of the chunk between the two offsets, as it was then.
    #[sea_orm(column_type = "Text")]
    pub quote: String,
    /// UTF-16 code units.
    pub start_offset: i64,
    pub end_offset: i64,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(message_id, place, memory_id, chunk_id, quote, start_offset, end_offset);
