//! Several processes on one database: servers and workers, and the bus between them, which may be away.
mod bus;
mod frozen;

use crate::{
    contract::operations,
    support::{Binary, Client, Database, Ended, Nats, Subscription, got, text},
};
use aifirst::shared::Ambient;
use serde_json::json;

/// Replies that grow for about a second.
const PACE: u32 = 20;

/// A process on the database and the bus; each has a data folder of its own.
fn binary(database: &Database, nats: &Nats, data: &str) -> Binary {
    Binary::on(database)
        .set("EVENTS__URL", nats.url())
        .set("DATA_DIR", data)
        .set("GATEWAY__BUILTIN__PACE_MILLISECONDS", PACE)
}

async fn start_session(client: &Client) -> String {
    let workspace = client.workspace().await;
    let started = client.get(operations()["StartSession"], json!({ "ws": workspace })).await;
    text(&started, "/startCoachingSession/session/id")
}

async fn send(client: &Client, session: &str) -> String {
    let message = json!({ "s": session, "text": "I want to plan my week, but I never find the time for it" });
    text(&client.get(operations()["Send"], message).await, "/sendMessage/turn/id")
}

/// Follows a session as a client does that puts the replies together.
struct Follower {
    stream: Subscription,
    /// The reply as far as it was heard, and in how many pieces.
    reply: String,
    pieces: usize,
    /// What is in the log: type and cursor.
    logged: Vec<(String, String)>,
}

impl Follower {
    async fn of(client: &Client, session: &str) -> Self {
        let stream = client.subscribe(operations()["Coaching"], json!({ "s": session })).await;
        Self { stream, reply: String::new(), pieces: 0, logged: vec![] }
    }

    /// The type of the next event; `None` after the last one.
    async fn next(&mut self) -> Option<String> {
        let event = self.stream.next().await?["coachingEvents"].clone();
        let kind = text(&event, "/__typename");
        match kind.as_str() {
            "TurnSnapshot" => (self.reply, self.pieces) = (text(&event, "/text"), self.pieces + 1),
            "TurnDelta" => {
                assert_eq!(
                    event["offset"],
                    self.reply.encode_utf16().count(),
                    "no gap, no double: {event:#}"
                );
                self.reply.push_str(&text(&event, "/text"));
                self.pieces += 1;
            }
            _ => self.logged.push((kind.clone(), text(&event, "/cursor"))),
        }
        if kind == "TurnStarted" {
            (self.reply, self.pieces) = (String::new(), 0);
        }
        if kind == "TurnCompleted" {
            assert_eq!(event["turn"]["reply"]["text"], json!(self.reply));
        }
        Some(kind)
    }

    async fn until(&mut self, reached: impl Fn(&Self, &str) -> bool) {
        loop {
            let kind = self.next().await.unwrap_or_else(|| panic!("completed after {:?}", self.logged));
            if reached(self, &kind) {
                return;
            }
        }
    }

    /// Hears the next end of a turn; in how many pieces its reply came.
    async fn turn(&mut self) -> usize {
        self.until(|_, kind| kind == "TurnCompleted").await;
        self.pieces
    }

    /// Hears everything up to the session's end.
    async fn rest(mut self) -> Vec<(String, String)> {
        while self.next().await.is_some() {}
        self.logged
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_work_serves_what_a_worker_does() {
    let (database, nats) = (Database::postgres().await, Nats::start().await);
    let binary = binary(&database, &nats, "data");
    let server = binary.clone().set("SERVE__WORK", false).serve().await;
    let client = server.client();
    let workspace = client.workspace().await;
    let created = client.get(operations()["CreateWorkflow"], json!({ "ws": workspace })).await;
    let workflow = text(&created, "/createWorkflow/workflow/id");
    client.get(operations()["Publish"], json!({ "w": workflow })).await;
    let started = client.get(operations()["Start"], json!({ "w": workflow })).await;
    let run = text(&started, "/startRun/run/id");
    let session = start_session(&client).await;
    let mut follower = Follower::of(&client, &session).await;
    let turn = send(&client, &session).await;

    // All of that waits for whoever comes now, with the server's own data folder beside it.
    let before_worker = Ambient::system().now();
    let worker = binary.work().await;
    for health in [&server.health, &worker.health] {
        assert_eq!(got(health).await.unwrap().status(), 200);
    }
    let metrics = got(worker.health.replace("health/ready", "metrics")).await.unwrap();
    assert_eq!(metrics.status(), 200);
    // What the bus brings comes word for word; the log alone would bring it in one piece or two.
    let pieces = follower.turn().await;
    assert!(pieces > 5, "{pieces}");
    let mut events = client.subscribe(operations()["Run"], json!({ "r": run })).await;
    let asked = events.until("runEvents", |event| event["__typename"] == "ApprovalRequested").await;
    let approval = text(asked.last().unwrap(), "/approval/id");
    client.get(operations()["Decide"], json!({ "a": approval })).await;
    events.until("runEvents", |event| event["__typename"] == "RunCompleted").await;

    let began = "query($t: ID!, $r: ID!) { turn: node(id: $t) { ... on Turn { startedAt } }
        run: node(id: $r) { ... on Run { steps(first: 1) { nodes { attempts(first: 1) { nodes { startedAt } } } } } } }";
    let began = client.get(began, json!({ "t": turn, "r": run })).await;
    for place in ["/turn/startedAt", "/run/steps/nodes/0/attempts/nodes/0/startedAt"] {
        let at: chrono::DateTime<chrono::Utc> = text(&began, place).parse().unwrap();
        assert!(at >= before_worker, "{place}: the server has done it itself");
    }
    for ended in [worker.stop().await, server.stop().await] {
        assert_eq!(ended.code, Some(0), "{ended:#?}");
    }
}

#[tokio::test]
async fn a_worker_is_refused_on_sqlite_which_one_process_holds() {
    let database = Database::sqlite();
    let ended: Ended = Binary::on(&database).run(&["worker"]).await;
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(
        ended.stderr.contains("AIFIRST_DATABASE__URL") && ended.stderr.contains("aifirst serve"),
        "{ended:#?}"
    );
    assert!(
        !database.folder.path().join("data").exists() && !database.folder.path().join("aifirst.db").exists()
    );
}

/// Type and cursor of what a session's log holds, as that server tells it.
async fn replay(client: &Client, session: &str) -> Vec<(String, String)> {
    Follower::of(client, session).await.rest().await
}
