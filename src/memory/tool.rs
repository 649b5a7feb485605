//! What a model may do with memory, as the actor for whom it answers.
use super::{Item, Memory, MemoryKind, MemoryScope, MemoryService, NewMemory, RecallRequest};
use crate::{
    event::Log,
    gateway::{Asking, Done, Egress, Told, Tool, ToolSpec},
    shared::{Error, Result, actor::Actor},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Memories that one use tells of.
const MOST: usize = 10;

/// Looks for what is remembered. What may not leave for outside is passed over: who answers is not known here.
#[derive(Clone, Debug)]
pub struct RecallTool(pub MemoryService);

/// Writes a memory of the actor's own.
#[derive(Clone, Debug)]
pub struct RememberTool {
    pub memory: MemoryService,
    pub log: Log,
}

#[derive(Deserialize)]
struct Recall {
    query: String,
}

#[derive(Deserialize)]
struct Remember {
    text: String,
    kind: Option<MemoryKind>,
}

#[async_trait::async_trait]
impl Tool for RecallTool {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: "recall".to_owned(),
            description: "Looks for what is remembered of the person and their workspace. Use it when you need to know \
                          more than you were told."
                .to_owned(),
            parameters: json!({
                "type": "object", "additionalProperties": false, "required": ["query"],
                "properties": { "query": {
                    "type": "string", "minLength": 1, "maxLength": 2000, "description": "The words to look for."
                } }
            }),
        }
    }

    async fn run(&self, actor: &Actor, asking: &Asking, arguments: Value) -> Result<Done> {
        let Recall { query } = read(arguments)?;
        let request = RecallRequest {
            origin: Some(asking.origin.clone()),
            workflow: asking.workflow,
            ..RecallRequest::new(asking.workspace, query, MOST)
        };
        let recall = self.0.recall(actor, &request).await?;
        let found = recall.hits.iter().map(|hit| &hit.item);
        let found: Vec<_> = found.filter(|item| item.egress() == Egress::Allowed).collect();
        let told: Vec<_> = found.iter().map(|item| told_of(item)).collect();
        let read = found.iter().map(|item| Told { of: item.remembered().id(), text: item.text().to_owned() });
        let read = read.collect();
        Ok(Done { tx: None, text: json!({ "memories": told }).to_string(), read })
    }
}

fn told_of(item: &Item) -> Value {
    match item {
        Item::Memory(Memory { content, .. }) => {
            json!({ "text": content.text, "speaker": content.speaker, "occurredAt": content.occurred_at })
        }
        Item::Chunk(chunk, document) => json!({ "text": chunk.text, "document": document.title }),
    }
}

#[async_trait::async_trait]
impl Tool for RememberTool {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: "remember".to_owned(),
            description: "Keeps something for later conversations, for this person alone. Use it when they ask you to, or \
                          tell you a lasting preference or fact."
                .to_owned(),
            parameters: json!({
                "type": "object", "additionalProperties": false, "required": ["text"],
                "properties": {
                    "text": {
                        "type": "string", "minLength": 1, "maxLength": 2000,
                        "description": "One sentence that is understood by itself."
                    },
                    "kind": { "enum": ["FACT", "PREFERENCE", "NOTE"] }
                }
            }),
        }
    }

    async fn run(&self, actor: &Actor, asking: &Asking, arguments: Value) -> Result<Done> {
        let Remember { text, kind } = read(arguments)?;
        let new = NewMemory::new(asking.workspace, MemoryScope::User, kind.unwrap_or(MemoryKind::Note), text);
        let mut tx = self.log.begin().await?;
        let memory = self.memory.remember_in(&mut tx, actor, new).await?;
        let text = json!({ "remembered": memory.content.text }).to_string();
        Ok(Done { tx: Some(tx), text, read: vec![] })
    }
}

fn read<T: DeserializeOwned>(arguments: Value) -> Result<T> {
    serde_json::from_value(arguments).map_err(|_| Error::invalid("arguments", "they do not fit the schema"))
}
