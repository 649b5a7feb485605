use super::{explain::RouteExplanation, provider::Provider, route_input::RouteSettingsInput};
use crate::{
    config,
    gateway::{Gateway, NamedRoute, NewRoute, policy},
    graphql_kit::{
        ApiError, Connection, ContextExt, Duration, Shown, UserError, connection, edited, page_request,
    },
    shared::id::{RouteId, WorkspaceId},
};
use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use chrono::TimeDelta;

#[derive(Clone, Debug)]
pub struct Route(pub(super) NamedRoute);

/// Where calls of models go that name it: which targets are tried, in which order, and what follows a failure.
#[Object]
impl Route {
    /// Stable for ever: of this name in this workspace.
    pub async fn id(&self) -> RouteId {
        self.0.id
    }

    /// By which calls name it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The targets, in their order.
    async fn targets(&self) -> Vec<RouteTarget> {
        targets(&self.0.route.targets)
    }

    /// Which of them is tried first.
    async fn order(&self) -> RouteOrder {
        self.0.route.order.into()
    }

    /// Where a call goes that no target of its kind can take.
    async fn fallbacks(&self) -> RouteFallbacks {
        let fallbacks = &self.0.route.fallbacks;
        RouteFallbacks {
            context_window: targets(&fallbacks.context_window),
            content_policy: targets(&fallbacks.content_policy),
        }
    }

    /// What happens when a provider fails in the middle of its answer.
    async fn stream_failure(&self) -> StreamFailure {
        self.0.route.stream_failure.into()
    }

    /// How long is waited for what.
    async fn timeouts(&self) -> RouteTimeouts {
        let timeouts = self.0.route.timeouts;
        RouteTimeouts {
            first_token: milliseconds(timeouts.first_token_milliseconds),
            between_tokens: milliseconds(timeouts.between_tokens_milliseconds),
            total: milliseconds(timeouts.total_milliseconds),
        }
    }

    /// How often the targets are gone through.
    async fn retry(&self) -> RouteRetry {
        let retry = self.0.route.retry;
        RouteRetry {
            rounds: int(retry.rounds),
            initial: milliseconds(retry.initial_milliseconds),
            max: milliseconds(retry.max_milliseconds),
        }
    }

    /// How long an answer may be that says nothing of it.
    async fn max_output_tokens(&self) -> i32 {
        int(self.0.route.max_output_tokens)
    }

    /// How long a complete answer stands for the same request; null where none does.
    async fn cache_for(&self) -> Option<Duration> {
        self.0.route.cache_seconds.map(|seconds| Duration(TimeDelta::seconds(seconds.into())))
    }

    /// A second target is asked, too, when the first one has said nothing for so long; null where none is.
    async fn hedge_after(&self) -> Option<Duration> {
        self.0.route.hedge_milliseconds.map(milliseconds)
    }

    /// Greater with each change: name it as `expectedVersion`. 0 where the route is the server's own.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// It comes with the server; false where the workspace set it.
    async fn is_configured(&self) -> bool {
        self.0.is_configured
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<RouteViewerCan, ApiError> {
        let actor = ctx.actor()?;
        Ok(RouteViewerCan { remove_route: actor.may::<policy::RemoveRoute>(self.0.workspace).is_ok() })
    }
}

/// What the caller may do with a route: true where the mutation of that name is not refused with FORBIDDEN.
#[derive(SimpleObject, Debug)]
pub struct RouteViewerCan {
    /// Remove it, where the workspace set it.
    remove_route: bool,
}

/// A model of a provider.
#[derive(SimpleObject, Clone, Debug)]
pub struct RouteTarget {
    /// The provider's name.
    provider: String,
    /// The model's name there.
    model: String,
    /// Its share of the calls where the order is WEIGHTED, beside the others' weights.
    weight: i32,
}

impl From<&config::Target> for RouteTarget {
    fn from(target: &config::Target) -> Self {
        let config::Target { provider, model, weight } = target;
        Self { provider: provider.clone(), model: model.clone(), weight: int(*weight) }
    }
}

fn targets(targets: &[config::Target]) -> Vec<RouteTarget> {
    targets.iter().map(RouteTarget::from).collect()
}

/// Which target is tried first.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "config::Order")]
pub enum RouteOrder {
    /// The first in the list; the others stand in for it.
    Ordered,
    /// One by chance, by the weights; then the others, by theirs.
    Weighted,
}

/// What happens when a provider fails in the middle of its answer.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "config::StreamFailure")]
pub enum StreamFailure {
    /// The next target goes on where it stopped.
    Continue,
    /// The answer ends, with a reason.
    Terminate,
}

/// Where a call goes that no target of its kind can take.
#[derive(SimpleObject, Debug)]
pub struct RouteFallbacks {
    /// The texts are longer than the model's context.
    context_window: Vec<RouteTarget>,
    /// The provider's rules do not allow an answer.
    content_policy: Vec<RouteTarget>,
}

/// How long is waited for what.
#[derive(SimpleObject, Debug)]
pub struct RouteTimeouts {
    /// From asking one target to its first word.
    first_token: Duration,
    /// Between two words.
    between_tokens: Duration,
    /// For the whole call, all targets together.
    total: Duration,
}

/// How often the targets are gone through, and how long is waited before a round.
#[derive(SimpleObject, Debug)]
pub struct RouteRetry {
    /// 1: each target once.
    rounds: i32,
    /// Before the second round: by chance between nothing and this, doubled for each further round.
    initial: Duration,
    /// No wait is longer.
    max: Duration,
}

fn milliseconds(milliseconds: u64) -> Duration {
    Duration(TimeDelta::milliseconds(i64::try_from(milliseconds).unwrap_or(i64::MAX)))
}

fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The part of `Workspace` that tells where calls go.
#[derive(Clone, Copy, Debug)]
pub struct WorkspaceRoutes {
    pub workspace: WorkspaceId,
}

#[Object]
impl WorkspaceRoutes {
    /// The routes that calls can name, by their names: the server's own, and those that the workspace set in their place
    /// or beside them.
    async fn routes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Route>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let page = ctx.service::<Gateway>()?.list_routes(ctx.actor()?, self.workspace, &request).await?;
        Ok(connection(self.workspace, page, Route))
    }

    /// The providers of models that routes can name, and how they are.
    async fn providers(&self, ctx: &Context<'_>) -> Result<Vec<Provider>, ApiError> {
        let found = ctx.service::<Gateway>()?.list_providers(ctx.actor()?, self.workspace).await?;
        Ok(found.into_iter().map(Into::into).collect())
    }
}

#[derive(Default, Debug)]
pub struct RouteQuery;

#[Object]
impl RouteQuery {
    /// Where a call along a route would go now, and why. Nothing is called. It tells of the process that answers: each
    /// has circuits and counts of its own.
    async fn explain_route(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The workspace whose route it is.")] workspace_id: WorkspaceId,
        #[graphql(desc = "The route's name.", default = "default")] route: String,
        #[graphql(desc = "As if the route were this: to try one before it is set.")] settings: Option<
            RouteSettingsInput,
        >,
    ) -> Result<RouteExplanation, ApiError> {
        let instead = settings.map(config::Route::from);
        let gateway = ctx.service::<Gateway>()?;
        let found = gateway.explain_route(ctx.actor()?, workspace_id, &route, instead).await?;
        Ok(RouteExplanation::of(route, &found))
    }
}

/// Changes of routes.
#[derive(Default, Debug)]
pub struct RouteMutation;

#[Object]
impl RouteMutation {
    /// Sets the route of a name for the workspace: a new one, or in the place of the one that was there, the server's own
    /// included. Takes an ADMIN. The next call uses it; on other servers it does after five seconds at the latest.
    async fn set_route(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The route.")] input: SetRouteInput,
    ) -> Result<SetRoutePayload, ApiError> {
        let new = NewRoute {
            workspace: input.workspace_id,
            name: input.name,
            expected_version: input.expected_version,
            route: input.settings.into(),
        };
        let outcome = ctx.service::<Gateway>()?.set_route(ctx.actor()?, new).await;
        let Shown { result, current, user_errors } = edited(outcome)?;
        Ok(SetRoutePayload { route: shown(result), current: shown(current), user_errors })
    }

    /// Removes a route that the workspace set. The server's own of its name holds again, where there is one. Takes an
    /// ADMIN.
    async fn remove_route(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which route.")] input: RemoveRouteInput,
    ) -> Result<RemoveRoutePayload, ApiError> {
        let gateway = ctx.service::<Gateway>()?;
        let outcome = gateway.remove_route(ctx.actor()?, input.route_id, input.expected_version).await;
        let Shown { result, current, user_errors } = edited(outcome)?;
        let removed_id = result.as_ref().map(|_| input.route_id);
        Ok(RemoveRoutePayload { removed_id, route: shown(result), current: shown(current), user_errors })
    }
}

fn shown(route: Option<Option<NamedRoute>>) -> Option<Route> {
    route.flatten().map(Route)
}

/// A route to be set.
#[derive(InputObject, Debug)]
pub struct SetRouteInput {
    /// The workspace.
    workspace_id: WorkspaceId,
    /// By which calls name it: 1 to 64 of a–z, A–Z, 0–9, -, _ and .
    name: String,
    /// All of the route.
    settings: RouteSettingsInput,
    /// The `version` that the change was made from: it is refused with CONFLICT where that is not the version any more;
    /// 0 for a route that the workspace has not set. Whatever the version, if left out.
    expected_version: Option<i32>,
}

/// What came of `setRoute`.
#[derive(SimpleObject, Debug)]
pub struct SetRoutePayload {
    /// The route as it is now; null where `userErrors` says why not.
    route: Option<Route>,
    /// The route as somebody else set it meanwhile, where that was in the way.
    current: Option<Route>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// A route to be removed.
#[derive(InputObject, Debug)]
pub struct RemoveRouteInput {
    /// The route.
    route_id: RouteId,
    /// The `version` that was to be removed: refused with CONFLICT where that is not the version any more. Whatever the
    /// version, if left out.
    expected_version: Option<i32>,
}

/// What came of `removeRoute`.
#[derive(SimpleObject, Debug)]
pub struct RemoveRoutePayload {
    /// The route that is removed; null where `userErrors` says why not.
    removed_id: Option<RouteId>,
    /// The server's own of its name, where it holds again.
    route: Option<Route>,
    /// The route as somebody else set it meanwhile, where that was in the way.
    current: Option<Route>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
