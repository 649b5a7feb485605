//! What a recall shows.
use super::{DocumentChunk, Memory, model};
use crate::memory::embedding::Embedder;
use async_graphql::{Enum, SimpleObject, Union};

/// What the hits of a recall are put together by.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::GroupBy")]
pub enum RecallGroupBy {
    /// Nothing: the best hits, each by itself.
    None,
    /// Their collection: the best conversations, notebooks or documents, each with its best hits.
    Collection,
}

/// What was found.
#[derive(SimpleObject, Debug)]
pub struct RecallResult {
    /// Best first; among equals the older first. Empty where they are in groups.
    hits: Vec<RecallHit>,
    /// Where they were asked for: best first. What lies in no collection is in none of them.
    groups: Vec<RecallGroup>,
    /// What the texts of the hits cost a language model, about: a quarter of each one's characters, rounded up.
    used_tokens: i32,
    /// Whether a model put the best hits in order, which the operator has to set up; scores then need not fall from hit to hit.
    /// False where it failed, and the order stayed. Null where none was asked: of groups and with `diversity`, and of who may
    /// only read.
    reranked: Option<bool>,
    /// The model that told the meaning of the query: the embedded one, or one of a provider, as `provider/model`. What has no
    /// vector of that one yet went by the embedded one.
    embedded_by: String,
}

/// One find.
#[derive(SimpleObject, Debug)]
pub struct RecallHit {
    /// How good it is, from 0 to 1: the share of what one would get that is best in every respect. Comparable within one
    /// recall.
    score: f64,
    /// What the score was made of.
    signals: RecallSignals,
    /// What was found.
    item: RecallItem,
}

impl From<model::Recall> for RecallResult {
    fn from(recall: model::Recall) -> Self {
        let used_tokens = i32::try_from(recall.used_tokens).unwrap_or(i32::MAX);
        Self {
            hits: recall.hits.into_iter().map(RecallHit::from).collect(),
            groups: recall.groups.into_iter().map(RecallGroup::from).collect(),
            used_tokens,
            reranked: recall.reranked,
            embedded_by: recall.embedded_by.unwrap_or_else(|| Embedder::embedded().name().to_owned()),
        }
    }
}

impl From<model::Hit> for RecallHit {
    fn from(hit: model::Hit) -> Self {
        let signals = RecallSignals {
            lexical: Some(hit.lexical),
            vector: Some(hit.vector),
            recency: hit.recency,
            importance: hit.item.importance(),
            phrases: hit.phrases.map(|phrases| i32::try_from(phrases).unwrap_or(i32::MAX)),
        };
        let item = match hit.item {
            model::Item::Memory(memory) => RecallItem::Memory(memory.into()),
            model::Item::Chunk(chunk, document) => {
                RecallItem::DocumentChunk(DocumentChunk::of(chunk, document))
            }
        };
        Self { score: hit.score, signals, item }
    }
}

/// A collection with the best of it.
#[derive(SimpleObject, Debug)]
pub struct RecallGroup {
    /// Its name; of a document's chunks, the document's id.
    collection: String,
    /// How good it is, from 0 to 1: its best hit and its words as a whole. Comparable within one recall.
    score: f64,
    /// The best of it, at most three.
    hits: Vec<RecallHit>,
}

impl From<model::Group> for RecallGroup {
    fn from(group: model::Group) -> Self {
        Self {
            collection: group.collection,
            score: group.score,
            hits: group.hits.into_iter().map(RecallHit::from).collect(),
        }
    }
}

/// What a score was made of, beside the neighbours and the collection of what was found; null where a part was not taken.
#[derive(SimpleObject, Debug)]
pub struct RecallSignals {
    /// By words: BM25 with k1 0.9 and b 0.4, from 0 up.
    lexical: Option<f64>,
    /// By meaning: the cosine, from -1 to 1. The same words in other orders and forms are near 1, what has nothing in common
    /// is about 0.
    vector: Option<f64>,
    /// By age: 1 for what is of now, half of it after each half-life. Null where `recency` was not asked for.
    recency: Option<f64>,
    /// How much it was said to matter, 0 to 1. Null where nothing was said.
    importance: Option<f64>,
    /// How many of the query's phrases it holds, of at most eight. Null where the query has none. Of what has all words of one,
    /// the best 200 are looked at; what is not looked at counts as holding none.
    phrases: Option<i32>,
}

/// What a recall can find. More types may come: pass over an unknown one.
#[derive(Union, Debug)]
pub enum RecallItem {
    Memory(Memory),
    DocumentChunk(DocumentChunk),
}
