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

    async fn has_ended(&mut self) -> bool {
        let read = timeout(PATIENCE, self.0.read(&mut [0; 100])).await.expect("it is still open");
        matches!(read, Ok(0) | Err(_))
    }
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
