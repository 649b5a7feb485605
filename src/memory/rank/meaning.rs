//! How alike the query and the entries are: products of whole numbers, so exact everywhere.
use super::parameters::UNLIKE;
use crate::memory::{
    embedding::{DIMENSIONS, Vector},
    index::Replica,
};

/// The product of a vector with itself: both have length 127.
const ONE: f32 = 127.0 * 127.0;

/// Products of the query with each entry of one copy.
#[derive(Debug)]
pub struct Meaning {
    products: Vec<i32>,
}

impl Meaning {
    pub fn of(copy: &Replica, query: &Vector) -> Self {
        let query = query.map(i16::from);
        let products =
            copy.vectors().chunks_exact(DIMENSIONS).map(|vector| product(&query, vector)).collect();
        Self { products }
    }

    /// The best product.
    pub fn best(&self) -> i32 {
        self.products.iter().copied().max().unwrap_or_default()
    }

    /// −1 to 1.
    pub fn cosine(&self, entry: u32) -> f32 {
        self.products.get(entry as usize).map_or(0.0, |product| *product as f32 / ONE)
    }

    /// 0 to 1: as a share of the best one of all copies, as far as it says anything.
    pub fn share(&self, entry: u32, best: i32) -> f32 {
        let (cosine, best) = (self.cosine(entry), best as f32 / ONE);
        if cosine <= UNLIKE { 0.0 } else { (cosine - UNLIKE) / (best - UNLIKE) }
    }

    /// Entries above [`UNLIKE`] that are wanted: the best `most` with all that equal the last of them.
    pub fn alike(&self, most: usize, wanted: impl Fn(u32) -> bool) -> Vec<u32> {
        let least = (UNLIKE * ONE) as i32;
        let mut alike: Vec<(i32, u32)> = (0..)
            .zip(&self.products)
            .filter(|(entry, product)| **product > least && wanted(*entry))
            .map(|(entry, product)| (*product, entry))
            .collect();
        if alike.len() > most {
            alike.select_nth_unstable_by(most, |a, b| b.0.cmp(&a.0));
            let last = alike.iter().take(most).map(|(product, _)| *product).min().unwrap_or_default();
            alike.retain(|(product, _)| *product >= last);
        }
        alike.into_iter().map(|(_, entry)| entry).collect()
    }
}

fn product(query: &[i16; DIMENSIONS], vector: &[i8]) -> i32 {
    query.iter().zip(vector).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}
