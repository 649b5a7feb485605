//! A workspace's own policies for what goes to models and comes from them.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guardrail_policy")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// Unique in the workspace.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Names of the routes on which it holds; empty: on all.
    #[sea_orm(column_type = "JsonBinary")]
    pub routes: Json,
    /// Stage, rules, and what holds where a check fails.
    #[sea_orm(column_type = "JsonBinary")]
    pub policy: Json,
    pub version: i64,
    pub updated_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(id, workspace_id, name, routes, policy, version, updated_at);
