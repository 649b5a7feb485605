//! Workflows as their clients see them.
mod approval;
mod bad_input;
mod cuts;
mod fence;
mod forgetting;
mod kill;
mod publisher;
mod size;
mod step;
mod takeover;
mod version;

use crate::{
    contract::operations,
    on_both,
    support::{TestApp, text},
};
use aifirst::db::Source;
use aifirst::shared::{Ambient, Clock, Random, id::UserId};
use chrono::TimeDelta;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

const CREATE: &str = "mutation($input: CreateWorkflowInput!) { createWorkflow(input: $input) {
    workflow { id slug draft { valid version problems { path code message } } } userErrors { code field message } } }";
const START: &str = "mutation($input: StartRunInput!) { startRun(input: $input) {
    run { id status cursor } userErrors { code field message } } }";
const STATE: &str = "query($r: ID!) { node(id: $r) { ... on Run { status input output cursor error { code message stepKey }
    steps(first: 50) { totalCount nodes { key status output attempts(first: 50) { totalCount nodes { number startedAt finishedAt error { code } } } } } } } }";
const EVENTS: &str = "subscription($r: ID!, $after: Cursor) { runEvents(runId: $r, after: $after) { __typename cursor at
    ... on StepStarted { step { key attempt } } ... on StepWaiting { step { key } until } ... on StepCompleted { step { key status output } }
    ... on StepSkipped { step { key } } ... on StepFailed { step { key attempt } error { code } }
    ... on StepRetryScheduled { step { key attempt } error { code } nextAttemptAt }
    ... on ApprovalRequested { approval { id title status } } ... on ApprovalDecided { approved }
    ... on RunCompleted { run { status output } } ... on RunFailed { run { status error { code stepKey } } } } }";
const DECIDE: &str =
    "mutation($a: ID!, $d: ApprovalDecision!) { decideApproval(input: {approvalId: $a, decision: $d}) {
    approval { id status decidedBy { id } } userErrors { code field message } } }";

/// Creates a workflow of these steps and publishes it.
pub(crate) async fn publish(app: &TestApp, steps: Value) -> String {
    publish_named(app, "Test", steps).await
}

pub(crate) async fn publish_named(app: &TestApp, name: &str, steps: Value) -> String {
    let created = create(app, name, steps).await;
    assert_eq!(created["workflow"]["draft"]["valid"], true, "{created:#}");
    let workflow = text(&created, "/workflow/id");
    let published = app.ok(&app.owner, operations()["Publish"], json!({ "w": workflow })).await;
    assert_eq!(published["publishWorkflow"]["version"]["number"], 1, "{published:#}");
    workflow
}

/// What `createWorkflow` answers to these steps.
async fn create(app: &TestApp, name: &str, steps: Value) -> Value {
    let input = json!({ "workspaceId": app.workspace, "name": name, "graph": { "steps": steps } });
    app.ok(&app.owner, CREATE, json!({ "input": input })).await["createWorkflow"].clone()
}

pub(crate) async fn start(app: &TestApp, workflow: &str, input: Value) -> String {
    let input = json!({ "workflowId": workflow, "input": input });
    let started = app.ok(&app.owner, START, json!({ "input": input })).await;
    assert_eq!(started["startRun"]["run"]["status"], "QUEUED", "{started:#}");
    text(&started, "/startRun/run/id")
}

/// The events of the run up to the first of these types.
pub(crate) async fn events(app: &TestApp, run: &str, last: &[&str]) -> Vec<Value> {
    let mut stream = app.subscribe(&app.owner, EVENTS, json!({ "r": run })).await;
    stream.until("runEvents", |event| last.contains(&event["__typename"].as_str().unwrap())).await
}

pub(crate) async fn state(app: &TestApp, run: &str) -> Value {
    app.ok(&app.owner, STATE, json!({ "r": run })).await["node"].clone()
}

fn of_type<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["__typename"] == kind).collect()
}

/// The run's events from the first to its last.
async fn play(app: &TestApp, steps: Value, input: Value) -> Vec<Value> {
    let workflow = publish(app, steps).await;
    let run = start(app, &workflow, input).await;
    events(app, &run, ENDS).await
}

/// The statuses of the run's steps, in the order of the graph.
async fn statuses(app: &TestApp, run: &str) -> Vec<String> {
    let steps = state(app, run).await["steps"]["nodes"].clone();
    steps.as_array().unwrap().iter().map(|step| text(step, "/status")).collect()
}

/// A clock that a test moves on.
fn movable() -> (Ambient, Arc<AtomicI64>) {
    let ahead = Arc::new(AtomicI64::new(0));
    let (system, moved) = (Clock::system(), ahead.clone());
    let clock = Clock::new(move || system.now() + TimeDelta::seconds(moved.load(Ordering::SeqCst)));
    (Ambient::new(clock, Random::system()), ahead)
}

const RUNS_OF_STEPS: &str = "query($ws: ID!) { workspace(id: $ws) { runs { nodes { id steps { nodes { key run { id status } } } } } } }";

on_both! {
    async fn steps_tell_their_runs_at_the_same_cost_for_one_and_for_four(app: TestApp) {
        let workflow = publish(&app, json!([{ "key": "a", "action": { "transform": { "expression": "1" } } }])).await;
        let mut app = app;
        let mut costs = vec![];
        for more in [1, 3] {
            for _ in 0..more {
                let run = start(&app, &workflow, json!({})).await;
                events(&app, &run, ENDS).await;
            }
            app = app.restart_counted().await;
            let (data, cost) = app.cost(&app.owner, RUNS_OF_STEPS, json!({ "ws": app.workspace })).await;
            for run in data["workspace"]["runs"]["nodes"].as_array().unwrap() {
                assert_eq!(run["steps"]["nodes"][0]["run"], json!({ "id": run["id"], "status": "COMPLETED" }), "{data:#}");
            }
            costs.push((data["workspace"]["runs"]["nodes"].as_array().unwrap().len(), cost));
            app = app.restart().await;
        }
        assert_eq!((costs[0].0, costs[1].0), (1, 4));
        assert_eq!(costs[0].1, costs[1].1);
    }
}

on_both! {
    async fn a_viewer_sees_runs_and_starts_none(app: TestApp) {
        let workflow = publish(&app, json!([{ "key": "a", "action": { "transform": { "expression": "input.secret" } } }])).await;
        let run = start(&app, &workflow, json!({ "secret": "mine" })).await;
        events(&app, &run, ENDS).await;
        let viewer = app.person("Vera Viewer").await;
        let services = &app.running.services;
        let row = entity::membership::Model {
            id: services.ambient.ids.uuid(),
            workspace_id: app.workspace_id().uuid(),
            user_id: viewer.id.parse::<UserId>().unwrap().uuid(),
            role: "VIEWER".to_owned(),
            version: 1,
            created_at: services.ambient.now(),
        };
        let tx = services.db.begin().await.unwrap();
        row.into_active_model().insert(tx.connection()).await.unwrap();
        tx.commit().await.unwrap();
        let state = app.ok(&viewer, STATE, json!({ "r": run })).await["node"].clone();
        assert_eq!(state["status"], "COMPLETED");
        assert_eq!((&state["input"], &state["output"]), (&Value::Null, &Value::Null), "what its starter saw is private");
        for (operation, variables) in [
            ("Start", json!({ "w": workflow })),
            ("Publish", json!({ "w": workflow })),
            ("Cancel", json!({ "r": run })),
            ("CreateWorkflow", json!({ "ws": app.workspace })),
        ] {
            assert_eq!(app.code(&viewer, operations()[operation], variables).await, "FORBIDDEN", "{operation}");
        }
    }
}

pub(crate) const ENDS: &[&str] = &["RunCompleted", "RunFailed", "RunCancelled"];

on_both! {
    async fn the_weekly_review_waits_for_its_approval_and_keeps_the_summary(app: TestApp) {
        app.ok(&app.owner, operations()["Remember"], json!({ "ws": app.workspace })).await;
        let created = app.ok(&app.owner, operations()["CreateWorkflow"], json!({ "ws": app.workspace })).await;
        assert_eq!(created["createWorkflow"]["workflow"]["draft"], json!({ "valid": true, "problems": [] }));
        let workflow = text(&created, "/createWorkflow/workflow/id");
        app.ok(&app.owner, operations()["Publish"], json!({ "w": workflow })).await;
        let again = app.ok(&app.owner, operations()["Publish"], json!({ "w": workflow })).await;
        assert_eq!(again["publishWorkflow"]["version"]["number"], 1, "nothing new to publish");
        let started = app.ok(&app.owner, operations()["Start"], json!({ "w": workflow, "key": "k" })).await;
        let run = text(&started, "/startRun/run/id");
        let repeated = app.ok(&app.owner, operations()["Start"], json!({ "w": workflow, "key": "k" })).await;
        assert_eq!(text(&repeated, "/startRun/run/id"), run);

        let before = events(&app, &run, &["ApprovalRequested", "RunFailed"]).await;
        let asked = before.last().unwrap();
        assert_eq!(asked["approval"]["title"], "Send it?", "{before:#?}");
        let approval = text(asked, "/approval/id");
        let decided = app.ok(&app.owner, operations()["Decide"], json!({ "a": approval })).await;
        assert_eq!(decided["decideApproval"]["approval"]["decidedBy"]["id"], json!(app.owner.id), "{decided:#}");
        let variables = json!({ "r": run, "after": asked["cursor"] });
        let mut stream = app.subscribe(&app.owner, EVENTS, variables).await;
        let rest = stream.until("runEvents", |event| ENDS.contains(&event["__typename"].as_str().unwrap())).await;
        assert_eq!(rest.last().unwrap()["run"]["status"], "COMPLETED", "{rest:#?}");
        assert!(stream.next().await.is_none(), "the stream ends with the run");
        let keys: Vec<_> = before.iter().chain(&rest).filter(|e| e["__typename"] == "StepCompleted").map(|e| text(e, "/step/key")).collect();
        assert_eq!(keys, ["notes", "draft", "ok", "keep"]);

        let state = state(&app, &run).await;
        assert!(state["steps"]["nodes"].as_array().unwrap().iter().all(|step| step["status"] == "COMPLETED"), "{state:#}");
        let summaries = "query($ws: ID!) { workspace(id: $ws) { memories(filter: {kinds: [SUMMARY]}) { totalCount nodes { text } } } }";
        let kept = app.ok(&app.owner, summaries, json!({ "ws": app.workspace })).await;
        assert_eq!(kept["workspace"]["memories"]["totalCount"], 1, "{kept:#}");
    }
}

on_both! {
    async fn a_graph_with_problems_is_kept_as_a_draft_and_not_published(app: TestApp) {
        let transform = |expression: &str| json!({ "transform": { "expression": expression } });
        let steps = json!([
            { "key": "a", "after": ["b"], "action": transform("1") },
            { "key": "b", "after": ["a", "nobody"], "action": transform("1 +") },
            { "key": "c", "action": transform("steps.a.output") },
        ]);
        let input = json!({ "workspaceId": app.workspace, "name": "Bad", "graph": { "steps": steps } });
        let created = app.ok(&app.owner, CREATE, json!({ "input": input })).await;
        let draft = &created["createWorkflow"]["workflow"]["draft"];
        let problems: Vec<_> = draft["problems"].as_array().unwrap().iter().map(|p| (text(p, "/path"), text(p, "/code"))).collect();
        let expected = [
            ("graph.steps.0.after", "CYCLE"),
            ("graph.steps.1.after.1", "UNKNOWN_STEP"),
            ("graph.steps.1.action.transform.expression", "INVALID_EXPRESSION"),
            ("graph.steps.2.action.transform.expression", "NOT_AN_ANCESTOR"),
        ].map(|(path, code)| (path.to_owned(), code.to_owned()));
        assert_eq!(problems, expected);
        let workflow = text(&created, "/createWorkflow/workflow/id");
        let refused = app.ok(&app.owner, operations()["Publish"], json!({ "w": workflow })).await;
        assert_eq!(refused["publishWorkflow"]["userErrors"].as_array().unwrap().len(), 4, "{refused:#}");
        let input = json!({ "workflowId": workflow });
        let unstarted = app.ok(&app.owner, START, json!({ "input": input })).await;
        assert_eq!(unstarted["startRun"]["userErrors"][0]["code"], "CONFLICT", "{unstarted:#}");
        let two = json!([{ "key": "a", "action": { "transform": { "expression": "1" }, "wait": { "for": "PT1S" } } }]);
        let input = json!({ "workspaceId": app.workspace, "name": "Two", "graph": { "steps": two } });
        let code = app.code(&app.owner, CREATE, json!({ "input": input })).await;
        assert!(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&code.as_str()), "{code}");
    }
}

on_both! {
    async fn steps_without_a_path_between_them_run_side_by_side_and_meet(app: TestApp) {
        let steps = json!([
            { "key": "a", "action": { "memoryRecall": { "query": "{{ input.topic }}" } } },
            { "key": "b", "action": { "llm": { "prompt": "One" } } },
            { "key": "skipped", "when": "input.topic == 'other'", "action": { "transform": { "expression": "1" } } },
            { "key": "both", "after": ["a", "b", "skipped"], "action": { "transform": {
                "expression": "{'texts': size(steps.b.output.text) > 0, 'skipped': steps.skipped.output == null}" } } },
        ]);
        let workflow = publish(&app, steps).await;
        let run = start(&app, &workflow, json!({ "topic": "week" })).await;
        let events = events(&app, &run, ENDS).await;
        assert_eq!(events.last().unwrap()["run"]["output"], json!({ "both": { "texts": true, "skipped": true } }), "{events:#?}");
        assert_eq!(of_type(&events, "StepSkipped").len(), 1);
        // Both began before either was done.
        let kinds: Vec<_> = events.iter().map(|event| text(event, "/__typename")).collect();
        let first_done = kinds.iter().position(|kind| kind == "StepCompleted").unwrap();
        assert_eq!(kinds[..first_done].iter().filter(|kind| *kind == "StepStarted").count(), 2, "{kinds:?}");
    }
}

on_both! {
    async fn a_failed_step_fails_the_run_and_cancels_what_waits(app: TestApp) {
        let steps = json!([
            { "key": "ask", "action": { "approval": { "title": "Well?" } } },
            { "key": "bad", "action": { "llm": { "route": "nowhere", "prompt": "x" } } },
            { "key": "after", "after": ["bad"], "action": { "transform": { "expression": "1" } } },
        ]);
        let workflow = publish(&app, steps).await;
        let run = start(&app, &workflow, json!({})).await;
        let events = events(&app, &run, ENDS).await;
        assert_eq!(events.last().unwrap()["run"]["error"], json!({ "code": "INVALID", "stepKey": "bad" }), "{events:#?}");
        assert_eq!(statuses(&app, &run).await, ["CANCELLED", "FAILED", "CANCELLED"]);
        let approval = text(of_type(&events, "ApprovalRequested")[0], "/approval/id");
        let late = app.ok(&app.owner, DECIDE, json!({ "a": approval, "d": "APPROVE" })).await;
        assert_eq!(late["decideApproval"]["userErrors"][0]["code"], "CONFLICT");
    }
}

on_both! {
    async fn a_cancelled_run_stays_cancelled(app: TestApp) {
        let workflow = publish(&app, json!([{ "key": "w", "action": { "wait": { "for": "PT1H" } } }])).await;
        let run = start(&app, &workflow, json!({})).await;
        events(&app, &run, &["StepWaiting"]).await;
        for _ in 0..2 {
            let cancelled = app.ok(&app.owner, operations()["Cancel"], json!({ "r": run })).await;
            assert_eq!(cancelled["cancelRun"]["run"]["status"], "CANCELLED", "{cancelled:#}");
        }
        let ended = events(&app, &run, ENDS).await;
        assert_eq!(ended.last().unwrap()["__typename"], "RunCancelled");
        assert_eq!(state(&app, &run).await["steps"]["nodes"][0]["status"], "CANCELLED");
    }
}

on_both! {
    async fn another_tenant_sees_nothing_of_a_run(app: TestApp) {
        let workflow = publish(&app, json!([{ "key": "ok", "action": { "approval": { "title": "?" } } }])).await;
        let run = start(&app, &workflow, json!({})).await;
        let asked = events(&app, &run, &["ApprovalRequested"]).await;
        let approval = text(asked.last().unwrap(), "/approval/id");
        let stranger = app.person("Sam Stranger").await;
        for id in [&workflow, &run, &approval] {
            let node = app.ok(&stranger, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
            assert_eq!(node, json!({ "node": null }));
        }
        assert_eq!(app.code(&stranger, operations()["Cancel"], json!({ "r": run })).await, "NOT_FOUND");
        assert_eq!(app.code(&stranger, operations()["Decide"], json!({ "a": approval })).await, "NOT_FOUND");
        assert_eq!(app.code(&stranger, operations()["Publish"], json!({ "w": workflow })).await, "NOT_FOUND");
        assert_eq!(app.code(&stranger, operations()["Start"], json!({ "w": workflow })).await, "NOT_FOUND");
        let mut stream = app.subscribe(&stranger, EVENTS, json!({ "r": run })).await;
        assert_eq!(stream.error_code().await, "NOT_FOUND");
    }
}
