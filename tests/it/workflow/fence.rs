//! Two servers on one database: a worker that was stopped for longer than its lease comes back, and is too late.
use super::{EVENTS, of_type};
use crate::{
    contract::operations,
    support::{Binary, Client, Database, PATIENCE, Server, count, text},
};
use sea_orm::Database as Connector;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CREATE: &str = "mutation($ws: ID!, $steps: [StepInput!]!) { createWorkflow(input: {workspaceId: $ws, name: \"Fence\", graph: {steps: $steps}}) {
    workflow { id draft { valid } } } }";

/// A worker that is stopped in a transaction is another matter: the database ends that, and with it what the worker does
/// (processes/frozen.rs).
async fn stop_outside_of_transactions(server: &Server, database: &Database) {
    const HOLDING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
    let admin = Connector::connect(&database.url).await.unwrap();
    let begun = Instant::now();
    loop {
        server.process.signal("STOP");
        // What the database was just asked, it still answers.
        tokio::time::sleep(Duration::from_millis(150)).await;
        if count(&admin, HOLDING).await == 0 {
            return;
        }
        server.process.signal("CONT");
        assert!(begun.elapsed() < PATIENCE, "it is never caught outside of a transaction");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// All that is recorded of the run, and the workspace's memories.
async fn recorded(client: &Client, workspace: &str, run: &str) -> Value {
    let all = "query($ws: ID!, $r: ID!) { node(id: $r) { ... on Run { status input output error { code } steps(first: 50) { nodes {
        id key status output attempts(first: 50) { nodes { number startedAt finishedAt error { code message } } } } } } }
        workspace(id: $ws) { memories { totalCount nodes { id text externalId } } } }";
    client.get(all, json!({ "ws": workspace, "r": run })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_comes_back_after_its_lease_writes_nothing() {
    let database = Database::postgres().await;
    // It first says that it lives long after it is stopped: so it never holds the row meanwhile.
    let slow = Binary::on(&database)
        .set("WORKFLOW__LEASE_SECONDS", 3)
        .set("WORKFLOW__HEARTBEAT_MILLISECONDS", 1_500)
        .set("GATEWAY__BUILTIN__PACE_MILLISECONDS", 200);
    let quick = slow
        .clone()
        .set("DATA_DIR", "other")
        .set("WORKFLOW__HEARTBEAT_MILLISECONDS", 300)
        .set("GATEWAY__BUILTIN__PACE_MILLISECONDS", 0);
    let first = slow.serve().await;
    let client = first.client();
    let workspace = client.workspace().await;
    let steps = json!([
        { "key": "draft", "action": { "llm": { "prompt": "Sum up:\n- We agreed to ship on Monday.\n- Ben writes the notes." } } },
        { "key": "keep", "after": ["draft"], "action": { "memoryWrite": { "text": "{{ steps.draft.output.text }}" } } },
        // The run stays open, so that nothing but the token refuses the late worker.
        { "key": "ok", "after": ["keep"], "action": { "approval": { "title": "?" } } },
    ]);
    let created = client.get(CREATE, json!({ "ws": workspace, "steps": steps })).await;
    let workflow = text(&created, "/createWorkflow/workflow/id");
    client.get(operations()["Publish"], json!({ "w": workflow })).await;
    let started = client.get(operations()["Start"], json!({ "w": workflow })).await;
    let run = text(&started, "/startRun/run/id");
    let mut events = client.subscribe(EVENTS, json!({ "r": run })).await;
    events.until("runEvents", |event| event["__typename"] == "StepStarted").await;
    stop_outside_of_transactions(&first, &database).await;

    let second = quick.serve().await;
    let client = second.client();
    let mut events = client.subscribe(EVENTS, json!({ "r": run })).await;
    let before = events.until("runEvents", |event| event["__typename"] == "ApprovalRequested").await;
    let state = recorded(&client, &workspace, &run).await;
    let attempts = &state["node"]["steps"]["nodes"][0]["attempts"]["nodes"];
    assert_eq!(
        (&attempts[0]["error"]["code"], &attempts[1]["error"]),
        (&json!("WORKER_LOST"), &Value::Null),
        "{state:#}"
    );
    assert_eq!(state["workspace"]["memories"]["totalCount"], 1, "{state:#}");

    first.process.signal("CONT");
    let begun = Instant::now();
    let told = || first.process.stdout.so_far() + &first.process.stderr.so_far();
    while !told().contains("belongs to another worker") {
        assert!(begun.elapsed() < PATIENCE, "the late worker does not notice: {}", told());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(recorded(&client, &workspace, &run).await, state);

    let approval = text(before.last().unwrap(), "/approval/id");
    client.get(operations()["Decide"], json!({ "a": approval })).await;
    let after = events.until("runEvents", |event| event["__typename"] == "RunCompleted").await;
    let all: Vec<Value> = before.into_iter().chain(after).collect();
    let completed: Vec<_> =
        of_type(&all, "StepCompleted").iter().map(|event| text(event, "/step/key")).collect();
    assert_eq!(completed, ["draft", "keep", "ok"], "{all:#?}");
    let started: Vec<_> = of_type(&all, "StepStarted")
        .iter()
        .map(|event| (text(event, "/step/key"), event["step"]["attempt"].clone()))
        .collect();
    let expected = [("draft", 1), ("draft", 2), ("keep", 1), ("ok", 1)]
        .map(|(key, attempt)| (key.to_owned(), json!(attempt)));
    assert_eq!(started, expected);
    assert_eq!(recorded(&client, &workspace, &run).await["workspace"], state["workspace"]);
}
