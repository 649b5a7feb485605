//! BM25 over the postings that were read: pure, and in one order of summation, so that both databases give the
//! same scores to the last bit.
use crate::shared::id::MemoryId;
use std::collections::{BTreeSet, HashMap};

/// How soon further occurrences of a term stop counting. Memories are short: a word said twice says little more.
const K1: f64 = 0.9;
/// How much longer texts are marked down.
const B: f64 = 0.4;

/// All memories of the partitions that a recall reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Corpus {
    pub documents: u64,
    /// Of all documents together.
    pub length: u64,
}

/// A term in a memory.
#[derive(Clone, Debug)]
pub struct Posting {
    pub term: String,
    pub memory: MemoryId,
    pub frequency: u32,
    /// Of the memory.
    pub length: u32,
    /// Whether the memory passes the filters. Others count in the statistics, so that a filter changes which
    /// memories are shown, not their scores.
    pub wanted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    pub memory: MemoryId,
    /// BM25.
    pub lexical: f64,
    /// BM25 as a share of what a memory full of every term of the query would get: 0 to 1, comparable between
    /// queries.
    pub score: f64,
}

/// The best `limit` memories, best first; among equals the older id first.
pub fn rank(query: &BTreeSet<String>, corpus: Corpus, postings: &[Posting], limit: usize) -> Vec<Ranked> {
    let mut of_term: Vec<Vec<&Posting>> = vec![vec![]; query.len()];
    let place: HashMap<&str, usize> =
        query.iter().enumerate().map(|(place, term)| (term.as_str(), place)).collect();
    for posting in postings {
        if let Some(place) = place.get(posting.term.as_str()) {
            of_term[*place].push(posting);
        }
    }
    let average = corpus.length as f64 / corpus.documents.max(1) as f64;
    let mut best = 0.0;
    let mut scores: HashMap<MemoryId, f64> = HashMap::new();
    // Term by term in the order of the query's set: a memory's score is always summed in the same order.
    for postings in &of_term {
        let rarity = rarity(corpus.documents, postings.len() as u64);
        best += rarity * (K1 + 1.0);
        for posting in postings.iter().filter(|posting| posting.wanted) {
            let frequency = f64::from(posting.frequency);
            let length = f64::from(posting.length) / average.max(1.0);
            let weight = frequency * (K1 + 1.0) / (frequency + K1 * (1.0 - B + B * length));
            *scores.entry(posting.memory).or_default() += rarity * weight;
        }
    }
    let mut ranked: Vec<_> = scores
        .into_iter()
        .map(|(memory, lexical)| Ranked { memory, lexical, score: lexical / best })
        .collect();
    ranked.sort_unstable_by(|a, b| b.lexical.total_cmp(&a.lexical).then(a.memory.cmp(&b.memory)));
    ranked.truncate(limit);
    ranked
}

/// Inverse document frequency in the form that is never negative (Lucene's). Statistics and postings may be read a
/// moment apart: no term is in more documents than there are.
fn rarity(documents: u64, with_term: u64) -> f64 {
    let (documents, with_term) = (documents.max(with_term) as f64, with_term as f64);
    (1.0 + (documents - with_term + 0.5) / (with_term + 0.5)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn posting(term: &str, memory: u128, frequency: u32, length: u32) -> Posting {
        let memory = MemoryId::from_uuid(Uuid::from_u128(memory));
        Posting { term: term.to_owned(), memory, frequency, length, wanted: true }
    }

    fn ids(ranked: &[Ranked]) -> Vec<u128> {
        ranked.iter().map(|hit| hit.memory.uuid().as_u128()).collect()
    }

    fn query(terms: &[&str]) -> BTreeSet<String> {
        terms.iter().map(|term| (*term).to_owned()).collect()
    }

    #[test]
    fn rare_terms_count_more_and_equals_stand_by_id() {
        let corpus = Corpus { documents: 10, length: 100 };
        let mut postings: Vec<_> = (1..=8).rev().map(|memory| posting("often", memory, 1, 10)).collect();
        postings.push(posting("rare", 9, 1, 10));
        assert_eq!(ids(&rank(&query(&["often", "rare"]), corpus, &postings, 4)), [9, 1, 2, 3]);
    }

    #[test]
    fn a_filter_hides_memories_and_changes_no_score() {
        let corpus = Corpus { documents: 3, length: 30 };
        let mut postings = vec![posting("x", 1, 1, 5), posting("x", 2, 1, 10)];
        let all = rank(&query(&["x"]), corpus, &postings, 9);
        postings[0].wanted = false;
        assert_eq!(rank(&query(&["x"]), corpus, &postings, 9), all[1..]);
    }

    /// By hand: ln(1 + 1.5/1.5) × 2 × 1.9 / (2 + 0.9 × (0.6 + 0.4 × 4/5)).
    #[test]
    fn the_formula_is_bm25() {
        let corpus = Corpus { documents: 2, length: 10 };
        let ranked = rank(&query(&["x"]), corpus, &[posting("x", 1, 2, 4)], 1);
        assert!((ranked[0].lexical - 2_f64.ln() * 3.8 / 2.828).abs() < 1e-12, "{ranked:?}");
    }

    proptest! {
        #[test]
        fn the_order_of_reading_does_not_matter(
            found in prop::collection::hash_map(("[a-e]", 0_u128..20), (1_u32..5, 1_u32..50), 0..60),
            limit in 0_usize..30,
        ) {
            let mut postings: Vec<_> = found.iter().map(|((t, m), (f, l))| posting(t, *m, *f, *l)).collect();
            let corpus = Corpus { documents: 20, length: 300 };
            let terms = query(&["a", "b", "c", "d"]);
            let once = rank(&terms, corpus, &postings, limit);
            postings.sort_by_key(|p| (p.memory, p.term.clone()));
            prop_assert_eq!(&once, &rank(&terms, corpus, &postings, limit));
            prop_assert!(once.iter().all(|hit| hit.score > 0.0 && hit.score < 1.0));
            prop_assert!(once.windows(2).all(|w| (w[1].score, w[0].memory) < (w[0].score, w[1].memory) || w[1].score < w[0].score));
            prop_assert!(once.len() <= limit);
        }

        #[test]
        fn more_occurrences_never_rank_lower(frequency in 1_u32..20, more in 1_u32..20, length in 40_u32..100) {
            let corpus = Corpus { documents: 5, length: 250 };
            let postings = [posting("x", 1, frequency, length), posting("x", 2, frequency + more, length)];
            prop_assert_eq!(ids(&rank(&query(&["x"]), corpus, &postings, 2)), [2, 1]);
        }

        #[test]
        fn statistics_a_moment_old_do_no_harm(documents in 0_u64..3, length in 0_u64..10) {
            let postings: Vec<_> = (1..6).map(|memory| posting("x", memory, 1, 3)).collect();
            let ranked = rank(&query(&["x"]), Corpus { documents, length }, &postings, 9);
            prop_assert_eq!(ranked.len(), 5);
            prop_assert!(ranked.iter().all(|hit| hit.score.is_finite() && hit.score > 0.0));
        }
    }
}
