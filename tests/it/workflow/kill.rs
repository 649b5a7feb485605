//! The real binary, killed without warning at random moments and started again.
use super::EVENTS;
use crate::{
    contract::operations,
    on_both,
    support::{Binary, Client, Database, PATIENCE, text},
};
use aifirst::shared::Random;
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

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
    for number in 0..ended {
        let variables = json!({ "w": workflow, "key": format!("run {number}") });
        let run = text(&client.get(operations()["Start"], variables).await, "/startRun/run/id");
        let state = client.get(operations()["RunState"], json!({ "r": run })).await["node"].clone();
        assert_eq!(state["status"], "COMPLETED", "{state:#}");
        let steps = state["steps"]["nodes"].as_array().unwrap();
        assert!(steps.len() == 4 && steps.iter().all(|step| step["status"] == "COMPLETED"), "{state:#}");
        let mut stream = client.subscribe(EVENTS, json!({ "r": run })).await;
        let events = stream.until("runEvents", |event| event["__typename"] == "RunCompleted").await;
        let completed: Vec<_> = events
            .iter()
            .filter(|event| event["__typename"] == "StepCompleted")
            .map(|event| text(event, "/step/key"))
            .collect();
        assert_eq!(completed, ["notes", "draft", "ok", "keep"], "{events:#?}");
    }
    let kept = "query($ws: ID!) { workspace(id: $ws) {
        memories(first: 1, filter: {kinds: [SUMMARY]}) { totalCount }
        runs(first: 1, filter: {status: [COMPLETED]}) { totalCount } } }";
    let counts = client.get(kept, json!({ "ws": workspace })).await["workspace"].clone();
    let (memories, runs) = (&counts["memories"]["totalCount"], &counts["runs"]["totalCount"]);
    // The player may have begun another one.
    let (memories, runs) = (memories.as_u64().unwrap(), runs.as_u64().unwrap());
    assert!(runs >= ended as u64 && memories.abs_diff(runs) <= 1, "{counts:#}");
    server.kill();
}

on_both! {
    async fn slow_kills_at_any_point_lose_and_double_nothing(database: Database) {
        survive(if database.is_sqlite() { 50 } else { 10 }, &database).await;
    }
}
