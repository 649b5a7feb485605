//! Maximal marginal relevance (Carbonell and Goldstein 1998): one after the other is taken what is worth most beside what was
//! taken already. What says the same as a better hit moves down.
use super::{
    Candidate, Ranked,
    meaning::{ONE, product},
    share,
};

/// Of these, which come best first, so many. What holds more of the query's phrases still goes before what holds less.
pub fn diverse(mut pool: Vec<Candidate<'_>>, diversity: f32, limit: usize) -> Vec<Ranked> {
    let best = pool.iter().map(|candidate| candidate.alone).fold(0.0, f32::max);
    // Of each in the pool: how like it is to what is most like it among those that were taken.
    let mut alike = vec![0.0_f32; pool.len()];
    let mut taken = Vec::with_capacity(limit.min(pool.len()));
    while taken.len() < limit {
        let standing = pool.iter().zip(&alike).map(|(candidate, alike)| {
            let worth = (1.0 - diversity) * share(candidate.alone, best) - diversity * alike;
            (candidate.ranked.phrases, worth)
        });
        // Among equals the first, which from behind is the last.
        let next = standing
            .enumerate()
            .rev()
            .max_by(|(_, one), (_, other)| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
        let Some((place, _)) = next else { break };
        let Candidate { ranked, vector, .. } = pool.remove(place);
        alike.remove(place);
        taken.push(ranked);
        let Some(vector) = vector.map(|vector| vector.map(i16::from)) else { continue };
        for (other, alike) in pool.iter().zip(&mut alike) {
            let product = other.vector.map_or(0, |other| product(&vector, other));
            *alike = alike.max(product as f32 / ONE);
        }
    }
    taken
}
