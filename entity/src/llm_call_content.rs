//! What a call of a model asked and answered, as guardrails let it pass: where its workspace wants it kept.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "llm_call_content")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub call_id: Uuid,
    pub workspace_id: Uuid,
    /// Who made the call: a person or a service account.
    pub principal_id: Uuid,
    pub is_service: bool,
    /// JSON.
    #[sea_orm(column_type = "Text")]
    pub asked: String,
    /// Null where there was none.
    #[sea_orm(column_type = "Text", nullable)]
    pub answer: Option<String>,
    pub kept_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(call_id, workspace_id, principal_id, is_service, asked, answer, kept_at);
