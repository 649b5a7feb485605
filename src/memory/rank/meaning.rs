//! How alike the query and the entries are: products of whole numbers, so exact everywhere. In a small copy all
//! vectors are gone through; in a large one their signs first, which takes a tenth of the time, and then the vectors of the
//! entries that are nearest by them.
use super::{
    nearest::nearest,
    parameters::{ALIKE, LIKE, NEAREST, SMALL, UNLIKE},
};
use crate::memory::{
    embedding::{DIMENSIONS, Vector},
    index::{Replica, Signs, signs},
};

/// The product of a vector with itself: both have length 127.
pub const ONE: f32 = 127.0 * 127.0;

/// The query beside the entries of one copy.
#[derive(Debug)]
pub struct Meaning<'a> {
    copy: &'a Replica,
    query: [i16; DIMENSIONS],
    /// Of those that were looked at.
    best: i32,
    /// Wanted entries that may be alike, with their products.
    near: Vec<(i32, u32)>,
}

impl<'a> Meaning<'a> {
    pub fn of(copy: &'a Replica, is_wanted: impl Fn(u32) -> bool, query: &Vector) -> Self {
        let numbers = query.map(i16::from);
        let (all, wanted) = if copy.entries().len() <= SMALL {
            let all: Vec<u32> = (0..copy.entries().len() as u32).collect();
            let wanted = all.iter().copied().filter(|entry| is_wanted(*entry)).collect();
            (all, wanted)
        } else {
            by_signs(copy, is_wanted, query)
        };
        let product =
            |entry: u32| copy.vectors().get(entry as usize).map_or(0, |vector| product(&numbers, vector));
        let best = all.into_iter().map(product).max().unwrap_or_default();
        let near = wanted.into_iter().map(|entry: u32| (product(entry), entry)).collect();
        Self { copy, query: numbers, best, near }
    }

    /// The best product, as far as it was looked for.
    pub fn best(&self) -> i32 {
        self.best
    }

    fn product(&self, entry: u32) -> i32 {
        self.copy.vectors().get(entry as usize).map_or(0, |vector| product(&self.query, vector))
    }

    /// −1 to 1.
    pub fn cosine(&self, entry: u32) -> f32 {
        self.product(entry) as f32 / ONE
    }

    /// 0 to 1: as a share of the best one of all copies, as far as it says anything.
    pub fn share(&self, entry: u32, best: i32) -> f32 {
        let (cosine, best) = (self.cosine(entry), best as f32 / ONE);
        if cosine <= UNLIKE { 0.0 } else { ((cosine - UNLIKE) / (best - UNLIKE)).min(1.0) }
    }

    /// Wanted entries above [`LIKE`]: the best, with all that equal the last of them.
    pub fn alike(&self) -> Vec<u32> {
        let least = (LIKE * ONE) as i32;
        let mut alike: Vec<_> = self.near.iter().copied().filter(|(product, _)| *product > least).collect();
        if alike.len() > ALIKE {
            alike.select_nth_unstable_by(ALIKE, |a, b| b.0.cmp(&a.0));
            let last = alike.iter().take(ALIKE).map(|(product, _)| *product).min().unwrap_or_default();
            alike.retain(|(product, _)| *product >= last);
        }
        alike.into_iter().map(|(_, entry)| entry).collect()
    }
}

/// By their signs: those that the best product is looked for among, whether they are wanted or not, and the wanted ones.
fn by_signs(copy: &Replica, is_wanted: impl Fn(u32) -> bool, query: &Vector) -> (Vec<u32>, Vec<u32>) {
    let query = signs(query);
    let distances: Vec<u16> = copy.signs().iter().map(|signs| differing(&query, signs)).collect();
    let entries = |places: Vec<usize>| places.into_iter().map(|place| place as u32).collect();
    let all = nearest(&distances, ALIKE, |_| true);
    let wanted = nearest(&distances, NEAREST, |place| is_wanted(place as u32));
    (entries(all), entries(wanted))
}

/// In eight sums side by side, which a compiler makes into four times as fast a loop as one sum.
pub fn product(query: &[i16; DIMENSIONS], vector: &Vector) -> i32 {
    let mut sums = [0_i32; 8];
    for (query, vector) in query.as_chunks::<8>().0.iter().zip(vector.as_chunks::<8>().0) {
        for ((sum, a), b) in sums.iter_mut().zip(query).zip(vector) {
            *sum += i32::from(*a) * i32::from(*b);
        }
    }
    sums.iter().sum()
}

/// Signs that are others.
fn differing(query: &Signs, signs: &Signs) -> u16 {
    query.iter().zip(signs).map(|(a, b)| (a ^ b).count_ones() as u16).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_differ_where_numbers_do() {
        let (mut a, mut b) = ([1_i8; DIMENSIONS], [1_i8; DIMENSIONS]);
        (a[0], a[200], b[255]) = (-3, -1, -9);
        assert_eq!(differing(&signs(&a), &signs(&b)), 3);
        assert_eq!(differing(&signs(&a), &signs(&a)), 0);
    }
}
