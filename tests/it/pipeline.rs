//! Hostile documents over HTTP and over WebSocket: each is refused with a code, in little time, and the server lives.
use crate::support::{Database, PATIENCE, TestApp, text};
use aifirst::shared::Ambient;
use serde_json::json;
use std::time::{Duration, Instant};

/// Far above what any of them takes in a debug build on a busy machine, far below what an attack wants.
const SOON: Duration = Duration::from_secs(2);

fn many(n: usize, item: impl Fn(usize) -> String) -> String {
    (0..n).map(item).collect()
}

fn doubling(levels: usize) -> String {
    let fragments = many(levels, |i| format!("fragment F{i} on Query{{...F{} ...F{}}} ", i + 1, i + 1));
    format!("{{...F0}} {fragments} fragment F{levels} on Query{{__typename}}")
}

fn hostile() -> Vec<(&'static str, String)> {
    let nested =
        |open: &str, inner: &str, close: &str, n| format!("{}{inner}{}", open.repeat(n), close.repeat(n));
    vec![
        ("nested lists", format!("{{workspace(id: {}){{id}}}}", nested("[", "", "]", 3_000))),
        (
            "nested lists in a custom scalar",
            format!("query($a: JSON = {}){{viewer{{id}}}}", nested("[", "", "]", 5_000)),
        ),
        ("nested objects", format!("{{workspace(id: {}){{id}}}}", nested("{a:", "1", "}", 3_000))),
        ("nested selections", nested("{viewer", "{id}", "}", 5_000)),
        ("nested fragments", nested("{...", "{__typename}", "}", 5_000)),
        ("nested types", format!("query($a: {}){{viewer{{id}}}}", nested("[", "Int", "]", 5_000))),
        ("1,000 aliases", format!("{{{}}}", many(1_000, |i| format!("a{i}:__typename ")))),
        ("1,000 aliases of a field", format!("{{{}}}", many(1_000, |i| format!("a{i}:viewer{{id}} ")))),
        ("10,000 fields", format!("{{viewer{{{}}}}}", "id ".repeat(10_000))),
        ("1,000 unknown directives", format!("{{__typename {}}}", "@x ".repeat(1_000))),
        ("1,000 unknown directives on the operation", format!("query {}{{__typename}}", "@x ".repeat(1_000))),
        ("1,000 unknown directives on a fragment", format!("{{...{}{{__typename}}}}", "@x ".repeat(1_000))),
        (
            "1,000 aliases of the dearest field",
            format!(
                "{{{}}}",
                many(1_000, |i| format!(
                    "a{i}:workspace(id:\"ws_0\"){{recall(input:{{query:\"x\"}}){{usedTokens}}}} "
                ))
            ),
        ),
        (
            "two root fields of a subscription",
            "subscription{a:runEvents(runId:\"a\"){cursor} b:runEvents(runId:\"a\"){cursor}}".into(),
        ),
        ("doubling fragments", doubling(24)),
        ("more doubling fragments", doubling(100)),
        (
            "many spreads",
            format!(
                "{{viewer{{{}}}}} fragment F on Viewer{{{}}}",
                "...F ".repeat(3_000),
                "id ".repeat(3_000)
            ),
        ),
        ("a cycle", "{...A} fragment A on Query{...B} fragment B on Query{...A}".into()),
        ("20,000 arguments", format!("{{workspace({}){{id}}}}", "id:1 ".repeat(20_000))),
        ("a long string", format!("{{workspace(id: \"{}\"){{id}}}}", "x".repeat(1_000_000))),
        ("a long comment", format!("{{viewer{{id}}}} #{}", "x".repeat(1_000_000))),
        ("commas", format!("{{viewer{{id}}}}{}", ",".repeat(1_000_000))),
        ("a long list", format!("{{nodes(ids: [{}]){{id}}}}", "\"a\" ".repeat(100_000))),
        ("1,000 operations", many(1_000, |i| format!("query Q{i}{{__typename}}"))),
        ("1,000 variables", format!("query({}){{__typename}}", many(1_000, |i| format!("$v{i}:Int ")))),
        (
            "circular introspection",
            format!("{{__schema{{types{}}}}}", nested("{fields{type", "{name}", "}}", 8)),
        ),
        ("NUL in a literal", "{workspace(id: \"a\\u0000\"){id}}".into()),
        ("an unpaired surrogate", "{workspace(id: \"\\ud800\"){id}}".into()),
        ("nothing", String::new()),
        ("type definitions", "type A{a:Int}".into()),
    ]
}

const CODES: [&str; 5] = [
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "QUERY_TOO_COMPLEX",
    "OPERATION_RESOLUTION_FAILURE",
    "BAD_USER_INPUT",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_documents_over_http_are_refused_and_the_server_lives() {
    let app = TestApp::start(Database::sqlite()).await;
    for (what, document) in hostile() {
        for token in [None, Some(app.owner.token.as_str())] {
            let begun = Instant::now();
            let answer = app.ask(token, &document, json!({})).await;
            assert!(begun.elapsed() < SOON, "{what} took {:?}", begun.elapsed());
            assert!(answer.get("data").is_none(), "{what}");
            let code = text(&answer, "/errors/0/extensions/code");
            assert!(CODES.contains(&code.as_str()), "{what}: {code}");
            assert!(answer["errors"].as_array().unwrap().len() <= 20, "{what}");
            assert!(answer.to_string().len() < 20_000, "{what} is answered at length");
        }
    }
    app.ok(&app.owner, "{ viewer { id } }", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_documents_over_a_socket_are_refused_and_the_server_lives() {
    // Larger than by default, so that every document comes through to the pipeline.
    let settings = "http.socket.message_bytes = 2000000";
    let app = TestApp::start_with(Database::sqlite(), settings, Ambient::system()).await;
    let mut socket = app.socket(&app.owner).await;
    for (what, document) in hostile() {
        let begun = Instant::now();
        socket.send(json!({ "type": "subscribe", "id": what, "payload": { "query": document } })).await;
        let error = socket.receive().await.unwrap_or_else(|| panic!("{what} closed the socket"));
        assert!(begun.elapsed() < SOON, "{what} took {:?}", begun.elapsed());
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!(what)));
        let code = text(&error, "/payload/0/extensions/code");
        assert!(CODES.contains(&code.as_str()), "{what}: {code}");
    }
    app.ok(&app.owner, "{ viewer { id } }", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_variables_are_refused_with_their_place() {
    let app = TestApp::start(Database::sqlite()).await;
    let document = "query($id: ID!) { workspace(id: $id) { id } }";
    for variables in
        [json!({}), json!({ "id": null }), json!({ "id": [] }), json!({ "id": {} }), json!({ "id": 1.5 })]
    {
        assert_eq!(app.code(&app.owner, document, variables.clone()).await, "BAD_USER_INPUT", "{variables}");
    }
    let answer = app.ask(Some(&app.owner.token), document, json!({ "id": "ws_\u{0}" })).await;
    assert_eq!(text(&answer, "/errors/0/extensions/code"), "BAD_USER_INPUT");
    assert_eq!(text(&answer, "/errors/0/extensions/inputPath"), "variables.id");
    let answer = app.ask(Some(&app.owner.token), document, json!({ "id": "x".repeat(1_000_000) })).await;
    assert!(answer.to_string().len() < 2_000, "an answer repeats what was sent");
}

/// As graphql-js writes it with all options, for nine levels of `ofType`.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind } subscriptionType { name kind } types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } } fragment FullType on __Type { kind name description specifiedByURL fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } } fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason } fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn introspection_by_tools_is_answered() {
    let app = TestApp::start(Database::sqlite()).await;
    let answer = app.ask(None, INTROSPECTION, json!({})).await;
    assert!(answer.get("errors").is_none(), "{}", answer["errors"]);
    let types = answer["data"]["__schema"]["types"].as_array().unwrap();
    assert!(types.iter().any(|ty| ty["name"] == "Workspace"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_string_of_the_current_specification_is_understood() {
    let app = TestApp::start(Database::sqlite()).await;
    let document = r#"mutation { createWorkspace(input: {name: "\u{1F600} \uD83D\uDE00", slug: "smile"}) { workspace { id } } }"#;
    app.ok(&app.owner, document, json!({})).await;
    let names = "{ viewer { memberships(first: 10) { nodes { workspace { name } } } } }";
    let data = app.ok(&app.owner, names, json!({})).await;
    assert!(data.to_string().contains("😀 😀"), "{data}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mutation_whose_client_hangs_up_is_carried_out() {
    let app = TestApp::start(Database::sqlite()).await;
    // Somebody else writes for a while, so that the mutation waits in its midst.
    let other = app.running.services.db.begin().await.unwrap();
    let document =
        "mutation { createWorkspace(input: {name: \"Left\", slug: \"left\"}) { workspace { id } } }";
    let request = app.http.post(app.url()).bearer_auth(&app.owner.token).json(&json!({ "query": document }));
    let client = tokio::spawn(request.send());
    let metrics = format!("http://{}/metrics", app.running.admin_address);
    wait_for(async || {
        let metrics = app.http.get(&metrics).send().await.unwrap().text().await.unwrap();
        metrics.contains("aifirst_mutations_running 1")
    })
    .await;
    client.abort();
    other.commit().await.unwrap();
    wait_for(async || {
        let slugs = "{ viewer { memberships(first: 10) { nodes { workspace { slug } } } } }";
        app.ask(Some(&app.owner.token), slugs, json!({})).await.to_string().contains("\"left\"")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mutation_that_takes_too_long_is_told_so_and_carried_out() {
    let settings = "http.request_timeout_seconds = 1";
    let app = TestApp::start_with(Database::sqlite(), settings, Ambient::system()).await;
    let other = app.running.services.db.begin().await.unwrap();
    let document =
        "mutation { createWorkspace(input: {name: \"Slow\", slug: \"slow\"}) { workspace { id } } }";
    let request = app.http.post(app.url()).bearer_auth(&app.owner.token).json(&json!({ "query": document }));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 503);
    let answer = response.json().await.unwrap();
    assert_eq!(text(&answer, "/errors/0/extensions/code"), "TIMEOUT");
    other.commit().await.unwrap();
    wait_for(async || {
        let slugs = "{ viewer { memberships(first: 10) { nodes { workspace { slug } } } } }";
        app.ask(Some(&app.owner.token), slugs, json!({})).await.to_string().contains("\"slow\"")
    })
    .await;
}

async fn wait_for(condition: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < PATIENCE, "it did not come about");
    }
}
