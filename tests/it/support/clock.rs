use aifirst::shared::{Ambient, Clock, Random};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// A clock that a test can put forward.
#[derive(Clone, Default)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub fn forward(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }

    pub fn now(&self) -> DateTime<Utc> {
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        start + TimeDelta::milliseconds(self.0.load(Ordering::SeqCst))
    }

    pub fn ambient(&self) -> Ambient {
        let clock = self.clone();
        Ambient::new(Clock::new(move || clock.now()), Random::system())
    }
}
