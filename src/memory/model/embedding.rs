//! By which model meaning is told.
use chrono::{DateTime, Utc};

/// How far a workspace is with the vectors of a provider's model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingProgress {
    /// The one that recall goes by.
    pub model: String,
    pub dimensions: usize,
    /// A provider's, where one is wanted.
    pub wanted: Option<String>,
    /// Items that have a vector of the wanted one, or get none.
    pub done: u64,
    pub total: u64,
    /// When it is tried again after a failure.
    pub retry_at: Option<DateTime<Utc>>,
}
