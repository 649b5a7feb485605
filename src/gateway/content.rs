//! What a call asked and answered, as guardrails let it pass; kept only where the workspace wants it.
use super::model::{ChatMessage, ChatRequest, Speaker, Task};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::fmt;

/// Bytes of what is asked: of a call that asks more no contents are kept.
const MOST: usize = 256 << 10;

/// The contents of one call, on their way into the log.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The workspace's number when the call began. What was forgotten since then may be quoted here: a content of another
    /// number is not kept.
    pub version: i64,
    /// JSON.
    pub asked: String,
    /// `None` where the call ended without one.
    pub answer: Option<String>,
}

/// Says nothing of it.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("version", &self.version).finish_non_exhaustive()
    }
}

/// As it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptContent {
    pub asked: Value,
    pub answer: Option<String>,
    pub kept_at: DateTime<Utc>,
}

impl Content {
    /// `None` where it is too long to be kept.
    pub(super) fn of(request: &ChatRequest, version: i64) -> Option<Self> {
        let (topic, goal) = match &request.task {
            Task::Coach { topic, goal } => (topic.as_deref(), goal.as_deref()),
            Task::Complete | Task::Answer | Task::Order | Task::Contradict | Task::Embed(_) => (None, None),
        };
        let sources = request.sources.iter();
        let sources: Vec<_> =
            sources.map(|it| json!({ "id": it.id, "text": it.text, "speaker": it.speaker })).collect();
        let asked = json!({
            "system": request.system,
            "topic": topic,
            "goal": goal,
            "messages": request.messages.iter().map(message).collect::<Vec<_>>(),
            "sources": sources,
            "tools": request.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(),
        });
        let asked = asked.to_string();
        (asked.len() <= MOST).then_some(Self { version, asked, answer: None })
    }
}

fn message(message: &ChatMessage) -> Value {
    let (speaker, tools) = match &message.speaker {
        Speaker::User => ("USER", &[][..]),
        Speaker::Assistant { tools } => ("ASSISTANT", tools.as_slice()),
        Speaker::Tool { .. } => ("TOOL", &[][..]),
    };
    let tools: Vec<_> =
        tools.iter().map(|it| json!({ "name": it.name, "arguments": it.arguments })).collect();
    json!({ "speaker": speaker, "text": message.text, "tools": tools })
}
