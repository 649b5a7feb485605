//! By which model meaning is told, and how far another one is.
use super::model;
use crate::graphql_kit::DateTime;
use async_graphql::SimpleObject;

/// By which model recall tells meaning, and how far the one is that it is to go by. Numbers are of what the caller may recall.
#[derive(SimpleObject, Debug)]
pub struct MemoryEmbedding {
    /// The model that recall goes by: the embedded one, or one of a provider, as `provider/model`.
    model: String,
    /// How many numbers its vectors have.
    dimensions: i32,
    /// The provider's model that the operator, or the workspace by its route, wants: another than `model` as long as memories
    /// and chunks are still given their vectors; recall goes by `model` until all have theirs. Null where none is wanted.
    wanted: Option<String>,
    /// Memories and chunks that are done with: they have their vector, or get none of this provider, such as what is
    /// INTERNAL_ONLY.
    done: i32,
    /// All memories and chunks that can be found.
    total: i32,
    /// Where the provider, or a budget, gave no vectors: when it is tried again.
    retry_at: Option<DateTime>,
}

impl From<model::EmbeddingProgress> for MemoryEmbedding {
    fn from(progress: model::EmbeddingProgress) -> Self {
        let count = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            model: progress.model,
            dimensions: i32::try_from(progress.dimensions).unwrap_or(i32::MAX),
            wanted: progress.wanted,
            done: count(progress.done),
            total: count(progress.total),
            retry_at: progress.retry_at.map(DateTime),
        }
    }
}
