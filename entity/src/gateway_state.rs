//! By which number what a process keeps of a workspace in memory holds: its routes, and answers of models. And whether contents of calls are kept.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "gateway_state")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// One more with each change of a route, and with each forgetting.
    pub version: i64,
    /// Whether what calls ask and answer is kept.
    pub keeps_contents: bool,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(workspace_id, version, keeps_contents);
