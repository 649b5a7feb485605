//! How large a graph may be.
use super::super::{
    graph::{Action, Graph, MAX_EXPRESSION, MAX_KEY, MAX_SCHEMA, MAX_STEPS, MAX_TEMPLATE, MAX_TITLE, Wait},
    scope::size_of,
};
use crate::shared::{Problems, text::bounded};
use serde_json::Value;

/// Error codes that a retry policy lists.
const MAX_CODES: usize = 20;
/// Names in `tools`.
const MAX_TOOLS: usize = 10;

/// What is too large to be stored, even as a draft.
pub fn check_bounds(problems: &mut Problems, graph: &Graph, input_schema: Option<&Value>) {
    if graph.steps.len() > MAX_STEPS {
        problems
            .invalid("graph.steps", format!("{} steps: at most {MAX_STEPS} are possible", graph.steps.len()));
        return;
    }
    let schema = |problems: &mut Problems, path: String, value: Option<&Value>| {
        let size = value.map_or(0, size_of);
        if size > MAX_SCHEMA {
            problems.invalid(path, format!("{size} bytes: at most {MAX_SCHEMA} are possible"));
        }
    };
    schema(problems, "inputSchema".into(), input_schema);
    for (place, step) in graph.steps.iter().enumerate() {
        let at = |field: &str| format!("graph.steps.{place}.{field}");
        bounded(problems, &at("key"), &step.key, MAX_KEY);
        bounded(problems, &at("when"), step.when.as_deref().unwrap_or_default(), MAX_EXPRESSION);
        if step.after.len() > MAX_STEPS {
            problems.invalid(
                at("after"),
                format!("{} steps: at most {MAX_STEPS} are possible", step.after.len()),
            );
        }
        for (index, key) in step.after.iter().take(MAX_STEPS).enumerate() {
            bounded(problems, &at(&format!("after.{index}")), key, MAX_KEY);
        }
        if step.retry.non_retryable.len() > MAX_CODES {
            problems.invalid(at("retry.nonRetryable"), format!("at most {MAX_CODES} codes are possible"));
        }
        for (index, code) in step.retry.non_retryable.iter().take(MAX_CODES).enumerate() {
            bounded(problems, &at(&format!("retry.nonRetryable.{index}")), code, MAX_KEY);
        }
        match &step.action {
            Action::Llm { route, prompt, output_schema, tools } => {
                bounded(problems, &at("action.llm.route"), route, MAX_KEY);
                bounded(problems, &at("action.llm.prompt"), prompt, MAX_TEMPLATE);
                schema(problems, at("action.llm.outputSchema"), output_schema.as_ref());
                if tools.len() > MAX_TOOLS {
                    problems.invalid(at("action.llm.tools"), format!("at most {MAX_TOOLS} are possible"));
                }
                for (index, tool) in tools.iter().take(MAX_TOOLS).enumerate() {
                    bounded(problems, &at(&format!("action.llm.tools.{index}")), tool, MAX_KEY);
                }
            }
            Action::MemoryRecall { query, .. } => {
                drop(bounded(problems, &at("action.memoryRecall.query"), query, MAX_TEMPLATE))
            }
            Action::MemoryWrite { text, .. } => {
                drop(bounded(problems, &at("action.memoryWrite.text"), text, MAX_TEMPLATE))
            }
            Action::Approval { title, form, .. } => {
                bounded(problems, &at("action.approval.title"), title, MAX_TITLE);
                schema(problems, at("action.approval.form"), form.as_ref());
            }
            Action::Transform { expression } => {
                bounded(problems, &at("action.transform.expression"), expression, MAX_EXPRESSION);
            }
            Action::Wait(Wait::Until(until)) => {
                drop(bounded(problems, &at("action.wait.until"), until, MAX_TITLE))
            }
            Action::Wait(Wait::For(_)) => {}
        }
    }
}
