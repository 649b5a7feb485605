//! What is sent to bring the server down: documents, variables, messages, clients that do not read. Each is refused with
//! a code for little work, or bounded, and the server answers the next one.
mod audit;
mod connection;
mod reader;
mod sequence;
mod transport;

use crate::support::TestApp;
use serde::Deserialize;
use serde_json::{Value, json};

/// A document of the table `tests/hostile.json`.
pub struct Hostile {
    pub name: String,
    pub document: String,
    pub variables: Value,
    pub code: String,
}

impl Hostile {
    pub fn body(&self) -> Value {
        json!({ "query": self.document, "variables": self.variables })
    }
}

#[derive(Deserialize)]
struct Table {
    documents: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    code: String,
    document: Vec<Part>,
    #[serde(default)]
    variables: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Once(String),
    Times(String, usize),
}

fn text(parts: &[Part]) -> String {
    let part = |part: &Part| match part {
        Part::Once(text) => text.clone(),
        Part::Times(text, times) if text.contains('%') => (0..*times)
            .map(|i| text.replace("%i", &i.to_string()).replace("%j", &(i + 1).to_string()))
            .collect(),
        Part::Times(text, times) => text.repeat(*times),
    };
    parts.iter().map(part).collect()
}

pub fn documents() -> Vec<Hostile> {
    let table: Table = serde_json::from_str(include_str!("../../hostile.json")).unwrap();
    let made = table.documents.into_iter().map(|entry| Hostile {
        document: text(&entry.document),
        variables: match &*entry.variables {
            [] => json!({}),
            parts => serde_json::from_str(&text(parts)).unwrap(),
        },
        name: entry.name,
        code: entry.code,
    });
    made.collect()
}

async fn is_well(app: &TestApp) {
    app.ok(&app.owner, "{ viewer { id } }", json!({})).await;
}
