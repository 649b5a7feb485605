//! What an expression or a template of a step may name: the run's `input`, and the outputs of the steps before it.
use serde_json::{Map, Value, json};

/// A name that an expression or a template uses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// `steps.<key>`
    Step(String),
    /// `input.<field>`
    Input(String),
    /// Anything that is neither `input` nor `steps`.
    Unknown(String),
}

/// The values that a step sees. `steps` holds its ancestors alone, whatever else has run by then: so the outcome
/// does not hang on timing.
#[derive(Clone, Debug)]
pub struct Scope {
    pub input: Value,
    pub steps: Value,
}

impl Scope {
    /// A skipped step's output is null.
    pub fn new<'a>(input: &Value, outputs: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let steps: Map<String, Value> =
            outputs.into_iter().map(|(key, output)| (key.to_owned(), json!({ "output": output }))).collect();
        Self { input: input.clone(), steps: Value::Object(steps) }
    }
}

/// Lists and objects inside one another: what is stored is wrapped a few times more, and parsers of JSON read 128.
const MAX_DEPTH: usize = 64;

/// Why the databases cannot keep the value, or would not give it back; `None` where they do.
pub fn unstorable(value: &Value) -> Option<&'static str> {
    fn find(value: &Value, depth: usize) -> Option<&'static str> {
        const NUL: &str = "the character U+0000 cannot be kept in a text: remove it";
        match value {
            _ if depth > MAX_DEPTH => Some("lists and objects lie more than 64 deep inside one another"),
            Value::String(text) => text.contains('\0').then_some(NUL),
            Value::Array(items) => items.iter().find_map(|item| find(item, depth + 1)),
            Value::Object(fields) => fields
                .iter()
                .find_map(|(key, value)| if key.contains('\0') { Some(NUL) } else { find(value, depth + 1) }),
            _ => None,
        }
    }
    find(value, 0)
}

/// Values: itself, and all that is in it.
pub fn count_of(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count_of).sum(),
        Value::Object(fields) => fields.values().map(count_of).sum(),
        _ => 0,
    }
}

/// Bytes of texts and number of values: a measure that does not build the JSON.
pub fn size_of(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size_of).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| key.len() + size_of(value)).sum(),
        _ => 0,
    }
}
