//! A published version: never changed.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow_version")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub workflow_id: Uuid,
    pub number: i64,
    #[sea_orm(column_type = "JsonBinary")]
    pub graph: Json,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub input_schema: Option<Json>,
    #[sea_orm(column_type = "Text")]
    pub checksum: String,
    pub published_by: Uuid,
    pub published_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    workflow_id,
    number,
    graph,
    input_schema,
    checksum,
    published_by,
    published_at,
);

crate::row::part! {
    /// What is shown of a version: all but what it does.
    pub struct Shown {
        pub id: Uuid,
        pub workflow_id: Uuid,
        pub number: i64,
        pub checksum: String,
        pub published_at: ChronoDateTimeUtc,
    }
}
