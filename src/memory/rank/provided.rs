//! How alike the query and the entries are by the vectors of a provider's model, where there are some. Every vector is gone
//! through: products of whole numbers, so exact everywhere.
use super::parameters::{ALIKE, LIKE, TELLING, UNLIKE};
use crate::memory::index::{Replica, length};
use std::sync::Arc;

/// The query as the provider's model has it.
#[derive(Clone, Debug)]
pub struct QueryVector {
    /// Provider and model.
    pub model: Arc<str>,
    pub numbers: Arc<[i8]>,
}

/// The query beside the entries of one copy.
#[derive(Debug, Default)]
pub struct Provided {
    /// Of each entry; `None` where it has no vector. Empty where none has, or the query has none.
    cosines: Vec<Option<f32>>,
}

/// What cosines mean, by those of all copies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scale {
    /// Up to here they say nothing.
    unlike: f32,
    best: f32,
}

impl Provided {
    pub fn of(copy: &Replica, query: Option<&QueryVector>) -> Self {
        let found = query.and_then(|query| Some((query, copy.embeddings(&query.model)?)));
        let Some((query, embeddings)) = found else { return Self::default() };
        let own = length(&query.numbers);
        let cosine = |entry| {
            let (vector, length) = embeddings.get(entry)?;
            Some(product(&query.numbers, vector) as f32 / (own * length))
        };
        let entries = copy.entries().len() as u32;
        Self { cosines: if own > 0.0 { (0..entries).map(cosine).collect() } else { vec![] } }
    }

    pub fn cosine(&self, entry: u32) -> Option<f32> {
        self.cosines.get(entry as usize).copied().flatten()
    }

    /// 0 to 1, as far as it says anything; `None` where the entry has no vector.
    pub fn share(&self, entry: u32, scale: &Scale) -> Option<f32> {
        let above = self.cosine(entry)? - scale.unlike;
        Some(if above <= 0.0 { 0.0 } else { (above / (scale.best - scale.unlike)).min(1.0) })
    }

    /// Entries that are wanted and speak for themselves: the best.
    pub fn alike(&self, scale: &Scale, wanted: impl Fn(u32) -> bool) -> Vec<u32> {
        let least = scale.unlike + LIKE - UNLIKE;
        let cosines = (0..).zip(&self.cosines).filter_map(|(entry, cosine)| Some((entry, (*cosine)?)));
        let mut alike: Vec<(u32, f32)> =
            cosines.filter(|(entry, cosine)| *cosine > least && wanted(*entry)).collect();
        if alike.len() > ALIKE {
            alike.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
            // With all that equal the last of them: which entry has which number is chance.
            let last = alike[ALIKE - 1].1;
            alike.retain(|(_, cosine)| *cosine >= last);
        }
        alike.into_iter().map(|(entry, _)| entry).collect()
    }
}

impl Scale {
    /// Models differ in how near any two texts are: at one the cosine of two that have nothing to do with each other is 0.1,
    /// at another 0.7. So what is usual among many entries says nothing.
    pub fn of(copies: &[Provided]) -> Self {
        let cosines = || copies.iter().flat_map(|copy| &copy.cosines).flatten().copied();
        // In whole numbers, which have the same sum in any order.
        let sum: i64 = cosines().map(|cosine| (f64::from(cosine) * 1e6).round() as i64).sum();
        let count = cosines().count();
        let usual = if count >= TELLING { (sum as f64 / 1e6 / count as f64) as f32 } else { UNLIKE };
        Self { unlike: usual.max(UNLIKE), best: cosines().fold(0.0, f32::max) }
    }
}

/// Of as many numbers as both have.
fn product(query: &[i8], vector: &[i8]) -> i32 {
    let mut sums = [0_i32; 16];
    let ((queries, query_rest), (vectors, vector_rest)) = (query.as_chunks::<16>(), vector.as_chunks::<16>());
    for (query, vector) in queries.iter().zip(vectors) {
        for ((sum, a), b) in sums.iter_mut().zip(query).zip(vector) {
            *sum += i32::from(*a) * i32::from(*b);
        }
    }
    let rest = query_rest.iter().zip(vector_rest).map(|(a, b)| i32::from(*a) * i32::from(*b));
    sums.into_iter().chain(rest).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn provided(cosines: Vec<Option<f32>>) -> Provided {
        Provided { cosines }
    }

    proptest! {
        #[test]
        fn a_product_is_that_of_all_numbers(pairs in prop::collection::vec(any::<(i8, i8)>(), 0..100)) {
            let (one, other): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
            let expected: i32 = pairs.iter().map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            prop_assert_eq!(product(&one, &other), expected);
        }

        #[test]
        fn shares_lie_between_0_and_1_and_go_by_the_cosine(
            cosines in prop::collection::vec(prop::option::weighted(0.9, -1.0_f32..=1.0), 1..200), count in 1_usize..3,
        ) {
            let copies: Vec<_> = cosines.chunks(cosines.len().div_ceil(count)).map(|some| provided(some.to_vec())).collect();
            let scale = Scale::of(&copies);
            let mut pairs: Vec<(f32, f32)> = copies.iter().flat_map(|copy| {
                (0..copy.cosines.len() as u32).filter_map(|entry| Some((copy.cosine(entry)?, copy.share(entry, &scale)?))).collect::<Vec<_>>()
            }).collect();
            prop_assert!(pairs.iter().all(|(_, share)| (0.0..=1.0).contains(share)));
            pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
            prop_assert!(pairs.is_sorted_by_key(|(_, share)| *share));
            prop_assert!(pairs.last().is_none_or(|(cosine, share)| *cosine <= UNLIKE || *share == 1.0 || *cosine <= scale.unlike));
        }
    }

    #[test]
    fn what_is_usual_says_nothing_where_a_model_has_all_texts_near_each_other() {
        let mut cosines = vec![Some(0.7); TELLING * 10];
        cosines.push(Some(0.95));
        let copies = [provided(cosines)];
        let scale = Scale::of(&copies);
        assert_eq!(copies[0].share(0, &scale), Some(0.0));
        assert_eq!(copies[0].share(TELLING as u32 * 10, &scale), Some(1.0));
        assert_eq!(copies[0].alike(&scale, |_| true), [TELLING as u32 * 10]);
        assert_eq!(copies[0].alike(&scale, |_| false), Vec::<u32>::new());
    }

    #[test]
    fn without_vectors_there_is_no_share() {
        let scale = Scale::of(&[Provided::default()]);
        assert_eq!(Provided::default().share(0, &scale), None);
        assert_eq!(Provided::default().alike(&scale, |_| true), Vec::<u32>::new());
    }
}
