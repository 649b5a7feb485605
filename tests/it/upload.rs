//! GraphQL multipart requests: files for a form's variables, and every way to send them wrong.
mod wrong;

use crate::{
    on_both,
    support::{Database, Person, TestApp, text},
};
use aifirst::shared::Ambient;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wrong::wrong;

const IMPORT: &str = "mutation Import($input: ImportMemoriesInput!) { importMemories(input: $input) {
    created updated unchanged memories { text kind speaker occurredAt externalId } userErrors { code field message } } }";

/// The parts of a body, in their order.
struct Parts(Vec<(String, Vec<u8>)>);

impl Parts {
    fn new(operations: &Value, map: &Value) -> Self {
        Self(vec![]).and("operations", operations.to_string()).and("map", map.to_string())
    }

    fn and(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.0.push((name.to_owned(), content.into()));
        self
    }

    fn body(&self) -> Vec<u8> {
        let mut body = vec![];
        for (name, content) in &self.0 {
            // What a part says of itself is not believed.
            let head = format!(
                "--XX\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"../../etc/passwd\"\r\ncontent-type: image/png\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--XX--\r\n");
        body
    }
}

async fn post(app: &TestApp, person: &Person, body: Vec<u8>) -> (u16, Value) {
    let request =
        app.http.post(app.url()).bearer_auth(&person.token).header("graphql-require-preflight", "1");
    let response =
        request.header("content-type", "multipart/form-data; boundary=XX").body(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn operations(app: &TestApp) -> Value {
    json!({ "query": IMPORT, "variables": { "input": { "workspaceId": app.workspace, "file": null } } })
}

fn map() -> Value {
    json!({ "0": ["variables.input.file"] })
}

/// The payload of an import of that file.
async fn import(app: &TestApp, file: impl Into<Vec<u8>>) -> Value {
    let parts = Parts::new(&operations(app), &map()).and("0", file);
    let (status, answer) = post(app, &app.owner, parts.body()).await;
    assert_eq!(status, 200, "{answer:#}");
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer["data"]["importMemories"].clone()
}

fn problems(payload: &Value) -> Vec<(String, String)> {
    let errors = payload["userErrors"].as_array().unwrap();
    errors.iter().map(|error| (text(error, "/field"), text(error, "/code"))).collect()
}

const LINES: &str = "\u{feff}{\"externalId\":\"a\",\"text\":\" Tulips in May 🌷 \",\"kind\":\"EPISODE\",\"occurredAt\":\"2023-05-08T15:56:00+02:00\",\"speaker\":\"Ana\"}\r
\r
{\"externalId\":\"b\",\"text\":\"Roses in June\",\"speaker\":null}\n\n";

on_both! {
    async fn a_file_is_imported_line_by_line_like_the_items_that_it_lists(app: TestApp) {
        let imported = import(&app, LINES).await;
        assert_eq!(imported, json!({ "created": 2, "updated": 0, "unchanged": 0, "userErrors": [], "memories": [
            { "text": "Tulips in May 🌷", "kind": "EPISODE", "speaker": "Ana", "occurredAt": "2023-05-08T13:56:00Z", "externalId": "a" },
            { "text": "Roses in June", "kind": "NOTE", "speaker": null, "occurredAt": null, "externalId": "b" }] }));
        let items = json!([{ "externalId": "a", "text": "Tulips in May 🌷", "kind": "EPISODE", "occurredAt": "2023-05-08T13:56:00Z", "speaker": "Ana" },
            { "externalId": "b", "text": "Roses in June" }]);
        let input = json!({ "input": { "workspaceId": app.workspace, "items": items } });
        assert_eq!(app.ok(&app.owner, IMPORT, input).await["importMemories"]["unchanged"], 2);
        let changed = import(&app, LINES.replace("June", "July")).await;
        assert_eq!((&changed["updated"], &changed["unchanged"]), (&json!(1), &json!(1)));
        assert_eq!(import(&app, "").await["created"], 0);
    }
}

on_both! {
    async fn problems_name_the_line_and_the_field_and_nothing_is_written(app: TestApp) {
        let long = "x".repeat(10_001);
        let file = format!("{{\"externalId\":\"a\",\"text\":\"good\"}}
not JSON
{{\"externalId\":\"a\",\"text\":\"{long}\"}}
{{\"text\":\" \",\"extra\":1}}
{{\"externalId\":\"n\",\"text\":\"a\\u0000b\",\"kind\":\"DREAM\",\"occurredAt\":\"yesterday\",\"speaker\":[]}}
[]");
        let refused = import(&app, file).await;
        let invalid = |fields: &[&str]| fields.iter().map(|field| ((*field).to_owned(), "INVALID".to_owned())).collect::<Vec<_>>();
        let expected = ["file.2", "file.4.externalId", "file.4.extra", "file.5.text", "file.5.kind", "file.5.occurredAt", "file.5.speaker", "file.6", "file.3.text", "file.3.externalId"];
        assert_eq!(problems(&refused), invalid(&expected), "{refused:#}");
        assert_eq!((&refused["created"], &refused["memories"]), (&Value::Null, &json!([])));

        assert_eq!(problems(&import(&app, b"{}\n\xff\xfe".to_vec()).await), invalid(&["file"]));
        assert_eq!(problems(&import(&app, "1\n".repeat(1_001)).await), invalid(&["file"]));
        let bounded = import(&app, format!("{{{}\"a\":1}}\n", "\"k\":1,".repeat(100_000))).await;
        assert!(bounded.to_string().len() < 1_000, "{bounded}");
        let memories = "query($ws: ID!) { workspace(id: $ws) { memories { totalCount } } }";
        let memories = app.ok(&app.owner, memories, json!({ "ws": app.workspace })).await;
        assert_eq!(memories["workspace"]["memories"]["totalCount"], 0);
    }
}

on_both! {
    async fn either_items_or_a_file_by_whoever_may(app: TestApp) {
        let mut both = operations(&app);
        both["variables"]["input"]["items"] = json!([{ "externalId": "1", "text": "x" }]);
        let (_, answer) = post(&app, &app.owner, Parts::new(&both, &map()).and("0", LINES).body()).await;
        assert_eq!(problems(&answer["data"]["importMemories"]), [("items".to_owned(), "INVALID".to_owned())]);
        let neither = json!({ "input": { "workspaceId": app.workspace } });
        let neither = app.ok(&app.owner, IMPORT, neither).await;
        assert_eq!(problems(&neither["importMemories"]), [("items".to_owned(), "INVALID".to_owned())]);
        let viewer = app.person("Vic Viewer").await;
        app.join(&viewer, "VIEWER").await;
        let stranger = app.person("Sam Stranger").await;
        for (person, code) in [(&viewer, "FORBIDDEN"), (&stranger, "NOT_FOUND")] {
            let (_, answer) = post(&app, person, Parts::new(&operations(&app), &map()).and("0", "not JSON").body()).await;
            assert_eq!(text(&answer, "/errors/0/extensions/code"), code);
        }
    }
}

on_both! {
    async fn what_is_no_multipart_request_is_refused_and_does_nothing(app: TestApp) {
        let cursor = "query($ws: ID!) { workspace(id: $ws) { cursor } }";
        let before = app.ok(&app.owner, cursor, json!({ "ws": app.workspace })).await;
        for (what, status, code, body) in wrong(&app) {
            let request = app.http.post(app.url()).bearer_auth(&app.owner.token).header("apollo-require-preflight", "1");
            let request = request
                .header("accept", "application/graphql-response+json")
                .header("content-type", "multipart/form-data; boundary=\"XX\"");
            let response = request.body(body).send().await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{what}");
            let answer: Value = response.json().await.unwrap();
            assert_eq!(text(&answer, "/errors/0/extensions/code"), code, "{what}: {answer:#}");
            assert!(answer.to_string().len() < 1_500, "{what} is answered at length: {answer}");
        }
        assert_eq!(app.ok(&app.owner, cursor, json!({ "ws": app.workspace })).await, before);
        assert_eq!(import(&app, LINES).await["created"], 2, "and it goes on");
    }
}

/// The scalar takes nothing that a client can write, on any way in.
#[tokio::test]
async fn no_json_and_no_literal_is_a_file() {
    let app = TestApp::start(Database::sqlite()).await;
    for file in [
        json!("file"),
        json!("#__upload__:0"),
        json!(0),
        json!([1, 2]),
        json!({ "filename": "x" }),
        json!(true),
    ] {
        let input = json!({ "input": { "workspaceId": app.workspace, "file": file } });
        assert_eq!(app.code(&app.owner, IMPORT, input.clone()).await, "BAD_USER_INPUT", "{file}");
        let mut answer = app.subscribe(&app.owner, IMPORT, input).await;
        let answer = answer.first_answer().await;
        assert_eq!(text(&answer, "/errors/0/extensions/code"), "BAD_USER_INPUT", "{file}");
    }
    for literal in ["\"file\"", "0", "[1]", "{a: 1}", "FILE"] {
        let document = format!(
            "mutation($ws: ID!) {{ importMemories(input: {{workspaceId: $ws, file: {literal}}}) {{ created }} }}"
        );
        let code = app.code(&app.owner, &document, json!({ "ws": app.workspace })).await;
        assert_eq!(code, "BAD_USER_INPUT", "{literal}");
    }
    let default = "mutation($ws: ID!, $f: Upload = \"file\") { importMemories(input: {workspaceId: $ws, file: $f}) { created } }";
    assert_eq!(app.code(&app.owner, default, json!({ "ws": app.workspace })).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_page_of_another_site_cannot_send_a_form() {
    let app = TestApp::start(Database::sqlite()).await;
    let body = Parts::new(&operations(&app), &map()).and("0", LINES).body();
    let form = || app.http.post(app.url()).bearer_auth(&app.owner.token).body(body.clone());
    let typed = |boundary: &str| form().header("content-type", format!("multipart/form-data{boundary}"));
    for (what, request) in [
        ("no preflight", typed("; boundary=XX")),
        ("an empty preflight", typed("; boundary=XX").header("graphql-require-preflight", "")),
        ("no boundary", typed("").header("graphql-require-preflight", "1")),
        ("an empty boundary", typed("; boundary=").header("graphql-require-preflight", "1")),
        (
            "a long boundary",
            typed(&format!("; boundary={}", "X".repeat(71))).header("graphql-require-preflight", "1"),
        ),
        ("a broken type", typed("; boundary=\"X").header("graphql-require-preflight", "1")),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 400, "{what}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(text(&answer, "/errors/0/extensions/code"), "BAD_REQUEST", "{what}");
    }
    let packed =
        typed("; boundary=XX").header("graphql-require-preflight", "1").header("content-encoding", "gzip");
    assert_eq!(packed.send().await.unwrap().status(), 415);
    let other = form()
        .header("content-type", "multipart/mixed; boundary=XX")
        .header("graphql-require-preflight", "1");
    assert_eq!(other.send().await.unwrap().status(), 415);
    // A browser may send the header, where the page may call at all.
    let ask = app.http.request(reqwest::Method::OPTIONS, app.url()).header("origin", "http://localhost:3000");
    let ask = ask
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "graphql-require-preflight");
    let allowed = ask.send().await.unwrap();
    let allowed = allowed.headers()["access-control-allow-headers"].to_str().unwrap().to_owned();
    assert!(allowed.contains("graphql-require-preflight"), "{allowed}");
    // By GET there are no files.
    let got = app.http.get(app.url()).bearer_auth(&app.owner.token).header("graphql-require-preflight", "1");
    let got = got.header("content-type", "multipart/form-data; boundary=XX").body(body).send().await.unwrap();
    assert_eq!(got.status(), 400, "a query is missing");
}

#[tokio::test]
async fn a_form_is_bounded_like_any_other_body() {
    let settings = "http.body_bytes = 20000\nhttp.batch = 10";
    let app = TestApp::start_with(Database::sqlite(), settings, Ambient::system()).await;
    let line = |size: usize| format!("{{\"externalId\":\"a\",\"text\":\"{}\"}}", "x".repeat(size));
    assert_eq!(import(&app, line(9_000)).await["created"], 1);
    let body = Parts::new(&operations(&app), &map()).and("0", line(20_000)).body();
    let (status, answer) = post(&app, &app.owner, body).await;
    assert_eq!((status, text(&answer, "/errors/0/extensions/code").as_str()), (413, "BAD_REQUEST"));
    // Where batches are taken, none has files.
    let batch =
        Parts::new(&json!([operations(&app)]), &json!({ "0": ["0.variables.input.file"] })).and("0", line(1));
    assert_eq!(post(&app, &app.owner, batch.body()).await.0, 400);
}

/// The head of an answer; its body is read, too.
async fn answer_on(line: &mut TcpStream) -> String {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(line.read_u8().await.expect("the connection stays open"));
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap();
    line.read_exact(&mut vec![0; length.parse().unwrap()]).await.unwrap();
    head
}

#[tokio::test]
async fn who_is_refused_for_the_headers_hears_why_though_a_body_is_on_its_way() {
    let app = TestApp::start(Database::sqlite()).await;
    let mut line = TcpStream::connect(app.running.address).await.unwrap();
    let body = "x".repeat(1_000_000);
    for (kind, status) in [("multipart/form-data; boundary=XX", 400), ("text/plain", 415)] {
        let length = body.len();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
        );
        line.write_all(head.as_bytes()).await.unwrap();
        line.write_all(body.as_bytes()).await.unwrap();
        let head = answer_on(&mut line).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{kind}: {head}");
    }
}
