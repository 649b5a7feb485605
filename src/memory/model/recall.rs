//! What is looked for, and what was found.
use super::{Document, DocumentChunk, MAX_HITS, MAX_QUERY, Memory, MemoryKind, MemoryScope};
use crate::{
    gateway::{Egress, Origin},
    memory::Remembered,
    shared::{
        Error, Problems, Result,
        id::{DocumentChunkId, WorkflowId, WorkspaceId},
        text,
    },
};
use chrono::{DateTime, TimeDelta, Utc};

#[derive(Clone, Debug)]
pub struct RecallRequest {
    pub workspace: WorkspaceId,
    /// Plain words: no operators.
    pub query: String,
    /// Of hits, or of groups.
    pub limit: usize,
    /// What the texts of all hits together may cost, see [`estimated_tokens`].
    pub token_budget: Option<usize>,
    pub kinds: Option<Vec<MemoryKind>>,
    /// USER and WORKSPACE where not given.
    pub scopes: Option<Vec<MemoryScope>>,
    pub collection_prefix: Option<String>,
    pub group_by: GroupBy,
    /// Only what was so then.
    pub true_at: Option<DateTime<Utc>>,
    /// As it was known then: without what was written later, and with what was superseded later.
    pub known_at: Option<DateTime<Utc>>,
    /// How much age counts; not at all where it is not given.
    pub recency: Option<RecencyRequest>,
    /// 0 to 1: how much it counts against a hit that it says the same as a better one.
    pub diversity: f64,
    /// Whether what stands between quotation marks has to be there: in what somebody wrote as a query.
    pub has_phrases: bool,
    /// What it is for, where a model may be asked.
    pub origin: Option<Origin>,
    pub workflow: Option<WorkflowId>,
}

/// What the hits of a recall are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    None,
    Collection,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecencyRequest {
    pub half_life: TimeDelta,
    /// 0 to 1.
    pub weight: f64,
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
            group_by: GroupBy::None,
            true_at: None,
            known_at: None,
            recency: None,
            diversity: 0.0,
            has_phrases: false,
            origin: None,
            workflow: None,
        }
    }

    pub fn check(&self) -> Result<()> {
        if self.limit == 0 || self.limit > MAX_HITS {
            return Err(Error::BadInput(format!("limit is {}: 1 to {MAX_HITS} are possible", self.limit)));
        }
        let mut problems = Problems::default();
        text::required(&mut problems, "query", &self.query, MAX_QUERY);
        problems.finish()?;
        if !(0.0..=1.0).contains(&self.diversity) {
            return Err(Error::BadInput(format!("diversity is {}: 0 to 1 are possible", self.diversity)));
        }
        match &self.recency {
            Some(recency) if recency.half_life <= TimeDelta::zero() => {
                Err(Error::BadInput("recency.halfLife is nothing: P30D halves a month's".into()))
            }
            Some(recency) if !(0.0..=1.0).contains(&recency.weight) => {
                Err(Error::BadInput(format!("recency.weight is {}: 0 to 1 are possible", recency.weight)))
            }
            _ => Ok(()),
        }
    }
}

/// Best first: hits, or where they were to be put together, groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recall {
    pub hits: Vec<Hit>,
    pub groups: Vec<Group>,
    /// By [`estimated_tokens`], of all hits.
    pub used_tokens: usize,
    /// Whether a model put the best in order, where one was asked.
    pub reranked: Option<bool>,
    /// The provider's model that told the meaning of the query; `None` where the embedded one did.
    pub embedded_by: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub item: Item,
    /// 0 to 1: the share of what could be got by this query.
    pub score: f64,
    /// BM25.
    pub lexical: f64,
    /// Cosine.
    pub vector: f64,
    /// 0 to 1, where it was asked for.
    pub recency: Option<f64>,
    /// How many of the query's phrases it holds, where there are some.
    pub phrases: Option<usize>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Memory(Memory),
    /// With its document.
    Chunk(DocumentChunk, Document),
}

impl Item {
    pub fn text(&self) -> &str {
        match self {
            Self::Memory(memory) => &memory.content.text,
            Self::Chunk(chunk, _) => &chunk.text,
        }
    }

    /// Which providers of models may see it.
    pub fn egress(&self) -> Egress {
        match self {
            Self::Memory(memory) => memory.content.egress,
            Self::Chunk(_, document) => document.egress,
        }
    }

    /// Who said it, where that is known.
    pub fn speaker(&self) -> Option<&str> {
        match self {
            Self::Memory(memory) => memory.content.speaker.as_deref(),
            Self::Chunk(..) => None,
        }
    }

    /// What a phrase is looked for in: its text, and what else it is found by.
    pub fn searched(&self) -> Vec<&str> {
        match self {
            Self::Memory(Memory { content, .. }) => {
                [Some(content.text.as_str()), content.speaker.as_deref()].into_iter().flatten().collect()
            }
            Self::Chunk(chunk, document) => {
                let further = [Some(document.title.as_str()), chunk.heading.as_deref()];
                [chunk.text.as_str()].into_iter().chain(further.into_iter().flatten()).collect()
            }
        }
    }

    /// How much it matters, where that was told.
    pub fn importance(&self) -> Option<f64> {
        match self {
            Self::Memory(memory) => memory.content.importance,
            Self::Chunk(..) => None,
        }
    }

    pub fn chunk(&self) -> Option<DocumentChunkId> {
        match self {
            Self::Memory(_) => None,
            Self::Chunk(chunk, _) => Some(chunk.id),
        }
    }

    pub fn into_memory(self) -> Option<Memory> {
        match self {
            Self::Memory(memory) => Some(memory),
            Self::Chunk(..) => None,
        }
    }

    /// What is derived from, where something is derived from it.
    pub fn remembered(&self) -> Remembered {
        match self {
            Self::Memory(memory) => Remembered::Memory(memory.id),
            Self::Chunk(_, document) => Remembered::Document(document.id),
        }
    }
}

/// A collection with the best of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub collection: String,
    /// 0 to 1, as of hits.
    pub score: f64,
    pub hits: Vec<Hit>,
}

impl Recall {
    /// Takes hits in their order while they fit; one that does not fit is passed over, for a smaller one behind it
    /// may.
    pub fn of_hits(hits: impl IntoIterator<Item = Hit>, budget: Option<usize>) -> Self {
        let mut recall = Self::default();
        recall.hits = recall.fitting(hits, budget);
        recall
    }

    /// The same group by group; one of which nothing fits is left out.
    pub fn of_groups(groups: impl IntoIterator<Item = Group>, budget: Option<usize>) -> Self {
        let mut recall = Self::default();
        for group in groups {
            let hits = recall.fitting(group.hits, budget);
            if !hits.is_empty() {
                recall.groups.push(Group { hits, ..group });
            }
        }
        recall
    }

    fn fitting(&mut self, hits: impl IntoIterator<Item = Hit>, budget: Option<usize>) -> Vec<Hit> {
        let mut taken = vec![];
        for hit in hits {
            let cost = estimated_tokens(hit.item.text());
            if budget.is_none_or(|budget| self.used_tokens + cost <= budget) {
                self.used_tokens += cost;
                taken.push(hit);
            }
        }
        taken
    }
}

/// What a text costs a model, about: a quarter of its characters, rounded up. What clients are told and ask by; a budget
/// goes by [`crate::gateway::estimate_tokens`], which errs on the high side.
pub fn estimated_tokens(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}
