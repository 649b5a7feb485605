//! The real binary, killed without warning at random moments and started again.
use super::EVENTS;
use crate::{
    contract::operations,
    support::{Database, PATIENCE, Socket, text},
};
use aifirst::shared::Random;
use serde_json::{Value, json};
use std::{
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Where the server is, and who asks it.
#[derive(Clone)]
struct Client {
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Client {
    async fn ask(&self, document: &str, variables: Value) -> Result<Value, reqwest::Error> {
        let body = json!({ "query": document, "variables": variables });
        let answer = self.http.post(&self.url).bearer_auth(&self.token).json(&body).send().await?;
        let answer: Value = answer.json().await?;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        Ok(answer["data"].clone())
    }

    async fn get(&self, document: &str, variables: Value) -> Value {
        self.ask(document, variables).await.unwrap()
    }
}

struct Server {
    child: Killed,
    client: Client,
}

impl Server {
    async fn start(folder: &TempDir, database: Option<&str>) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let data = folder.path().join("data");
        let mut command = Command::new(env!("CARGO_BIN_EXE_aifirst"));
        command
            .arg("serve")
            .current_dir(folder.path())
            .env("AIFIRST_DATA_DIR", &data)
            .env("AIFIRST_LISTEN", format!("127.0.0.1:{port}"))
            .env("AIFIRST_ADMIN_LISTEN", "127.0.0.1:0")
            .env("AIFIRST_GATEWAY__BUILTIN__PACE_MILLISECONDS", "2")
            .env("AIFIRST_WORKFLOW__LEASE_SECONDS", "1")
            .env("AIFIRST_WORKFLOW__HEARTBEAT_MILLISECONDS", "300")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(url) = database {
            command.env("AIFIRST_DATABASE__URL", url);
        }
        let child = Killed(command.spawn().unwrap());
        let http = reqwest::Client::new();
        let mut client =
            Client { url: format!("http://127.0.0.1:{port}/graphql"), token: String::new(), http };
        let begun = Instant::now();
        loop {
            client.token =
                std::fs::read_to_string(data.join("dev-token")).unwrap_or_default().trim().to_owned();
            if !client.token.is_empty() && client.ask("{ viewer { id } }", json!({})).await.is_ok() {
                return Self { child, client };
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn kill(self) {
        drop(self.child);
    }
}

/// A process that is killed, with no time to end in order, when this is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs "Weekly review" again and again; `done` counts the runs that ended.
async fn play(client: Client, workflow: String, done: Arc<AtomicUsize>) {
    loop {
        let number = done.load(Ordering::SeqCst);
        let variables = json!({ "w": workflow, "key": format!("run {number}") });
        let started = client.get(operations()["Start"], variables).await;
        let run = text(&started, "/startRun/run/id");
        let socket = Socket::connect(&client.url, Some(&client.token)).await;
        let mut events = socket.subscribe(EVENTS, json!({ "r": run })).await;
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

async fn survive(kills: usize, database: Option<&str>) {
    let folder = TempDir::new().unwrap();
    let server = Server::start(&folder, database).await;
    let viewer = "{ viewer { memberships(first: 1) { nodes { workspace { id } } } } }";
    let workspace =
        text(&server.client.get(viewer, json!({})).await, "/viewer/memberships/nodes/0/workspace/id");
    server.client.get(operations()["Remember"], json!({ "ws": workspace })).await;
    let created = server.client.get(operations()["CreateWorkflow"], json!({ "ws": workspace })).await;
    let workflow = text(&created, "/createWorkflow/workflow/id");
    server.client.get(operations()["Publish"], json!({ "w": workflow })).await;

    let (done, random) = (Arc::new(AtomicUsize::new(0)), Random::system());
    let mut server = server;
    for _ in 0..kills {
        // What it was doing when the server went breaks, and is no failure.
        let player = tokio::spawn(play(server.client.clone(), workflow.clone(), done.clone()));
        tokio::time::sleep(Duration::from_secs_f64(random.fraction() * 0.4)).await;
        server.kill();
        player.abort();
        server = Server::start(&folder, database).await;
    }
    let client = server.client.clone();
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
        let socket = Socket::connect(&client.url, Some(&client.token)).await;
        let mut stream = socket.subscribe(EVENTS, json!({ "r": run })).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_fifty_kills_lose_and_double_nothing_on_sqlite() {
    survive(50, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_ten_kills_lose_and_double_nothing_on_postgres() {
    let database = Database::postgres().await;
    survive(10, Some(&database.url)).await;
}
