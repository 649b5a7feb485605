//! What docs/schema.md shows is what a server answers.
use crate::{
    on_both,
    support::{Subscription, TestApp, text},
};
use aifirst::shared::Ambient;
use serde_json::{Map, Value, json};

const GUIDE: &str = include_str!("../../docs/schema.md");

/// An operation and the answers below it, one a value. In a stream `…` stands for events that are not shown.
struct Example {
    operation: &'static str,
    shown: Vec<Value>,
}

/// The ids and the cursor that an operation needs are those which the answers before it told last.
#[derive(Default)]
struct Known {
    ids: Vec<String>,
    cursor: Option<Value>,
}

fn examples() -> Vec<Example> {
    let after_fences = GUIDE.split("```graphql\n").skip(1);
    let example = |rest: &'static str| {
        let (operation, rest) = rest.split_once("```").unwrap();
        let answers = rest.strip_prefix("\n\n```json\n").expect("an answer below each operation");
        let answers = answers.split("```").next().unwrap().replace("…\n", "");
        let shown = serde_json::Deserializer::from_str(&answers).into_iter().map(Result::unwrap).collect();
        Example { operation, shown }
    };
    after_fences.map(example).collect()
}

impl Known {
    fn learn(&mut self, answer: &Value) {
        match answer {
            Value::Object(fields) => {
                if let Some(cursor) = fields.get("cursor") {
                    self.cursor = Some(cursor.clone());
                }
                fields.values().for_each(|value| self.learn(value));
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::String(text) if prefix(text).is_some() => self.ids.push(text.clone()),
            _ => {}
        }
    }

    fn variables(&self, operation: &str) -> Value {
        let head = operation.split('{').next().unwrap();
        let names = head.split('$').skip(1).map(|rest| rest.split(':').next().unwrap());
        names.map(|name| (name.to_owned(), self.value(name))).collect::<Map<_, _>>().into()
    }

    fn value(&self, name: &str) -> Value {
        let wanted = match name {
            "after" => return self.cursor.clone().expect("a cursor in an answer before"),
            "session" => "cs",
            "memory" => "mem",
            "workflow" => "wf",
            other => other,
        };
        let id = self.ids.iter().rfind(|id| prefix(id) == Some(wanted));
        json!(id.unwrap_or_else(|| panic!("no answer told a {name} yet")))
    }
}

fn prefix(id: &str) -> Option<&str> {
    let (prefix, rest) = id.split_once('_')?;
    (rest.len() == 26 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(prefix)
}

/// Without what is another each time: ids keep their prefix; times, cursors, and where a text is cut keep nothing.
fn comparable(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let opaque = match name.as_str() {
                    "cursor" | "startCursor" | "endCursor" | "requestId" => value.is_string(),
                    "text" | "offset" => fields.contains_key("offset"),
                    _ => false,
                };
                (name.clone(), if opaque { json!(name) } else { comparable(value) })
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(comparable).collect(),
        Value::String(text) => match prefix(text) {
            Some(prefix) => json!(prefix),
            None if chrono::DateTime::parse_from_rfc3339(text).is_ok() => json!("a time"),
            None => value.clone(),
        },
        other => other.clone(),
    }
}

/// A stream that has begun before what it is to tell happens: who comes later may get a reply in other pieces.
struct Stream {
    subscription: Subscription,
    field: String,
    seen: Vec<Value>,
}

impl Stream {
    async fn begin(app: &TestApp, Example { operation, shown }: &Example, known: &Known) -> Self {
        let (field, first) = shown[0]["data"].as_object().unwrap().iter().next().unwrap();
        let mut subscription = app.subscribe(&app.owner, operation, known.variables(operation)).await;
        let seen = subscription.until(field, |event| event["__typename"] == first["__typename"]).await;
        Self { subscription, field: field.clone(), seen }
    }

    /// All that it told, up to one like the last that is shown.
    async fn until(mut self, shown: &[Value]) -> Vec<Value> {
        let field = &self.field;
        let kind = &shown.last().unwrap()["data"][field]["__typename"];
        self.seen.extend(self.subscription.until(field, |event| event["__typename"] == *kind).await);
        self.seen.into_iter().map(|event| json!({ "data": { field: event } })).collect()
    }
}

on_both! {
    async fn the_guide_to_the_schema_shows_what_a_server_answers(database: Database) {
        // Slow enough to come in pieces.
        let app = TestApp::start_with(database, "gateway.builtin.pace_milliseconds = 15", Ambient::system()).await;
        let mut known = Known::default();
        let mut examples = examples().into_iter().peekable();
        while let Some(Example { operation, shown }) = examples.next() {
            let next = examples.next_if(|next| next.operation.starts_with("subscription"));
            let stream = match &next {
                Some(next) => Some(Stream::begin(&app, next, &known).await),
                None => None,
            };
            let seen = app.ask(Some(&app.owner.token), operation, known.variables(operation)).await;
            known.learn(&seen);
            let shown: Vec<_> = shown.iter().map(comparable).collect();
            assert_eq!([comparable(&seen)], *shown, "{operation}\n{seen:#}");
            if let Some((Example { shown, .. }, stream)) = next.zip(stream) {
                let seen = stream.until(&shown).await;
                let mut rest = seen.iter().map(comparable);
                for event in shown.iter().map(comparable) {
                    assert!(rest.any(|seen| seen == event), "{event:#} is not shown by {seen:#?}");
                }
            }
        }
        assert!(known.ids.len() > 5 && text(&json!({ "ws": known.value("ws") }), "/ws") == app.workspace);
    }
}
