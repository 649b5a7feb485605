//! Budgets, as those who administer a workspace set them.
use super::Gateway;
use crate::{
    account::AuditAction,
    db,
    gateway::{
        UsagePeriod,
        budget::{Budget, BudgetScope, BudgetUse, NewBudget},
        policy,
        store::budget as store,
    },
    shared::{
        Edited, Error, Page, PageRequest, Problem, ProblemCode, Result,
        actor::{Actor, Administer, Principal},
        amount::Amount,
        edit,
        id::{AnyId, BudgetId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::HashMap;

/// A call is held against all budgets of its workspace.
const MAX_BUDGETS: usize = 100;

impl Gateway {
    /// Sets what a scope may spend in a period: a new budget, or a change of the one that there is.
    pub async fn set_budget(&self, actor: &Actor, new: NewBudget) -> Result<Edited<Budget>> {
        let outcome = match self.set_budget_once(actor, &new).await {
            // Another call was faster: its budget is there now.
            Err(error) if db::is_unique_violation(&error) => self.set_budget_once(actor, &new).await,
            outcome => outcome,
        };
        self.ledger.changed(new.workspace);
        outcome
    }

    async fn set_budget_once(&self, actor: &Actor, new: &NewBudget) -> Result<Edited<Budget>> {
        let grant = actor.may::<policy::SetBudget>(new.workspace)?;
        let held = self.held(new.workspace).await?;
        let routes = self.routes.keys().chain(held.routes.keys()).map(String::as_str);
        new.check(&self.currencies(), routes)?;
        self.check_scope(actor, new).await?;
        let mut tx = self.events.begin().await?;
        let old = store::find_budget_to_change(&tx, &grant, new.scope, new.period).await?;
        let (action, budget) = match old {
            Some(old) => {
                if edit::is_stale(new.expected_version, old.version) {
                    return Ok(Edited::Stale { version: old.version, current: old });
                }
                if new.is(&old) {
                    return Ok(Edited::Done(old));
                }
                if new.limit.currency != old.limit.currency {
                    let message = format!(
                        "this budget counts in {}: remove it, and set another one",
                        old.limit.currency
                    );
                    return Err(Error::invalid("limit.currency", message));
                }
                let budget = self.budget(new, old.id, old.version + 1, old.created_at);
                store::update_budget(&tx, &grant, &budget).await?;
                (AuditAction::BudgetChanged, budget)
            }
            None => {
                if new.expected_version.is_some() {
                    return Err(Error::conflict(
                        "expectedVersion",
                        "there is no such budget any more: leave this out to set one",
                    ));
                }
                if store::list_all(&tx, new.workspace).await?.len() >= MAX_BUDGETS {
                    let message =
                        format!("{MAX_BUDGETS} budgets are set, the most there can be: remove one first");
                    let problem = Problem::new(ProblemCode::LimitReached, "scope", message);
                    return Err(Error::Refused(vec![problem]));
                }
                let budget = self.budget(new, self.ambient.ids.next(), 1, self.ambient.now());
                store::insert_budget(&tx, &grant, &budget).await?;
                (AuditAction::BudgetSet, budget)
            }
        };
        let (by, subject) = (Some(actor.principal()), AnyId::Budget(budget.id));
        self.account.audit(&mut tx, by, Some(budget.workspace), action, subject, told(&budget)).await?;
        tx.commit().await?;
        Ok(Edited::Done(budget))
    }

    fn budget(&self, new: &NewBudget, id: BudgetId, version: i32, created_at: DateTime<Utc>) -> Budget {
        Budget {
            id,
            workspace: new.workspace,
            scope: new.scope,
            period: new.period,
            limit: new.limit.clone(),
            action: new.action,
            downgrade_route: new.downgrade_route.clone(),
            version,
            created_at,
        }
    }

    /// Those in which something costs something.
    fn currencies(&self) -> Vec<&str> {
        let dear = self.prices.values().filter(|price| price.input.max(price.output) > Amount::ZERO);
        let mut currencies: Vec<_> = dear.map(|price| price.currency.as_str()).collect();
        currencies.sort_unstable();
        currencies.dedup();
        currencies
    }

    /// Whose budget it is has to be of this workspace.
    async fn check_scope(&self, actor: &Actor, new: &NewBudget) -> Result<()> {
        let is_member = async |principal| {
            Ok::<_, Error>(self.account.actor_for(principal).await?.role(new.workspace).is_some())
        };
        let (path, there) = match new.scope {
            BudgetScope::Workspace => return Ok(()),
            BudgetScope::User(id) => ("scope.userId", is_member(Principal::User(id)).await?),
            BudgetScope::ServiceAccount(id) => {
                ("scope.serviceAccountId", is_member(Principal::Service(id)).await?)
            }
            BudgetScope::Workflow(id) => {
                ("scope.workflowId", self.workflows.is_there(actor, new.workspace, id).await?)
            }
            BudgetScope::ApiKey(id) => {
                let found = self.account.find_api_keys(actor, &[id]).await?;
                let opens = |of: Option<WorkspaceId>| of.is_none_or(|of| of == new.workspace);
                ("scope.apiKeyId", found.get(&id).is_some_and(|key| opens(key.workspace)))
            }
        };
        if there { Ok(()) } else { Err(Error::invalid(path, "there is none of this id in this workspace")) }
    }

    /// Ends a budget, with what was counted for it.
    pub async fn remove_budget(&self, actor: &Actor, id: BudgetId) -> Result<BudgetId> {
        let mut tx = self.events.begin().await?;
        let scope = actor.scope::<policy::RemoveBudget>();
        let found = store::find_budget_to_remove(&tx, &scope, id).await?;
        let (budget, grant) = found.ok_or(Error::NotFound("budget"))?;
        store::delete_budget(&tx, &grant?, id).await?;
        let (by, subject) = (Some(actor.principal()), AnyId::Budget(id));
        let action = AuditAction::BudgetRemoved;
        self.account.audit(&mut tx, by, Some(budget.workspace), action, subject, told(&budget)).await?;
        tx.commit().await?;
        self.ledger.changed(budget.workspace);
        Ok(id)
    }

    /// In the order in which they were set.
    pub async fn list_budgets(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        request: &PageRequest,
    ) -> Result<Page<Budget>> {
        store::list_budgets(&self.db, &actor.may::<Administer>(workspace)?, request).await
    }

    /// For those who administer its workspace; to others it does not exist.
    pub async fn find_budgets(&self, actor: &Actor, ids: &[BudgetId]) -> Result<HashMap<BudgetId, Budget>> {
        store::find_budgets(&self.db, &actor.scope::<Administer>(), ids).await
    }

    /// What these have used in the periods of now.
    pub async fn budget_use(
        &self,
        budgets: &[(BudgetId, UsagePeriod)],
    ) -> Result<HashMap<BudgetId, BudgetUse>> {
        let now = self.ambient.now();
        let periods: Vec<_> = budgets.iter().map(|(id, period)| (*id, period.began(now))).collect();
        store::list_use(&self.db, &periods).await
    }
}

fn told(budget: &Budget) -> Value {
    json!({
        "period": budget.period.name(),
        "limit": budget.limit.amount,
        "currency": budget.limit.currency,
        "action": budget.action.name(),
    })
}
