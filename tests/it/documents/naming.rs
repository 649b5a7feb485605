//! A request names its document, over every transport.
use super::*;
use crate::{counted_on_both, on_both, support::Socket};

const NAMED: &str = "query Named($ws: ID!) { workspace(id: $ws) { slug } }";
const CHANGES: &str = "subscription Watch($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) { cursor kind } }";

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The forms in which clients name one document that was registered by its hash.
fn names(hash: &str) -> Vec<Value> {
    vec![
        json!({ "documentId": format!("sha256:{hash}") }),
        json!({ "documentId": hash }),
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } }),
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": format!("sha256:{hash}") } } }),
    ]
}

on_both! {
    async fn every_form_of_a_name_runs_the_document_over_http(app: TestApp) {
        let hash = sha256(NAMED);
        app.registered(&hash, NAMED).await;
        let variables = json!({ "ws": app.workspace });
        for name in names(&hash) {
            for query in &NO_TEXT {
                let mut body = beside(query, name.clone());
                body["variables"] = variables.clone();
                body["operationName"] = "Named".into();
                let (status, answer) = app.posted(Some(&app.owner.token), body).await;
                assert_eq!((status, &answer), (200, &json!({ "data": { "workspace": { "slug": "acme" } } })), "{name} {query}");
            }
            // Some send the text beside its name.
            let mut body = name.clone();
            body["variables"] = variables.clone();
            body["query"] = NAMED.into();
            assert_eq!(app.posted(Some(&app.owner.token), body.clone()).await.1["data"]["workspace"]["slug"], "acme");
            body["query"] = "query Other { viewer { id } }".into();
            let (status, answer) = app.posted(Some(&app.owner.token), body).await;
            assert_eq!((status, code(&answer)), (400, Some("BAD_REQUEST")), "{name}");

            let mut parameters = vec![format!("variables={}", encoded(&variables.to_string()))];
            for (key, value) in name.as_object().unwrap() {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                parameters.push(format!("{key}={}", encoded(&value)));
            }
            let url = format!("{}?{}", app.url(), parameters.join("&"));
            let request = app.http.get(url).header("content-type", "application/json").bearer_auth(&app.owner.token);
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            assert_eq!(answer["data"]["workspace"]["slug"], "acme", "{name}: {answer:#}");
        }
    }
}

on_both! {
    async fn every_form_of_a_name_runs_the_document_over_the_socket(app: TestApp) {
        let (query, subscription) = (sha256(NAMED), sha256(CHANGES));
        app.registered(&query, NAMED).await;
        app.registered(&subscription, CHANGES).await;
        let begin = app.ok(&app.owner, "query($ws: ID!) { workspace(id: $ws) { cursor } }", json!({ "ws": app.workspace })).await;
        let remember = "mutation($ws: ID!) { remember(input: {workspaceId: $ws, text: \"x\"}) { memory { id } } }";
        app.ok(&app.owner, remember, json!({ "ws": app.workspace })).await;
        let mut socket = app.socket(&app.owner).await;
        for name in names(&query) {
            for text in &NO_TEXT {
                let mut payload = beside(text, name.clone());
                payload["variables"] = json!({ "ws": app.workspace });
                socket.send(json!({ "type": "subscribe", "id": "q", "payload": payload })).await;
                let next = socket.receive().await.unwrap();
                assert_eq!(next["payload"]["data"]["workspace"]["slug"], "acme", "{name} {text}: {next:#}");
                assert_eq!(socket.receive().await.unwrap()["type"], "complete");
            }
        }
        for name in names(&subscription) {
            let mut payload = beside(&Value::String(String::new()), name.clone());
            payload["variables"] = json!({ "ws": app.workspace, "after": begin["workspace"]["cursor"] });
            socket.send(json!({ "type": "subscribe", "id": "s", "payload": payload })).await;
            let next = socket.receive().await.unwrap();
            assert_eq!(next["payload"]["data"]["changes"]["kind"], "CREATED", "{name}: {next:#}");
            socket.send(json!({ "type": "complete", "id": "s" })).await;
            // What was on its way is passed over.
            socket.send(json!({ "type": "ping" })).await;
            while socket.receive().await.unwrap()["type"] != "pong" {}
        }
        let payload = json!({ "query": "", "documentId": "nowhere" });
        socket.send(json!({ "type": "subscribe", "id": "n", "payload": payload })).await;
        let error = socket.receive().await.unwrap();
        assert_eq!((&error["type"], text(&error, "/payload/0/extensions/code").as_str()), (&json!("error"), "PERSISTED_QUERY_NOT_FOUND"));
    }
}

on_both! {
    async fn a_named_document_streams_as_events_and_in_parts(app: TestApp) {
        let hash = sha256(CHANGES);
        app.registered(&hash, CHANGES).await;
        let begin = app.ok(&app.owner, "query($ws: ID!) { workspace(id: $ws) { cursor } }", json!({ "ws": app.workspace })).await;
        let remember = "mutation($ws: ID!) { remember(input: {workspaceId: $ws, text: \"x\"}) { memory { id } } }";
        app.ok(&app.owner, remember, json!({ "ws": app.workspace })).await;
        for accept in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0, application/json"] {
            for name in names(&hash) {
                let mut body = name.clone();
                body["variables"] = json!({ "ws": app.workspace, "after": begin["workspace"]["cursor"] });
                let request = app.http.post(app.url()).header(header::ACCEPT, accept).bearer_auth(&app.owner.token);
                let mut response = request.json(&body).send().await.unwrap();
                let mut read = String::new();
                while !read.contains("\"kind\":\"CREATED\"") {
                    let chunk = response.chunk().await.unwrap().unwrap_or_else(|| panic!("{accept} {name}: {read}"));
                    read.push_str(&String::from_utf8_lossy(&chunk));
                }
            }
            let request = app.http.post(app.url()).header(header::ACCEPT, accept).bearer_auth(&app.owner.token);
            let answer: Value = request.json(&json!({ "documentId": "nowhere" })).send().await.unwrap().json().await.unwrap();
            assert_eq!(code(&answer), Some("PERSISTED_QUERY_NOT_FOUND"), "{accept}");
        }
    }
}

#[tokio::test]
async fn a_name_that_is_unknown_or_none_is_told_by_its_code() {
    let app = start("").await;
    let hash = sha256(VIEWER);
    for (body, status, expected) in [
        (json!({ "documentId": "nowhere" }), 400, "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "documentId": "nowhere", "query": VIEWER }), 400, "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "documentId": "" }), 400, "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "documentId": "' OR 1=1; --" }), 400, "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "documentId": "x".repeat(100_000) }), 400, "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "documentId": "a\u{0}b" }), 400, "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "documentId": 1 }), 400, "BAD_REQUEST"),
        (json!({ "documentId": ["a"] }), 400, "BAD_REQUEST"),
        (json!({ "documentId": null }), 400, "BAD_REQUEST"),
        (json!({ "extensions": { "persistedQuery": {} } }), 400, "BAD_REQUEST"),
        (json!({ "extensions": { "persistedQuery": null } }), 400, "BAD_REQUEST"),
        (json!({ "extensions": { "persistedQuery": hash } }), 400, "BAD_REQUEST"),
        (
            json!({ "extensions": { "persistedQuery": { "version": 2, "sha256Hash": hash } } }),
            400,
            "BAD_REQUEST",
        ),
        (
            json!({ "extensions": { "persistedQuery": { "version": "1", "sha256Hash": hash } } }),
            400,
            "BAD_REQUEST",
        ),
        (
            json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": 7 } } }),
            400,
            "BAD_REQUEST",
        ),
        (json!({ "extensions": { "other": 1 } }), 400, "BAD_REQUEST"),
    ] {
        let (found, answer) = app.posted(Some(&app.owner.token), body.clone()).await;
        assert_eq!((found, code(&answer)), (status, Some(expected)), "{body}");
        assert!(answer.get("data").is_none() && answer.to_string().len() < 1_000, "{answer:#}");
    }
    let (status, answer) = app.posted(None, json!({ "documentId": "nowhere" })).await;
    assert_eq!((status, code(&answer)), (401, Some("UNAUTHENTICATED")));
    let mut socket = Socket::connect(&app.url(), Some(&app.owner.token)).await;
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": { "documentId": 1 } })).await;
    assert_eq!(socket.close_code().await, 4400);
}

#[tokio::test]
async fn a_named_mutation_needs_a_post() {
    let app = start("").await;
    let document =
        "mutation M { createWorkspace(input: {name: \"By GET\", slug: \"by-get\"}) { workspace { id } } }";
    app.registered("make", document).await;
    let request =
        app.http.get(format!("{}?documentId=make", app.url())).header("content-type", "application/json");
    let response = request.bearer_auth(&app.owner.token).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 405);
    let made = app.posted(Some(&app.owner.token), json!({ "documentId": "make" })).await.1;
    assert!(text(&made, "/data/createWorkspace/workspace/id").starts_with("ws_"));
}

counted_on_both! {
    async fn a_named_document_costs_no_statement_after_the_first_time(app: TestApp) {
        app.registered("one", VIEWER).await;
        let by_text = app.cost(&app.owner, VIEWER, json!({})).await.1;
        let by_name = async || {
            let (answer, cost) = app.statements(app.posted(Some(&app.owner.token), json!({ "documentId": "one" }))).await;
            assert_eq!(answer.1["data"]["viewer"]["id"], app.owner.id);
            cost
        };
        assert_eq!(by_name().await, by_text + 1);
        assert_eq!(by_name().await, by_text);
        // Another of the same workspaces finds it there.
        let sam = app.person("Sam").await;
        app.join(&sam, "VIEWER").await;
        let (_, cost) = app.statements(app.posted(Some(&sam.token), json!({ "documentId": "one" }))).await;
        assert_eq!(cost, by_text);
    }
}
