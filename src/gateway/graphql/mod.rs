//! What clients see of the gateway.
mod budget;
mod call;
mod content;
mod event;
mod explain;
mod guardrail;
mod guardrail_input;
mod provider;
mod route;
mod route_input;
mod usage;

pub use budget::{Budget as BudgetNode, BudgetMutation, WorkspaceBudgets};
pub use call::{LlmCall as LlmCallNode, WorkspaceCalls};
pub use content::ContentMutation;
pub use event::CallSubscription;
pub use guardrail::{GuardrailMutation, GuardrailQuery};
pub use route::{Route as RouteNode, RouteMutation, RouteQuery, WorkspaceRoutes};

use super::{BudgetUse, Gateway, GuardrailPolicy, UsagePeriod};
use crate::{
    graphql_kit::{ApiError, ContextExt, Loaded, Loader, OfRequest},
    shared::{
        actor::Actor,
        id::{BudgetId, LlmCallId, RouteId, WorkspaceId},
    },
};
use async_graphql::Context;
use call::LlmCall;
use content::LlmCallContent;
use route::Route;
use std::collections::HashMap;

/// Loads calls, routes and budgets by id, as far as the actor may see them.
#[derive(Clone, Debug)]
pub struct CallLoader {
    gateway: Gateway,
    actor: Actor,
}

impl OfRequest for CallLoader {
    fn of(ctx: &Context<'_>) -> Result<Self, ApiError> {
        Ok(Self { actor: ctx.actor()?.clone(), gateway: ctx.service::<Gateway>()?.clone() })
    }
}

impl Loader<LlmCallId> for CallLoader {
    type Value = LlmCall;

    async fn load(&self, ids: &[LlmCallId]) -> Loaded<HashMap<LlmCallId, LlmCall>> {
        let found = self.gateway.find_calls(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, call)| (id, LlmCall(call))).collect())
    }
}

/// The contents of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ContentOf(pub LlmCallId);

impl Loader<ContentOf> for CallLoader {
    type Value = LlmCallContent;

    async fn load(&self, calls: &[ContentOf]) -> Loaded<HashMap<ContentOf, LlmCallContent>> {
        let ids: Vec<_> = calls.iter().map(|ContentOf(id)| *id).collect();
        let found = self.gateway.find_contents(&self.actor, &ids).await?;
        Ok(found.into_iter().map(|(id, content)| (ContentOf(id), content.into())).collect())
    }
}

impl Loader<RouteId> for CallLoader {
    type Value = Route;

    async fn load(&self, ids: &[RouteId]) -> Loaded<HashMap<RouteId, Route>> {
        let found = self.gateway.find_routes(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, route)| (id, Route(route))).collect())
    }
}

impl Loader<BudgetId> for CallLoader {
    type Value = BudgetNode;

    async fn load(&self, ids: &[BudgetId]) -> Loaded<HashMap<BudgetId, BudgetNode>> {
        let found = self.gateway.find_budgets(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, budget)| (id, budget::Budget(budget))).collect())
    }
}

/// What a budget that is shown has used.
impl Loader<(BudgetId, UsagePeriod)> for CallLoader {
    type Value = BudgetUse;

    async fn load(
        &self,
        keys: &[(BudgetId, UsagePeriod)],
    ) -> Loaded<HashMap<(BudgetId, UsagePeriod), BudgetUse>> {
        let used = self.gateway.budget_use(keys).await?;
        Ok(keys.iter().filter_map(|key| Some((*key, used.get(&key.0)?.clone()))).collect())
    }
}

/// Policies of workspaces that the actor administers.
impl Loader<WorkspaceId> for CallLoader {
    type Value = Vec<GuardrailPolicy>;

    async fn load(&self, ids: &[WorkspaceId]) -> Loaded<HashMap<WorkspaceId, Self::Value>> {
        Ok(self.gateway.find_guardrail_policies(&self.actor, ids).await?)
    }
}
