//! What is looked for, and what was found.
use super::{MAX_HITS, MAX_QUERY, Memory, MemoryKind, MemoryScope};
use crate::shared::{Error, Problems, Result, id::WorkspaceId, text};

#[derive(Clone, Debug)]
pub struct RecallRequest {
    pub workspace: WorkspaceId,
    /// Plain words: no operators.
    pub query: String,
    pub limit: usize,
    /// What the texts of all hits together may cost, see [`estimated_tokens`].
    pub token_budget: Option<usize>,
    pub kinds: Option<Vec<MemoryKind>>,
    /// USER and WORKSPACE where not given.
    pub scopes: Option<Vec<MemoryScope>>,
    pub collection_prefix: Option<String>,
}

impl RecallRequest {
    pub fn new(workspace: WorkspaceId, query: impl Into<String>, limit: usize) -> Self {
        let query = query.into();
        Self {
            workspace,
            query,
            limit,
            token_budget: None,
            kinds: None,
            scopes: None,
            collection_prefix: None,
        }
    }

    pub fn check(&self) -> Result<()> {
        if self.limit == 0 || self.limit > MAX_HITS {
            return Err(Error::BadInput(format!("limit is {}: 1 to {MAX_HITS} are possible", self.limit)));
        }
        let mut problems = Problems::default();
        text::required(&mut problems, "query", &self.query, MAX_QUERY);
        problems.finish()
    }

    /// Whether some memories of the partitions are not wanted.
    pub(in crate::memory) fn has_filter(&self) -> bool {
        self.kinds.is_some() || self.collection_prefix.is_some()
    }
}

/// Best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recall {
    pub hits: Vec<Hit>,
    /// By [`estimated_tokens`], of all hits.
    pub used_tokens: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub memory: Memory,
    /// 0 to 1: the share of what a text could have of this query.
    pub score: f64,
    /// BM25.
    pub lexical: f64,
}

impl Recall {
    /// Takes hits in their order while they fit; one that does not fit is passed over, for a smaller one behind it
    /// may.
    pub fn within(hits: impl IntoIterator<Item = Hit>, budget: Option<usize>) -> Self {
        let mut recall = Self::default();
        for hit in hits {
            let cost = estimated_tokens(&hit.memory.content.text);
            if budget.is_none_or(|budget| recall.used_tokens + cost <= budget) {
                recall.used_tokens += cost;
                recall.hits.push(hit);
            }
        }
        recall
    }
}

/// What a text costs a model, about: a quarter of its characters, rounded up.
pub fn estimated_tokens(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}
