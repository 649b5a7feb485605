//! What clients send, as the service takes it.
use super::{Egress, MemoryKind, MemoryScope, MemoryStatus, recall::RecallGroupBy};
use crate::{
    graphql_kit::{DateTime, Duration, Upload, each_once},
    memory::model,
    shared::{
        Error,
        id::{CoachingSessionId, MemoryId, WorkspaceId},
    },
};
use async_graphql::{ID, InputObject};

/// One memory to write.
#[derive(InputObject, Debug)]
pub struct RememberInput {
    /// The workspace that it lies in.
    workspace_id: WorkspaceId,
    /// What to remember, at most 10,000 characters.
    text: String,
    /// What sort of thing it is.
    #[graphql(default_with = "MemoryKind::Note")]
    kind: MemoryKind,
    /// Who reads it.
    #[graphql(default_with = "MemoryScope::User")]
    scope: MemoryScope,
    /// The coaching session that it belongs to: with scope SESSION, and only then.
    session_id: Option<CoachingSessionId>,
    /// The id in the system that it comes from, at most 500 characters.
    external_id: Option<String>,
    /// What it belongs to with its neighbours, at most 500 characters: a conversation, a notebook.
    collection: Option<String>,
    /// Who said it, at most 200 characters. Recall finds it by this name too.
    speaker: Option<String>,
    /// When it was said or happened.
    occurred_at: Option<DateTime>,
    /// Which providers of models may see it. What is INTERNAL_ONLY is left out of what an outside provider is asked.
    #[graphql(default_with = "Egress::Allowed")]
    egress: Egress,
    /// How much it matters, 0 to 1: what matters most gets a fifth on its score in a recall, what does not matter at all loses
    /// one. What says nothing stands as 0.5.
    importance: Option<f64>,
    /// When it began to be so, where that is known.
    valid_from: Option<DateTime>,
    /// When it ended to be so, exclusive.
    valid_to: Option<DateTime>,
    /// When it goes out of use: from then on it is not recalled.
    expires_at: Option<DateTime>,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    pub(super) idempotency_key: Option<String>,
    /// A UUID that the client gives what it writes offline: the same one with the same content is the same memory,
    /// for ever.
    client_id: Option<ID>,
}

impl From<RememberInput> for model::NewMemory {
    fn from(input: RememberInput) -> Self {
        let content = model::Content {
            text: input.text,
            kind: input.kind.into(),
            occurred_at: input.occurred_at.map(|at| at.0),
            speaker: input.speaker,
            collection: input.collection,
            egress: input.egress.into(),
            importance: input.importance,
            holds: holds(input.valid_from, input.valid_to, input.expires_at),
        };
        Self {
            workspace: input.workspace_id,
            scope: input.scope.into(),
            session: input.session_id,
            item: model::NewItem { external_id: input.external_id, content },
            client_id: input.client_id.map(|id| id.0),
            run: None,
        }
    }
}

fn holds(from: Option<DateTime>, to: Option<DateTime>, expires: Option<DateTime>) -> model::Holds {
    let time = |at: Option<DateTime>| at.map(|at| at.0);
    model::Holds { valid_from: time(from), valid_to: time(to), expires_at: time(expires) }
}

/// One memory of an import.
#[derive(InputObject, Debug)]
pub struct ImportMemoryItem {
    /// The id in the system that it comes from, at most 500 characters; each only once in a call.
    external_id: String,
    /// What to remember, at most 10,000 characters.
    text: String,
    /// What sort of thing it is.
    #[graphql(default_with = "MemoryKind::Note")]
    kind: MemoryKind,
    /// When it was said or happened.
    occurred_at: Option<DateTime>,
    /// Who said it, at most 200 characters. Recall finds it by this name too.
    speaker: Option<String>,
    /// What it belongs to with its neighbours, at most 500 characters: a conversation, a notebook.
    collection: Option<String>,
    /// Which providers of models may see it. What is INTERNAL_ONLY is left out of what an outside provider is asked.
    #[graphql(default_with = "Egress::Allowed")]
    egress: Egress,
    /// How much it matters, 0 to 1: what matters most gets a fifth on its score in a recall, what does not matter at all loses
    /// one. What says nothing stands as 0.5.
    importance: Option<f64>,
    /// When it began to be so, where that is known.
    valid_from: Option<DateTime>,
    /// When it ended to be so, exclusive.
    valid_to: Option<DateTime>,
    /// When it goes out of use: from then on it is not recalled.
    expires_at: Option<DateTime>,
}

impl From<ImportMemoryItem> for model::NewItem {
    fn from(item: ImportMemoryItem) -> Self {
        let content = model::Content {
            text: item.text,
            kind: item.kind.into(),
            occurred_at: item.occurred_at.map(|at| at.0),
            speaker: item.speaker,
            collection: item.collection,
            egress: item.egress.into(),
            importance: item.importance,
            holds: holds(item.valid_from, item.valid_to, item.expires_at),
        };
        Self { external_id: Some(item.external_id), content }
    }
}

/// Memories to import together.
#[derive(InputObject, Debug)]
pub struct ImportMemoriesInput {
    /// The workspace that they lie in.
    workspace_id: WorkspaceId,
    /// Who reads them: USER or WORKSPACE.
    #[graphql(default_with = "MemoryScope::User")]
    scope: MemoryScope,
    /// At most 1,000. Either these or a file.
    items: Option<Vec<ImportMemoryItem>>,
    /// The same as JSON Lines, in a multipart request: an object with the fields of `ImportMemoryItem` on each line, in
    /// UTF-8; at most 1,000. Problems are told under `file.17.text`, for the 17th line as editors count.
    file: Option<Upload>,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    pub(super) idempotency_key: Option<String>,
}

impl From<ImportMemoriesInput> for model::NewImport {
    fn from(input: ImportMemoriesInput) -> Self {
        Self {
            workspace: input.workspace_id,
            scope: input.scope.into(),
            items: input.items.map(into),
            file: input.file.map(|file| file.0),
        }
    }
}

/// Which memory to forget.
#[derive(InputObject, Debug)]
pub struct ForgetMemoryInput {
    /// The memory.
    pub(super) memory_id: MemoryId,
}

/// Which memories are wanted; what is left out wants all.
#[derive(InputObject, Debug)]
pub struct MemoryFilter {
    /// Of one of these kinds.
    kinds: Option<Vec<MemoryKind>>,
    /// Of one of these scopes.
    scopes: Option<Vec<MemoryScope>>,
    /// In one of these states.
    statuses: Option<Vec<MemoryStatus>>,
    /// In a collection whose name begins so, upper and lower case being different.
    collection_prefix: Option<String>,
}

impl From<MemoryFilter> for model::MemoryFilter {
    fn from(filter: MemoryFilter) -> Self {
        Self {
            kinds: filter.kinds.map(each_once),
            scopes: filter.scopes.map(each_once),
            statuses: filter.statuses.map(each_once),
            collection_prefix: filter.collection_prefix,
        }
    }
}

pub(super) fn into<T, U: From<T>>(values: Vec<T>) -> Vec<U> {
    values.into_iter().map(U::from).collect()
}

/// What to look for.
#[derive(InputObject, Debug)]
pub struct RecallInput {
    /// A question or words, at most 10,000 characters. What stands in quotation marks is a phrase: hits that hold its words
    /// next to each other, in any form, come first. No other sign means anything.
    query: String,
    /// How many hits at most, or groups, 1 to 100.
    #[graphql(default = 10)]
    limit: i32,
    /// How many tokens the texts of all hits together may have, as `usedTokens` counts them. A hit that does not fit
    /// is passed over.
    token_budget: Option<i32>,
    /// Only memories of these kinds, and no documents.
    kinds: Option<Vec<MemoryKind>>,
    /// Where to look: USER and WORKSPACE if nothing is said; SESSION adds the caller's own coaching sessions.
    scopes: Option<Vec<MemoryScope>>,
    /// Only what is in a collection whose name begins so, upper and lower case being different. A document is one, named by
    /// its id.
    collection_prefix: Option<String>,
    /// What the hits are put together by.
    #[graphql(default_with = "RecallGroupBy::None")]
    group_by: RecallGroupBy,
    /// The same as `trueAt`: give one of the two.
    as_of: Option<DateTime>,
    /// Only what was so at this time, by `validFrom` and `validTo`, and what was superseded but was so then. What says
    /// nothing of its time counts as always so.
    true_at: Option<DateTime>,
    /// What was known here at this time: without what was written or changed later, and with what was superseded later.
    /// What was forgotten or has expired is never found.
    known_at: Option<DateTime>,
    /// How much age counts; not at all where nothing is said.
    recency: Option<RecencyInput>,
    /// How much it counts against a hit that it says the same as a better one, 0 to 1. Above 0 the best 200 are chosen from one
    /// by one (maximal marginal relevance), and scores need not fall from hit to hit.
    #[graphql(default = 0.0)]
    diversity: f64,
}

/// How much age counts in a recall.
#[derive(InputObject, Debug)]
pub struct RecencyInput {
    /// After so long something is half as recent, by when it happened, or was written where that is not known.
    half_life: Duration,
    /// The share of its score that what is not recent at all loses, 0 to 1.
    #[graphql(default = 0.2)]
    weight: f64,
}

impl RecallInput {
    pub(super) fn request(self, workspace: WorkspaceId) -> Result<model::RecallRequest, Error> {
        let count = |name: &str, value: i32| {
            usize::try_from(value)
                .map_err(|_| Error::BadInput(format!("{name} is {value}: it cannot be negative")))
        };
        Ok(model::RecallRequest {
            workspace,
            query: self.query,
            limit: count("limit", self.limit)?,
            token_budget: self.token_budget.map(|budget| count("tokenBudget", budget)).transpose()?,
            kinds: self.kinds.map(each_once),
            scopes: self.scopes.map(each_once),
            collection_prefix: self.collection_prefix,
            group_by: self.group_by.into(),
            true_at: self.true_at.or(self.as_of).map(|at| at.0),
            known_at: self.known_at.map(|at| at.0),
            recency: self.recency.map(|recency| model::RecencyRequest {
                half_life: recency.half_life.0,
                weight: recency.weight,
            }),
            diversity: self.diversity,
            has_phrases: true,
            origin: None,
            workflow: None,
        })
    }
}
