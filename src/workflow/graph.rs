//! A workflow's graph as it is stored: typed steps, and how large they may be.
use crate::{
    memory::{MemoryKind, MemoryScope},
    shared::duration,
};
use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub const MAX_STEPS: usize = 100;
/// Characters of a key.
pub const MAX_KEY: usize = 64;
/// Characters of a prompt, a query, a memory's text.
pub const MAX_TEMPLATE: usize = 20_000;
/// Characters of an approval's title, as written.
pub const MAX_TITLE: usize = 500;
/// Bytes of a CEL expression.
pub const MAX_EXPRESSION: usize = 2_000;
/// Bytes of a JSON schema or an approval's form, in JSON.
pub const MAX_SCHEMA: usize = 16_384;
/// Memories that one recall returns.
pub const MAX_RECALL: i32 = 100;
pub const MAX_ATTEMPTS: i32 = 20;

/// Steps without a path between them run in parallel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// How other steps name this one: a letter or `_`, then letters, digits, `_`.
    pub key: String,
    /// Runs when all of these are COMPLETED or SKIPPED.
    #[serde(default)]
    pub after: Vec<String>,
    /// CEL over `input` and `steps`; the step is SKIPPED where it gives `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    #[serde(default)]
    pub retry: Retry,
    /// Of one attempt of an action that calls something: a model or the memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    pub action: Action,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    pub max_attempts: i32,
    pub initial_delay: Span,
    /// What each delay is multiplied by to give the next.
    pub backoff: f64,
    pub max_delay: Span,
    /// Error codes after which no other attempt is made.
    #[serde(default)]
    pub non_retryable: Vec<String>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: 1,
            initial_delay: Span(TimeDelta::seconds(1)),
            backoff: 2.0,
            max_delay: Span(TimeDelta::minutes(1)),
            non_retryable: vec![],
        }
    }
}

impl Retry {
    /// How long to wait after the `failures`-th failure; `None` when it was the last attempt.
    pub fn delay(&self, failures: i32) -> Option<TimeDelta> {
        if failures >= self.max_attempts {
            return None;
        }
        let factor = self.backoff.powi(failures.max(1) - 1);
        let millis = self.initial_delay.0.num_milliseconds() as f64 * factor;
        // Cut before the conversion: the product may be infinite.
        let most = self.max_delay.0.num_milliseconds();
        Some(TimeDelta::milliseconds(if millis < most as f64 { millis as i64 } else { most }))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Action {
    /// Asks a model. Output: `{text, model, usage}`, with an `outputSchema` also `json`.
    Llm {
        route: String,
        prompt: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output_schema: Option<Value>,
        /// What the model may have done while it answers, by name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tools: Vec<String>,
    },
    /// Output: `{memories: [{id, text, kind, score}]}`, the best first.
    MemoryRecall { query: String, limit: i32 },
    /// Output: `{memoryId}`.
    MemoryWrite { kind: MemoryKind, text: String, scope: MemoryScope },
    /// Output: `{approved, comment, form, decidedBy}`.
    Approval {
        title: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_after: Option<Span>,
        on_expiry: ExpiryOutcome,
    },
    /// CEL over `input` and `steps`: its value is the output.
    Transform { expression: String },
    /// Output: `{until}`.
    Wait(Wait),
}

impl Action {
    pub fn is_approval(&self) -> bool {
        matches!(self, Self::Approval { .. })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Wait {
    For(Span),
    /// An RFC 3339 time, or a template that renders to one.
    Until(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExpiryOutcome {
    Approve,
    Reject,
    Fail,
}

/// A length of time, stored as ISO 8601.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub TimeDelta);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&duration::format(self.0))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        duration::parse(&text).map(Self).ok_or_else(|| de::Error::custom("not a duration by ISO 8601"))
    }
}

impl Graph {
    /// For each step, by place, the places of those that come before it by any path. Names that no step has are
    /// left out; on a cycle a step may be its own ancestor.
    pub fn ancestors(&self) -> Vec<BTreeSet<usize>> {
        let places: HashMap<&str, usize> =
            self.steps.iter().enumerate().rev().map(|(place, step)| (step.key.as_str(), place)).collect();
        let direct: Vec<Vec<usize>> = self
            .steps
            .iter()
            .map(|step| step.after.iter().filter_map(|key| places.get(key.as_str()).copied()).collect())
            .collect();
        (0..self.steps.len())
            .map(|place| {
                let mut found = BTreeSet::new();
                let mut open = direct[place].clone();
                while let Some(before) = open.pop() {
                    if found.insert(before) {
                        open.extend(&direct[before]);
                    }
                }
                found
            })
            .collect()
    }

    /// Keys of the steps that no other step comes after: their outputs are the run's.
    pub fn leaves(&self) -> impl Iterator<Item = &str> {
        let inner: BTreeSet<&str> =
            self.steps.iter().flat_map(|step| &step.after).map(String::as_str).collect();
        self.steps.iter().map(|step| step.key.as_str()).filter(move |key| !inner.contains(key))
    }
}

/// SHA-256 of graph and input schema in canonical JSON, in hexadecimal: equal for equal meaning.
pub fn checksum(graph: &Graph, input_schema: Option<&Value>) -> Result<String, serde_json::Error> {
    let both = serde_json::json!({ "graph": serde_json::to_value(graph)?, "inputSchema": input_schema });
    let digest = Sha256::digest(canonical(&both).as_bytes());
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// JSON without blanks, the keys of each object in order of their code points.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            let fields: Vec<_> = sorted
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_checksum_is_blind_to_the_order_of_keys() {
        let a: Value = serde_json::from_str(r#"{"b":[1,{"d":null,"c":"x"}],"a":2}"#).unwrap();
        assert_eq!(canonical(&a), r#"{"a":2,"b":[1,{"c":"x","d":null}]}"#);
    }

    #[test]
    fn the_delay_grows_up_to_its_maximum_and_ends_with_the_attempts() {
        let retry = Retry { max_attempts: 5, max_delay: Span(TimeDelta::seconds(3)), ..Retry::default() };
        let delays: Vec<_> =
            (1..=5).map(|failures| retry.delay(failures).map(|delay| delay.num_milliseconds())).collect();
        assert_eq!(delays, [Some(1_000), Some(2_000), Some(3_000), Some(3_000), None]);
    }

    #[test]
    fn a_stored_graph_survives_its_json() {
        let stored = json!({"steps": [
            {"key": "a", "action": {"wait": {"for": "PT5S"}}},
            {"key": "b", "after": ["a"], "when": "true", "action": {"approval": {"title": "?", "onExpiry": "FAIL"}}},
        ]});
        let graph: Graph = serde_json::from_value(stored).unwrap();
        assert_eq!(serde_json::from_value::<Graph>(serde_json::to_value(&graph).unwrap()).unwrap(), graph);
        assert_eq!(graph.leaves().collect::<Vec<_>>(), ["b"]);
    }
}
