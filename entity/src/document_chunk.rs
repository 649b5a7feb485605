//! A part of a document's text.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "document_chunk")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub document_id: Uuid,
    pub workspace_id: Uuid,
    /// As the document's.
    pub user_id: Option<Uuid>,
    /// From 0, in the order of the text.
    pub number: i32,
    #[sea_orm(column_type = "Text", nullable)]
    pub heading: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub text: String,
    /// UTF-16 code units of the text.
    pub start_offset: i32,
    pub end_offset: i32,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    document_id,
    workspace_id,
    user_id,
    number,
    heading,
    text,
    start_offset,
    end_offset
);
