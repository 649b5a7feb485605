//! The best of many.

/// The best `limit` by score, best first; among equals the lesser key first.
pub fn best<T, K: Ord>(of: impl IntoIterator<Item = T>, limit: usize, by: impl Fn(&T) -> (f32, K)) -> Vec<T> {
    let keyed = of.into_iter().map(|one| (by(&one), one));
    let mut all: Vec<((f32, K), T)> = keyed.collect();
    let order = |((a, a_key), _): &((f32, K), T), ((b, b_key), _): &((f32, K), T)| {
        b.total_cmp(a).then_with(|| a_key.cmp(b_key))
    };
    if let Some(last) = limit.checked_sub(1)
        && limit < all.len()
    {
        all.select_nth_unstable_by(last, order);
    }
    all.truncate(limit);
    all.sort_unstable_by(order);
    all.into_iter().map(|(_, one)| one).collect()
}
