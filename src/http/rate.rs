//! What one actor may ask for in a minute, counted as the pipeline counts cost: in objects. By GCRA: what was spent
//! comes back little by little, so that nobody waits for the end of a minute. What an operation takes is its cost before
//! execution: GCRA keeps one moment for an actor, from which nothing can be taken back for objects that were not there.
use crate::{
    graphql_kit::DateTime,
    shared::{self, Error, actor::Principal},
};
use async_graphql::{Response, ScalarType, Value, value};
use axum::http::{HeaderName, HeaderValue};
use chrono::{TimeDelta, Utc};
use governor::{
    Quota, RateLimiter, clock::Clock, middleware::StateInformationMiddleware, nanos::Nanos,
    state::keyed::HashMapStateStore,
};
use std::num::NonZeroU32;
use uuid::Uuid;

pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

type Limiter = RateLimiter<Uuid, HashMapStateStore<Uuid>, Time, StateInformationMiddleware>;

/// The server's clock, as the limiter reads it.
#[derive(Clone, Debug)]
struct Time(shared::Clock);

impl Clock for Time {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.now().timestamp_nanos_opt().map_or(0, i64::unsigned_abs))
    }
}

#[derive(Debug)]
pub(super) struct Rates {
    limiter: Limiter,
    per_minute: NonZeroU32,
    clock: shared::Clock,
}

/// What an operation took, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent {
    requested: u32,
    remaining: u32,
    per_minute: u32,
    at: chrono::DateTime<Utc>,
}

impl Rates {
    pub(super) fn new(per_minute: NonZeroU32, clock: shared::Clock) -> Self {
        let state = HashMapStateStore::default();
        let limiter = Limiter::new(Quota::per_minute(per_minute), state, Time(clock.clone()));
        Self { limiter, per_minute, clock }
    }

    /// An operation costs one at least, and all there is at most: the pipeline has its own limit for one.
    pub(super) fn spend(&self, who: Principal, cost: u64) -> Result<Spent, Error> {
        let cost = u32::try_from(cost.max(1)).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX);
        let cost = cost.min(self.per_minute);
        let outcome =
            self.limiter.check_key_n(&who.uuid(), cost).map_err(|_| Error::Unavailable("the rate"))?;
        match outcome {
            Ok(state) => Ok(Spent {
                requested: cost.get(),
                remaining: state.remaining_burst_capacity(),
                per_minute: self.per_minute.get(),
                at: self.clock.now(),
            }),
            Err(refused) => {
                let retry_after = refused.wait_time_from(Time(self.clock.clone()).now());
                Err(Error::RateLimited { retry_after })
            }
        }
    }

    /// Forgets actors that have all of their rate again.
    pub(super) fn tidy(&self) {
        self.limiter.retain_recent();
    }
}

impl Spent {
    /// For clients that look at headers, in the form of the IETF's draft.
    pub(super) fn headers(self, response: &mut Response) {
        let seconds = self.seconds();
        let told = [
            (RATE_LIMIT_POLICY, format!("\"cost\";q={};w=60", self.per_minute)),
            (RATE_LIMIT, format!("\"cost\";r={};t={seconds}", self.remaining)),
        ];
        for (name, text) in told {
            if let Ok(value) = HeaderValue::from_str(&text) {
                response.http_headers.insert(name, value);
            }
        }
    }

    /// `extensions.cost`, of an answer that held so many objects.
    pub(super) fn told(self, actual: u64) -> Value {
        let Self { requested, remaining, per_minute, at } = self;
        let reset_at = DateTime(at + TimeDelta::seconds(self.seconds().into())).to_value();
        value!({ "requested": requested, "actual": actual, "remaining": remaining, "perMinute": per_minute,
            "resetAt": reset_at })
    }

    /// Until all of the rate is there again.
    fn seconds(self) -> u32 {
        let missing = u64::from(self.per_minute - self.remaining);
        u32::try_from((missing * 60).div_ceil(u64::from(self.per_minute))).unwrap_or(60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    };

    fn who(id: u128) -> Principal {
        Principal::User(crate::shared::id::Id::from_uuid(Uuid::from_u128(id)))
    }

    #[test]
    fn each_actor_has_a_rate_of_its_own_and_is_told_how_long_to_wait() {
        let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let passed = Arc::new(AtomicI64::new(0));
        let by = passed.clone();
        let clock = shared::Clock::new(move || now + TimeDelta::seconds(by.load(Relaxed)));
        let rates = Rates::new(NonZeroU32::new(10).unwrap(), clock);
        let spent = |requested, remaining, at| Spent { requested, remaining, per_minute: 10, at };
        let first = rates.spend(who(1), 7).unwrap();
        assert_eq!(first, spent(7, 3, now));
        let told = serde_json::to_value(first.told(2)).unwrap();
        let expected = serde_json::json!({ "requested": 7, "actual": 2, "remaining": 3, "perMinute": 10,
            "resetAt": "2027-01-15T08:00:42Z" });
        assert_eq!(told, expected);
        let Err(Error::RateLimited { retry_after }) = rates.spend(who(1), 7) else { panic!("it may") };
        // Four more, of which each takes six seconds to come back.
        assert_eq!(retry_after.as_secs(), 24);
        assert_eq!(rates.spend(who(2), 0).unwrap(), spent(1, 9, now));
        assert_eq!(rates.spend(who(3), u64::MAX).unwrap(), spent(10, 0, now));
        passed.store(24, Relaxed);
        assert_eq!(rates.spend(who(1), 7).unwrap(), spent(7, 0, now + TimeDelta::seconds(24)));
    }
}
