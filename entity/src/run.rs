//! A run, and the lease of the worker that carries it out.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "run")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub workflow_id: Uuid,
    pub version_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    /// Who started it: USER or SERVICE.
    #[sea_orm(column_type = "Text")]
    pub principal_kind: String,
    pub principal_id: Uuid,
    /// The key that it was started with.
    pub api_key_id: Option<Uuid>,
    /// The trace of the request that started it.
    pub trace_id: Option<Uuid>,
    #[sea_orm(column_type = "JsonBinary")]
    pub input: Json,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub output: Option<Json>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub error: Option<Json>,
    /// When a worker is to look at it; null while nothing is due.
    pub wake_at: Option<ChronoDateTimeUtc>,
    /// Counts the workers that had it: a smaller one is refused.
    pub lease_token: i64,
    /// The start of a server that holds the lease.
    pub lease_owner: Option<Uuid>,
    pub lease_until: Option<ChronoDateTimeUtc>,
    /// Workers that were lost with it since anything of it was last recorded.
    pub takeovers: i64,
    /// Counts changes by others than the worker, so that it notices them.
    pub revision: i64,
    pub created_at: ChronoDateTimeUtc,
    pub updated_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    workflow_id,
    version_id,
    status,
    principal_kind,
    principal_id,
    api_key_id,
    trace_id,
    input,
    output,
    error,
    wake_at,
    lease_token,
    lease_owner,
    lease_until,
    takeovers,
    revision,
    created_at,
    updated_at,
);

crate::row::part! {
    /// What is shown of a run: nothing of how it is carried out.
    pub struct Shown {
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub workflow_id: Uuid,
        pub version_id: Uuid,
        pub status: String,
        pub principal_kind: String,
        pub principal_id: Uuid,
        pub api_key_id: Option<Uuid>,
        pub trace_id: Option<Uuid>,
        pub input: Json,
        pub output: Option<Json>,
        pub error: Option<Json>,
        pub created_at: ChronoDateTimeUtc,
    }
}
