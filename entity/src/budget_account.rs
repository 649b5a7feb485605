//! What one period of a budget has used: a new row for each day or month.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "budget_account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub budget_id: Uuid,
    pub period_start: ChronoDateTimeUtc,
    /// The sum of this account's leases.
    pub leased: i64,
    pub spent: i64,
    /// When a call first did not fit in.
    pub exceeded_at: Option<ChronoDateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(id, budget_id, period_start, leased, spent, exceeded_at);
