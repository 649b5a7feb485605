//! Time, ids and randomness, handed in so that a test can rule them. The ambient ones are banned by clippy.toml.
use super::id::{Id, Kind};
use chrono::{DateTime, SubsecRound, Utc};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use uuid::Uuid;

/// The three sources that would otherwise be ambient.
#[derive(Clone, Debug)]
pub struct Ambient {
    pub clock: Clock,
    pub random: Random,
    pub ids: Ids,
}

impl Ambient {
    pub fn new(clock: Clock, random: Random) -> Self {
        let ids = Ids { clock: clock.clone(), random: random.clone(), last: Arc::default() };
        Self { clock, random, ids }
    }

    /// The operating system's clock and random numbers.
    pub fn system() -> Self {
        Self::new(Clock::system(), Random::system())
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    pub fn new(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn system() -> Self {
        Self::new(Utc::now)
    }

    /// In whole microseconds, PostgreSQL's resolution: what is stored equals what was made.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)().trunc_subsecs(6)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

#[derive(Clone)]
pub struct Random(Arc<Fill>);

impl Random {
    pub fn new(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// Cryptographically secure, seeded by the operating system.
    #[expect(clippy::disallowed_methods, reason = "the one place that draws system randomness")]
    pub fn system() -> Self {
        Self::new(|bytes| rand::Rng::fill_bytes(&mut rand::rng(), bytes))
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }

    /// Evenly in `0.0..1.0`.
    pub fn fraction(&self) -> f64 {
        (u64::from_le_bytes(self.bytes()) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

/// Makes UUIDv7: by time, and strictly rising within this process, so that id order is creation order.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    random: Random,
    last: Arc<Mutex<u128>>,
}

impl Ids {
    pub fn next<K: Kind>(&self) -> Id<K> {
        Id::from_uuid(self.uuid())
    }

    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or_default();
        let fresh =
            uuid::Builder::from_unix_timestamp_millis(millis, &self.random.bytes()).into_uuid().as_u128();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Within one millisecond, or when the clock steps back, count on from the last one: the low 62 bits
        // are random, so adding one never reaches version or variant in practice.
        *last = fresh.max(*last + 1);
        Uuid::from_u128(*last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_rise_even_when_the_clock_steps_back(times in prop::collection::vec(0_i64..4_000_000_000_000, 2..50)) {
            let times = Arc::new(Mutex::new(times.into_iter().cycle()));
            let clock = Clock::new(move || DateTime::from_timestamp_millis(times.lock().unwrap().next().unwrap()).unwrap());
            let ids = Ambient::new(clock, Random::system()).ids;
            let made: Vec<_> = (0..50).map(|_| ids.uuid()).collect();
            prop_assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(made.iter().all(|id| id.get_version_num() == 7));
        }
    }
}
