//! What becomes of a connection whose requests are refused.
use super::is_well;
use crate::support::{Database, PATIENCE, TestApp};
use aifirst::shared::Ambient;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const QUERY: &str = "{\"query\":\"{__typename}\"}";

/// A client that keeps its connection and does nothing by itself.
struct Line(TcpStream);

impl Line {
    async fn to(app: &TestApp) -> Self {
        Self(TcpStream::connect(app.running.address).await.unwrap())
    }

    async fn send(&mut self, headers: &str, length: usize, body: &str) {
        let head =
            format!("POST /graphql HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n");
        self.0.write_all(head.as_bytes()).await.unwrap();
        self.0.write_all(body.as_bytes()).await.unwrap();
    }

    /// The next answer's head, in lower case, with its body passed over.
    async fn answer(&mut self) -> String {
        let mut head = vec![];
        while !head.ends_with(b"\r\n\r\n") {
            let read = timeout(PATIENCE, self.0.read_u8()).await.expect("no answer");
            head.push(read.unwrap_or_else(|error| panic!("{error} after {}", head.escape_ascii())));
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        timeout(PATIENCE, self.0.read_exact(&mut body)).await.expect("no body").unwrap();
        head
    }

    async fn has_ended_after_answer(&mut self) -> bool {
        timeout(PATIENCE, self.0.read_to_end(&mut vec![])).await.is_ok()
    }

    async fn has_ended(&mut self) -> bool {
        let read = timeout(PATIENCE, self.0.read(&mut [0; 100])).await.expect("it is still open");
        matches!(read, Ok(0) | Err(_))
    }
}

async fn start(settings: &str) -> TestApp {
    TestApp::start_with(Database::sqlite(), settings, Ambient::system()).await
}

const JSON: &str = "content-type: application/json\r\n";

/// What no honest client sends for long.
const SILENT: [&str; 3] =
    ["", "POST /graphql HTTP/1.1\r\n", "GET /graphql HTTP/1.1\r\nhost: localhost\r\nx: "];

#[tokio::test]
async fn connections_that_bring_no_request_are_given_up() {
    let app = start("http.head_seconds = 1").await;
    let mut kept = Line::to(&app).await;
    kept.send(JSON, QUERY.len(), QUERY).await;
    assert!(kept.answer().await.starts_with("http/1.1 200"));
    for beginning in SILENT {
        let mut line = Line::to(&app).await;
        line.0.write_all(beginning.as_bytes()).await.unwrap();
        assert!(line.has_ended().await, "{beginning}");
    }
    // Between two requests there is more time.
    kept.send(JSON, QUERY.len(), QUERY).await;
    assert!(kept.answer().await.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_kept_connection_is_given_up_after_a_while() {
    let app = start("http.idle_seconds = 1").await;
    for beginning in SILENT {
        let mut line = Line::to(&app).await;
        line.send(JSON, QUERY.len(), QUERY).await;
        assert!(line.answer().await.starts_with("http/1.1 200"));
        line.0.write_all(beginning.as_bytes()).await.unwrap();
        assert!(line.has_ended().await, "{beginning}");
    }
}

#[tokio::test]
async fn the_next_connection_waits_until_there_is_room() {
    let app = start("http.max_connections = 2\nhttp.head_seconds = 2").await;
    let silent = [Line::to(&app).await, Line::to(&app).await];
    let mut third = Line::to(&app).await;
    third.send(JSON, QUERY.len(), QUERY).await;
    assert!(third.answer().await.starts_with("http/1.1 200"));
    let has_ended = |line: Line| {
        let read = std::io::Read::read(&mut line.0.into_std().unwrap(), &mut [0]);
        !matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    };
    assert!(silent.into_iter().any(has_ended), "there was no room for a third");
}

#[tokio::test]
async fn a_long_head_is_refused() {
    let app = start("").await;
    let mut line = Line::to(&app).await;
    let _ = line.0.write_all(format!("GET /graphql HTTP/1.1\r\nx: {}", "x".repeat(200_000)).as_bytes()).await;
    assert!(line.has_ended_after_answer().await);
    is_well(&app).await;
}

#[tokio::test]
async fn a_host_or_an_origin_that_is_sent_twice_is_refused() {
    let app = start("").await;
    for twice in ["host: localhost\r\n", "origin: http://localhost\r\norigin: http://localhost\r\n"] {
        let mut line = Line::to(&app).await;
        line.send(&format!("{JSON}{twice}"), QUERY.len(), QUERY).await;
        assert!(line.answer().await.starts_with("http/1.1 400"), "{twice}");
    }
}

/// The answers to pings wait for a client that does not take them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_pings_and_does_not_read_is_given_up() {
    let app = start("http.socket.write_seconds = 1\nhttp.socket.init_seconds = 600").await;
    let mut line = Line::to(&app).await;
    let upgrade = "GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        sec-websocket-protocol: graphql-transport-ws\r\n\r\n";
    line.0.write_all(upgrade.as_bytes()).await.unwrap();
    // A ping of 125 bytes, masked with zeros.
    let ping = [&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[b'p'; 125]].concat().repeat(1_000);
    let mut sent = 0;
    while let Ok(()) =
        timeout(PATIENCE, line.0.write_all(&ping)).await.expect("it is still open, and not read")
    {
        sent += ping.len();
        assert!(sent < 256_000_000, "the server takes pings without end");
    }
    is_well(&app).await;
}

const REFUSED: [(&str, u16); 5] = [
    ("content-type: text/plain\r\n", 415),
    ("", 415),
    ("content-type: application/json\r\naccept: text/csv\r\n", 406),
    ("content-type: application/json\r\norigin: https://evil.example.org\r\n", 403),
    ("content-type: application/json\r\ncontent-encoding: gzip\r\n", 415),
];

#[tokio::test]
async fn a_connection_goes_on_after_refused_requests_with_small_bodies() {
    let app = TestApp::start(Database::sqlite()).await;
    let mut line = Line::to(&app).await;
    let filled = format!("{}{QUERY}", " ".repeat(20_000));
    for (headers, status) in REFUSED {
        for body in [QUERY, &filled] {
            line.send(headers, body.len(), body).await;
            let head = line.answer().await;
            assert!(head.starts_with(&format!("http/1.1 {status}")), "{headers}: {head}");
            assert!(!head.contains("connection: close"), "{head}");
        }
    }
    line.send("content-type: application/json\r\n", QUERY.len(), QUERY).await;
    assert!(line.answer().await.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_refused_request_with_a_large_body_is_told_that_its_connection_ends() {
    let app = TestApp::start(Database::sqlite()).await;
    for (headers, status) in REFUSED.into_iter().chain([("content-type: application/json\r\n", 413)]) {
        let mut line = Line::to(&app).await;
        // Nothing of it is sent: the answer does not wait for it.
        line.send(headers, 100_000_000, "").await;
        let head = line.answer().await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{headers}: {head}");
        assert!(head.contains("connection: close"), "{head}");
        assert!(line.has_ended().await, "{headers}");
    }
    is_well(&app).await;
}

#[tokio::test]
async fn a_body_of_any_length_that_was_read_keeps_the_connection() {
    let app = TestApp::start(Database::sqlite()).await;
    let mut line = Line::to(&app).await;
    let long = format!("{}{QUERY}", " ".repeat(500_000));
    for _ in 0..2 {
        line.send("content-type: application/json\r\n", long.len(), &long).await;
        let head = line.answer().await;
        assert!(head.starts_with("http/1.1 200") && !head.contains("connection: close"), "{head}");
    }
}

/// A value takes far more memory than it has letters.
#[tokio::test]
async fn json_of_many_values_is_refused_unread() {
    let settings = "http.socket.message_bytes = 2000000";
    let app = TestApp::start_with(Database::sqlite(), settings, Ambient::system()).await;
    for (values, status) in [(40_000, "http/1.1 200"), (100_000, "http/1.1 413"), (900_000, "http/1.1 413")] {
        let mut line = Line::to(&app).await;
        let list = "0,".repeat(values);
        let body = format!("{{\"query\":\"{{__typename}}\",\"variables\":{{\"a\":[{list}0]}}}}");
        line.send("content-type: application/json\r\n", body.len(), &body).await;
        assert!(line.answer().await.starts_with(status), "{values}");
        if values > 50_000 {
            let mut socket = app.socket(&app.owner).await;
            socket.send_text(format!("{{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{body}}}")).await;
            assert_eq!(socket.close_code().await, 1009, "{values}");
        }
    }
    is_well(&app).await;
}

/// A page of another site can have a browser send a GET, but not with such headers.
#[tokio::test]
async fn a_get_in_production_needs_a_header_that_other_sites_cannot_send() {
    let app = TestApp::start_with(Database::sqlite(), "mode = 'production'", Ambient::system()).await;
    let url = format!("{}?query=%7B__typename%7D", app.url());
    let status = async |headers: &[(&str, &str)]| {
        let request =
            headers.iter().fold(app.http.get(&url), |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap().status().as_u16()
    };
    for simple in [&[][..], &[("accept", "application/json")], &[("content-type", "text/plain")]] {
        assert_eq!(status(simple).await, 400, "{simple:?}");
    }
    let bearer = format!("Bearer {}", app.owner.token);
    for asked in [
        ("authorization", bearer.as_str()),
        ("graphql-require-preflight", "1"),
        ("apollo-require-preflight", "true"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(status(&[asked]).await, 200, "{asked:?}");
    }
}
