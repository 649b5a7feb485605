//! The form of what cannot hold beside something: what [`Task::Contradict`](super::Task) asks of a model.
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradicted {
    pub contradictions: Vec<ContradictedBy>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContradictedBy {
    /// The name of the source as the model was told it.
    pub source: usize,
    /// One of [`HOW`].
    pub how: String,
    /// What the source says, word for word.
    pub quote: String,
    /// What it cannot hold beside, word for word.
    pub against: String,
}

pub const HOW: [&str; 4] = ["DENIES", "OTHER_NUMBER", "OTHER_VALUE", "OTHER"];

impl Contradicted {
    pub fn schema() -> Value {
        json!({
            "type": "object", "additionalProperties": false, "required": ["contradictions"],
            "properties": { "contradictions": { "type": "array", "items": {
                "type": "object", "additionalProperties": false, "required": ["source", "how", "quote", "against"],
                "properties": {
                    "source": { "type": "integer" },
                    "how": { "type": "string", "enum": HOW },
                    "quote": { "type": "string" },
                    "against": { "type": "string" }
                }
            } } }
        })
    }
}
