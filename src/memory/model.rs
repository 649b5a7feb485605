mod answer;
mod change;
mod contradiction;
mod document;
mod embedding;
mod entities;
mod extraction;
mod holds;
mod recall;
mod source;

pub use answer::{Abstention, Answer, AnswerRequest, Citation};
pub use change::{MemoryChange, MemoryChanged, NewSuccession, SupersededBy};
pub use contradiction::{
    Contradiction, ContradictionCheck, ContradictionFinder, MemoryContradiction, Quotes,
};
pub use document::{
    Described, Document, DocumentChunk, DocumentFailure, DocumentStatus, MediaType, NewDocument, NewUpload,
    Prepared, Upload, digest, forgotten, prepare,
};
pub use embedding::EmbeddingProgress;
pub use entities::{Alias, Aliases, Entity, EntityFilter, Merge, Separation};
pub use extraction::{Extraction, ExtractionSource, MAX_CANDIDATES, MAX_SOURCE, NewExtraction};
pub use holds::{Holds, Succession};
pub use recall::{Group, GroupBy, Hit, Item, Recall, RecallRequest, RecencyRequest, estimated_tokens};
pub use source::MemorySource;

use super::lines;
use crate::{
    gateway::Egress,
    shared::{
        Error, Problems, Result,
        id::{CoachingSessionId, ErasureReceiptId, MemoryId, RunId, WorkspaceId},
        stored, text,
    },
};
use bytes::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

/// Characters, as all bounds here.
pub const MAX_TEXT: usize = 10_000;
pub const MAX_EXTERNAL_ID: usize = 500;
pub const MAX_COLLECTION: usize = 500;
pub const MAX_SPEAKER: usize = 200;
pub const MAX_QUERY: usize = 10_000;
/// Items of one import.
pub const MAX_ITEMS: usize = 1_000;
/// Hits of one recall.
pub const MAX_HITS: usize = 100;

stored! {
    MemoryKind {
        Fact = "FACT",
        Preference = "PREFERENCE",
        Note = "NOTE",
        Episode = "EPISODE",
        Pattern = "PATTERN",
        Summary = "SUMMARY",
    }

    /// Who reads a memory.
    MemoryScope {
        User = "USER",
        Session = "SESSION",
        Workspace = "WORKSPACE",
    }

    MemoryStatus {
        Candidate = "CANDIDATE",
        Active = "ACTIVE",
        Superseded = "SUPERSEDED",
        Merged = "MERGED",
        Rejected = "REJECTED",
        Forgotten = "FORGOTTEN",
        Expired = "EXPIRED",
    }
}

impl MemoryStatus {
    /// What the index has: what is recalled, and what was at a time.
    pub const INDEXED: [Self; 2] = [Self::Active, Self::Superseded];
}

#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    pub id: MemoryId,
    pub workspace: WorkspaceId,
    pub scope: MemoryScope,
    pub external_id: Option<String>,
    pub content: Content,
    pub status: MemoryStatus,
    /// From 1, one more with each change of the content.
    pub version: i32,
    pub client_id: Option<Uuid>,
    /// Of what was proposed: how sure it is, 0 to 1.
    pub confidence: Option<f64>,
    pub succession: Succession,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Content {
    pub text: String,
    pub kind: MemoryKind,
    /// When it was said or happened, where that is known.
    pub occurred_at: Option<DateTime<Utc>>,
    pub speaker: Option<String>,
    /// What it belongs to with its neighbours: a conversation, a notebook.
    pub collection: Option<String>,
    /// Which providers of models may see it. Left out of hashes where it says nothing, as before it was there.
    #[serde(skip_serializing_if = "is_allowed")]
    pub egress: Egress,
    /// How much it matters, 0 to 1, where that was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance: Option<f64>,
    /// When it holds, and how long it is used.
    #[serde(skip_serializing_if = "Holds::is_open")]
    pub holds: Holds,
}

fn is_allowed(egress: &Egress) -> bool {
    *egress == Egress::Allowed
}

/// One memory to write.
#[derive(Clone, Debug, Serialize)]
pub struct NewMemory {
    pub workspace: WorkspaceId,
    pub scope: MemoryScope,
    /// With scope SESSION, and only then.
    pub session: Option<CoachingSessionId>,
    pub item: NewItem,
    /// A UUID that the client made.
    pub client_id: Option<String>,
    /// The run that writes it: it goes with what the run has read.
    #[serde(skip)]
    pub run: Option<RunId>,
}

impl MemoryKind {
    pub const ALL: [Self; 6] =
        [Self::Fact, Self::Preference, Self::Note, Self::Episode, Self::Pattern, Self::Summary];
}

impl NewMemory {
    /// A text alone; set the rest as needed.
    pub fn new(
        workspace: WorkspaceId,
        scope: MemoryScope,
        kind: MemoryKind,
        text: impl Into<String>,
    ) -> Self {
        let egress = Egress::Allowed;
        let content = Content {
            text: text.into(),
            kind,
            occurred_at: None,
            speaker: None,
            collection: None,
            egress,
            importance: None,
            holds: Holds::default(),
        };
        Self {
            workspace,
            scope,
            session: None,
            item: NewItem { external_id: None, content },
            client_id: None,
            run: None,
        }
    }
}

/// Memories to import, either listed or in a file.
#[derive(Clone, Debug)]
pub struct NewImport {
    pub workspace: WorkspaceId,
    pub scope: MemoryScope,
    /// Each with an external id.
    pub items: Option<Vec<NewItem>>,
    /// JSON Lines.
    pub file: Option<Bytes>,
}

/// Memories to import that were checked.
#[derive(Clone, Debug, Serialize)]
pub struct Import {
    pub workspace: WorkspaceId,
    pub scope: MemoryScope,
    /// Each with an external id that no other has.
    pub items: Vec<NewItem>,
    #[serde(skip)]
    pub places: Places,
}

/// Where an import's items stand in its input.
#[derive(Clone, Debug)]
pub enum Places {
    Items,
    /// The number of each item's line, from 1.
    Lines(Vec<usize>),
}

impl Places {
    /// The path of an item.
    pub fn of(&self, index: usize) -> String {
        match self {
            Self::Items => format!("items.{index}"),
            Self::Lines(lines) => format!("file.{}", lines.get(index).copied().unwrap_or_default()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewItem {
    /// The id in the system it comes from. The same one again, in the same scope, is the same memory.
    pub external_id: Option<String>,
    pub content: Content,
}

impl NewItem {
    /// Trimmed and within bounds. `at` is the item's path with its dot, empty for a single one.
    pub fn checked(self, problems: &mut Problems, at: &str) -> Self {
        let Content { text: words, kind, occurred_at, speaker, collection, egress, importance, holds } =
            self.content;
        let words = text::required(problems, &format!("{at}text"), &words, MAX_TEXT);
        let mut short = |name: &str, value: Option<String>, max| {
            value.map(|value| text::required(problems, &format!("{at}{name}"), &value, max))
        };
        let external_id = short("externalId", self.external_id, MAX_EXTERNAL_ID);
        let speaker = short("speaker", speaker, MAX_SPEAKER);
        let collection = short("collection", collection, MAX_COLLECTION);
        let occurred_at = occurred_at.map(|at| at.trunc_subsecs(6));
        if let Some(importance) = importance
            && !(0.0..=1.0).contains(&importance)
        {
            problems.invalid(format!("{at}importance"), format!("{importance}: 0 to 1 are possible"));
        }
        let holds = holds.checked(problems, at);
        let content =
            Content { text: words, kind, occurred_at, speaker, collection, egress, importance, holds };
        Self { external_id, content }
    }
}

impl NewImport {
    /// All problems of all items; the items as they are to be kept.
    pub fn checked(self) -> Result<Import> {
        let mut problems = Problems::default();
        let (items, places) = match (self.items, self.file) {
            (Some(items), None) => (items, Places::Items),
            (None, Some(file)) => {
                let (lines, items) = lines::read(&file, &mut problems)?.into_iter().unzip();
                (items, Places::Lines(lines))
            }
            _ => return Err(Error::invalid("items", "send either items or a file, one of the two")),
        };
        if items.len() > MAX_ITEMS {
            let count = items.len();
            return Err(Error::invalid(
                "items",
                format!("{count} items: at most {MAX_ITEMS} are possible in one call"),
            ));
        }
        if self.scope == MemoryScope::Session {
            problems.invalid(
                "scope",
                "import into USER or WORKSPACE: a session's memories are written one by one",
            );
        }
        let mut first: HashMap<String, usize> = HashMap::new();
        let mut checked = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let place = places.of(index);
            let item = item.checked(&mut problems, &format!("{place}."));
            if let Some(external_id) = &item.external_id
                && let Some(earlier) = first.insert(external_id.clone(), index)
            {
                let message = format!("the same as that of {}", places.of(earlier));
                problems.invalid(format!("{place}.externalId"), message);
            }
            checked.push(item);
        }
        problems.finish()?;
        Ok(Import { workspace: self.workspace, scope: self.scope, items: checked, places })
    }
}

/// What became of an item.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
}

/// The memories of an import in the order of its items.
#[derive(Clone, Debug)]
pub struct Imported {
    pub memories: Vec<(Memory, Outcome)>,
}

impl Imported {
    pub fn count(&self, outcome: Outcome) -> usize {
        self.memories.iter().filter(|(_, of)| *of == outcome).count()
    }
}

/// Which memories of a list are wanted; an empty filter wants all that the actor may see.
#[derive(Clone, Debug, Default)]
pub struct MemoryFilter {
    pub kinds: Option<Vec<MemoryKind>>,
    pub scopes: Option<Vec<MemoryScope>>,
    pub statuses: Option<Vec<MemoryStatus>>,
    pub collection_prefix: Option<String>,
}

/// What forgetting erased.
#[derive(Clone, Debug, PartialEq)]
pub struct ErasureReceipt {
    pub id: ErasureReceiptId,
    pub erased: Vec<Erased>,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// `MEMORY`, `DOCUMENT`, `CHUNK`, `INDEX_ENTRY`, and what derived from it elsewhere.
    pub kind: String,
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(external_id: &str, text: &str) -> NewItem {
        let content = Content {
            text: text.to_owned(),
            kind: MemoryKind::Note,
            occurred_at: None,
            speaker: None,
            collection: None,
            egress: Egress::Allowed,
            importance: None,
            holds: Holds::default(),
        };
        NewItem { external_id: Some(external_id.to_owned()), content }
    }

    fn problems(items: Vec<NewItem>) -> Vec<String> {
        let (workspace, scope) = (WorkspaceId::from_uuid(Uuid::nil()), MemoryScope::User);
        let import = NewImport { workspace, scope, items: Some(items), file: None };
        match import.checked() {
            Err(Error::Refused(problems)) => problems.into_iter().map(|problem| problem.path).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_problem_of_an_import_is_told_with_its_path() {
        let items =
            vec![item("a", "x"), item(" a ", " \n"), item("", "x"), item("b", &"x".repeat(MAX_TEXT + 1))];
        assert_eq!(
            problems(items),
            ["items.1.text", "items.1.externalId", "items.2.externalId", "items.3.text"]
        );
    }

    #[test]
    fn an_import_beyond_the_bound_is_one_problem() {
        assert_eq!(problems(vec![item("a", ""); MAX_ITEMS + 1]), ["items"]);
    }

    fn hit(text: &str) -> Hit {
        let item = item("a", text);
        let at = DateTime::UNIX_EPOCH;
        let memory = Memory {
            id: MemoryId::from_uuid(Uuid::nil()),
            workspace: WorkspaceId::from_uuid(Uuid::nil()),
            scope: MemoryScope::User,
            external_id: None,
            content: item.content,
            status: MemoryStatus::Active,
            version: 1,
            client_id: None,
            confidence: None,
            succession: Succession::default(),
            created_at: at,
            updated_at: at,
        };
        Hit {
            item: Item::Memory(memory),
            score: 0.5,
            lexical: 1.0,
            vector: 0.0,
            recency: None,
            phrases: None,
        }
    }

    proptest! {
        #[test]
        fn a_token_budget_holds_and_keeps_the_order(texts in prop::collection::vec(".{0,30}", 0..12), budget in 0_usize..40) {
            let recall = Recall::of_hits(texts.iter().map(|text| hit(text)), Some(budget));
            prop_assert!(recall.used_tokens <= budget);
            let kept: Vec<_> = recall.hits.iter().map(|hit| hit.item.text().to_owned()).collect();
            let mut rest = texts.iter();
            prop_assert!(kept.iter().all(|text| rest.any(|other| other == text)));
            prop_assert_eq!(recall.used_tokens, kept.iter().map(|text| estimated_tokens(text)).sum::<usize>());
        }
    }
}
