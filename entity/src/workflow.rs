//! A workflow with its draft.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Unique in the workspace.
    #[sea_orm(column_type = "Text")]
    pub slug: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub graph: Json,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub input_schema: Option<Json>,
    /// What keeps the draft from being published.
    #[sea_orm(column_type = "JsonBinary")]
    pub problems: Json,
    pub draft_version: i64,
    pub published_version_id: Option<Uuid>,
    /// From 1, one more with each change by a person.
    pub version: i64,
    /// Given by the client that made it; unique in the workspace.
    pub client_id: Option<Uuid>,
    /// Of what was sent with the client's id.
    pub client_hash: Option<Vec<u8>>,
    pub created_at: ChronoDateTimeUtc,
    pub updated_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    name,
    slug,
    graph,
    input_schema,
    problems,
    draft_version,
    published_version_id,
    version,
    client_id,
    client_hash,
    created_at,
    updated_at,
);

crate::row::part! {
    /// What is shown of a workflow: all but what is drawn of it.
    pub struct Shown {
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub name: String,
        pub slug: String,
        pub problems: Json,
        pub draft_version: i64,
        pub published_version_id: Option<Uuid>,
        pub version: i64,
        pub client_id: Option<Uuid>,
        pub created_at: ChronoDateTimeUtc,
    }
}
