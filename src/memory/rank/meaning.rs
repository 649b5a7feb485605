//! How alike the query and the entries are: products of whole numbers, so exact everywhere. In a small copy all
//! vectors are gone through; in a large one their signs first, which takes a tenth of the time, and then the vectors of the
//! entries that are nearest by them.
use super::parameters::{ALIKE, LIKE, NEAREST, SMALL, UNLIKE};
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
    found: Found,
}

#[derive(Debug)]
enum Found {
    /// Of each entry.
    Products(Vec<i32>),
    /// Signs that are others than the query's, of each entry.
    Distances(Box<Distances>),
}

impl<'a> Meaning<'a> {
    pub fn of(copy: &'a Replica, query: &Vector) -> Self {
        let found = if copy.entries().len() <= SMALL {
            let query = query.map(i16::from);
            Found::Products(copy.vectors().iter().map(|vector| product(&query, vector)).collect())
        } else {
            let query = signs(query);
            let distances = copy.signs().iter().map(|signs| distance(&query, signs)).collect();
            Found::Distances(Box::new(Distances::of(distances)))
        };
        Self { copy, query: query.map(i16::from), found }
    }

    /// The best product, as far as it was looked for.
    pub fn best(&self) -> i32 {
        match &self.found {
            Found::Products(products) => products.iter().copied().max().unwrap_or_default(),
            Found::Distances(distances) => {
                let nearest = distances.nearest(ALIKE, |_| true);
                nearest.into_iter().map(|entry| self.product(entry)).max().unwrap_or_default()
            }
        }
    }

    fn product(&self, entry: u32) -> i32 {
        match &self.found {
            Found::Products(products) => products.get(entry as usize).copied().unwrap_or_default(),
            Found::Distances(_) => {
                self.copy.vectors().get(entry as usize).map_or(0, |vector| product(&self.query, vector))
            }
        }
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

    /// Entries above [`LIKE`] that are wanted: the best, with all that equal the last of them.
    pub fn alike(&self, wanted: impl Fn(u32) -> bool) -> Vec<u32> {
        let least = (LIKE * ONE) as i32;
        let entries: Vec<u32> = match &self.found {
            Found::Products(products) => (0..).zip(products).map(|(entry, _)| entry).collect(),
            Found::Distances(distances) => distances.nearest(NEAREST, &wanted),
        };
        let products = entries.into_iter().map(|entry| (self.product(entry), entry));
        let mut alike: Vec<_> =
            products.filter(|(product, entry)| *product > least && wanted(*entry)).collect();
        if alike.len() > ALIKE {
            alike.select_nth_unstable_by(ALIKE, |a, b| b.0.cmp(&a.0));
            let last = alike.iter().take(ALIKE).map(|(product, _)| *product).min().unwrap_or_default();
            alike.retain(|(product, _)| *product >= last);
        }
        alike.into_iter().map(|(_, entry)| entry).collect()
    }
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

fn distance(query: &Signs, signs: &Signs) -> u16 {
    query.iter().zip(signs).map(|(a, b)| (a ^ b).count_ones() as u16).sum()
}

/// By entry, with how many entries are at each distance.
#[derive(Debug)]
struct Distances {
    of: Vec<u16>,
    counts: Counts,
}

type Counts = [u32; DIMENSIONS + 1];

impl Distances {
    fn of(of: Vec<u16>) -> Self {
        let counts = counts(of.iter().copied());
        Self { of, counts }
    }

    /// Wanted entries: the nearest `count`, with all that are as near as the last of them. Whether an entry is wanted is
    /// looked at only near the query, as long as that is enough.
    fn nearest(&self, count: usize, wanted: impl Fn(u32) -> bool) -> Vec<u32> {
        let at = |entry: u32| self.of.get(entry as usize).copied().unwrap_or_default();
        let mut near = vec![];
        for enough in [count * 2, usize::MAX] {
            let furthest = furthest(&self.counts, enough);
            let within = (0..).zip(&self.of).filter(|(_, distance)| **distance <= furthest);
            near = within.map(|(entry, _)| entry).filter(|entry| wanted(*entry)).collect();
            if near.len() >= count {
                break;
            }
        }
        let furthest = furthest(&counts(near.iter().map(|entry| at(*entry))), count);
        near.retain(|entry| at(*entry) <= furthest);
        near
    }
}

fn counts(distances: impl Iterator<Item = u16>) -> Counts {
    let mut counts = [0; DIMENSIONS + 1];
    distances.for_each(|distance| counts[usize::from(distance)] += 1);
    counts
}

/// The distance within which so many are, or all.
fn furthest(counts: &Counts, count: usize) -> u16 {
    let mut within = 0;
    let found = (0_u16..).zip(counts).find(|(_, some)| {
        within += **some as usize;
        within >= count
    });
    found.map_or(u16::MAX, |(distance, _)| distance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_nearest_are_nearer_than_all_others(
            distances in prop::collection::vec(0_u16..=256, 0..200), count in 1_usize..50, every in 1_u32..4,
        ) {
            let wanted = |entry: u32| entry.is_multiple_of(every);
            let found = Distances::of(distances.clone()).nearest(count, wanted);
            let all: Vec<u32> = (0..distances.len() as u32).filter(|entry| wanted(*entry)).collect();
            prop_assert!(found.len() >= count.min(all.len()));
            let at = |entry: &u32| distances[*entry as usize];
            let furthest = found.iter().map(at).max().unwrap_or(0);
            prop_assert!(all.iter().filter(|entry| !found.contains(entry)).all(|entry| at(entry) > furthest));
            prop_assert!(found.iter().all(|entry| wanted(*entry)));
        }
    }

    #[test]
    fn signs_differ_where_numbers_do() {
        let (mut a, mut b) = ([1_i8; DIMENSIONS], [1_i8; DIMENSIONS]);
        (a[0], a[200], b[255]) = (-3, -1, -9);
        assert_eq!(distance(&signs(&a), &signs(&b)), 3);
        assert_eq!(distance(&signs(&a), &signs(&a)), 0);
    }
}
