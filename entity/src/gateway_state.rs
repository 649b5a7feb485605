//! By which number what a process keeps of a workspace in memory holds: its routes, and answers of models.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "gateway_state")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// One more with each change of a route, and with each forgetting.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
