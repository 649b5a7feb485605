//! The form of an order of sources: what [`Task::Order`](super::Task) asks of a model.
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// The names of the sources as the model was told them, best first.
    pub order: Vec<usize>,
}

impl Ordered {
    pub fn schema() -> Value {
        json!({
            "type": "object", "additionalProperties": false, "required": ["order"],
            "properties": { "order": { "type": "array", "items": { "type": "integer" } } }
        })
    }
}
