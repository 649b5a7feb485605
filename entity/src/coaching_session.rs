//! A conversation between a person and the coach.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "coaching_session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// The person whose session it is, and who alone sees it.
    pub owner_id: Uuid,
    pub goal_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub mode: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub topic: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub summary: Option<String>,
    pub client_id: Option<Uuid>,
    /// Of what was sent with the client's id.
    pub client_hash: Option<Vec<u8>>,
    /// From 1, one more with each change by a person.
    pub version: i64,
    /// Messages so far: the next one's position. Raising it is what locks the session.
    pub messages: i64,
    /// Turns so far: the next one's number.
    pub turns: i64,
    pub created_at: ChronoDateTimeUtc,
    pub updated_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    owner_id,
    goal_id,
    mode,
    topic,
    status,
    summary,
    client_id,
    client_hash,
    version,
    messages,
    turns,
    created_at,
    updated_at,
);

crate::row::part! {
    /// What is shown of a session.
    pub struct Shown {
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub owner_id: Uuid,
        pub goal_id: Option<Uuid>,
        pub mode: String,
        pub topic: Option<String>,
        pub status: String,
        pub summary: Option<String>,
        pub client_id: Option<Uuid>,
        pub version: i64,
        pub created_at: ChronoDateTimeUtc,
        pub updated_at: ChronoDateTimeUtc,
    }
}
