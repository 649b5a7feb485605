//! A credential of a person or a service account.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The public part, by which the row is found.
    #[sea_orm(column_type = "Text")]
    pub key_id: String,
    /// SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Either this or `service_account_id`.
    pub user_id: Option<Uuid>,
    pub service_account_id: Option<Uuid>,
    /// Limits the key to one workspace.
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
