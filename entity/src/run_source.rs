//! A memory or a document that a run has read: what forgetting it has to reach.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "run_source")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: Uuid,
    /// Or the document's.
    #[sea_orm(primary_key, auto_increment = false)]
    pub memory_id: Uuid,
    pub workspace_id: Uuid,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(run_id, memory_id, workspace_id);
