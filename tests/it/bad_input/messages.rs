//! What is not even an operation.
use super::is_well;
use crate::support::{Database, Socket, TestApp, text};
use aifirst::shared::Ambient;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn repeated(open: &str, inner: &str, close: &str, n: usize) -> String {
    format!("{}{inner}{}", open.repeat(n), close.repeat(n))
}

/// JSON that no operation can be read from, of fewer values than are refused unread: `(what, text)`. Over WebSocket it is the payload of a `subscribe`.
fn not_an_operation() -> Vec<(&'static str, String)> {
    let with = |variables: String| format!("{{\"query\":\"{{__typename}}\",\"variables\":{variables}}}");
    vec![
        ("cut", "{\"query\":\"{__typename}\"".into()),
        ("a list", "[]".into()),
        ("a text", "\"{__typename}\"".into()),
        ("a batch of 1,000", format!("[{}]", vec!["{\"query\":\"{__typename}\"}"; 1_000].join(","))),
        ("a key twice", "{\"query\":\"{__typename}\",\"query\":\"{__typename}\"}".into()),
        ("an operation's name that is none", "{\"query\":\"{__typename}\",\"operationName\":{}}".into()),
        ("a query that is no text", "{\"query\":{}}".into()),
        ("variables in a text", with("\"{}\"".into())),
        ("variables in a list", with("[1]".into())),
        ("an unpaired surrogate in the document", "{\"query\":\"{a\\ud800}\"}".into()),
        ("an unpaired surrogate in a variable", with("{\"a\":\"\\udc00x\"}".into())),
        ("an unpaired surrogate in a variable's name", with("{\"\\ud800\":1}".into())),
        ("lists within lists", with(format!("{{\"a\":{}}}", repeated("[", "1", "]", 40_000)))),
        ("objects within objects", with(repeated("{\"a\":", "1", "}", 40_000))),
        ("a number without end", with(format!("{{\"a\":1{}}}", "0".repeat(40_000)))),
        ("a control character", "{\"query\":\"{__typename\u{1}}\"}".into()),
        ("NaN", with("{\"a\":NaN}".into())),
    ]
}

#[tokio::test]
async fn what_is_no_operation_is_refused_over_http_and_closes_a_socket() {
    // Larger than by default, so that each is read.
    let settings = "http.socket.message_bytes = 2000000";
    let app = TestApp::start_with(Database::sqlite(), settings, Ambient::system()).await;
    for (what, body) in not_an_operation() {
        let request = app.http.post(app.url()).header("content-type", "application/json");
        let response = request.bearer_auth(&app.owner.token).body(body.clone()).send().await.unwrap();
        assert_eq!(response.status(), 400, "{what}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(text(&answer, "/errors/0/extensions/code"), "BAD_REQUEST", "{what}");
        assert!(answer.to_string().len() < 1_000, "{what} is answered at length: {answer}");

        let mut socket = app.socket(&app.owner).await;
        socket.send_text(format!("{{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{body}}}")).await;
        assert_eq!(socket.close_code().await, 4400, "{what}");
    }
    is_well(&app).await;
}

#[tokio::test]
async fn messages_of_any_size_end_with_a_code_and_take_no_memory() {
    let app = TestApp::start(Database::sqlite()).await;
    // Larger than a message may be, but read whole; and so large that it is not read.
    for (bytes, expected) in [(70_000, &[1009][..]), (70_000_000, &[1009, 1006])] {
        let mut socket = app.socket(&app.owner).await;
        socket.try_send_text("x".repeat(bytes)).await;
        let code = socket.close_code().await;
        assert!(expected.contains(&code), "{bytes} bytes closed with {code}");
    }
    is_well(&app).await;
}

#[tokio::test]
async fn a_socket_carries_no_more_operations_than_it_may_and_lives() {
    let app = TestApp::start(Database::sqlite()).await;
    let start = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
    let session = text(
        &app.ok(&app.owner, start, json!({ "ws": app.workspace })).await,
        "/startCoachingSession/session/id",
    );
    let mut socket = app.socket(&app.owner).await;
    let mut refused = 0;
    for i in 0..5_000 {
        let payload = json!({ "query": "subscription($s: ID!) { coachingEvents(sessionId: $s) { cursor } }", "variables": { "s": session } });
        socket.send(json!({ "type": "subscribe", "id": format!("s{i}"), "payload": payload })).await;
        if i >= 100 {
            let error = loop {
                let message = socket.receive().await.unwrap();
                if message["type"] == "error" {
                    break message;
                }
            };
            assert_eq!(text(&error, "/payload/0/extensions/code"), "RATE_LIMITED");
            refused += 1;
        }
    }
    assert_eq!(refused, 4_900);
    // What is completed makes room.
    socket.send(json!({ "type": "complete", "id": "s0" })).await;
    socket.send(json!({ "type": "subscribe", "id": "q", "payload": { "query": "{ __typename }" } })).await;
    loop {
        let message = socket.receive().await.unwrap();
        if message["id"] == "q" {
            assert_eq!(message["type"], "next", "{message:#}");
            break;
        }
    }
}

/// The others are not held up by one that does not read, and it is given up.
#[tokio::test]
async fn a_reader_that_stops_is_given_up() {
    let settings = "http.socket.write_seconds = 1\nhttp.socket.message_bytes = 200000";
    let app = TestApp::start_with(Database::sqlite(), settings, Ambient::system()).await;
    let mut deaf = Socket::connect(&app.url(), Some(&app.owner.token)).await;
    // Each answer is far longer than its question; nothing is read.
    let question = json!({ "query": "{ __schema { types { name description fields { name description args { name description } } } } }" });
    let metrics = format!("http://{}/metrics", app.running.admin_address);
    let open = async || {
        let metrics = app.http.get(&metrics).send().await.unwrap().text().await.unwrap();
        metrics.lines().any(|line| line == "aifirst_sockets 1")
    };
    assert!(open().await);
    for i in 0..200 {
        let sent = deaf.try_send_text(
            json!({ "type": "subscribe", "id": format!("{i}"), "payload": question }).to_string(),
        );
        if !sent.await {
            break;
        }
    }
    is_well(&app).await;
    let begun = tokio::time::Instant::now();
    while open().await {
        assert!(begun.elapsed() < crate::support::PATIENCE, "the socket is still open");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn credentials_that_are_no_text_are_refused_as_such() {
    let app = TestApp::start(Database::sqlite()).await;
    let token = &app.owner.token;
    let (start, end) = token.split_at(token.len() / 2);
    for credential in [
        format!("Bearer \"{token}\""),
        format!("Bearer '{token}'"),
        format!("Bearer {start}\"{end}"),
        format!("Bearer {start}' OR '1'='1"),
        format!("Bearer {start}\u{e9}{end}"),
        format!("Bearer {start}\u{1f600}"),
        format!("Bearer {token}{token}"),
        format!("Bearer {}", "x".repeat(10_000)),
        format!("Bearer {start}\\u0000{end}"),
        "\"".repeat(1_000),
    ] {
        // Raw, for clients' libraries refuse to send some of it.
        let mut stream = tokio::net::TcpStream::connect(app.running.address).await.unwrap();
        let body = "{\"query\":\"{viewer{id}}\"}";
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             authorization: {credential}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 401") && answer.contains("UNAUTHENTICATED"),
            "{credential}: {answer}"
        );

        let mut socket = Socket::open(&app.url()).await;
        socket.send(json!({ "type": "connection_init", "payload": { "authorization": credential } })).await;
        assert_eq!(socket.close_code().await, 4403, "{credential}");
    }
}
