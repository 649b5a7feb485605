//! What a person means to do.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "action_item")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// The person whose item it is, and who alone sees it.
    pub owner_id: Uuid,
    /// The session that it came from.
    pub session_id: Option<Uuid>,
    pub goal_id: Option<Uuid>,
    /// The turn in which the coach made it.
    pub turn_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub text: String,
    pub due_at: Option<ChronoDateTimeUtc>,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    /// From 1, one more with each change.
    pub version: i64,
    pub client_id: Option<Uuid>,
    /// Of what was sent with the client's id.
    pub client_hash: Option<Vec<u8>>,
    pub created_at: ChronoDateTimeUtc,
    pub updated_at: ChronoDateTimeUtc,
    /// Since when it is done.
    pub completed_at: Option<ChronoDateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    owner_id,
    session_id,
    goal_id,
    turn_id,
    text,
    due_at,
    status,
    version,
    client_id,
    client_hash,
    created_at,
    updated_at,
    completed_at,
);
