//! What the demo remembers: a week's notes, this repository's own docs, and a file of the user's.
use crate::shared::moment;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// As `importMemories` takes it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    pub external_id: String,
    pub text: String,
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
}

/// A line of the user's file: a note of any of these fields, or a turn of a conversation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    text: String,
    #[serde(alias = "id")]
    external_id: Option<Value>,
    kind: Option<String>,
    #[serde(alias = "at")]
    occurred_at: Option<String>,
    speaker: Option<String>,
    #[serde(alias = "conversation")]
    collection: Option<String>,
    session: Option<Value>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum NotesError {
    #[error("{0} cannot be read: {1}")]
    File(String, std::io::Error),
    #[error("{0}, line {1}: {2}. Each line is a JSON object with at least `text`")]
    Line(String, usize, serde_json::Error),
    #[error("{0} has no notes in it")]
    Empty(String),
}

const WEEK: &str = include_str!("week.jsonl");
const DOCS: &[(&str, &str)] = &[
    ("README.md", include_str!("../../README.md")),
    ("docs/architecture.md", include_str!("../../docs/architecture.md")),
];

/// The notes of an ordinary week.
pub(super) fn week() -> Result<Vec<Item>, NotesError> {
    parse("the demo's notes", WEEK)
}

/// The repository's docs, a paragraph a note.
pub(super) fn docs() -> Vec<Item> {
    let paragraphs = |(file, text): &(&str, &str)| {
        let file = (*file).to_owned();
        let mut in_code = false;
        let prose: Vec<String> = text
            .split("\n\n")
            .filter(|block| {
                let was_in_code = in_code;
                in_code ^= block.matches("```").count() % 2 == 1;
                !was_in_code && !block.contains("```") && block.split_whitespace().count() > 5
            })
            .flat_map(|block| block.split("\n- ").map(|part| part.trim().to_owned()).collect::<Vec<_>>())
            .collect();
        prose.into_iter().enumerate().map(move |(number, text)| Item {
            external_id: format!("{file}#{number}"),
            text: text.chars().take(5_000).collect(),
            kind: "NOTE".into(),
            occurred_at: None,
            speaker: None,
            collection: Some(file.clone()),
        })
    };
    DOCS.iter().flat_map(paragraphs).filter(|item| !item.text.is_empty()).collect()
}

/// A file of the user's.
pub(super) fn read(path: &Path) -> Result<Vec<Item>, NotesError> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| NotesError::File(name.clone(), error))?;
    let items = parse(&name, &text)?;
    if items.is_empty() { Err(NotesError::Empty(name)) } else { Ok(items) }
}

fn parse(name: &str, text: &str) -> Result<Vec<Item>, NotesError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let line =
                serde_json::from_str(line).map_err(|e| NotesError::Line(name.to_owned(), number + 1, e))?;
            Ok(item(line, number))
        })
        .collect()
}

fn item(line: Line, number: usize) -> Item {
    let plain = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let collection = match (line.collection, line.session) {
        (Some(collection), Some(session)) => Some(format!("{collection}/{}", plain(session))),
        (collection, _) => collection,
    };
    let id = line.external_id.map_or_else(|| format!("line-{}", number + 1), plain);
    Item {
        external_id: collection.as_deref().map_or(id.clone(), |collection| format!("{collection}:{id}")),
        text: line.text,
        kind: line.kind.unwrap_or_else(|| if line.speaker.is_some() { "EPISODE" } else { "NOTE" }.into()),
        occurred_at: line.occurred_at.as_deref().and_then(moment::of_transcript),
        speaker: line.speaker,
        collection,
    }
}

/// As the variables of `importMemories`, at most 1,000 a call.
pub(super) fn calls(workspace: &str, items: &[Item]) -> Vec<Value> {
    items.chunks(1000).map(|items| json!({ "ws": workspace, "items": items })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_own_notes_can_be_read() {
        assert!(week().unwrap().len() > 10);
        assert!(docs().len() > 10);
    }

    #[test]
    fn a_turn_of_a_transcript_keeps_its_place_and_time() {
        let line = r#"{"conversation": "c-0", "session": 1, "at": "1:56 pm on 8 May, 2023", "id": "D1:1", "speaker": "Ana", "text": "Hello"}"#;
        let item = &parse("test", line).unwrap()[0];
        assert_eq!(item.external_id, "c-0/1:D1:1");
        assert_eq!(item.occurred_at.as_deref(), Some("2023-05-08T13:56:00+00:00"));
        assert_eq!(item.kind, "EPISODE");
    }

    #[test]
    fn a_bad_line_is_named() {
        assert!(parse("f", "{\"text\": \"a\"}\n{}").unwrap_err().to_string().contains("line 2"));
    }
}
