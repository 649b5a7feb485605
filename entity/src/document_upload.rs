//! Leave to send a file; once it came, the work to read it.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "document_upload")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub owner_id: Uuid,
    pub user_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    /// Who asked for it: a person or a service account.
    pub principal_id: Uuid,
    #[sea_orm(column_type = "Text", nullable)]
    pub external_id: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub title: String,
    #[sea_orm(column_type = "Text")]
    pub media_type: String,
    #[sea_orm(column_type = "Text")]
    pub egress: String,
    /// Bytes, exactly.
    pub size: i32,
    /// Once the file came.
    pub document_id: Option<Uuid>,
    /// Counts the workers that had it: a smaller one is refused.
    pub fence: i64,
    /// Workers that were lost with it.
    pub attempts: i64,
    pub lease_until: Option<ChronoDateTimeUtc>,
    pub created_at: ChronoDateTimeUtc,
    pub expires_at: ChronoDateTimeUtc,
    pub received_at: Option<ChronoDateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    owner_id,
    user_id,
    scope,
    principal_id,
    external_id,
    title,
    media_type,
    egress,
    size,
    document_id,
    fence,
    attempts,
    lease_until,
    created_at,
    expires_at,
    received_at,
);
