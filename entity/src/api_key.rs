//! A credential of a person or a service account.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// SHA-256 of the key's text, whose public part is the id.
    pub secret_hash: Vec<u8>,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Either this or `service_account_id`.
    pub user_id: Option<Uuid>,
    pub service_account_id: Option<Uuid>,
    /// Limits the key to one workspace; always set for a service account.
    pub workspace_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    /// Made for the development token file; production refuses it.
    pub development: bool,
    pub created_at: ChronoDateTimeUtc,
    pub expires_at: Option<ChronoDateTimeUtc>,
    pub last_used_at: Option<ChronoDateTimeUtc>,
    pub revoked_at: Option<ChronoDateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    secret_hash,
    name,
    user_id,
    service_account_id,
    workspace_id,
    scope,
    development,
    created_at,
    expires_at,
    last_used_at,
    revoked_at,
);
