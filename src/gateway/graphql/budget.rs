use super::{
    CallLoader,
    usage::{Money, UsagePeriod},
};
use crate::{
    gateway::{self, BudgetScope, BudgetUse, Cost, Gateway, NewBudget, policy},
    graphql_kit::{
        ApiError, Connection, ContextExt, DateTime, Decimal, Shown, UserError, connection, edited,
        page_request, payload,
    },
    shared::{
        actor::Actor,
        amount::Amount,
        id::{AnyId, ApiKeyId, BudgetId, ServiceAccountId, UserId, WorkflowId, WorkspaceId},
    },
};
use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject, SimpleObject};

/// What becomes of a call that does not fit into a budget any more.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "gateway::BudgetAction")]
pub enum BudgetAction {
    /// It is refused: BUDGET_EXCEEDED. Nothing is ever spent beyond the limit. A model whose price is not known is
    /// refused, too.
    Block,
    /// It passes. `exceededAt` and `changes` tell of the first one in a period.
    Warn,
    /// It goes along `downgradeRoute`, and is refused where there is none.
    Downgrade,
}

#[derive(Clone, Debug)]
pub struct Budget(pub(super) gateway::Budget);

impl Budget {
    async fn used(&self, ctx: &Context<'_>) -> Result<BudgetUse, ApiError> {
        Ok(ctx.load::<_, CallLoader>((self.0.id, self.0.period)).await?.unwrap_or_default())
    }

    fn money(&self, amount: Amount) -> Money {
        Cost { amount, currency: self.0.limit.currency.clone() }.into()
    }
}

/// What may be spent on calls of models in a day or a month, in UTC.
#[Object]
impl Budget {
    /// Stable for ever.
    pub async fn id(&self) -> BudgetId {
        self.0.id
    }

    /// Over what time it counts: each begins with nothing spent.
    async fn period(&self) -> UsagePeriod {
        self.0.period.into()
    }

    /// What may be spent in one period.
    async fn limit(&self) -> Money {
        self.0.limit.clone().into()
    }

    /// What servers hold for calls that are under way or come next. It goes back as far as it is not spent.
    async fn reserved(&self, ctx: &Context<'_>) -> Result<Money, ApiError> {
        Ok(self.money(self.used(ctx).await?.reserved))
    }

    /// What was spent in this period, as it was half a second ago.
    async fn spent(&self, ctx: &Context<'_>) -> Result<Money, ApiError> {
        Ok(self.money(self.used(ctx).await?.spent))
    }

    /// When a call first did not fit in; null where all did in this period, or since the budget was changed.
    async fn exceeded_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>, ApiError> {
        Ok(self.used(ctx).await?.exceeded_at.map(DateTime))
    }

    /// What becomes of a call that does not fit in.
    async fn action(&self) -> BudgetAction {
        self.0.action.into()
    }

    /// The route of calls that do not fit in, where the action is DOWNGRADE.
    async fn downgrade_route(&self) -> Option<&str> {
        self.0.downgrade_route.as_deref()
    }

    /// Whose calls it counts: a person, a service account, a workflow or an API key; null for all of the workspace.
    async fn scope_id(&self) -> Option<ID> {
        let id = match self.0.scope {
            BudgetScope::Workspace => return None,
            BudgetScope::User(id) => AnyId::User(id),
            BudgetScope::ServiceAccount(id) => AnyId::ServiceAccount(id),
            BudgetScope::Workflow(id) => AnyId::Workflow(id),
            BudgetScope::ApiKey(id) => AnyId::ApiKey(id),
        };
        Some(id.to_string().into())
    }

    /// From 1, one more with each change: name it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was first set.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<BudgetViewerCan, ApiError> {
        Ok(BudgetViewerCan::of(ctx.actor()?, self))
    }
}

/// What the caller may do with a budget: true where the mutation of that name is not refused with FORBIDDEN.
#[derive(SimpleObject, Debug)]
pub struct BudgetViewerCan {
    /// End it.
    remove_budget: bool,
}

impl BudgetViewerCan {
    fn of(actor: &Actor, budget: &Budget) -> Self {
        Self { remove_budget: actor.may::<policy::RemoveBudget>(budget.0.workspace).is_ok() }
    }
}

/// The part of `Workspace` that budgets give.
#[derive(Clone, Debug)]
pub struct WorkspaceBudgets {
    pub workspace: WorkspaceId,
}

#[Object]
impl WorkspaceBudgets {
    /// What may be spent on calls of models, in the order in which it was set. For those who administer the workspace.
    async fn budgets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Budget>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let page = ctx.service::<Gateway>()?.list_budgets(ctx.actor()?, self.workspace, &request).await?;
        Ok(connection(self.workspace, page, Budget))
    }
}

#[derive(Default, Debug)]
pub struct BudgetMutation;

#[Object]
impl BudgetMutation {
    /// Sets what may be spent on calls of models in a day or a month: a new budget, or a change of the one that there is
    /// for the same scope and period. The same again changes nothing. It holds at once in the server that is asked, and
    /// within two seconds in the others.
    async fn set_budget(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to set.")] input: SetBudgetInput,
    ) -> Result<SetBudgetPayload, ApiError> {
        let new = NewBudget {
            workspace: input.workspace_id,
            scope: input.scope.map_or(BudgetScope::Workspace, BudgetScope::from),
            period: input.period.into(),
            limit: Cost { amount: input.limit.amount.0, currency: input.limit.currency },
            action: input.action.into(),
            downgrade_route: input.downgrade_route,
            expected_version: input.expected_version,
        };
        let outcome = ctx.service::<Gateway>()?.set_budget(ctx.actor()?, new).await;
        let Shown { result, current, user_errors } = edited(outcome)?;
        Ok(SetBudgetPayload { budget: result.map(Budget), current: current.map(Budget), user_errors })
    }

    /// Ends a budget, with what was counted for it.
    async fn remove_budget(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to remove.")] input: RemoveBudgetInput,
    ) -> Result<RemoveBudgetPayload, ApiError> {
        let outcome = ctx.service::<Gateway>()?.remove_budget(ctx.actor()?, input.budget_id).await;
        let (removed_budget_id, user_errors) = payload(outcome)?;
        Ok(RemoveBudgetPayload { removed_budget_id, user_errors })
    }
}

/// An amount of money.
#[derive(InputObject, Debug)]
pub struct MoneyInput {
    /// How much, in the currency's unit.
    amount: Decimal,
    /// Three letters by ISO 4217.
    currency: String,
}

/// Whose calls a budget counts.
#[derive(OneofObject, Debug)]
#[expect(clippy::enum_variant_names, reason = "they are the input's fields, which name ids")]
pub enum BudgetScopeInput {
    /// A member's.
    UserId(UserId),
    /// A service account's.
    ServiceAccountId(ServiceAccountId),
    /// Those of a workflow's runs.
    WorkflowId(WorkflowId),
    /// Those made with an API key: one's own, or one for this workspace alone.
    ApiKeyId(ApiKeyId),
}

impl From<BudgetScopeInput> for BudgetScope {
    fn from(input: BudgetScopeInput) -> Self {
        match input {
            BudgetScopeInput::UserId(id) => Self::User(id),
            BudgetScopeInput::ServiceAccountId(id) => Self::ServiceAccount(id),
            BudgetScopeInput::WorkflowId(id) => Self::Workflow(id),
            BudgetScopeInput::ApiKeyId(id) => Self::ApiKey(id),
        }
    }
}

/// A budget as it is to be.
#[derive(InputObject, Debug)]
pub struct SetBudgetInput {
    /// The workspace whose calls it counts.
    workspace_id: WorkspaceId,
    /// Whose calls of the workspace; all where nothing is said.
    scope: Option<BudgetScopeInput>,
    /// Over what time.
    period: UsagePeriod,
    /// What may be spent: more than 0, in a currency of the server's prices. A budget keeps its currency.
    limit: MoneyInput,
    /// What becomes of a call that does not fit in any more.
    #[graphql(default_with = "BudgetAction::Block")]
    action: BudgetAction,
    /// With DOWNGRADE: the route of calls that do not fit in. Where nothing is said, they are refused.
    downgrade_route: Option<String>,
    /// The version that the change was made from; where another one is there by now, nothing is done.
    expected_version: Option<i32>,
}

/// What came of `setBudget`.
#[derive(SimpleObject, Debug)]
pub struct SetBudgetPayload {
    /// The budget; null where `userErrors` says why not.
    budget: Option<Budget>,
    /// What is there instead, where it was changed meanwhile.
    current: Option<Budget>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// Which budget to remove.
#[derive(InputObject, Debug)]
pub struct RemoveBudgetInput {
    /// The budget.
    budget_id: BudgetId,
}

/// What came of `removeBudget`.
#[derive(SimpleObject, Debug)]
pub struct RemoveBudgetPayload {
    /// What is gone; null where `userErrors` says why not.
    removed_budget_id: Option<BudgetId>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
