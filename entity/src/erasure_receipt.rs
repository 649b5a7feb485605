//! The proof of a forgetting.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "erasure_receipt")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// Who alone sees it; null where everybody in the workspace does.
    pub user_id: Option<Uuid>,
    pub memory_id: Uuid,
    /// Who asked for it.
    pub requested_by: Uuid,
    /// How many of what: `[{"kind", "count"}]`.
    #[sea_orm(column_type = "JsonBinary")]
    pub erased: Json,
    pub at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(id, workspace_id, user_id, memory_id, requested_by, erased, at);
