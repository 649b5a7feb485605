//! What a model may have done in a step of a workflow, as whoever started the run.
use super::{
    guarded::{Model, app, delta, end, remember, route},
    tools::{asks, made, publish, told},
};
use crate::{
    on_both,
    support::{Database, TestApp, text},
    workflow::{ENDS, publish_named, start},
};
use serde_json::{Value, json};
use std::sync::Arc;

const EVENTS: &str = "subscription($r: ID!) { runEvents(runId: $r) { __typename
    ... on StepToolStarted { tool step { key status attempt } }
    ... on StepToolCompleted { tool succeeded step { key } }
    ... on StepCompleted { step { output } }
    ... on StepFailed { error { code } } } }";

/// A server whose workflows ask this model.
async fn asking(database: Database, model: &Arc<Model>) -> TestApp {
    app(database, &route(&["outside"], &[]), model, model).await
}

/// One attempt of an `llm` step with these tools: its run, and the run's events.
async fn run(app: &TestApp, tools: &[&str]) -> (String, Vec<Value>) {
    let llm = json!({ "prompt": "Take care of the violin.", "tools": tools });
    let steps = json!([{ "key": "ask", "action": { "llm": llm }, "retry": { "maxAttempts": 1 } }]);
    let workflow = publish_named(app, "Care", steps).await;
    let run = start(app, &workflow, json!({})).await;
    let mut stream = app.subscribe(&app.owner, EVENTS, json!({ "r": run })).await;
    let is_last = |event: &Value| ENDS.contains(&event["__typename"].as_str().unwrap());
    let events = stream.until("runEvents", is_last).await;
    (run, events)
}

/// What began, and how it went.
fn tool_events(events: &[Value]) -> Vec<(String, Option<bool>)> {
    let of_tools = events.iter().filter(|event| event["tool"].is_string());
    of_tools.map(|event| (text(event, "/tool"), event["succeeded"].as_bool())).collect()
}

fn output(events: &[Value]) -> Value {
    let completed = events.iter().find(|event| event["__typename"] == "StepCompleted");
    completed.unwrap_or_else(|| panic!("{events:#?}"))["step"]["output"].clone()
}

on_both! {
    async fn a_step_looks_up_remembers_and_starts_a_workflow_as_its_starter_and_each_is_told(database: Database) {
        let model = Model::new(|call| match told(call).len() {
            0 => asks("Let me look.", &[("recall", json!({ "query": "violin" }))]),
            1 => asks("", &[
                ("remember", json!({ "text": "The person practises at ten", "kind": "PREFERENCE" })),
                ("start_workflow", json!({ "workflow": "review" })),
            ]),
            _ => vec![delta("Done."), end()],
        });
        let app = asking(database, &model).await;
        publish(&app, &app.workspace, "review").await;
        remember(&app, "The violin teacher is Ana", "ALLOWED").await;
        let (_, events) = run(&app, &["recall", "remember", "start_workflow"]).await;
        let output = output(&events);
        assert_eq!((&output["text"], &output["finishReason"]), (&json!("Done."), &json!("END_OF_TURN")), "{events:#?}");
        assert!(output["usage"]["inputTokens"].as_i64().unwrap() > 20, "of all answers together: {output}");
        let expected = ["recall", "remember", "start_workflow"];
        let expected = expected.into_iter().flat_map(|tool| [(tool.to_owned(), None), (tool.to_owned(), Some(true))]);
        assert_eq!(tool_events(&events), expected.collect::<Vec<_>>());
        let begun = events.iter().find(|event| event["__typename"] == "StepToolStarted").unwrap();
        assert_eq!(begun["step"], json!({ "key": "ask", "status": "RUNNING", "attempt": 1 }));

        let calls = model.calls.lock().unwrap().clone();
        assert_eq!(calls.len(), 3);
        let told = told(&calls[2]);
        assert!(told[0].contains("The violin teacher is Ana") && told[2].contains("\"started\":\"review\""), "{told:?}");
        let (memories, runs) = made(&app).await;
        assert!(memories.contains(&"The person practises at ten".to_owned()), "{memories:?}");
        assert_eq!(runs, 2);
    }
}

on_both! {
    async fn what_a_step_does_not_list_does_not_fit_or_is_anothers_is_refused(database: Database) {
        let model = Model::new(|call| match told(call).len() {
            0 => asks("", &[
                ("remember", json!({ "text": 1 })),
                ("recall", json!({ "query": "violin" })),
                ("start_workflow", json!({ "workflow": "theirs" })),
            ]),
            _ => vec![delta("I could not."), end()],
        });
        let app = asking(database, &model).await;
        let other = app.create_workspace(&app.owner, "other").await;
        publish(&app, &other, "theirs").await;
        let (_, events) = run(&app, &["remember", "start_workflow"]).await;
        assert_eq!(output(&events)["text"], "I could not.", "{events:#?}");
        let calls = model.calls.lock().unwrap().clone();
        let offered: Vec<_> = calls[0].request.tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(offered, ["remember", "start_workflow"]);
        let told = told(&calls[1]);
        for (told, why) in told.iter().zip(["/text: must be string", "no such tool", "workflow not found"]) {
            assert!(told.starts_with("error: ") && told.contains(why), "{why}: {told}");
        }
        assert_eq!(made(&app).await, (vec![], 1));
        let outcomes: Vec<_> = tool_events(&events).into_iter().filter_map(|(_, succeeded)| succeeded).collect();
        assert_eq!(outcomes, [false; 3]);
    }
}

on_both! {
    async fn what_a_tool_told_of_is_reached_by_forgetting(database: Database) {
        let model = Model::new(|call| match told(call).len() {
            0 => asks("", &[("recall", json!({ "query": "violin" }))]),
            _ => vec![delta("Your violin teacher is Ana."), end()],
        });
        let app = asking(database, &model).await;
        let memory = remember(&app, "The violin teacher is Ana", "ALLOWED").await;
        let (run, events) = run(&app, &["recall"]).await;
        assert_eq!(output(&events)["text"], "Your violin teacher is Ana.");
        let forget = "mutation($m: ID!) { forgetMemory(input: {memoryId: $m}) { receipt { id } userErrors { code } } }";
        let forgotten = app.ok(&app.owner, forget, json!({ "m": memory })).await;
        assert_eq!(forgotten["forgetMemory"]["userErrors"], json!([]));
        let state = "query($r: ID!) { node(id: $r) { ... on Run { output steps { nodes { output } } } } }";
        let state = app.ok(&app.owner, state, json!({ "r": run })).await["node"].clone();
        assert_eq!(state, json!({ "output": null, "steps": { "nodes": [{ "output": null }] } }));
    }
}

on_both! {
    async fn a_step_writes_down_what_its_starter_means_to_do_and_what_it_quotes_can_be_forgotten(database: Database) {
        let model = Model::new(|call| match told(call).len() {
            0 => asks("", &[("recall", json!({ "query": "violin" }))]),
            1 => asks("", &[("create_action_item", json!({ "text": "Call: the violin teacher is Ana" }))]),
            _ => vec![delta("Done."), end()],
        });
        let app = asking(database, &model).await;
        let memory = remember(&app, "The violin teacher is Ana", "ALLOWED").await;
        let (_, events) = run(&app, &["recall", "create_action_item"]).await;
        assert_eq!(output(&events)["text"], "Done.");
        let items = "query($ws: ID!) { workspace(id: $ws) { actionItems { nodes { text session { id } turn { id } } } } }";
        let items = async || app.ok(&app.owner, items, json!({ "ws": app.workspace })).await["workspace"]["actionItems"]["nodes"].clone();
        assert_eq!(items().await, json!([{ "text": "Call: the violin teacher is Ana", "session": null, "turn": null }]));
        let forget = "mutation($m: ID!) { forgetMemory(input: {memoryId: $m}) { receipt { id } } }";
        app.ok(&app.owner, forget, json!({ "m": memory })).await;
        assert_eq!(items().await[0]["text"], "Call: [forgotten]");
    }
}

#[tokio::test]
async fn a_step_whose_model_asks_for_tools_without_end_fails() {
    let model = Model::new(|_| asks("", &[("recall", json!({ "query": "violin" }))]));
    let app = asking(Database::sqlite(), &model).await;
    let (_, events) = run(&app, &["recall"]).await;
    let failed = events.iter().find(|event| event["__typename"] == "StepFailed").unwrap();
    assert_eq!(failed["error"]["code"], "INVALID_OUTPUT");
    let calls = model.calls.lock().unwrap().clone();
    let offered: Vec<_> = calls.iter().map(|call| call.request.tools.len()).collect();
    assert_eq!(offered, [1, 1, 1, 1, 0]);
}

#[tokio::test]
async fn a_tool_that_there_is_not_keeps_a_draft_from_being_published() {
    let app = TestApp::start(Database::sqlite()).await;
    let create = "mutation($ws: ID!, $tools: [String!]!) { createWorkflow(input: {workspaceId: $ws, name: \"W\", graph: {
        steps: [{key: \"ask\", action: {llm: {prompt: \"x\", tools: $tools}}}]}}) {
        workflow { draft { problems { path code } } } userErrors { code field } } }";
    let made = app.ok(&app.owner, create, json!({ "ws": app.workspace, "tools": ["recall", "rm"] })).await;
    let problems = &made["createWorkflow"]["workflow"]["draft"]["problems"];
    let expected = json!([{ "path": "graph.steps.0.action.llm.tools.1", "code": "UNKNOWN_TOOL" }]);
    assert_eq!(problems, &expected, "{made:#}");
    let many = json!({ "ws": app.workspace, "tools": vec!["recall"; 11] });
    let refused = app.ok(&app.owner, create, many).await["createWorkflow"]["userErrors"].clone();
    assert_eq!(refused, json!([{ "code": "INVALID", "field": "graph.steps.0.action.llm.tools" }]));
}
