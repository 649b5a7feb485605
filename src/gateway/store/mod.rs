//! Rows of the usage log. Whoever is no administrator sees their own calls alone.
mod content;
mod guardrail;
mod route;

pub(super) use content::{
    delete_contents, delete_contents_before, find_contents, insert_contents, set_keeps_contents,
};
pub(super) use guardrail::*;
pub(super) use route::{
    State, advance, count_routes, delete_route, find_route, find_routes, find_state, list_routes, put_route,
};
pub mod budget;
pub mod ledger;

use super::{
    event,
    model::{FinishReason, Usage},
    price::Cost,
    record::{Attempt, Ended, LlmCall, LlmCallStatus, Origin},
};
use crate::{
    db::{
        self, Source,
        page::{self, Keyset},
    },
    event::Tx,
    shared::{
        Error, Page, PageRequest, Result, TraceId,
        actor::{Grant, Principal, Read, Scope},
        amount::Amount,
        id::{LlmCallId, RunId, ServiceAccountId, TurnId, UserId, WorkflowId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::llm_call;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};
use uuid::Uuid;

/// Rows of one INSERT: 27 values each, and SQLite takes 32,766 in all.
const ROWS: usize = 500;
/// Groups of usage that are told, and rows that are read for them: one for each currency of a group.
const GROUPS: usize = 100;
const GROUP_ROWS: u64 = 400;

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

/// Which of the calls; each part narrows further.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Of any of these; of all where there are none.
    pub status: Vec<LlmCallStatus>,
    pub route: Option<String>,
    /// That was asked for, or that answered.
    pub model: Option<String>,
    pub principal: Option<Principal>,
    pub trace: Option<TraceId>,
    /// Made then or later.
    pub since: Option<DateTime<Utc>>,
    /// Made before.
    pub until: Option<DateTime<Utc>>,
}

/// By what usage is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageGroup {
    /// That answered.
    Model,
    Route,
    Principal,
    Workflow,
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

/// Each call once, however often it is written, and its event with it; gives those that were not there yet.
pub(super) async fn insert_calls<'c>(tx: &mut Tx, calls: &'c [Ended]) -> Result<Vec<&'c Ended>> {
    let mut inserted = vec![];
    for calls in calls.chunks(ROWS) {
        // What was written by a try whose answer did not come is told already.
        let ids = calls.iter().map(|ended| ended.call.id.uuid());
        let written: HashSet<Uuid> = llm_call::Entity::find()
            .select_only()
            .column(llm_call::Column::Id)
            .filter(llm_call::Column::Id.is_in(ids))
            .into_tuple()
            .all(tx.connection())
            .await?
            .into_iter()
            .collect();
        let new: Vec<_> = calls.iter().filter(|ended| !written.contains(&ended.call.id.uuid())).collect();
        let rows = new.iter().map(|ended| to_row(&ended.call)).collect::<Result<Vec<_>>>()?;
        if !rows.is_empty() {
            llm_call::Entity::insert_many(rows).exec_without_returning(tx.connection()).await?;
        }
        for Ended { call, .. } in &new {
            tx.record_in(call.workspace, event::ended(call)?);
        }
        inserted.extend(new);
    }
    Ok(inserted)
}

pub(super) async fn list_calls(
    source: &impl Source,
    grant: &Grant<Read>,
    whose: Whose,
    filter: &CallFilter,
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
    let select = llm_call::Entity::rows().filter(of(grant, whose)).filter(which(filter));
    page::list(source, select, &order, request).await?.try_map(from_row)
}

pub(super) async fn find_calls(
    source: &impl Source,
    scope: &Scope<Read>,
    administered: impl IntoIterator<Item = Uuid>,
    ids: &[LlmCallId],
) -> Result<HashMap<LlmCallId, LlmCall>> {
    let own = llm_call::Column::PrincipalId.eq(scope.principal().uuid());
    let rows = llm_call::Entity::rows()
        .filter(llm_call::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(db::among(llm_call::Column::WorkspaceId, scope.allowed()))
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

#[derive(FromQueryResult)]
struct GroupSums {
    text: Option<String>,
    id: Option<Uuid>,
    is_service: Option<bool>,
    #[sea_orm(nested)]
    sums: Sums,
}

impl UsageSum {
    fn add(&mut self, sums: Sums) {
        self.calls += sums.calls;
        self.input_tokens += sums.input_tokens;
        self.output_tokens += sums.output_tokens;
        if let (Some(currency), Some(cost)) = (sums.currency, sums.cost) {
            self.costs.push(Cost { amount: Amount::from_billionths(cost), currency });
        }
    }
}

/// One row for each currency.
fn summed(grant: &Grant<Read>, whose: Whose, since: DateTime<Utc>) -> Select<llm_call::Entity> {
    use llm_call::Column::{Cost as CostColumn, Currency, Id, InputTokens, OutputTokens, StartedAt};
    // PostgreSQL adds integers up to a numeric, which is read as none of ours.
    let sum = |column: llm_call::Column| Expr::col(column).sum().cast_as("bigint");
    llm_call::Entity::find()
        .select_only()
        .column(Currency)
        .column_as(Id.count(), "calls")
        .column_as(sum(InputTokens), "input_tokens")
        .column_as(sum(OutputTokens), "output_tokens")
        .column_as(sum(CostColumn), "cost")
        .filter(of(grant, whose))
        .filter(StartedAt.gte(since))
        .group_by(Currency)
}

pub(super) async fn sum_usage(
    source: &impl Source,
    grant: &Grant<Read>,
    whose: Whose,
    since: DateTime<Utc>,
) -> Result<UsageSum> {
    let sums = summed(grant, whose, since).into_model::<Sums>().all(source.connection()).await?;
    let mut usage = UsageSum::default();
    sums.into_iter().for_each(|sums| usage.add(sums));
    usage.costs.sort_unstable_by(|a, b| a.currency.cmp(&b.currency));
    Ok(usage)
}

/// Those with the most calls first; `None`: no model answered, or no workflow asked.
pub(super) async fn group_usage(
    source: &impl Source,
    grant: &Grant<Read>,
    whose: Whose,
    since: DateTime<Utc>,
    by: UsageGroup,
) -> Result<Vec<(Option<String>, UsageSum)>> {
    use llm_call::Column::{Id, IsService, ModelUsed, PrincipalId, Route, WorkflowId as Workflow};
    let select = summed(grant, whose, since).order_by_desc(Id.count()).limit(GROUP_ROWS);
    let nothing = || Expr::cust("NULL");
    let no_service = || Expr::cust("CAST(NULL AS boolean)");
    let text = |select: Select<_>, column: llm_call::Column| {
        select
            .column_as(column, "text")
            .column_as(Expr::cust("CAST(NULL AS uuid)"), "id")
            .column_as(no_service(), "is_service")
            .group_by(column)
    };
    let select = match by {
        UsageGroup::Model => text(select, ModelUsed),
        UsageGroup::Route => text(select, Route),
        UsageGroup::Principal => select
            .column_as(nothing(), "text")
            .column_as(PrincipalId, "id")
            .column(IsService)
            .group_by(PrincipalId)
            .group_by(IsService),
        UsageGroup::Workflow => select
            .column_as(nothing(), "text")
            .column_as(Workflow, "id")
            .column_as(no_service(), "is_service")
            .group_by(Workflow),
    };
    let mut groups: BTreeMap<Option<String>, UsageSum> = BTreeMap::new();
    for row in select.into_model::<GroupSums>().all(source.connection()).await? {
        let id = row.id.map(|id| match by {
            UsageGroup::Workflow => WorkflowId::from_uuid(id).to_string(),
            _ => principal(id, row.is_service == Some(true)).to_string(),
        });
        groups.entry(row.text.or(id)).or_default().add(row.sums);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, usage)| std::cmp::Reverse(usage.calls));
    groups.truncate(GROUPS);
    Ok(groups)
}

fn of(grant: &Grant<Read>, whose: Whose) -> Condition {
    let own = match whose {
        Whose::Everybodys => None,
        Whose::Own => Some(llm_call::Column::PrincipalId.eq(grant.principal().uuid())),
    };
    Condition::all().add(llm_call::Column::WorkspaceId.eq(grant.workspace().uuid())).add_option(own)
}

fn which(filter: &CallFilter) -> Condition {
    use llm_call::Column::{ModelRequested, ModelUsed, PrincipalId, Route, StartedAt, Status, TraceId};
    let CallFilter { status, route, model, principal, trace, since, until } = filter;
    let status = (!status.is_empty()).then(|| db::named(Status, status.iter().map(|status| status.name())));
    let model = model.as_ref().map(|model| {
        Condition::any().add(ModelRequested.eq(model.as_str())).add(ModelUsed.eq(model.as_str()))
    });
    Condition::all()
        .add_option(status)
        .add_option(route.as_ref().map(|route| Route.eq(route.as_str())))
        .add_option(model)
        .add_option(principal.map(|principal| PrincipalId.eq(principal.uuid())))
        .add_option(trace.map(|trace| TraceId.eq(trace.uuid())))
        .add_option(since.map(|since| StartedAt.gte(since)))
        .add_option(until.map(|until| StartedAt.lt(until)))
}

fn principal(id: Uuid, is_service: bool) -> Principal {
    if is_service {
        Principal::Service(ServiceAccountId::from_uuid(id))
    } else {
        Principal::User(UserId::from_uuid(id))
    }
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
        workflow_id: Set(call.workflow.map(|workflow| workflow.uuid())),
        run_id: Set(run),
        step_key: Set(key),
        trace_id: Set(call.trace.map(TraceId::uuid)),
        route: Set(call.route.clone()),
        model_requested: Set(call.model_requested.clone()),
        model_used: Set(call.model_used.clone()),
        status: Set(call.status.name().to_owned()),
        finish_reason: Set(call.finish_reason.map(|reason| reason.name().to_owned())),
        cache_hit: Set(call.cache_hit),
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
    let origin = match (row.turn_id, row.run_id, row.step_key) {
        (Some(turn), _, _) => Some(Origin::Turn(TurnId::from_uuid(turn))),
        (None, Some(run), Some(key)) => Some(Origin::Step { run: RunId::from_uuid(run), key }),
        _ => None,
    };
    let amount = Amount::from_billionths(row.cost);
    Ok(LlmCall {
        id: LlmCallId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        principal: principal(row.principal_id, row.is_service),
        origin,
        workflow: row.workflow_id.map(WorkflowId::from_uuid),
        trace: row.trace_id.map(TraceId::from_uuid),
        route: row.route,
        model_requested: row.model_requested,
        model_used: row.model_used,
        status: LlmCallStatus::from_name(&row.status)?,
        finish_reason: row.finish_reason.as_deref().map(FinishReason::from_name).transpose()?,
        cache_hit: row.cache_hit,
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
