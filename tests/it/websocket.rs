//! GraphQL over WebSocket by the protocol graphql-transport-ws.
use crate::{
    on_both,
    support::{Database, Socket, TestApp, text},
};
use aifirst::shared::Ambient;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

async fn start(settings: &str) -> TestApp {
    TestApp::start_with(Database::sqlite(), settings, Ambient::system()).await
}

fn subscribe(id: &str, query: &str) -> Value {
    json!({ "type": "subscribe", "id": id, "payload": { "query": query } })
}

on_both! {
    async fn queries_and_mutations_go_over_the_socket_too(app: TestApp) {
        let mut socket = app.socket(&app.owner).await;
        socket.send(subscribe("q", "query Viewer { viewer { id } }")).await;
        let next = socket.receive().await.unwrap();
        assert_eq!(text(&next, "/payload/data/viewer/id"), app.owner.id);
        assert_eq!(socket.receive().await.unwrap(), json!({ "type": "complete", "id": "q" }));
        let document = "mutation { createWorkspace(input: {name: \"By socket\", slug: \"by-socket\"}) { workspace { id } } }";
        socket.send(subscribe("q", document)).await;
        let next = socket.receive().await.unwrap();
        assert!(text(&next, "/payload/data/createWorkspace/workspace/id").starts_with("ws_"), "{next:#}");
    }
}

on_both! {
    async fn what_cannot_be_executed_ends_in_an_error_message(app: TestApp) {
        let mut socket = app.socket(&app.owner).await;
        for (document, code) in [
            ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("{", "GRAPHQL_PARSE_FAILED"),
            ("query($id: ID!) { workspace(id: $id) { id } }", "BAD_USER_INPUT"),
        ] {
            socket.send(subscribe("1", document)).await;
            let error = socket.receive().await.unwrap();
            assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("1")));
            assert_eq!(text(&error, "/payload/0/extensions/code"), code);
            assert!(error.pointer("/payload/0/extensions/requestId").is_some());
        }
    }
}

#[tokio::test]
async fn an_anonymous_socket_gets_introspection_alone() {
    let app = start("").await;
    let mut socket = Socket::connect(&app.url(), None).await;
    socket.send(subscribe("1", "{ __typename }")).await;
    assert_eq!(socket.receive().await.unwrap()["payload"]["data"]["__typename"], "Query");
    assert_eq!(socket.receive().await.unwrap()["type"], "complete");
    socket.send(subscribe("2", "{ viewer { id } }")).await;
    assert_eq!(text(&socket.receive().await.unwrap(), "/payload/0/extensions/code"), "UNAUTHENTICATED");
}

#[tokio::test]
async fn breaches_of_the_protocol_close_with_its_codes() {
    let app = start("http.socket.init_seconds = 1").await;
    let init = json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {}", app.owner.token) } });
    // Nothing said in time.
    assert_eq!(Socket::open(&app.url()).await.close_code().await, 4408);
    let closes = async |messages: &[Value], code: u16| {
        let mut socket = Socket::open(&app.url()).await;
        for message in messages {
            socket.send(message.clone()).await;
        }
        assert_eq!(socket.close_code().await, code, "{messages:?}");
    };
    closes(&[subscribe("1", "{ __typename }")], 4401).await;
    closes(&[init.clone(), init.clone()], 4429).await;
    closes(
        &[json!({ "type": "connection_init", "payload": { "authorization": "Bearer aif_wrong_wrong" } })],
        4403,
    )
    .await;
    closes(&[json!({ "type": "connection_init", "payload": { "authorization": 1 } })], 4400).await;
    closes(&[json!({ "type": "connection_init", "payload": [] })], 4400).await;
    closes(&[json!({ "type": "start" })], 4400).await;
    closes(&[json!([])], 4400).await;
    closes(&[json!("\u{0}")], 4400).await;
    closes(&[init.clone(), json!({ "type": "subscribe", "id": "1" })], 4400).await;
    // Lists of their fields' values are no messages.
    closes(&[json!(["connection_init", init["payload"]])], 4400).await;
    closes(&[json!(["ping", null])], 4400).await;
    let listed =
        json!({ "type": "subscribe", "id": "1", "payload": ["{ __typename }", null, null, null, null] });
    let mut socket = app.socket(&app.owner).await;
    socket.send(listed).await;
    let (code, reason) = socket.closed().await;
    assert_eq!(code, 4400);
    assert!(reason.contains("expected an object") && !reason.contains("struct"), "{reason}");
    closes(&[init.clone(), subscribe("", "{ __typename }")], 4400).await;
    closes(&[init.clone(), subscribe(&"x".repeat(129), "{ __typename }")], 4400).await;
    closes(&[init.clone(), subscribe("1", &"x".repeat(70_000))], 1009).await;
    app.ok(&app.owner, "{ viewer { id } }", json!({})).await;
}

#[tokio::test]
async fn breaches_of_websocket_itself_close_with_its_codes() {
    let app = start("").await;
    let text = |bytes: &'static [u8]| Frame::message(bytes, OpCode::Data(Data::Text), true);
    let mut compressed = text(b"{}");
    compressed.header_mut().rsv1 = true;
    let ping = |length: usize| Frame::ping(vec![b'p'; length]);
    let mut split = ping(1);
    split.header_mut().is_final = false;
    for (what, frame, code) in [
        ("not in UTF-8", text(b"\xff{}"), 1007),
        ("a reserved bit", compressed, 1002),
        ("a reserved opcode", Frame::message(vec![], OpCode::Data(Data::Reserved(3)), true), 1002),
        ("a long ping", ping(126), 1002),
        ("half a ping", split, 1002),
        ("the rest of nothing", Frame::message(vec![], OpCode::Data(Data::Continue), true), 1002),
    ] {
        let mut socket = Socket::open(&app.url()).await;
        assert!(socket.try_send(Message::Frame(frame)).await, "{what}");
        assert_eq!(socket.close_code().await, code, "{what}");
    }
}

#[tokio::test]
async fn pings_are_answered_with_their_payload() {
    let app = start("").await;
    let mut socket = Socket::open(&app.url()).await;
    socket.send(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(socket.receive().await.unwrap(), json!({ "type": "pong", "payload": { "n": 1 } }));
}

#[tokio::test]
async fn a_socket_needs_the_protocol_a_known_host_and_an_allowed_origin() {
    let app = start("").await;
    let upgrade = |protocol: &str, origin: &str, host: &str| {
        let request = app.http.get(app.url()).header("connection", "upgrade").header("upgrade", "websocket");
        let request = request
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        request
            .header("sec-websocket-protocol", protocol)
            .header("origin", origin)
            .header("host", host)
            .send()
    };
    let (protocol, origin) = ("graphql-transport-ws", "http://localhost:3000");
    let status = async |response: reqwest::Result<reqwest::Response>| response.unwrap().status();
    assert_eq!(status(upgrade(protocol, origin, "localhost").await).await, StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(status(upgrade("graphql-ws", origin, "localhost").await).await, StatusCode::BAD_REQUEST);
    assert_eq!(
        status(upgrade(protocol, "https://evil.example.org", "localhost").await).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        status(upgrade(protocol, origin, "evil.example.org").await).await,
        StatusCode::MISDIRECTED_REQUEST
    );
}

#[tokio::test]
async fn a_stopping_server_tells_its_sockets_to_connect_again() {
    let app = start("http.socket.restart_spread_millis = 50").await;
    let mut socket = app.socket(&app.owner).await;
    let TestApp { running, database: _database, .. } = app;
    let stop = tokio::spawn(running.stop());
    assert_eq!(socket.close_code().await, 1012);
    stop.await.unwrap();
}
