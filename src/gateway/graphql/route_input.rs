use super::route::{RouteOrder, StreamFailure};
use crate::{config, graphql_kit::Duration};
use async_graphql::InputObject;

/// A route, all of it: what is left out is as a new route has it.
#[derive(InputObject, Debug)]
pub struct RouteSettingsInput {
    /// The targets, in their order: 1 to 16.
    targets: Vec<RouteTargetInput>,
    /// Which of them is tried first: ORDERED if left out.
    order: Option<RouteOrder>,
    /// Where a call goes that no target of its kind can take.
    fallbacks: Option<RouteFallbacksInput>,
    /// What happens when a provider fails in the middle of its answer: CONTINUE if left out.
    stream_failure: Option<StreamFailure>,
    /// How long is waited for what.
    timeouts: Option<RouteTimeoutsInput>,
    /// How often the targets are gone through.
    retry: Option<RouteRetryInput>,
    /// How long an answer may be that says nothing of it: 4096 if left out.
    max_output_tokens: Option<i32>,
    /// How long a complete answer stands for the same request, in whole seconds; null: not at all.
    cache_for: Option<Duration>,
    /// A second target is asked, too, when the first one has said nothing for so long; null: none is.
    hedge_after: Option<Duration>,
}

/// A model of a provider.
#[derive(InputObject, Debug)]
pub struct RouteTargetInput {
    /// The provider's name: see `Workspace.providers`.
    provider: String,
    /// The model's name there, at most 200 characters.
    model: String,
    /// Its share of the calls where the order is WEIGHTED: 1 if left out.
    weight: Option<i32>,
}

/// Where a call goes that no target of its kind can take.
#[derive(InputObject, Debug)]
pub struct RouteFallbacksInput {
    /// Where the texts are longer than the model's context.
    context_window: Option<Vec<RouteTargetInput>>,
    /// Where the provider's rules do not allow an answer.
    content_policy: Option<Vec<RouteTargetInput>>,
}

/// How long is waited for what, at most 10 minutes each.
#[derive(InputObject, Debug)]
pub struct RouteTimeoutsInput {
    /// From asking one target to its first word: 30 seconds if left out.
    first_token: Option<Duration>,
    /// Between two words: 15 seconds if left out.
    between_tokens: Option<Duration>,
    /// For the whole call, all targets together: 2 minutes if left out.
    total: Option<Duration>,
}

/// How often the targets are gone through, and how long is waited before a round.
#[derive(InputObject, Debug)]
pub struct RouteRetryInput {
    /// 1 to 5: each target once, and so on; 2 if left out.
    rounds: Option<i32>,
    /// Before the second round: 0.25 seconds if left out.
    initial: Option<Duration>,
    /// No wait is longer: 10 seconds if left out.
    max: Option<Duration>,
}

impl From<RouteTargetInput> for config::Target {
    fn from(input: RouteTargetInput) -> Self {
        let RouteTargetInput { provider, model, weight } = input;
        Self { provider, model, weight: natural(weight, 1) }
    }
}

impl From<RouteSettingsInput> for config::Route {
    /// Numbers below nothing become 0, which the check refuses with the bounds.
    fn from(input: RouteSettingsInput) -> Self {
        let list = |targets: Vec<RouteTargetInput>| targets.into_iter().map(config::Target::from).collect();
        let mut route = Self { targets: list(input.targets), ..Self::to("", "") };
        route.order = input.order.map_or(route.order, config::Order::from);
        route.stream_failure = input.stream_failure.map_or(route.stream_failure, config::StreamFailure::from);
        route.max_output_tokens = natural(input.max_output_tokens, route.max_output_tokens);
        route.cache_seconds = input.cache_for.map(|it| u32::try_from(it.0.num_seconds()).unwrap_or(0));
        route.hedge_milliseconds = input.hedge_after.map(|it| in_milliseconds(Some(it), 0));
        if let Some(fallbacks) = input.fallbacks {
            route.fallbacks = config::Fallbacks {
                context_window: list(fallbacks.context_window.unwrap_or_default()),
                content_policy: list(fallbacks.content_policy.unwrap_or_default()),
            };
        }
        let (timeouts, retry) = (&mut route.timeouts, &mut route.retry);
        if let Some(given) = input.timeouts {
            *timeouts = config::Timeouts {
                first_token_milliseconds: in_milliseconds(
                    given.first_token,
                    timeouts.first_token_milliseconds,
                ),
                between_tokens_milliseconds: in_milliseconds(
                    given.between_tokens,
                    timeouts.between_tokens_milliseconds,
                ),
                total_milliseconds: in_milliseconds(given.total, timeouts.total_milliseconds),
            };
        }
        if let Some(given) = input.retry {
            *retry = config::Retry {
                rounds: natural(given.rounds, retry.rounds),
                initial_milliseconds: in_milliseconds(given.initial, retry.initial_milliseconds),
                max_milliseconds: in_milliseconds(given.max, retry.max_milliseconds),
            };
        }
        route
    }
}

fn natural(given: Option<i32>, otherwise: u32) -> u32 {
    given.map_or(otherwise, |given| u32::try_from(given).unwrap_or(0))
}

fn in_milliseconds(given: Option<Duration>, otherwise: u64) -> u64 {
    given.map_or(otherwise, |given| u64::try_from(given.0.num_milliseconds()).unwrap_or(0))
}
