//! What a recall shows.
use super::{Memory, model};
use async_graphql::{SimpleObject, Union};

/// What was found.
#[derive(SimpleObject, Debug)]
pub struct RecallResult {
    /// Best first; among equals the older first.
    hits: Vec<RecallHit>,
    /// What the texts of the hits cost a language model, about: a quarter of each one's characters, rounded up.
    used_tokens: i32,
}

/// One find.
#[derive(SimpleObject, Debug)]
pub struct RecallHit {
    /// How good it is, from 0 to 1: the share of what a text full of every word of the query would get. Rare words
    /// weigh more. Comparable between queries over the same memories.
    score: f64,
    /// What the score was made of.
    signals: RecallSignals,
    /// What was found.
    item: RecallItem,
}

impl From<model::Recall> for RecallResult {
    fn from(recall: model::Recall) -> Self {
        let used_tokens = i32::try_from(recall.used_tokens).unwrap_or(i32::MAX);
        Self { hits: recall.hits.into_iter().map(RecallHit::from).collect(), used_tokens }
    }
}

impl From<model::Hit> for RecallHit {
    fn from(hit: model::Hit) -> Self {
        let signals =
            RecallSignals { lexical: Some(hit.lexical), vector: None, recency: None, importance: None };
        Self { score: hit.score, signals, item: RecallItem::Memory(hit.memory.into()) }
    }
}

/// The parts of a score; null where a part was not taken.
#[derive(SimpleObject, Debug)]
pub struct RecallSignals {
    /// By words: BM25 with k1 0.9 and b 0.4, from 0 up.
    lexical: Option<f64>,
    /// By meaning. Not taken yet: always null.
    vector: Option<f64>,
    /// By age. Not taken yet: always null.
    recency: Option<f64>,
    /// By weight given to it. Not taken yet: always null.
    importance: Option<f64>,
}

/// What a recall can find. More types may come: pass over an unknown one.
#[derive(Union, Debug)]
pub enum RecallItem {
    Memory(Memory),
}
