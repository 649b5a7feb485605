//! What is wrong with a graph: all of it at once, each with its place, so that it is mended in one go.
mod bounds;

use super::{
    expression::Expression,
    graph::{Action, Graph, MAX_ATTEMPTS, MAX_KEY, MAX_RECALL, Step, Wait},
    scope::Reference,
    template,
};
use crate::{config::TOOLS, gateway::Schema, memory::MemoryScope, shared::text::is_blank};
use chrono::{DateTime, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

pub use bounds::check_bounds;

/// Something that keeps a draft from being published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphProblem {
    /// From the input's root: `graph.steps.2.when`.
    pub path: String,
    pub code: String,
    pub message: String,
}

/// Of `timeout`, `expiresAfter`, `wait.for`.
const LONGEST: TimeDelta = TimeDelta::days(366);
const LONGEST_TIMEOUT: TimeDelta = TimeDelta::hours(1);
const MAX_BACKOFF: f64 = 10.0;
const NO_OBJECT: &str = "a JSON schema is an object";
/// Names that expressions cannot select.
const RESERVED: &[&str] = &["true", "false", "null", "in"];

/// What keeps the graph from being published, in the order of its steps. Compiling takes a moment: not where others wait.
pub fn problems(graph: &Graph, input_schema: Option<&Value>) -> Vec<GraphProblem> {
    let mut found = Found::default();
    if graph.steps.is_empty() {
        found.add("graph.steps".into(), "EMPTY_GRAPH", "a workflow has at least one step");
    }
    if input_schema.is_some_and(|schema| !schema.is_object()) {
        found.add("inputSchema".into(), "INVALID_SCHEMA", NO_OBJECT);
    }
    let ancestors = graph.ancestors();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, step) in graph.steps.iter().enumerate() {
        let at = |field: &str| format!("graph.steps.{place}.{field}");
        if !is_key(&step.key) {
            let message = format!(
                "a key begins with a letter or _, then letters, digits and _, {MAX_KEY} in all, and is no word of the expression language"
            );
            found.add(at("key"), "INVALID_KEY", &message);
        } else if let Some(first) = places.get(step.key.as_str()) {
            found.add(at("key"), "DUPLICATE_KEY", &format!("step {first} has this key already"));
        }
        places.entry(&step.key).or_insert(place);
    }
    let names: BTreeSet<&str> = places.keys().copied().collect();
    for (place, step) in graph.steps.iter().enumerate() {
        let known = Known {
            path: format!("graph.steps.{place}"),
            names: &names,
            ancestors: ancestors[place].iter().map(|before| graph.steps[*before].key.as_str()).collect(),
            inputs: closed_inputs(input_schema),
        };
        check_order(&mut found, graph, &ancestors, place, &names);
        check_step(&mut found, step, &known);
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<GraphProblem>);

impl Found {
    fn add(&mut self, path: String, code: &str, message: &str) {
        self.0.push(GraphProblem { path, code: code.to_owned(), message: message.to_owned() });
    }
}

/// What a step may name.
struct Known<'g> {
    path: String,
    names: &'g BTreeSet<&'g str>,
    ancestors: BTreeSet<&'g str>,
    /// The input's fields, where the schema admits no others.
    inputs: Option<BTreeSet<&'g str>>,
}

fn closed_inputs(schema: Option<&Value>) -> Option<BTreeSet<&str>> {
    let schema = schema?.as_object()?;
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    let fields =
        schema.get("properties").and_then(Value::as_object).map(|fields| fields.keys().map(String::as_str));
    closed.then(|| fields.into_iter().flatten().collect())
}

fn is_key(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
        && key.len() <= MAX_KEY
        && !RESERVED.contains(&key)
}

fn check_order(
    found: &mut Found,
    graph: &Graph,
    ancestors: &[BTreeSet<usize>],
    place: usize,
    names: &BTreeSet<&str>,
) {
    let step = &graph.steps[place];
    let mut seen = BTreeSet::new();
    for (index, key) in step.after.iter().enumerate() {
        let path = format!("graph.steps.{place}.after.{index}");
        if !names.contains(key.as_str()) {
            found.add(path, "UNKNOWN_STEP", &format!("there is no step {key:?}"));
        } else if !seen.insert(key) {
            found.add(path, "DUPLICATE_STEP", &format!("{key:?} is named twice"));
        }
    }
    // Told once, at the first step of the cycle.
    let circle: Vec<usize> =
        ancestors[place].iter().copied().filter(|other| ancestors[*other].contains(&place)).collect();
    if circle.first() == Some(&place) {
        let keys: Vec<&str> = circle.iter().map(|place| graph.steps[*place].key.as_str()).collect();
        let message = format!("these steps wait for each other: {}", keys.join(", "));
        found.add(format!("graph.steps.{place}.after"), "CYCLE", &message);
    }
}

fn check_step(found: &mut Found, step: &Step, known: &Known<'_>) {
    let at = |field: &str| format!("{}.{field}", known.path);
    if let Some(when) = &step.when {
        check_expression(found, &at("when"), when, known);
    }
    let retry = &step.retry;
    range(found, at("retry.maxAttempts"), retry.max_attempts.into(), 1.0, MAX_ATTEMPTS.into());
    range(found, at("retry.backoff"), retry.backoff, 1.0, MAX_BACKOFF);
    length(found, at("retry.initialDelay"), retry.initial_delay.0, LONGEST_TIMEOUT);
    length(found, at("retry.maxDelay"), retry.max_delay.0, LONGEST);
    if let Some(timeout) = step.timeout {
        length(found, at("timeout"), timeout.0, LONGEST_TIMEOUT);
        if timeout.0.is_zero() {
            found.add(at("timeout"), "OUT_OF_RANGE", "longer than nothing");
        }
    }
    match &step.action {
        Action::Llm { route, prompt, output_schema, tools } => {
            if is_blank(route) {
                found.add(at("action.llm.route"), "EMPTY", "name a route, such as default");
            }
            check_template(found, &at("action.llm.prompt"), prompt, known);
            if let Some(schema) = output_schema {
                let read = if schema.is_object() {
                    Schema::read(schema).map(drop)
                } else {
                    Err(NO_OBJECT.to_owned())
                };
                if let Err(problem) = read {
                    found.add(at("action.llm.outputSchema"), "INVALID_SCHEMA", &problem);
                }
            }
            for (index, _) in tools.iter().enumerate().filter(|(_, tool)| !TOOLS.contains(&tool.as_str())) {
                let path = at(&format!("action.llm.tools.{index}"));
                found.add(
                    path,
                    "UNKNOWN_TOOL",
                    &format!("there is no such tool: {} are possible", TOOLS.join(", ")),
                );
            }
        }
        Action::MemoryRecall { query, limit } => {
            check_template(found, &at("action.memoryRecall.query"), query, known);
            range(found, at("action.memoryRecall.limit"), (*limit).into(), 1.0, MAX_RECALL.into());
        }
        Action::MemoryWrite { text, scope, .. } => {
            check_template(found, &at("action.memoryWrite.text"), text, known);
            if *scope == MemoryScope::Session {
                let message = "a run has no coaching session: USER or WORKSPACE";
                found.add(at("action.memoryWrite.scope"), "OUT_OF_RANGE", message);
            }
        }
        Action::Approval { title, expires_after, .. } => {
            check_template(found, &at("action.approval.title"), title, known);
            if let Some(expires_after) = expires_after {
                length(found, at("action.approval.expiresAfter"), expires_after.0, LONGEST);
            }
        }
        Action::Transform { expression } => {
            check_expression(found, &at("action.transform.expression"), expression, known)
        }
        Action::Wait(Wait::For(time)) => length(found, at("action.wait.for"), time.0, LONGEST),
        Action::Wait(Wait::Until(until)) => {
            if !template::is_plain(until) {
                check_template(found, &at("action.wait.until"), until, known);
            } else if DateTime::parse_from_rfc3339(until).is_err() {
                let message = "not a time such as 2026-01-31T09:00:00Z, nor a template that gives one";
                found.add(at("action.wait.until"), "INVALID_TIME", message);
            }
        }
    }
}

fn check_expression(found: &mut Found, path: &str, text: &str, known: &Known<'_>) {
    match Expression::compile(text) {
        Ok(expression) => check_references(found, path, expression.references(), known),
        Err(message) => found.add(path.to_owned(), "INVALID_EXPRESSION", &message),
    }
}

fn check_template(found: &mut Found, path: &str, text: &str, known: &Known<'_>) {
    if is_blank(text) {
        return found.add(path.to_owned(), "EMPTY", "write something");
    }
    match template::check(text) {
        Ok(()) => check_references(found, path, template::references(text), known),
        Err(message) => found.add(path.to_owned(), "INVALID_TEMPLATE", &message),
    }
}

fn check_references(found: &mut Found, path: &str, references: BTreeSet<Reference>, known: &Known<'_>) {
    for reference in references {
        let (code, message) = match reference {
            Reference::Step(key) if known.ancestors.contains(key.as_str()) => continue,
            Reference::Step(key) if known.names.contains(key.as_str()) => {
                ("NOT_AN_ANCESTOR", format!("step {key:?} does not come before this one: add it to after"))
            }
            Reference::Step(key) => ("UNKNOWN_STEP", format!("there is no step {key:?}")),
            Reference::Input(field) => match &known.inputs {
                Some(inputs) if !inputs.contains(field.as_str()) => {
                    ("UNKNOWN_INPUT", format!("the input schema has no property {field:?}"))
                }
                _ => continue,
            },
            Reference::Unknown(name) => (
                "UNKNOWN_NAME",
                format!("there is no {name:?}: only input and steps.<key>.output are at hand"),
            ),
        };
        found.add(path.to_owned(), code, &message);
    }
}

fn range(found: &mut Found, path: String, value: f64, least: f64, most: f64) {
    if !(least..=most).contains(&value) {
        found.add(path, "OUT_OF_RANGE", &format!("{value}: {least} to {most} are possible"));
    }
}

fn length(found: &mut Found, path: String, value: TimeDelta, most: TimeDelta) {
    if value > most {
        let most = crate::shared::duration::format(most);
        found.add(path, "OUT_OF_RANGE", &format!("at most {most} is possible"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn told(graph: Value) -> Vec<(String, String)> {
        told_with(graph, None)
    }

    fn told_with(graph: Value, schema: Option<Value>) -> Vec<(String, String)> {
        let graph: Graph = serde_json::from_value(graph).unwrap();
        problems(&graph, schema.as_ref()).into_iter().map(|problem| (problem.path, problem.code)).collect()
    }

    fn pair(path: &str, code: &str) -> (String, String) {
        (path.to_owned(), code.to_owned())
    }

    #[test]
    fn a_good_graph_has_no_problem() {
        let graph = json!({"steps": [
            {"key": "notes", "action": {"memoryRecall": {"query": "{{ input.topic }}", "limit": 5}}},
            {"key": "draft", "after": ["notes"], "action": {"llm": {"route": "default", "prompt": "Summarise: {{ steps.notes.output }}"}}},
            {"key": "ok", "after": ["draft"], "action": {"approval": {"title": "Send it?", "expiresAfter": "P1D", "onExpiry": "REJECT"}}},
            {"key": "keep", "after": ["ok"], "when": "steps.ok.output.approved == true",
             "action": {"memoryWrite": {"kind": "SUMMARY", "scope": "WORKSPACE", "text": "{{ steps.draft.output.text }}"}}},
        ]});
        assert_eq!(told(graph), []);
    }

    #[test]
    fn every_problem_is_told_at_its_place() {
        let transform = json!({"transform": {"expression": "1"}});
        let graph = json!({"steps": [
            {"key": "a", "after": ["c"], "action": transform},
            {"key": "b", "after": ["a", "nobody", "a"], "when": "1 +", "action": transform},
            {"key": "c", "after": ["b"], "action": {"llm": {"route": " ", "prompt": "{{ steps.d.output }}{{ steps.z.output }}{{ foo }}"}}},
            {"key": "1x", "action": {"wait": {"until": "tomorrow"}}},
            {"key": "d", "action": {"memoryRecall": {"query": "{{", "limit": 0}}},
            {"key": "d", "action": {"transform": {"expression": "matches('a', 'b')"}}},
            {"key": "null", "retry": {"maxAttempts": 21, "initialDelay": "PT1S", "backoff": 0.5, "maxDelay": "PT1M"}, "action": {"approval": {"title": " ", "onExpiry": "FAIL"}}},
        ]});
        let expected = [
            pair("graph.steps.3.key", "INVALID_KEY"),
            pair("graph.steps.5.key", "DUPLICATE_KEY"),
            pair("graph.steps.6.key", "INVALID_KEY"),
            pair("graph.steps.0.after", "CYCLE"),
            pair("graph.steps.1.after.1", "UNKNOWN_STEP"),
            pair("graph.steps.1.after.2", "DUPLICATE_STEP"),
            pair("graph.steps.1.when", "INVALID_EXPRESSION"),
            pair("graph.steps.2.action.llm.route", "EMPTY"),
            pair("graph.steps.2.action.llm.prompt", "NOT_AN_ANCESTOR"),
            pair("graph.steps.2.action.llm.prompt", "UNKNOWN_STEP"),
            pair("graph.steps.2.action.llm.prompt", "UNKNOWN_NAME"),
            pair("graph.steps.3.action.wait.until", "INVALID_TIME"),
            pair("graph.steps.4.action.memoryRecall.query", "INVALID_TEMPLATE"),
            pair("graph.steps.4.action.memoryRecall.limit", "OUT_OF_RANGE"),
            pair("graph.steps.5.action.transform.expression", "INVALID_EXPRESSION"),
            pair("graph.steps.6.retry.maxAttempts", "OUT_OF_RANGE"),
            pair("graph.steps.6.retry.backoff", "OUT_OF_RANGE"),
            pair("graph.steps.6.action.approval.title", "EMPTY"),
        ];
        assert_eq!(told(graph), expected);
        assert_eq!(told(json!({"steps": []})), [pair("graph.steps", "EMPTY_GRAPH")]);
    }

    #[test]
    fn an_input_that_the_schema_does_not_know_is_told() {
        let graph = json!({"steps": [{"key": "a", "action": {"transform": {"expression": "input.topic + input.other"}}}]});
        let schema = json!({"properties": {"topic": {"type": "string"}}, "additionalProperties": false});
        let expected = [pair("graph.steps.0.action.transform.expression", "UNKNOWN_INPUT")];
        assert_eq!(told_with(graph.clone(), Some(schema)), expected);
        assert_eq!(told_with(graph, Some(json!({"properties": {}}))), []);
    }

    proptest! {
        #[test]
        fn a_graph_without_problems_has_an_order(edges in prop::collection::vec((0_usize..8, 0_usize..8), 0..16)) {
            let steps: Vec<_> = (0..8).map(|n| {
                let after: BTreeSet<_> = edges.iter().filter(|(_, to)| *to == n).map(|(from, _)| format!("s{from}")).collect();
                json!({"key": format!("s{n}"), "after": after, "action": {"transform": {"expression": "1"}}})
            }).collect();
            let graph: Graph = serde_json::from_value(json!({"steps": steps})).unwrap();
            let mut done: BTreeSet<&str> = BTreeSet::new();
            while let Some(next) = graph.steps.iter().find(|step| {
                !done.contains(step.key.as_str()) && step.after.iter().all(|key| done.contains(key.as_str()))
            }) {
                done.insert(&next.key);
            }
            let found = problems(&graph, None);
            prop_assert_eq!(found.is_empty(), done.len() == 8, "{:?}", found);
            prop_assert!(found.iter().all(|problem| problem.code == "CYCLE"));
        }
    }
}
