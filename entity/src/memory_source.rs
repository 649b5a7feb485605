//! Where a memory that was extracted stands in its source.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory_source")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub memory_id: Uuid,
    /// Counts the memory's sources from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub place: i64,
    pub workspace_id: Uuid,
    /// Null where it was a text that is kept nowhere.
    pub session_id: Option<Uuid>,
    pub message_id: Option<Uuid>,
    /// The source's text between the two offsets.
    #[sea_orm(column_type = "Text")]
    pub quote: String,
    /// UTF-16 code units.
    pub start_offset: i64,
    pub end_offset: i64,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    memory_id,
    place,
    workspace_id,
    session_id,
    message_id,
    quote,
    start_offset,
    end_offset
);
