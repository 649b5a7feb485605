//! Texts to vectors, for what is alike in meaning. A stand-in of hashed words, until there is a model: texts that
//! share words are alike, and that is all.
use super::terms::Terms;
use sha2::{Digest, Sha256};

/// How many numbers a vector has.
pub const DIMENSIONS: usize = 256;

/// Normalised to length 127; all zero where a text says nothing.
pub type Vector = [i8; DIMENSIONS];

#[derive(Debug)]
pub struct Embedder;

impl Embedder {
    /// The one in the binary.
    pub fn embedded() -> &'static Self {
        &Self
    }

    /// Vectors of another name cannot be compared with these.
    pub fn name(&self) -> &'static str {
        "words-1"
    }

    pub fn embed(&self, text: &str) -> Vector {
        let mut sums = [0_f32; DIMENSIONS];
        for (term, count) in &Terms::of(text).counts {
            let hash = Sha256::digest(term);
            for (place, sign) in hash.iter().zip(hash.iter().rev()).take(16) {
                let sign = if sign % 2 == 0 { 1.0 } else { -1.0 };
                sums[usize::from(*place)] += sign * (*count as f32).sqrt();
            }
        }
        let length = sums.iter().map(|sum| sum * sum).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        sums.map(|sum| (sum / length * 127.0).round() as i8)
    }
}
