//! Soft re-ranking by age.
use chrono::{DateTime, TimeDelta, Utc};

/// How much age counts, and how fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recency {
    pub now: DateTime<Utc>,
    /// After so long something is half as recent. Above zero.
    pub half_life: TimeDelta,
    /// The share of the score that what is not recent at all loses: 0 to 1.
    pub weight: f64,
}

impl Recency {
    /// 1 for what is of now or later, half of it after each half-life. `at` in microseconds since 1970.
    pub fn of(&self, at: i64) -> f32 {
        let age = self.now.timestamp_micros().saturating_sub(at).max(0) as f64;
        let half_life = self.half_life.num_milliseconds().max(1) as f64 * 1000.0;
        (-age / half_life).exp2() as f32
    }

    pub fn weigh(&self, score: f32, recent: f32) -> f32 {
        let weight = self.weight as f32;
        score * (1.0 - weight + weight * recent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_life_later_it_is_half_as_recent() {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let recency = Recency { now, half_life: TimeDelta::seconds(100), weight: 0.5 };
        let ago = |seconds: i64| recency.of(now.timestamp_micros() - seconds * 1_000_000);
        assert_eq!([ago(-5), ago(0), ago(100), ago(300)], [1.0, 1.0, 0.5, 0.125]);
        assert_eq!(recency.weigh(0.8, ago(100)), 0.8 * 0.75);
    }
}
