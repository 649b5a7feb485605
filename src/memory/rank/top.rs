//! The best of many.
use std::cmp::Ordering;

/// Takes the best `limit` by score of all that are offered; among equals the lesser key first. What cannot be among them is
/// not looked at.
#[derive(Debug)]
pub struct Top<K, T> {
    limit: usize,
    kept: Vec<(f32, K, T)>,
    /// What scores less is not among the best.
    least: f32,
}

/// So many more than the best are kept before it is looked which are the best.
const ROOM: usize = 256;

impl<K: Ord, T> Top<K, T> {
    pub fn new(limit: usize) -> Self {
        Self { limit, kept: vec![], least: f32::NEG_INFINITY }
    }

    /// `what` is asked only where the score may do; what is `None` is left out.
    pub fn offer(&mut self, score: f32, what: impl FnOnce() -> Option<(K, T)>) {
        if score < self.least {
            return;
        }
        let Some((key, what)) = what() else { return };
        self.kept.push((score, key, what));
        if self.kept.len() >= self.limit * 2 + ROOM {
            self.cut();
        }
    }

    /// Best first.
    pub fn into_best(mut self) -> Vec<T> {
        self.cut();
        self.kept.sort_unstable_by(order);
        self.kept.into_iter().map(|(.., what)| what).collect()
    }

    fn cut(&mut self) {
        let Some(last) = self.limit.checked_sub(1) else { return self.kept.clear() };
        if last >= self.kept.len() {
            return;
        }
        let (_, (least, ..), _) = self.kept.select_nth_unstable_by(last, order);
        self.least = *least;
        self.kept.truncate(self.limit);
    }
}

fn order<K: Ord, T>((a, a_key, _): &(f32, K, T), (b, b_key, _): &(f32, K, T)) -> Ordering {
    b.total_cmp(a).then_with(|| a_key.cmp(b_key))
}

/// The best `limit` by score, best first; among equals the lesser key first.
pub fn best<T, K: Ord>(of: impl IntoIterator<Item = T>, limit: usize, by: impl Fn(&T) -> (f32, K)) -> Vec<T> {
    let mut top = Top::new(limit);
    for one in of {
        let (score, key) = by(&one);
        top.offer(score, || Some((key, one)));
    }
    top.into_best()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_best_are_those_of_a_sort(scores in prop::collection::vec(0_u8..50, 0..2000), limit in 0_usize..40) {
            let scored: Vec<(f32, usize)> = scores.iter().map(|score| f32::from(*score)).zip(0..).collect();
            let mut sorted = scored.clone();
            sorted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            sorted.truncate(limit);
            prop_assert_eq!(best(scored, limit, |one| *one), sorted);
        }
    }
}
