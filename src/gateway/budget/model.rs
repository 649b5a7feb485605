use crate::{
    gateway::{UsagePeriod, price::Cost},
    shared::{
        Problems, Result,
        actor::Principal,
        amount::Amount,
        id::{ApiKeyId, BudgetId, ServiceAccountId, UserId, WorkflowId, WorkspaceId},
        stored,
    },
};
use chrono::{DateTime, Utc};

/// A billion of a currency's unit: sums of them are far from what an amount holds.
const MAX_LIMIT: Amount = Amount::from_billionths(1_000_000_000_000_000_000);

stored! {
    /// What becomes of a call that does not fit into a budget any more.
    BudgetAction {
        /// It is refused.
        Block = "BLOCK",
        /// It passes, and somebody is told.
        Warn = "WARN",
        /// It goes along a cheaper route.
        Downgrade = "DOWNGRADE",
    }
}

/// Whose calls a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BudgetScope {
    /// All of the workspace.
    Workspace,
    /// Those that a person makes, also by coaching and by runs that they started.
    User(UserId),
    ServiceAccount(ServiceAccountId),
    /// Those of a workflow's runs.
    Workflow(WorkflowId),
    /// Those made with a key, also by turns and runs that were begun with it.
    ApiKey(ApiKeyId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    pub id: BudgetId,
    pub workspace: WorkspaceId,
    pub scope: BudgetScope,
    pub period: UsagePeriod,
    pub limit: Cost,
    pub action: BudgetAction,
    /// Where calls go that do not fit, if the action is DOWNGRADE.
    pub downgrade_route: Option<String>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
}

/// What a budget has used in its present period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetUse {
    /// In the open blocks of servers.
    pub reserved: Amount,
    pub spent: Amount,
    /// When a call first did not fit in.
    pub exceeded_at: Option<DateTime<Utc>>,
}

/// A budget as it is to be.
#[derive(Clone, Debug)]
pub struct NewBudget {
    pub workspace: WorkspaceId,
    pub scope: BudgetScope,
    pub period: UsagePeriod,
    pub limit: Cost,
    pub action: BudgetAction,
    pub downgrade_route: Option<String>,
    pub expected_version: Option<i32>,
}

/// By whom and for what a call is made.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    pub workspace: WorkspaceId,
    pub principal: Principal,
    pub key: Option<ApiKeyId>,
    pub workflow: Option<WorkflowId>,
}

impl BudgetScope {
    pub fn covers(self, caller: &Caller) -> bool {
        match self {
            Self::Workspace => true,
            Self::User(id) => caller.principal == Principal::User(id),
            Self::ServiceAccount(id) => caller.principal == Principal::Service(id),
            Self::Workflow(id) => caller.workflow == Some(id),
            Self::ApiKey(id) => caller.key == Some(id),
        }
    }
}

impl NewBudget {
    /// `currencies`: those of the prices; where there are none, any will do. `routes`: those that there are.
    pub fn check<'a>(
        &self,
        currencies: &[&str],
        routes: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<()> {
        let mut problems = Problems::default();
        let amount = self.limit.amount;
        if amount == Amount::ZERO {
            problems.invalid("limit.amount", "a budget of nothing lets nothing pass: give more than 0");
        } else if amount > MAX_LIMIT {
            problems.invalid("limit.amount", format!("at most {MAX_LIMIT} is possible"));
        }
        let currency = self.limit.currency.as_str();
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            problems.invalid("limit.currency", "three letters by ISO 4217, such as USD");
        } else if !currencies.is_empty() && !currencies.contains(&currency) {
            let message = format!("this server's prices are in {}: use that", currencies.join(" and "));
            problems.invalid("limit.currency", message);
        }
        match (self.action, self.downgrade_route.as_deref()) {
            (BudgetAction::Downgrade, Some(route)) => {
                if !routes.clone().any(|known| known == route) {
                    let names: Vec<_> = routes.collect();
                    let message = format!("there is no such route: {} is possible", names.join(", "));
                    problems.invalid("downgradeRoute", message);
                }
            }
            (_, Some(_)) => problems.invalid("downgradeRoute", "only where the action is DOWNGRADE"),
            (_, None) => {}
        }
        problems.finish()
    }

    /// Whether the budget is so already.
    pub fn is(&self, budget: &Budget) -> bool {
        (&self.limit, self.action, &self.downgrade_route)
            == (&budget.limit, budget.action, &budget.downgrade_route)
    }
}
