//! A route that a workspace set for itself.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "route")]
pub struct Model {
    /// Made from the workspace and the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// One route of a name in a workspace.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// As in `[gateway.routes.NAME]`.
    #[sea_orm(column_type = "JsonBinary")]
    pub settings: Json,
    /// Greater with each change.
    pub version: i64,
    /// The person or service account, with the prefix of its type.
    #[sea_orm(column_type = "Text")]
    pub set_by: String,
    pub set_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(id, workspace_id, name, settings, version, set_by, set_at);
