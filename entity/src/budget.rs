//! What may be spent on calls of models in a day or a month, by a workspace or one of its parts.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "budget")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// WORKSPACE, USER, SERVICE_ACCOUNT, WORKFLOW or API_KEY.
    #[sea_orm(column_type = "Text")]
    pub scope_kind: String,
    /// What the calls are made by or for; the workspace itself where the kind is WORKSPACE.
    pub scope_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub period: String,
    /// In billionths of the currency's unit.
    pub limit: i64,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    #[sea_orm(column_type = "Text")]
    pub action: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub downgrade_route: Option<String>,
    pub version: i64,
    pub created_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    scope_kind,
    scope_id,
    period,
    limit,
    currency,
    action,
    downgrade_route,
    version,
    created_at,
);
