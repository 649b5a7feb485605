//! Which model a workspace's recall goes by, and which one it is to go by.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory_embedding_state")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// Provider and model; null before the first is complete.
    #[sea_orm(column_type = "Text", nullable)]
    pub active: Option<String>,
    /// Of the active model's vectors.
    pub dimensions: Option<i64>,
    /// Provider and model.
    #[sea_orm(column_type = "Text", nullable)]
    pub wanted: Option<String>,
    /// Of the wanted model's vectors, once there is one.
    pub wanted_dimensions: Option<i64>,
    /// When the active model became so.
    pub switched_at: Option<ChronoDateTimeUtc>,
    /// Until then a worker has the workspace, or waits after a failure.
    pub not_before: Option<ChronoDateTimeUtc>,
    /// One after the other, without a success.
    pub failures: i64,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    workspace_id,
    active,
    dimensions,
    wanted,
    wanted_dimensions,
    switched_at,
    not_before,
    failures,
);
