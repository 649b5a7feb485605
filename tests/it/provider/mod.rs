//! Calls of models over HTTP, to providers that fail in every way that is known.
mod crash;
mod egress;
mod faults;
mod formats;
mod keys;
mod leaving;
mod quotes;
pub mod real_model;
mod retrying;
mod seam;
mod size;
mod traces;
mod whole;

use crate::{
    coaching::reader::name,
    contract::operations,
    support::{Client, PATIENCE, TestApp, text},
    workflow,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const CALLS: &str = "query($ws: ID!, $after: String) { workspace(id: $ws) { llmCalls(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor } nodes { routeName modelRequested modelUsed status finishReason inputTokens
    cachedInputTokens outputTokens attempts { target status error { code } } } } } }";

/// A route to these targets (provider, model), and what else is to be said of it.
pub fn route(name: &str, targets: &[(&str, &str)], more: &str) -> String {
    format!("[gateway.routes.{name}]\ntargets = {}\n{more}\n", list(targets))
}

fn list(targets: &[(&str, &str)]) -> String {
    let target =
        |(provider, model): &(&str, &str)| format!("{{ provider = '{provider}', model = '{model}' }}");
    format!("[{}]", targets.iter().map(target).collect::<Vec<_>>().join(", "))
}

/// The output of an `llm` step, or the code of its error.
async fn ask(app: &TestApp, route: &str, prompt: &str) -> Result<Value, String> {
    ask_with(app, json!({ "route": route, "prompt": prompt })).await
}

async fn ask_with(app: &TestApp, llm: Value) -> Result<Value, String> {
    let name = llm["route"].as_str().unwrap().to_owned();
    let steps = json!([{ "key": "ask", "action": { "llm": llm } }]);
    let workflow = workflow::publish_named(app, &name, steps).await;
    let run = workflow::start(app, &workflow, json!({})).await;
    let events = workflow::events(app, &run, workflow::ENDS).await;
    let named = |name: &str| events.iter().filter(|event| event["__typename"] == name).collect::<Vec<_>>();
    let (completed, failed) = (named("StepCompleted"), named("StepFailed"));
    assert_eq!(completed.len() + failed.len(), 1, "a step ends once: {events:#?}");
    match completed.first() {
        Some(event) => Ok(event["step"]["output"].clone()),
        None => Err(failed[0]["error"]["code"].as_str().unwrap().to_owned()),
    }
}

/// All calls of the workspace by their routes, once there are so many.
async fn calls(app: &TestApp, count: usize) -> HashMap<String, Vec<Value>> {
    let begun = Instant::now();
    loop {
        let (mut all, mut after) = (vec![], Value::Null);
        loop {
            let variables = json!({ "ws": app.workspace, "after": after });
            let page = app.ok(&app.owner, CALLS, variables).await["workspace"]["llmCalls"].clone();
            all.extend(page["nodes"].as_array().unwrap().clone());
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert!(all.len() <= count, "more calls than {count}: {all:#?}");
        if all.len() == count {
            let mut by_route = HashMap::<_, Vec<_>>::new();
            for call in all {
                by_route.entry(call["routeName"].as_str().unwrap().to_owned()).or_default().push(call);
            }
            return by_route;
        }
        assert!(begun.elapsed() < PATIENCE, "{} of {count} calls are listed", all.len());
        sleep(Duration::from_millis(20)).await;
    }
}

/// The only call of the workspace, once it is listed.
async fn call(app: &TestApp) -> Value {
    calls(app, 1).await.into_values().next().unwrap().remove(0)
}

/// The events of a turn at a server in a process of its own, to its end.
async fn turn(client: &Client) -> Vec<Value> {
    let session = client.get(operations()["StartSession"], json!({ "ws": client.workspace().await })).await;
    let session = text(&session, "/startCoachingSession/session/id");
    let mut events = client.subscribe(operations()["Coaching"], json!({ "s": session })).await;
    client.get(operations()["Send"], json!({ "s": session, "text": "Shall I go?" })).await;
    events.until("coachingEvents", |event| ["TurnCompleted", "TurnFailed"].contains(&name(event))).await
}

/// What is listed of an attempt.
fn attempt(provider: &str, model: &str, status: &str, code: Option<&str>) -> Value {
    json!({ "target": format!("{provider}/{model}"), "status": status, "error": code.map(|code| json!({ "code": code })) })
}

/// As the product estimates where no provider counts.
fn estimated(text: &str) -> u32 {
    aifirst::gateway::estimate_tokens(text)
}

/// The same of what is asked: a provider adds some of its own.
fn estimated_input(prompt: &str) -> u32 {
    estimated(prompt) + 8
}
