//! The way of one call through its route's targets.
use super::super::model::{Failure, FailureKind};
use crate::config::{Order, Route, Target};
use std::{sync::Arc, time::Duration};

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Try(Target),
    /// Then ask again.
    Wait(Duration),
    /// These take no more calls at once: wait until one of them does, tell by [`Journey::turn_back`], and try it.
    Busy(Vec<Target>),
    /// No target is left that could do better; what the last one failed with, or none was free to try.
    GiveUp(Failure),
}

/// Asked for what is next, and told how it went, until something succeeds or it gives up. It ends: each round tries
/// each target once at most, the rounds are counted, and each list of fallbacks is entered once.
#[derive(Clone, Debug)]
pub struct Journey {
    route: Arc<Route>,
    /// The targets that this call may still come to, in order.
    targets: Vec<Target>,
    /// The place of the next of them in this round.
    place: usize,
    round: u32,
    last: Failure,
    /// The least that a provider which failed in this round asked to wait.
    asked: Option<Duration>,
    /// Those of this round that took no more calls at once.
    busy: Vec<Target>,
    context_window: bool,
    content_policy: bool,
    ended: bool,
}

impl Journey {
    /// `draw` gives numbers by chance, below its argument.
    pub fn new(route: Arc<Route>, draw: impl FnMut(u64) -> u64) -> Self {
        let targets = match route.order {
            Order::Ordered => route.targets.clone(),
            Order::Weighted => shuffled(route.targets.clone(), draw),
        };
        Self {
            route,
            targets,
            place: 0,
            round: 1,
            last: FailureKind::Connect.plain(),
            asked: None,
            busy: vec![],
            context_window: false,
            content_policy: false,
            ended: false,
        }
    }

    pub fn next(&mut self, draw: impl FnOnce(u64) -> u64) -> Next {
        if self.ended || self.targets.is_empty() {
            return Next::GiveUp(self.last);
        }
        if let Some(target) = self.targets.get(self.place) {
            self.place += 1;
            return Next::Try(target.clone());
        }
        // Only full: better waited for than asked for less.
        if !self.busy.is_empty() {
            return Next::Busy(std::mem::take(&mut self.busy));
        }
        let retry = self.route.retry;
        if self.round >= retry.rounds {
            return Next::GiveUp(self.last);
        }
        let most =
            retry.initial_milliseconds.saturating_mul(1 << self.round.min(16)).min(retry.max_milliseconds);
        let wait = Duration::from_millis(draw(most + 1)).max(self.asked.take().unwrap_or_default());
        (self.round, self.place) = (self.round + 1, 0);
        Next::Wait(wait)
    }

    /// What the last target that was tried failed with; none was free to try where none was.
    pub fn last(&self) -> Failure {
        self.last
    }

    /// The target that was to be tried is not to be asked for so long.
    pub fn skipped(&mut self, wait: Duration) {
        if wait <= Duration::from_millis(self.route.retry.max_milliseconds) {
            self.asked = Some(self.asked.map_or(wait, |asked| asked.min(wait)));
        }
    }

    /// The target that was to be tried takes no more calls at once: the others go first.
    pub fn busy(&mut self, target: Target) {
        self.busy.push(target);
    }

    /// The target that would be tried next, if one is left in this round.
    pub fn peek(&self) -> Option<&Target> {
        self.targets.get(self.place).filter(|_| !self.ended)
    }

    /// This target is tried now, wherever it stands.
    pub fn turn_back(&mut self, target: &Target) {
        if let Some(place) = self.targets.iter().position(|it| it == target) {
            self.place = place + 1;
        }
    }

    /// The target that was tried last did not answer, or not to the end.
    pub fn failed(&mut self, failure: Failure) {
        let Failure { kind, retry_after } = failure;
        self.last = failure;
        let tried = self.place.checked_sub(1);
        match kind {
            FailureKind::ContextWindow if self.turn_to(FailureKind::ContextWindow) => {}
            FailureKind::ContentPolicy => self.ended = !self.turn_to(FailureKind::ContentPolicy),
            // All but the first come from no provider.
            FailureKind::TooLong
            | FailureKind::Budget
            | FailureKind::NoPrice
            | FailureKind::BudgetUnknown
            | FailureKind::Guardrail
            | FailureKind::Unchecked => self.ended = true,
            FailureKind::ContextWindow | FailureKind::Unauthorized | FailureKind::Rejected => {
                self.leave(tried)
            }
            FailureKind::Connect
            | FailureKind::Timeout
            | FailureKind::RateLimited
            | FailureKind::Provider
            | FailureKind::Malformed
            | FailureKind::CutOff => {
                let most = Duration::from_millis(self.route.retry.max_milliseconds);
                match retry_after {
                    Some(wait) if wait > most => self.leave(tried),
                    Some(wait) => self.asked = Some(self.asked.map_or(wait, |asked| asked.min(wait))),
                    None => {}
                }
            }
        }
    }

    /// Goes on with the fallbacks for this cause, once; false where there are none.
    fn turn_to(&mut self, cause: FailureKind) -> bool {
        let (fallbacks, turned) = match cause {
            FailureKind::ContextWindow => (&self.route.fallbacks.context_window, &mut self.context_window),
            _ => (&self.route.fallbacks.content_policy, &mut self.content_policy),
        };
        if fallbacks.is_empty() || *turned {
            return false;
        }
        *turned = true;
        (self.targets, self.place, self.asked) = (fallbacks.clone(), 0, None);
        self.busy.clear();
        true
    }

    /// Does not come back to the target at this place.
    fn leave(&mut self, place: Option<usize>) {
        if let Some(place) = place.filter(|place| *place < self.targets.len()) {
            self.targets.remove(place);
            self.place = place;
        }
    }
}

/// Each place is drawn by the weights of those that are left.
fn shuffled(mut left: Vec<Target>, mut draw: impl FnMut(u64) -> u64) -> Vec<Target> {
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let sum = left.iter().map(|target| u64::from(target.weight)).sum::<u64>().max(1);
        let mut at = draw(sum);
        let place = left.iter().position(|target| {
            let hit = at < u64::from(target.weight);
            at = at.saturating_sub(target.weight.into());
            hit
        });
        order.push(left.remove(place.unwrap_or_default()));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Fallbacks, Retry};
    use proptest::prelude::*;

    fn targets(models: &[&str]) -> Vec<Target> {
        models
            .iter()
            .map(|model| Target { provider: "p".into(), model: (*model).to_owned(), weight: 1 })
            .collect()
    }

    fn route(models: &[&str]) -> Route {
        Route { targets: targets(models), ..Route::to("p", "m") }
    }

    fn least(_: u64) -> u64 {
        0
    }

    fn tries(next: Next) -> String {
        match next {
            Next::Try(target) => target.model,
            other => format!("{other:?}"),
        }
    }

    /// What is tried, if it fails each time as told.
    fn way(route: Route, fails: impl Fn(&str) -> (FailureKind, Option<Duration>)) -> Vec<String> {
        let mut journey = Journey::new(Arc::new(route), least);
        let mut way = vec![];
        loop {
            match journey.next(least) {
                Next::Try(target) => {
                    let (kind, retry_after) = fails(&target.model);
                    journey.failed(Failure { kind, retry_after });
                    way.push(target.model);
                }
                Next::Wait(wait) => way.push(format!("{} ms", wait.as_millis())),
                Next::Busy(_) => unreachable!("nothing was said to be busy"),
                Next::GiveUp(failure) => {
                    way.push(format!("{:?}", failure.kind));
                    return way;
                }
            }
        }
    }

    #[test]
    fn targets_stand_in_for_each_other_then_all_are_tried_again() {
        let way = way(route(&["a", "b"]), |_| (FailureKind::Provider, None));
        assert_eq!(way, ["a", "b", "0 ms", "a", "b", "Provider"]);
    }

    #[test]
    fn a_provider_that_asks_to_wait_is_not_asked_before() {
        let asks = |seconds| Some(Duration::from_secs(seconds));
        let fails = |model: &str| match model {
            "a" => (FailureKind::RateLimited, asks(3)),
            _ => (FailureKind::RateLimited, asks(60)),
        };
        assert_eq!(
            way(route(&["a", "b"]), fails),
            ["a", "b", "3000 ms", "a", "RateLimited"],
            "b asks too much"
        );
    }

    #[test]
    fn what_is_busy_is_waited_for_when_the_others_were_tried() {
        let route = Route { retry: Retry { rounds: 1, ..Retry::default() }, ..route(&["a", "b"]) };
        let mut journey = Journey::new(Arc::new(route), least);
        let Next::Try(a) = journey.next(least) else { unreachable!() };
        journey.busy(a.clone());
        assert_eq!(tries(journey.next(least)), "b");
        journey.failed(FailureKind::Rejected.plain());
        assert_eq!(journey.next(least), Next::Busy(vec![a.clone()]));
        journey.turn_back(&a);
        journey.failed(FailureKind::Provider.plain());
        assert_eq!(journey.next(least), Next::GiveUp(FailureKind::Provider.plain()), "b does not come again");
    }

    #[test]
    fn what_no_repetition_mends_is_not_repeated() {
        let fails = |model: &str| match model {
            "a" => (FailureKind::Unauthorized, None),
            _ => (FailureKind::Rejected, None),
        };
        assert_eq!(way(route(&["a", "b"]), fails), ["a", "b", "Rejected"]);
        assert_eq!(way(route(&["a", "b"]), |_| (FailureKind::ContentPolicy, None)), ["a", "ContentPolicy"]);
    }

    #[test]
    fn each_cause_has_fallbacks_of_its_own() {
        let fallbacks = Fallbacks { context_window: targets(&["long"]), content_policy: targets(&["open"]) };
        let route = Route { fallbacks, ..route(&["a", "b"]) };
        let fails = |model: &str| match model {
            "a" => (FailureKind::ContextWindow, None),
            "long" => (FailureKind::ContentPolicy, None),
            _ => (FailureKind::Rejected, None),
        };
        assert_eq!(way(route, fails), ["a", "long", "open", "Rejected"]);
    }

    #[test]
    fn weights_are_shares() {
        let mut route = Route { order: Order::Weighted, ..route(&["a", "b"]) };
        route.targets[0].weight = 3;
        let route = Arc::new(route);
        let firsts = (0..4).map(|drawn| tries(Journey::new(route.clone(), |_| drawn).next(least)));
        assert_eq!(firsts.collect::<Vec<_>>(), ["a", "a", "a", "b"]);
    }

    fn kind() -> impl Strategy<Value = FailureKind> {
        prop::sample::select(vec![
            FailureKind::Connect,
            FailureKind::RateLimited,
            FailureKind::Unauthorized,
            FailureKind::ContextWindow,
            FailureKind::ContentPolicy,
            FailureKind::CutOff,
            FailureKind::TooLong,
        ])
    }

    proptest! {
        #[test]
        fn every_journey_ends(
            kinds in prop::collection::vec((kind(), prop::option::of(0u64..20_000), any::<bool>()), 64),
            sizes in (1usize..5, 0usize..4, 0usize..4),
            rounds in 1u32..5,
            weighted: bool,
            chance: u64,
        ) {
            let named = |name: &str, count: usize| {
                targets(&(0..count).map(|_| name).collect::<Vec<_>>())
            };
            let route = Route {
                targets: named("a", sizes.0),
                fallbacks: Fallbacks { context_window: named("b", sizes.1), content_policy: named("c", sizes.2) },
                order: if weighted { Order::Weighted } else { Order::Ordered },
                retry: Retry { rounds, ..Retry::default() },
                ..Route::to("p", "m")
            };
            let most = (sizes.0 + sizes.1 + sizes.2) * rounds as usize;
            let mut journey = Journey::new(Arc::new(route), |below| chance % below);
            let mut tried = 0;
            let mut steps = 0;
            loop {
                steps += 1;
                prop_assert!(steps <= 3 * most * most + 8, "{steps} steps");
                match journey.next(|below| chance % below) {
                    Next::Try(target) => {
                        let (kind, wait, busy) = kinds[steps % kinds.len()];
                        if busy {
                            journey.busy(target);
                            continue;
                        }
                        journey.failed(Failure { kind, retry_after: wait.map(Duration::from_millis) });
                        tried += 1;
                        prop_assert!(tried <= 2 * most * most, "{tried} of {most}");
                    }
                    Next::Wait(wait) => prop_assert!(wait <= Duration::from_millis(10_000)),
                    // Waited for until it is free.
                    Next::Busy(busy) => {
                        journey.turn_back(&busy[0]);
                        let (kind, wait, _) = kinds[steps % kinds.len()];
                        journey.failed(Failure { kind, retry_after: wait.map(Duration::from_millis) });
                        tried += 1;
                    }
                    Next::GiveUp(_) => break,
                }
            }
        }
    }
}
