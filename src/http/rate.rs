//! What one actor may ask for in a minute, counted as the pipeline counts cost: in objects. By GCRA: what was spent
//! comes back little by little, so that nobody waits for the end of a minute.
use crate::shared::{Error, actor::Principal};
use async_graphql::{Response, Value, value};
use axum::http::{HeaderName, HeaderValue};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::HashMapStateStore,
};
use std::num::NonZeroU32;
use uuid::Uuid;

pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

type Limiter = RateLimiter<Uuid, HashMapStateStore<Uuid>, DefaultClock, StateInformationMiddleware>;

#[derive(Debug)]
pub(super) struct Rates {
    limiter: Limiter,
    per_minute: NonZeroU32,
}

/// What an operation took, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent {
    requested: u32,
    remaining: u32,
    per_minute: u32,
}

impl Rates {
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        let limiter = RateLimiter::keyed(Quota::per_minute(per_minute)).with_middleware();
        Self { limiter, per_minute }
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
            }),
            Err(refused) => {
                let retry_after = refused.wait_time_from(DefaultClock::default().now());
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
        let seconds = (u64::from(self.per_minute - self.remaining) * 60).div_ceil(u64::from(self.per_minute));
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

    /// `extensions.cost`
    pub(super) fn told(self) -> Value {
        let Self { requested, remaining, per_minute } = self;
        value!({ "requested": requested, "remaining": remaining, "perMinute": per_minute })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(id: u128) -> Principal {
        Principal::User(crate::shared::id::Id::from_uuid(Uuid::from_u128(id)))
    }

    #[test]
    fn each_actor_has_a_rate_of_its_own_and_is_told_how_long_to_wait() {
        let rates = Rates::new(NonZeroU32::new(10).unwrap());
        let first = rates.spend(who(1), 7).unwrap();
        assert_eq!(first, Spent { requested: 7, remaining: 3, per_minute: 10 });
        let Err(Error::RateLimited { retry_after }) = rates.spend(who(1), 7) else { panic!("it may") };
        // Four more, of which each takes six seconds to come back.
        assert!(retry_after.as_secs() <= 24 && retry_after.as_secs() >= 20, "{retry_after:?}");
        assert_eq!(rates.spend(who(2), 0).unwrap().requested, 1);
        assert_eq!(
            rates.spend(who(3), u64::MAX).unwrap(),
            Spent { requested: 10, remaining: 0, per_minute: 10 }
        );
    }
}
