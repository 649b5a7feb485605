//! The form of an answer to a question from sources: what [`Task::Answer`](super::Task) asks of a model.
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Whether the sources answer the question.
    pub answered: bool,
    /// Empty where they do not.
    #[serde(default)]
    pub answer: String,
    /// What of the sources says so.
    #[serde(default)]
    pub quotes: Vec<AnsweredQuote>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsweredQuote {
    /// The number of the source as the model was told it, from 1.
    #[serde(default)]
    pub source: usize,
    /// Word for word, as the model says.
    pub quote: String,
}

impl Answered {
    pub fn schema() -> Value {
        json!({
            "type": "object", "additionalProperties": false, "required": ["answered", "answer", "quotes"],
            "properties": {
                "answered": { "type": "boolean" },
                "answer": { "type": "string" },
                "quotes": { "type": "array", "items": {
                    "type": "object", "additionalProperties": false, "required": ["source", "quote"],
                    "properties": { "source": { "type": "integer" }, "quote": { "type": "string" } }
                } }
            }
        })
    }
}
