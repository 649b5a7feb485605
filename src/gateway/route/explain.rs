//! Which target of a route would be chosen now, and why: a dry run. Pure.
use super::CircuitState;
use crate::config::{Order, Route, Target};
use std::time::Duration;

/// How a target stands in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub circuit: CircuitState,
    /// Calls on their way to it.
    pub running: u32,
    pub max_concurrent: Option<u32>,
    pub skipped: Option<Skipped>,
}

/// Why a target would not be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// No provider of this name is configured.
    NoProvider,
    /// It failed again and again, and is left alone for so long.
    CircuitOpen(Duration),
    /// One call is on its way to find out whether it works again.
    Probing,
    /// It asked to be left alone for so long.
    Asked(Duration),
    /// It takes no more calls at once.
    Busy,
}

/// A target of a list, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    pub target: Target,
    pub standing: Standing,
    /// How likely a call goes to it first, of 1.
    pub share: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    pub targets: Vec<Explained>,
    pub context_window: Vec<Explained>,
    pub content_policy: Vec<Explained>,
}

impl Explanation {
    pub fn of(route: &Route, look: impl Fn(&Target) -> Standing) -> Self {
        let list = |targets: &[Target], order| explain(targets, order, &look);
        Self {
            targets: list(&route.targets, route.order),
            context_window: list(&route.fallbacks.context_window, Order::Ordered),
            content_policy: list(&route.fallbacks.content_policy, Order::Ordered),
        }
    }

    /// The one to which a call would go; `None` where chance decides, or no target is free.
    pub fn chosen(&self) -> Option<&Target> {
        let mut possible = self.targets.iter().filter(|it| it.share > 0.0);
        let first = possible.next()?;
        possible.next().is_none().then_some(&first.target)
    }
}

fn explain(targets: &[Target], order: Order, look: impl Fn(&Target) -> Standing) -> Vec<Explained> {
    let standings: Vec<_> = targets.iter().map(|target| (target, look(target))).collect();
    let free = || standings.iter().filter(|(_, standing)| standing.skipped.is_none());
    // Targets are drawn by their weights, one after the other: of those that are free, the first one comes by theirs.
    let sum: f64 = free().map(|(target, _)| f64::from(target.weight)).sum();
    let mut first = true;
    let mut share = |target: &Target, standing: &Standing| {
        if standing.skipped.is_some() {
            return 0.0;
        }
        match order {
            Order::Weighted => f64::from(target.weight) / sum,
            Order::Ordered => f64::from(u8::from(std::mem::take(&mut first))),
        }
    };
    let explained = standings.iter().map(|(target, standing)| Explained {
        target: (*target).clone(),
        standing: *standing,
        share: share(target, standing),
    });
    explained.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::route::{Journey, Next};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn standing(free: bool) -> Standing {
        Standing {
            circuit: CircuitState::Closed,
            running: 0,
            max_concurrent: None,
            skipped: (!free).then_some(Skipped::Busy),
        }
    }

    fn route(weights: &[u32], order: Order) -> Route {
        let target = |(place, weight): (usize, &u32)| Target {
            model: format!("m{place}"),
            weight: *weight,
            ..Route::to("p", "").targets[0].clone()
        };
        Route { targets: weights.iter().enumerate().map(target).collect(), order, ..Route::to("p", "m") }
    }

    #[test]
    fn shares_are_the_weights_of_those_that_are_free() {
        let explained = Explanation::of(&route(&[1, 2, 3], Order::Weighted), |it| standing(it.weight != 2));
        let shares: Vec<_> = explained.targets.iter().map(|it| it.share).collect();
        assert_eq!(shares, [0.25, 0.0, 0.75]);
        assert_eq!(explained.chosen(), None, "chance decides");
        let one = Explanation::of(&route(&[1, 2, 3], Order::Weighted), |it| standing(it.weight == 3));
        assert_eq!(one.chosen().unwrap().model, "m2");
    }

    proptest! {
        /// What is told is where a call goes.
        #[test]
        fn a_call_goes_where_it_is_told(
            targets in prop::collection::vec((1u32..5, any::<bool>()), 1..6),
            weighted: bool,
            chance: u64,
        ) {
            let weights: Vec<_> = targets.iter().map(|(weight, _)| *weight).collect();
            let order = if weighted { Order::Weighted } else { Order::Ordered };
            let route = route(&weights, order);
            let free = |target: &Target| targets[target.model[1..].parse::<usize>().unwrap()].1;
            let explained = Explanation::of(&route, |target| standing(free(target)));
            let mut journey = Journey::new(Arc::new(route), |below| chance % below);
            let first = loop {
                match journey.next(|_| 0) {
                    Next::Try(target) if free(&target) => break Some(target),
                    Next::Try(target) => journey.busy(target),
                    _ => break None,
                }
            };
            let share = |target: &Target| {
                explained.targets.iter().find(|it| it.target == *target).map_or(0.0, |it| it.share)
            };
            match (&first, explained.chosen()) {
                (None, chosen) => prop_assert_eq!(chosen, None),
                (Some(first), Some(chosen)) => prop_assert_eq!(first, chosen),
                (Some(first), None) => prop_assert!(share(first) > 0.0),
            }
            let sum: f64 = explained.targets.iter().map(|it| it.share).sum();
            prop_assert!((sum - f64::from(u8::from(first.is_some()))).abs() < 1e-9);
        }
    }
}
