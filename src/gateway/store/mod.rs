//! Rows of the usage log. Whoever is no administrator sees their own calls alone.
mod guardrail;

pub(super) use guardrail::*;

use super::{
    model::{FinishReason, Usage},
    price::Cost,
    record::{Attempt, LlmCall, LlmCallStatus, Origin},
};
use crate::{
    db::{
        Source,
        page::{self, Keyset},
    },
    shared::{
        Error, Page, PageRequest, Result,
        actor::{Grant, Principal, Read, Scope},
        amount::Amount,
        id::{LlmCallId, RunId, ServiceAccountId, TurnId, UserId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::llm_call;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// Rows of one INSERT: 22 values each, and SQLite takes 32,766 in all.
const ROWS: usize = 500;

/// What a list of calls is ordered by; the id breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOrder {
    StartedAt,
    Duration,
    Cost,
}

/// Whose calls: all of a workspace, or the principal's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Everybodys,
    Own,
}

/// What was used since a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageSum {
    pub calls: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    /// One for each currency, the calls without a price aside.
    pub costs: Vec<Cost>,
}

/// Each call once, however often it is written.
pub(super) async fn insert_calls(tx: &impl Source, calls: &[LlmCall]) -> Result<()> {
    for calls in calls.chunks(ROWS) {
        let rows = calls.iter().map(to_row).collect::<Result<Vec<_>>>()?;
        llm_call::Entity::insert_many(rows)
            .on_conflict(OnConflict::column(llm_call::Column::Id).do_nothing().to_owned())
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(())
}

pub(super) async fn list_calls(
    source: &impl Source,
    grant: &Grant<Read>,
    whose: Whose,
    order: CallOrder,
    descending: bool,
    request: &PageRequest,
) -> Result<Page<LlmCall>> {
    let column = match order {
        CallOrder::StartedAt => llm_call::Column::StartedAt,
        CallOrder::Duration => llm_call::Column::Duration,
        CallOrder::Cost => llm_call::Column::Cost,
    };
    let order = Keyset { column, id: llm_call::Column::Id, descending };
    let select = llm_call::Entity::find().filter(of(grant, whose));
    page::list(source, select, &order, request).await?.try_map(from_row)
}

pub(super) async fn find_calls(
    source: &impl Source,
    scope: &Scope<Read>,
    administered: impl IntoIterator<Item = Uuid>,
    ids: &[LlmCallId],
) -> Result<HashMap<LlmCallId, LlmCall>> {
    let own = llm_call::Column::PrincipalId.eq(scope.principal().uuid());
    let rows = llm_call::Entity::find()
        .filter(llm_call::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(llm_call::Column::WorkspaceId.is_in(scope.allowed()))
        .filter(Condition::any().add(own).add(llm_call::Column::WorkspaceId.is_in(administered)))
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| Ok((LlmCallId::from_uuid(row.id), from_row(row)?))).collect()
}

#[derive(FromQueryResult)]
struct Sums {
    currency: Option<String>,
    calls: i64,
    input_tokens: i64,
    output_tokens: i64,
    cost: Option<i64>,
}

pub(super) async fn sum_usage(
    source: &impl Source,
    grant: &Grant<Read>,
    whose: Whose,
    since: DateTime<Utc>,
) -> Result<UsageSum> {
    use llm_call::Column::{Cost as CostColumn, Currency, Id, InputTokens, OutputTokens, StartedAt};
    // PostgreSQL adds integers up to a numeric, which is read as none of ours.
    let sum = |column: llm_call::Column| Expr::col(column).sum().cast_as("bigint");
    let sums = llm_call::Entity::find()
        .select_only()
        .column(Currency)
        .column_as(Id.count(), "calls")
        .column_as(sum(InputTokens), "input_tokens")
        .column_as(sum(OutputTokens), "output_tokens")
        .column_as(sum(CostColumn), "cost")
        .filter(of(grant, whose))
        .filter(StartedAt.gte(since))
        .group_by(Currency)
        .into_model::<Sums>()
        .all(source.connection())
        .await?;
    let mut usage = UsageSum::default();
    for sum in sums {
        usage.calls += sum.calls;
        usage.input_tokens += sum.input_tokens;
        usage.output_tokens += sum.output_tokens;
        if let (Some(currency), Some(cost)) = (sum.currency, sum.cost) {
            usage.costs.push(Cost { amount: Amount::from_billionths(cost), currency });
        }
    }
    usage.costs.sort_unstable_by(|a, b| a.currency.cmp(&b.currency));
    Ok(usage)
}

fn of(grant: &Grant<Read>, whose: Whose) -> Condition {
    let own = match whose {
        Whose::Everybodys => None,
        Whose::Own => Some(llm_call::Column::PrincipalId.eq(grant.principal().uuid())),
    };
    Condition::all().add(llm_call::Column::WorkspaceId.eq(grant.workspace().uuid())).add_option(own)
}

fn to_row(call: &LlmCall) -> Result<llm_call::ActiveModel> {
    let (turn, run, key) = match &call.origin {
        None => (None, None, None),
        Some(Origin::Turn(turn)) => (Some(turn.uuid()), None, None),
        Some(Origin::Step { run, key }) => (None, Some(run.uuid()), Some(key.clone())),
    };
    Ok(llm_call::ActiveModel {
        id: Set(call.id.uuid()),
        workspace_id: Set(call.workspace.uuid()),
        principal_id: Set(call.principal.uuid()),
        is_service: Set(matches!(call.principal, Principal::Service(_))),
        turn_id: Set(turn),
        run_id: Set(run),
        step_key: Set(key),
        route: Set(call.route.clone()),
        model_requested: Set(call.model_requested.clone()),
        model_used: Set(call.model_used.clone()),
        status: Set(call.status.name().to_owned()),
        finish_reason: Set(call.finish_reason.map(|reason| reason.name().to_owned())),
        input_tokens: Set(call.usage.input_tokens.into()),
        cached_input_tokens: Set(call.usage.cached_input_tokens.into()),
        output_tokens: Set(call.usage.output_tokens.into()),
        cost: Set(call.cost.as_ref().map_or(0, |cost| cost.amount.billionths())),
        currency: Set(call.cost.as_ref().map(|cost| cost.currency.clone())),
        first_token: Set(call.time_to_first_token.map(micros)),
        duration: Set(micros(call.duration)),
        attempts: Set(serde_json::to_value(&call.attempts).map_err(Error::internal)?),
        guardrails: Set(serde_json::to_value(&call.guardrails).map_err(Error::internal)?),
        started_at: Set(call.started_at),
    })
}

fn from_row(row: llm_call::Model) -> Result<LlmCall> {
    let principal = if row.is_service {
        Principal::Service(ServiceAccountId::from_uuid(row.principal_id))
    } else {
        Principal::User(UserId::from_uuid(row.principal_id))
    };
    let origin = match (row.turn_id, row.run_id, row.step_key) {
        (Some(turn), _, _) => Some(Origin::Turn(TurnId::from_uuid(turn))),
        (None, Some(run), Some(key)) => Some(Origin::Step { run: RunId::from_uuid(run), key }),
        _ => None,
    };
    let amount = Amount::from_billionths(row.cost);
    Ok(LlmCall {
        id: LlmCallId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        principal,
        origin,
        route: row.route,
        model_requested: row.model_requested,
        model_used: row.model_used,
        status: LlmCallStatus::from_name(&row.status)?,
        finish_reason: row.finish_reason.as_deref().map(FinishReason::from_name).transpose()?,
        usage: Usage {
            input_tokens: tokens(row.input_tokens),
            cached_input_tokens: tokens(row.cached_input_tokens),
            output_tokens: tokens(row.output_tokens),
        },
        cost: row.currency.map(|currency| Cost { amount, currency }),
        time_to_first_token: row.first_token.map(duration),
        duration: duration(row.duration),
        attempts: serde_json::from_value::<Vec<Attempt>>(row.attempts).map_err(Error::internal)?,
        guardrails: serde_json::from_value(row.guardrails).map_err(Error::internal)?,
        started_at: row.started_at,
    })
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn duration(micros: i64) -> Duration {
    Duration::from_micros(micros.unsigned_abs())
}

fn tokens(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
