//! The best of many.
use std::cmp::Ordering;

/// The best `limit` by score, best first; among equals the lesser key first.
pub fn best<T, K: Ord>(of: impl IntoIterator<Item = T>, limit: usize, by: impl Fn(&T) -> (f32, K)) -> Vec<T> {
    let order = |a: &T, b: &T| -> Ordering {
        let ((a, a_key), (b, b_key)) = (by(a), by(b));
        b.total_cmp(&a).then_with(|| a_key.cmp(&b_key))
    };
    let mut all: Vec<T> = of.into_iter().collect();
    if limit == 0 {
        return vec![];
    }
    if all.len() > limit {
        all.select_nth_unstable_by(limit - 1, order);
        all.truncate(limit);
    }
    all.sort_unstable_by(order);
    all
}
