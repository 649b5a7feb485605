//! What a person said and what the coach makes of it; also the queue from which workers take.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "turn")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub owner_id: Uuid,
    pub session_id: Uuid,
    /// Counts the session's turns from 1; they run in this order.
    pub number: i64,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    pub message_id: Uuid,
    pub reply_id: Option<Uuid>,
    /// Whoever holds the latest one may write: raised by each change of hands.
    pub fence: i64,
    /// Until when the worker that runs it is taken to be alive.
    pub lease_until: Option<ChronoDateTimeUtc>,
    pub interrupt_requested: bool,
    /// The key that the message was sent with.
    pub api_key_id: Option<Uuid>,
    /// The trace of the request that sent it.
    pub trace_id: Option<Uuid>,
    pub created_at: ChronoDateTimeUtc,
    pub started_at: Option<ChronoDateTimeUtc>,
    pub finished_at: Option<ChronoDateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    owner_id,
    session_id,
    number,
    status,
    message_id,
    reply_id,
    fence,
    lease_until,
    interrupt_requested,
    api_key_id,
    trace_id,
    created_at,
    started_at,
    finished_at,
);
