//! Randomness that can be repeated.
use aifirst::shared::Random;
use futures_util::FutureExt;
use std::{panic::AssertUnwindSafe, time::Duration};

/// Repeats a failure: the seed that it told.
const SEED: &str = "AIFIRST_TEST_SEED";

/// The same throws for the same seed, by splitmix64 (Steele, Lea, Flood 2014).
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From 0, less than `sides`.
    pub fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// A die of its own, for what happens at once.
    pub fn split(&mut self) -> Self {
        Self(self.throw(u64::MAX))
    }

    /// Less than so many milliseconds, as a part of what is played: not to wait for something.
    pub async fn pause(&mut self, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(self.throw(milliseconds))).await;
    }
}

/// Plays some rounds, each with a seed of its own, or the one of [`SEED`]; a failure tells the seed.
pub async fn with_seeds(rounds: u64, round: impl AsyncFn(u64)) {
    let given = std::env::var(SEED).ok().map(|seed| seed.parse().unwrap());
    for _ in 0..rounds {
        let seed = given.unwrap_or_else(|| u64::from_le_bytes(Random::system().bytes()));
        let played = AssertUnwindSafe(round(seed)).catch_unwind().await;
        assert!(played.is_ok(), "the reason stands above; the same again: {SEED}={seed}");
    }
}
