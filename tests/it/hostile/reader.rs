//! Clients that say nothing, or do not read: what is kept for them is given up, and those that listen are told that the
//! server is there.
use super::is_well;
use crate::support::{Database, PATIENCE, Socket, TestApp, text};
use aifirst::shared::Ambient;
use reqwest::{Response, header};
use serde_json::{Value, json};
use std::time::Instant;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

async fn start(settings: &str) -> TestApp {
    TestApp::start_with(Database::sqlite(), settings, Ambient::system()).await
}

async fn stream(app: &TestApp, accept: &str, query: &str, variables: &Value) -> Response {
    let body = json!({ "query": query, "variables": variables });
    let request = app.http.post(app.url()).bearer_auth(&app.owner.token).header(header::ACCEPT, accept);
    request.json(&body).send().await.unwrap()
}

async fn session(app: &TestApp) -> String {
    let start = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
    let started = app.ok(&app.owner, start, json!({ "ws": app.workspace })).await;
    text(&started, "/startCoachingSession/session/id")
}

const EVENTS: &str = "subscription($s: ID!) { coachingEvents(sessionId: $s) { __typename } }";

#[tokio::test]
async fn a_silent_stream_gives_signs_of_life() {
    let app = start("http.heartbeat_seconds = 1").await;
    let session = json!({ "s": session(&app).await });
    let multipart = "multipart/mixed;subscriptionSpec=1.0";
    for (accept, sign) in [("text/event-stream", "\n:\n\n"), (multipart, "\r\n\r\n{}\r\n--graphql")] {
        let mut response = stream(&app, accept, EVENTS, &session).await;
        let mut told = String::new();
        // The first shows that it is alive, the second that it goes on being so.
        while told.matches(sign).count() < 2 {
            let part = timeout(PATIENCE, response.chunk()).await.expect("no sign of life").unwrap();
            told.push_str(std::str::from_utf8(&part.expect("the stream ended")).unwrap());
        }
        assert!(told.contains("SessionStarted"), "{told}");
    }
}

#[tokio::test]
async fn a_socket_is_pinged_and_lives_as_long_as_it_answers() {
    let app = start("http.socket.ping_seconds = 1").await;
    let mut socket = app.socket(&app.owner).await;
    // Longer than a silent one may live: the client's library answers while it reads.
    for _ in 0..4 {
        socket.pinged().await;
    }
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": { "query": "{__typename}" } })).await;
    assert_eq!(socket.receive().await.unwrap()["type"], "next");
}

#[tokio::test]
async fn a_socket_that_answers_no_ping_is_given_up() {
    let app = start("http.socket.ping_seconds = 1\nhttp.socket.per_actor = 1").await;
    let _silent = app.socket(&app.owner).await;
    let init = json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {}", app.owner.token) } });
    let begun = Instant::now();
    loop {
        let mut socket = Socket::open(&app.url()).await;
        socket.send(init.clone()).await;
        if socket.receive().await.is_some() {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "the silent socket's seat was not given back");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_a_stream_that_stops_is_given_up() {
    let app = start("http.socket.per_actor = 1\nhttp.socket.write_seconds = 1").await;
    let cursor = "query($ws: ID!) { workspace(id: $ws) { cursor } }";
    let cursor = app.ok(&app.owner, cursor, json!({ "ws": app.workspace })).await;
    // More than the system takes from the server for a client that does not read.
    let import = "mutation($ws: ID!, $items: [ImportMemoryItem!]!) { importMemories(input: {workspaceId: $ws, items: $items}) { created } }";
    for call in 0..5 {
        let item = |i: usize| json!({ "externalId": format!("{call}/{i}"), "text": "x".repeat(9_000) });
        let items: Vec<_> = (0..200).map(item).collect();
        let data = app.ok(&app.owner, import, json!({ "ws": app.workspace, "items": items })).await;
        assert_eq!(data["importMemories"]["created"], 200);
    }
    let query = "subscription($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) { node { ... on Memory { text } } } }";
    let variables = json!({ "ws": app.workspace, "after": cursor["workspace"]["cursor"] });
    let mut deaf = deaf_reader(&app, &json!({ "query": query, "variables": variables })).await;
    let other = async || {
        stream(&app, "text/event-stream", query, &json!({ "ws": app.workspace })).await.status().as_u16()
    };
    assert_eq!(other().await, 429, "the one stream is taken");
    let begun = Instant::now();
    while other().await == 429 {
        assert!(begun.elapsed() < PATIENCE, "the stream is still kept");
        tokio::task::yield_now().await;
    }
    is_well(&app).await;
    // It was cut: what the system had taken, and then no end.
    let mut rest = vec![];
    let _ = timeout(PATIENCE, deaf.read_to_end(&mut rest)).await.expect("it is still open");
    assert!(!String::from_utf8_lossy(&rest).contains("event: complete"));
}

/// Has read the beginning of the answer's head, and takes little more.
async fn deaf_reader(app: &TestApp, body: &Value) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut line = socket.connect(app.running.address).await.unwrap();
    let body = body.to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n\
         authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        app.owner.token,
        body.len()
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(body.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    timeout(PATIENCE, line.read_exact(&mut status)).await.expect("no answer").unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    line
}

/// The table is held by another transaction, so that the queries truly wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_takes_too_long_is_told_so_and_frees_the_server() {
    use sea_orm::ConnectionTrait;
    let settings = "http.request_timeout_seconds = 1\ndatabase.connections = 8\nserve.work = false";
    let app = TestApp::start_with(Database::postgres().await, settings, Ambient::system()).await;
    let holder = sea_orm::Database::connect(&app.database.url).await.unwrap();
    let held = sea_orm::TransactionTrait::begin(&holder).await.unwrap();
    held.execute_unprepared("LOCK TABLE memory IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let query = "query($ws: ID!) { workspace(id: $ws) { memories(first: 1) { nodes { id } } } }";
    let body = json!({ "query": query, "variables": { "ws": app.workspace } });
    // More than there are connections: each has to be given back.
    for _ in 0..12 {
        let response =
            app.http.post(app.url()).bearer_auth(&app.owner.token).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 503);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(text(&answer, "/errors/0/extensions/code"), "TIMEOUT");
    }
    // The same over a socket, which lives.
    let mut socket = app.socket(&app.owner).await;
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": body })).await;
    let refused = socket.receive().await.unwrap();
    assert_eq!(text(&refused, "/payload/0/extensions/code"), "TIMEOUT");
    is_well(&app).await;
    sea_orm::DatabaseTransaction::rollback(held).await.unwrap();
    app.ok(&app.owner, query, json!({ "ws": app.workspace })).await;
}
