//! One attempt of a step.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "step_attempt")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub step_run_id: Uuid,
    pub number: i64,
    pub started_at: ChronoDateTimeUtc,
    pub finished_at: Option<ChronoDateTimeUtc>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub error: Option<Json>,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(id, workspace_id, step_run_id, number, started_at, finished_at, error);
