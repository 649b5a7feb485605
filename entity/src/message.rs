//! What was said in a session, by the person or by the coach.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "message")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub owner_id: Uuid,
    pub session_id: Uuid,
    pub turn_id: Uuid,
    pub turn_number: i64,
    /// Counts the session's messages from 1, in the order in which they came to be.
    pub position: i64,
    #[sea_orm(column_type = "Text")]
    pub role: String,
    /// While the coach speaks: what was said up to the last checkpoint.
    #[sea_orm(column_type = "Text")]
    pub text: String,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub stop_reason: Option<String>,
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub client_id: Option<Uuid>,
    /// Of what was sent with the client's id.
    pub client_hash: Option<Vec<u8>>,
    pub created_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    owner_id,
    session_id,
    turn_id,
    turn_number,
    position,
    role,
    text,
    status,
    stop_reason,
    input_tokens,
    output_tokens,
    client_id,
    client_hash,
    created_at,
);

crate::row::part! {
    /// What is shown of a message.
    pub struct Shown {
        pub id: Uuid,
        pub session_id: Uuid,
        /// Its place in the session: what a cursor says of it.
        pub position: i64,
        pub role: String,
        pub text: String,
        pub status: String,
        pub stop_reason: Option<String>,
        pub input_tokens: Option<i64>,
        pub output_tokens: Option<i64>,
        pub client_id: Option<Uuid>,
        pub created_at: ChronoDateTimeUtc,
    }
}
