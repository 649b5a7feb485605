//! What is recorded of a step of a run.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "step_run")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub run_id: Uuid,
    /// In the graph, from 0.
    pub place: i64,
    #[sea_orm(column_type = "Text")]
    pub key: String,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    /// Attempts begun.
    pub attempts: i64,
    /// Attempts that failed by themselves.
    pub failures: i64,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub output: Option<Json>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub error: Option<Json>,
    /// When a wait ends, an approval expires, the next attempt begins.
    pub wake_at: Option<ChronoDateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    run_id,
    place,
    key,
    status,
    attempts,
    failures,
    output,
    error,
    wake_at
);

crate::row::part! {
    /// What is shown of a step: nothing of how it is carried out.
    pub struct Shown {
        pub id: Uuid,
        pub run_id: Uuid,
        pub place: i64,
        pub key: String,
        pub status: String,
        pub output: Option<Json>,
    }
}
