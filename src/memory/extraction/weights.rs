//! What the signs of a statement weigh: fitted on labelled snippets by logistic regression, the weights held small (L2).
//! `bench/extraction/fit.py` writes `weights.json`.
use crate::memory::embedding::Vector;
use serde::Deserialize;
use std::{collections::HashMap, sync::LazyLock};

#[derive(Debug, Deserialize)]
pub(super) struct Weights {
    /// Whether a statement is worth remembering.
    pub worth: Worth,
    /// Whether it says again what is known.
    pub again: Sum,
}

#[derive(Debug, Deserialize)]
pub(super) struct Worth {
    #[serde(flatten)]
    pub signs: Sum,
    /// Of its words, of pairs of words that follow one another, and of those beside it.
    pub words: HashMap<String, f64>,
    /// What each number of a statement's vector weighs, where that has length 1; and of what stands around it.
    pub meaning: Vec<f64>,
    pub around: Vec<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Sum {
    /// Where there is no sign.
    pub nothing: f64,
    signs: HashMap<String, f64>,
}

impl Weights {
    pub fn fitted() -> &'static Self {
        static FITTED: LazyLock<Weights> = LazyLock::new(|| {
            let read = serde_json::from_str(include_str!("weights.json"));
            #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
            read.expect("weights.json has the weights")
        });
        &FITTED
    }
}

impl Sum {
    pub fn of(&self, sign: &str) -> f64 {
        self.signs.get(sign).copied().unwrap_or_default()
    }
}

/// A sum of weights as a probability.
pub(super) fn likelihood(sum: f64) -> f64 {
    1.0 / (1.0 + (-sum).exp())
}

/// The weights of a vector's numbers, where it has length 1.
pub(super) fn along(vector: &Vector, weights: &[f64]) -> f64 {
    let length: i32 = vector.iter().map(|number| i32::from(*number).pow(2)).sum();
    let sum: f64 = vector.iter().zip(weights).map(|(number, weight)| f64::from(*number) * weight).sum();
    sum / f64::from(length).sqrt().max(1.0)
}
