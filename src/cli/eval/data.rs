//! What is read from files: conversations with questions, passages with queries.
use crate::{cli::Failure, shared::moment};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::Path,
};

/// Characters of a document's title.
const MAX_TITLE: usize = 500;

/// Turns as `importMemories` takes them, and questions about them.
pub(super) struct Conversations {
    pub(super) items: Vec<Value>,
    pub(super) questions: Vec<Question>,
}

pub(super) struct Question {
    pub(super) text: String,
    /// Of the collections of the conversation that is asked.
    pub(super) prefix: String,
    /// External ids of the turns that answer it.
    pub(super) turns: BTreeSet<String>,
    /// Their collections.
    pub(super) sessions: BTreeSet<String>,
}

/// Passages as `addDocument` takes them, and queries.
pub(super) struct Passages {
    pub(super) documents: Vec<Value>,
    pub(super) queries: Vec<Query>,
}

pub(super) struct Query {
    pub(super) text: String,
    /// External ids of the documents that are relevant.
    pub(super) relevant: BTreeSet<String>,
}

#[derive(Deserialize)]
struct TurnLine {
    conversation: String,
    session: Value,
    at: Option<String>,
    id: String,
    speaker: Option<String>,
    text: String,
}

#[derive(Deserialize)]
struct QuestionLine {
    conversation: String,
    question: String,
    evidence: BTreeSet<String>,
}

#[derive(Deserialize)]
struct PassageLine {
    id: String,
    title: Option<String>,
    text: String,
}

#[derive(Deserialize)]
struct QueryLine {
    query: String,
    relevant: BTreeSet<String>,
}

impl Conversations {
    pub(super) fn read(turns: &Path, questions: &Path) -> Result<Self, Failure> {
        let turns: Vec<TurnLine> = lines(turns)?;
        let external_id = |conversation: &str, turn: &str| format!("{conversation}/{turn}");
        let collections: HashMap<String, String> =
            turns.iter().map(|turn| (external_id(&turn.conversation, &turn.id), turn.collection())).collect();
        let items = turns.iter().map(|turn| {
            json!({
                "externalId": external_id(&turn.conversation, &turn.id),
                "text": turn.text,
                "kind": "EPISODE",
                "occurredAt": turn.at.as_deref().and_then(moment::of_transcript),
                "speaker": turn.speaker,
                "collection": turn.collection(),
            })
        });
        let questions: Vec<QuestionLine> = lines(questions)?;
        let questions = questions.into_iter().map(|line| {
            let ids = line.evidence.iter().map(|turn| external_id(&line.conversation, turn));
            let turns: BTreeSet<String> = ids.collect();
            Question {
                text: line.question,
                prefix: format!("{}/", line.conversation),
                sessions: turns.iter().filter_map(|turn| collections.get(turn)).cloned().collect(),
                turns,
            }
        });
        Ok(Self { items: items.collect(), questions: questions.collect() })
    }
}

impl TurnLine {
    /// The session in its conversation.
    fn collection(&self) -> String {
        let session = self.session.as_str().map_or_else(|| self.session.to_string(), str::to_owned);
        format!("{}/{session}", self.conversation)
    }
}

impl Passages {
    pub(super) fn read(corpus: &Path, queries: &Path) -> Result<Self, Failure> {
        let passages: Vec<PassageLine> = lines(corpus)?;
        let documents = passages.iter().map(|PassageLine { id, title, text }| {
            let title = title.as_deref().filter(|title| !title.trim().is_empty()).unwrap_or(id);
            let title: String = title.chars().take(MAX_TITLE).collect();
            json!({ "externalId": id, "title": title, "mediaType": "text/plain", "scope": "USER", "text": text })
        });
        let queries: Vec<QueryLine> = lines(queries)?;
        let queries = queries.into_iter().map(|line| Query { text: line.query, relevant: line.relevant });
        Ok(Self { documents: documents.collect(), queries: queries.collect() })
    }
}

fn lines<T: DeserializeOwned>(file: &Path) -> Result<Vec<T>, Failure> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let read = serde_json::from_str(line);
            read.map_err(|error| format!("{name}, line {}: {error}", number + 1).into())
        })
        .collect()
}
