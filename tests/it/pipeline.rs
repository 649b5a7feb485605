//! What the document pipeline takes and refuses, and what becomes of a mutation that nobody waits for.
use crate::support::{Database, PATIENCE, TestApp, text};
use aifirst::shared::Ambient;
use serde_json::json;
use std::time::Instant;

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
async fn what_an_operation_is_described_by_is_no_part_of_it() {
    let app = TestApp::start(Database::sqlite()).await;
    let document =
        "\"\"\"\nWho asks, and where.\n\"\"\"\nquery Who(\"How many.\" $n: Int = 1) { viewer { ...Of } }
        \"What is shown.\" fragment Of on Viewer { memberships(first: $n) { nodes { role } } }";
    let data = app.ok(&app.owner, document, json!({})).await;
    assert_eq!(text(&data, "/viewer/memberships/nodes/0/role"), "OWNER");
    let wrong = document.replace("role", "rôle");
    let answer = app.ask(Some(&app.owner.token), &wrong, json!({})).await;
    assert_eq!(answer["errors"][0]["locations"][0]["line"], 5, "{answer:#}");
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
