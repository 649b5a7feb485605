//! A document, without its text.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "document")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// With the workspace: the partition. The user or the workspace itself, by scope.
    pub owner_id: Uuid,
    /// Who alone reads it; null where everybody in the workspace does.
    pub user_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub external_id: Option<String>,
    pub client_id: Option<Uuid>,
    /// Of what was sent with the client's id.
    pub client_hash: Option<Vec<u8>>,
    #[sea_orm(column_type = "Text")]
    pub title: String,
    #[sea_orm(column_type = "Text")]
    pub media_type: String,
    /// Which providers of models may see it.
    #[sea_orm(column_type = "Text")]
    pub egress: String,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub failure: Option<String>,
    /// Of a hundred.
    pub progress: i32,
    pub version: i32,
    /// Of title, media type, egress and text; null before the first text.
    pub content_hash: Option<Vec<u8>>,
    /// Of the text, in UTF-16 code units.
    pub length: i32,
    pub created_at: ChronoDateTimeUtc,
    pub updated_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    owner_id,
    user_id,
    scope,
    external_id,
    client_id,
    client_hash,
    title,
    media_type,
    egress,
    status,
    failure,
    progress,
    version,
    content_hash,
    length,
    created_at,
    updated_at,
);
