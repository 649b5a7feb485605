//! What a person works towards.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "goal")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// The person whose goal it is, and who alone sees it.
    pub owner_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub title: String,
    /// 0 to 1.
    #[sea_orm(column_type = "Double")]
    pub progress: f64,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    /// From 1, one more with each change by a person.
    pub version: i64,
    pub client_id: Option<Uuid>,
    /// Of what was sent with the client's id.
    pub client_hash: Option<Vec<u8>>,
    pub created_at: ChronoDateTimeUtc,
    pub updated_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    owner_id,
    title,
    progress,
    status,
    version,
    client_id,
    client_hash,
    created_at,
    updated_at,
);
