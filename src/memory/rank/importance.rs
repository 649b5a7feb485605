//! Soft re-ranking by how important a memory was said to be.
use super::parameters::IMPORTANCE;

/// What is half as important as can be stands as what says nothing.
const NEUTRAL: f32 = 0.5;

/// `score` as it was, where nothing was said.
pub fn weigh(score: f32, importance: Option<f32>) -> f32 {
    importance
        .map_or(score, |importance| (score * (1.0 + IMPORTANCE * (importance - NEUTRAL) / NEUTRAL)).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn importance_weighs_within_its_bound_and_not_where_it_is_not_told() {
        assert_eq!([None, Some(NEUTRAL)].map(|importance| weigh(0.3, importance)), [0.3, 0.3]);
        assert_eq!([0.0, 1.0].map(|importance| weigh(0.5, Some(importance))), [0.4, 0.6]);
        assert_eq!(weigh(0.9, Some(1.0)), 1.0);
    }
}
