//! A call of a model: what it used and how it went, nothing of its contents.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "llm_call")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// Who made the call: a person or a service account.
    pub principal_id: Uuid,
    pub is_service: bool,
    /// What it was made for.
    pub turn_id: Option<Uuid>,
    pub workflow_id: Option<Uuid>,
    pub run_id: Option<Uuid>,
    #[sea_orm(column_type = "Text", nullable)]
    pub step_key: Option<String>,
    /// The trace that it belongs to, 128 bits that are no UUID.
    pub trace_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub route: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub model_requested: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub model_used: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub finish_reason: Option<String>,
    /// It was answered from memory: no model was asked.
    pub cache_hit: bool,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
    /// In billionths of the currency's unit; zero where that is not known.
    pub cost: i64,
    /// Null where a model has no price: then the cost is not known.
    #[sea_orm(column_type = "Text", nullable)]
    pub currency: Option<String>,
    /// Microseconds.
    pub first_token: Option<i64>,
    /// Microseconds.
    pub duration: i64,
    #[sea_orm(column_type = "JsonBinary")]
    pub attempts: Json,
    /// What guardrails did.
    #[sea_orm(column_type = "JsonBinary")]
    pub guardrails: Json,
    pub started_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    id,
    workspace_id,
    principal_id,
    is_service,
    turn_id,
    workflow_id,
    run_id,
    step_key,
    trace_id,
    route,
    model_requested,
    model_used,
    status,
    finish_reason,
    cache_hit,
    input_tokens,
    cached_input_tokens,
    output_tokens,
    cost,
    currency,
    first_token,
    duration,
    attempts,
    guardrails,
    started_at,
);
