use super::{provider::CircuitState, route::RouteTarget};
use crate::{
    gateway::route::{Explained, Explanation, Skipped},
    graphql_kit::Duration,
};
use async_graphql::{Enum, SimpleObject};
use chrono::TimeDelta;

/// Where a call along a route would go now, and why.
#[derive(SimpleObject, Debug)]
pub struct RouteExplanation {
    /// The route's name.
    route: String,
    /// Where a call would go first; null where chance decides between several, and where none is free.
    chosen: Option<RouteTarget>,
    /// The route's targets.
    targets: Vec<ExplainedTarget>,
    /// Where a call would go on whose texts are longer than a target's context.
    context_window: Vec<ExplainedTarget>,
    /// Where a call would go on that a target's rules do not allow.
    content_policy: Vec<ExplainedTarget>,
}

/// A target, and how it stands in the process that answers.
#[derive(SimpleObject, Debug)]
pub struct ExplainedTarget {
    /// The target.
    target: RouteTarget,
    /// How likely a call goes to it first, of 1.
    share: f64,
    /// Whether calls pass to it.
    circuit: CircuitState,
    /// Calls of the workspace that are on their way to it.
    running: i32,
    /// Calls that it takes at once; null where that has no bound.
    max_concurrent: Option<i32>,
    /// Why it would not be asked; null where it would.
    skipped: Option<SkipReason>,
    /// How long it would not be asked, where that is known.
    skipped_for: Option<Duration>,
}

/// Why a target would not be asked.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum SkipReason {
    /// The server has no provider of this name.
    NoProvider,
    /// It failed again and again, and is left alone for a while.
    CircuitOpen,
    /// One call is on its way to find out whether it works again.
    Probing,
    /// It asked to be left alone for a while.
    RateLimited,
    /// It takes no more calls at once: those that come go to the next target, or wait.
    Busy,
}

impl RouteExplanation {
    pub fn of(route: String, explanation: &Explanation) -> Self {
        let list = |targets: &[Explained]| targets.iter().map(ExplainedTarget::from).collect();
        Self {
            route,
            chosen: explanation.chosen().map(RouteTarget::from),
            targets: list(&explanation.targets),
            context_window: list(&explanation.context_window),
            content_policy: list(&explanation.content_policy),
        }
    }
}

impl From<&Explained> for ExplainedTarget {
    fn from(explained: &Explained) -> Self {
        let standing = explained.standing;
        let (skipped, wait) = match standing.skipped {
            None => (None, None),
            Some(Skipped::NoProvider) => (Some(SkipReason::NoProvider), None),
            Some(Skipped::CircuitOpen(wait)) => (Some(SkipReason::CircuitOpen), Some(wait)),
            Some(Skipped::Probing) => (Some(SkipReason::Probing), None),
            Some(Skipped::Asked(wait)) => (Some(SkipReason::RateLimited), Some(wait)),
            Some(Skipped::Busy) => (Some(SkipReason::Busy), None),
        };
        Self {
            target: RouteTarget::from(&explained.target),
            share: explained.share,
            circuit: standing.circuit.into(),
            running: i32::try_from(standing.running).unwrap_or(i32::MAX),
            max_concurrent: standing.max_concurrent.map(|max| i32::try_from(max).unwrap_or(i32::MAX)),
            skipped,
            skipped_for: wait.map(|wait| Duration(TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX))),
        }
    }
}
