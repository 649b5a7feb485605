//! Budgets, and what they have used.
use crate::{
    db::{
        self, Source,
        page::{self, Keyset},
    },
    gateway::{
        budget::{Budget, BudgetAction, BudgetScope, BudgetUse},
        period::UsagePeriod,
        price::Cost,
    },
    shared::{
        Error, Page, PageRequest, Result,
        actor::{Administer, AtLeast, Grant, Scope},
        amount::Amount,
        id::{ApiKeyId, BudgetId, ServiceAccountId, UserId, WorkflowId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::{budget as row, budget_account as account};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType},
};
use std::collections::HashMap;
use uuid::Uuid;

/// For the product's own use: a call is held against all budgets of its workspace. In the order of their ids.
pub async fn list_all(source: &impl Source, workspace: WorkspaceId) -> Result<Vec<Budget>> {
    let rows = row::Entity::rows()
        .filter(row::Column::WorkspaceId.eq(workspace.uuid()))
        .order_by_asc(row::Column::Id)
        .all(source.connection())
        .await?;
    rows.into_iter().map(from_row).collect()
}

pub async fn list_budgets(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    request: &PageRequest,
) -> Result<Page<Budget>> {
    let select = row::Entity::rows().filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()));
    let order = Keyset::oldest_first(row::Column::CreatedAt, row::Column::Id);
    page::list(source, select, &order, request).await?.try_map(from_row)
}

/// Those of the workspaces that the scope administers.
pub async fn find_budgets(
    source: &impl Source,
    scope: &Scope<Administer>,
    ids: &[BudgetId],
) -> Result<HashMap<BudgetId, Budget>> {
    let rows = row::Entity::rows()
        .filter(row::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(db::among(row::Column::WorkspaceId, scope.allowed()))
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| from_row(row).map(|budget| (budget.id, budget))).collect()
}

/// Locked, with the grant for its workspace.
pub async fn find_budget_to_remove<A>(
    tx: &impl Source,
    scope: &Scope<A>,
    id: BudgetId,
) -> Result<Option<(Budget, Result<Grant<A>>)>> {
    let row = row::Entity::find_by_id(id.uuid())
        .filter(row::Column::WorkspaceId.is_in(scope.allowed()))
        .lock(LockType::Update)
        .one(tx.connection())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let grant = scope.grant(row.workspace_id);
    Ok(Some((from_row(row)?, grant)))
}

/// That of a scope and a period, locked.
pub async fn find_budget_to_change(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    scope: BudgetScope,
    period: UsagePeriod,
) -> Result<Option<Budget>> {
    let (kind, id) = stored(scope, grant.workspace());
    let row = row::Entity::rows()
        .filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(row::Column::ScopeKind.eq(kind))
        .filter(row::Column::ScopeId.eq(id))
        .filter(row::Column::Period.eq(period.name()))
        .lock(LockType::NoKeyUpdate)
        .one(tx.connection())
        .await?;
    row.map(from_row).transpose()
}

pub async fn insert_budget(
    tx: &impl Source,
    _: &Grant<impl AtLeast<Administer>>,
    budget: &Budget,
) -> Result<()> {
    let (scope_kind, scope_id) = stored(budget.scope, budget.workspace);
    let row = row::Model {
        id: budget.id.uuid(),
        workspace_id: budget.workspace.uuid(),
        scope_kind: scope_kind.to_owned(),
        scope_id,
        period: budget.period.name().to_owned(),
        limit: budget.limit.amount.billionths(),
        currency: budget.limit.currency.clone(),
        action: budget.action.name().to_owned(),
        downgrade_route: budget.downgrade_route.clone(),
        version: budget.version.into(),
        created_at: budget.created_at,
    };
    row::Entity::insert(row.into_active_model()).exec_without_returning(tx.connection()).await?;
    Ok(())
}

/// What did not fit into it may do so now.
pub async fn update_budget(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    budget: &Budget,
) -> Result<()> {
    row::Entity::update_many()
        .col_expr(row::Column::Limit, Expr::value(budget.limit.amount.billionths()))
        .col_expr(row::Column::Action, Expr::value(budget.action.name()))
        .col_expr(row::Column::DowngradeRoute, Expr::value(budget.downgrade_route.clone()))
        .col_expr(row::Column::Version, Expr::value(i64::from(budget.version)))
        .filter(row::Column::Id.eq(budget.id.uuid()))
        .filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .exec(tx.connection())
        .await?;
    account::Entity::update_many()
        .col_expr(account::Column::ExceededAt, Expr::value(None::<DateTime<Utc>>))
        .filter(account::Column::BudgetId.eq(budget.id.uuid()))
        .filter(account::Column::ExceededAt.is_not_null())
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// With its accounts, before their leases, as [`super::ledger`] locks them.
pub async fn delete_budget(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    id: BudgetId,
) -> Result<()> {
    account::Entity::delete_many()
        .filter(account::Column::BudgetId.eq(id.uuid()))
        .exec(tx.connection())
        .await?;
    row::Entity::delete_many()
        .filter(row::Column::Id.eq(id.uuid()))
        .filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// What was used in these periods of budgets; one that has no account has used nothing.
pub async fn list_use(
    source: &impl Source,
    periods: &[(BudgetId, DateTime<Utc>)],
) -> Result<HashMap<BudgetId, BudgetUse>> {
    let of = |(budget, period): &(BudgetId, DateTime<Utc>)| {
        Condition::all()
            .add(account::Column::BudgetId.eq(budget.uuid()))
            .add(account::Column::PeriodStart.eq(*period))
    };
    let which = periods.iter().map(of).fold(Condition::any(), Condition::add);
    if periods.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = account::Entity::rows().filter(which).all(source.connection()).await?;
    let used = |row: account::Model| BudgetUse {
        reserved: Amount::from_billionths(row.leased),
        spent: Amount::from_billionths(row.spent),
        exceeded_at: row.exceeded_at,
    };
    Ok(rows.into_iter().map(|row| (BudgetId::from_uuid(row.budget_id), used(row))).collect())
}

fn stored(scope: BudgetScope, workspace: WorkspaceId) -> (&'static str, Uuid) {
    match scope {
        BudgetScope::Workspace => ("WORKSPACE", workspace.uuid()),
        BudgetScope::User(id) => ("USER", id.uuid()),
        BudgetScope::ServiceAccount(id) => ("SERVICE_ACCOUNT", id.uuid()),
        BudgetScope::Workflow(id) => ("WORKFLOW", id.uuid()),
        BudgetScope::ApiKey(id) => ("API_KEY", id.uuid()),
    }
}

fn from_row(row: row::Model) -> Result<Budget> {
    let scope = match row.scope_kind.as_str() {
        "WORKSPACE" => BudgetScope::Workspace,
        "USER" => BudgetScope::User(UserId::from_uuid(row.scope_id)),
        "SERVICE_ACCOUNT" => BudgetScope::ServiceAccount(ServiceAccountId::from_uuid(row.scope_id)),
        "WORKFLOW" => BudgetScope::Workflow(WorkflowId::from_uuid(row.scope_id)),
        "API_KEY" => BudgetScope::ApiKey(ApiKeyId::from_uuid(row.scope_id)),
        other => return Err(Error::internal(format!("unknown scope of a budget: {other}"))),
    };
    Ok(Budget {
        id: BudgetId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        scope,
        period: UsagePeriod::from_name(&row.period)?,
        limit: Cost { amount: Amount::from_billionths(row.limit), currency: row.currency },
        action: BudgetAction::from_name(&row.action)?,
        downgrade_route: row.downgrade_route,
        version: i32::try_from(row.version).map_err(Error::internal)?,
        created_at: row.created_at,
    })
}
