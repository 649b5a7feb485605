//! The real binary, killed without warning at random moments and started again.
use super::{EVENTS, STATE, of_type};
use crate::{
    contract::operations,
    on_both,
    support::{Binary, Client, Database, PATIENCE, text},
};
use aifirst::shared::Random;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Of "Weekly review".
const STEPS: [&str; 4] = ["notes", "draft", "ok", "keep"];

/// Runs "Weekly review" again and again; `done` counts the runs that ended.
async fn play(client: Client, workflow: String, done: Arc<AtomicUsize>) {
    loop {
        let number = done.load(Ordering::SeqCst);
        let variables = json!({ "w": workflow, "key": format!("run {number}") });
        let started = client.get(operations()["Start"], variables).await;
        let run = text(&started, "/startRun/run/id");
        let mut events = client.subscribe(EVENTS, json!({ "r": run })).await;
        loop {
            let event = events.next().await.unwrap()["runEvents"].clone();
            match event["__typename"].as_str().unwrap() {
                "ApprovalRequested" => {
                    client.get(operations()["Decide"], json!({ "a": event["approval"]["id"] })).await;
                }
                "RunCompleted" => break,
                "RunFailed" => panic!("{event:#}"),
                _ => {}
            }
        }
        done.store(number + 1, Ordering::SeqCst);
    }
}

/// Each step has one attempt that succeeded, after those that were lost; each thing that happened is told once.
async fn assert_recorded_once(client: &Client, run: &str) {
    let state = client.get(STATE, json!({ "r": run })).await["node"].clone();
    assert_eq!(state["status"], "COMPLETED", "{state:#}");
    let steps = state["steps"]["nodes"].as_array().unwrap();
    let keys: Vec<_> = steps.iter().map(|step| text(step, "/key")).collect();
    assert_eq!(keys, STEPS, "{state:#}");
    let mut stream = client.subscribe(EVENTS, json!({ "r": run })).await;
    let mut events = vec![];
    while let Some(event) = stream.next().await {
        events.push(event["runEvents"].clone());
    }
    for step in steps {
        assert_eq!(step["status"], "COMPLETED", "{state:#}");
        assert!(step["output"].is_object(), "{state:#}");
        let attempts = step["attempts"]["nodes"].as_array().unwrap();
        let (last, lost) = attempts.split_last().unwrap();
        assert_eq!(last["error"], Value::Null, "{state:#}");
        assert!(lost.iter().all(|attempt| attempt["error"]["code"] == "WORKER_LOST"), "{state:#}");
        assert!(attempts.iter().all(|attempt| attempt["finishedAt"].is_string()), "{state:#}");
        let numbers: Vec<_> = attempts.iter().map(|attempt| attempt["number"].clone()).collect();
        assert_eq!(json!(numbers), json!((1..=attempts.len()).collect::<Vec<_>>()), "{state:#}");
        // What is done in the recording transaction is never lost.
        assert!(lost.is_empty() || step["key"] == "notes" || step["key"] == "draft", "{state:#}");
        let started =
            of_type(&events, "StepStarted").into_iter().filter(|event| event["step"]["key"] == step["key"]);
        let started: Vec<_> = started.map(|event| event["step"]["attempt"].clone()).collect();
        assert_eq!(started, numbers, "{events:#?}");
    }
    let completed: Vec<_> =
        of_type(&events, "StepCompleted").iter().map(|event| text(event, "/step/key")).collect();
    assert_eq!(completed, STEPS, "{events:#?}");
    for once in ["RunCreated", "ApprovalRequested", "ApprovalDecided", "RunCompleted"] {
        assert_eq!(of_type(&events, once).len(), 1, "{once}: {events:#?}");
    }
    let others = events.len() - of_type(&events, "StepStarted").len();
    assert_eq!(others, 4 + STEPS.len(), "nothing else happened: {events:#?}");
    assert_eq!(events.last().unwrap()["__typename"], "RunCompleted");

    let memory = "query($m: ID!) { node(id: $m) { ... on Memory { externalId text } } }";
    let written = client.get(memory, json!({ "m": steps[3]["output"]["memoryId"] })).await["node"].clone();
    let expected = json!({ "externalId": format!("{run}/keep"), "text": steps[1]["output"]["text"] });
    assert_eq!(written, expected, "the draft is what was kept");
}

/// The outer ids of all summaries.
async fn kept(client: &Client, workspace: &str) -> Vec<String> {
    let page = "query($ws: ID!, $after: String) { workspace(id: $ws) { memories(first: 100, after: $after, filter: {kinds: [SUMMARY]}) {
        nodes { externalId } pageInfo { hasNextPage endCursor } } } }";
    let (mut found, mut after) = (vec![], Value::Null);
    loop {
        let answer = client.get(page, json!({ "ws": workspace, "after": after })).await;
        let memories = &answer["workspace"]["memories"];
        found.extend(memories["nodes"].as_array().unwrap().iter().map(|memory| text(memory, "/externalId")));
        if memories["pageInfo"]["hasNextPage"] == false {
            return found;
        }
        after = memories["pageInfo"]["endCursor"].clone();
    }
}

async fn survive(kills: usize, database: &Database) {
    let binary = Binary::on(database)
        .set("GATEWAY__BUILTIN__PACE_MILLISECONDS", 2)
        .set("WORKFLOW__LEASE_SECONDS", 1)
        .set("WORKFLOW__HEARTBEAT_MILLISECONDS", 300);
    let mut server = binary.serve().await;
    let client = server.client();
    let workspace = client.workspace().await;
    client.get(operations()["Remember"], json!({ "ws": workspace })).await;
    let created = client.get(operations()["CreateWorkflow"], json!({ "ws": workspace })).await;
    let workflow = text(&created, "/createWorkflow/workflow/id");
    client.get(operations()["Publish"], json!({ "w": workflow })).await;

    let (done, random) = (Arc::new(AtomicUsize::new(0)), Random::system());
    for _ in 0..kills {
        // What it was doing when the server went breaks, and is no failure.
        let player = tokio::spawn(play(server.client(), workflow.clone(), done.clone()));
        tokio::time::sleep(Duration::from_secs_f64(random.fraction() * 0.4)).await;
        server.kill();
        player.abort();
        server = binary.serve().await;
    }
    let client = server.client();
    let player = tokio::spawn(play(client.clone(), workflow.clone(), done.clone()));
    let (before, begun) = (done.load(Ordering::SeqCst), Instant::now());
    while done.load(Ordering::SeqCst) <= before + 1 {
        assert!(begun.elapsed() < PATIENCE, "the runs do not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    player.abort();

    let ended = done.load(Ordering::SeqCst);
    let mut runs = vec![];
    for number in 0..ended {
        let variables = json!({ "w": workflow, "key": format!("run {number}") });
        let run = text(&client.get(operations()["Start"], variables).await, "/startRun/run/id");
        assert_recorded_once(&client, &run).await;
        runs.push(run);
    }
    let kept = kept(&client, &workspace).await;
    let names: BTreeSet<_> = kept.iter().collect();
    assert_eq!(names.len(), kept.len(), "a summary was kept twice: {kept:#?}");
    assert!(runs.iter().all(|run| names.contains(&format!("{run}/keep"))), "{kept:#?}");
    // The player may have begun another one.
    assert!(kept.len() <= ended + 1, "{ended} runs ended: {kept:#?}");
    server.kill();
}

on_both! {
    async fn slow_kills_at_any_point_lose_and_double_nothing(database: Database) {
        survive(if database.is_sqlite() { 50 } else { 10 }, &database).await;
    }
}
