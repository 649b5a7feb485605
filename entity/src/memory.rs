//! What is remembered.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// With the workspace: the partition. The user, the session or the workspace itself, by scope.
    pub owner_id: Uuid,
    /// Who alone reads it; null where everybody in the workspace does.
    pub user_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub external_id: Option<String>,
    pub client_id: Option<Uuid>,
    /// Of what was sent with the client's id.
    pub client_hash: Option<Vec<u8>>,
    #[sea_orm(column_type = "Text", nullable)]
    pub collection: Option<String>,
    /// Which providers of models may see it.
    #[sea_orm(column_type = "Text")]
    pub egress: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub speaker: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub text: String,
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    pub version: i32,
    pub occurred_at: Option<ChronoDateTimeUtc>,
    /// The run that wrote what it says now.
    pub run_id: Option<Uuid>,
    /// Of what was proposed: how sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// How important it was said to be, 0 to 1.
    pub importance: Option<f64>,
    /// When what it says began to hold; unknown where there is none.
    pub valid_from: Option<ChronoDateTimeUtc>,
    /// When that ended.
    pub valid_to: Option<ChronoDateTimeUtc>,
    /// When it goes out of use.
    pub expires_at: Option<ChronoDateTimeUtc>,
    /// Since when its content was known here; since it was written where there is none.
    pub known_from: Option<ChronoDateTimeUtc>,
    /// When it was told that another says otherwise.
    pub superseded_at: Option<ChronoDateTimeUtc>,
    /// Since when the other is so; this one never was, where there is none.
    pub superseded_from: Option<ChronoDateTimeUtc>,
    /// The memory that says otherwise.
    pub superseded_by: Option<Uuid>,
    pub created_at: ChronoDateTimeUtc,
    pub updated_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    owner_id,
    user_id,
    scope,
    external_id,
    client_id,
    client_hash,
    collection,
    egress,
    speaker,
    text,
    kind,
    status,
    version,
    occurred_at,
    run_id,
    confidence,
    importance,
    valid_from,
    valid_to,
    expires_at,
    known_from,
    superseded_at,
    superseded_from,
    superseded_by,
    created_at,
    updated_at,
);
