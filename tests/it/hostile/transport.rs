//! The table's documents by each transport.
use super::{Hostile, documents, is_well};
use crate::support::{Database, Socket, TestApp, text};
use aifirst::{config::Config, shared::Ambient};
use apollo_compiler::Schema;
use reqwest::{RequestBuilder, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Large enough for every document to come through to the pipeline.
const LARGE_MESSAGES: &str = "http.socket.message_bytes = 2000000";

async fn start() -> TestApp {
    TestApp::start_with(Database::sqlite(), LARGE_MESSAGES, Ambient::system()).await
}

/// Work for one document is bounded by the limits, whatever it says.
fn assert_bounded(what: &str, before: [u64; 3], after: [u64; 3]) {
    let limits = Config::with("").unwrap().graphql;
    let [bytes, tokens, nodes] = [0, 1, 2].map(|i| after[i] - before[i]);
    assert!(bytes <= limits.document_bytes as u64, "{what}: {bytes} bytes");
    assert!(tokens <= limits.tokens as u64 + 1, "{what}: {tokens} tokens");
    // Each token is a selection at most, and what is executed is within the limit of selections.
    assert!(nodes <= tokens + limits.selections, "{what}: {nodes} nodes for {tokens} tokens");
}

fn assert_refused(hostile: &Hostile, errors: &Value) {
    let Hostile { name, code, .. } = hostile;
    assert_eq!(&text(errors, "/0/extensions/code"), code, "{name}: {errors:#}");
    let errors = errors.as_array().unwrap();
    assert!(errors.len() <= 20, "{name}");
    let long = errors.iter().map(|error| error.to_string().len()).max().unwrap();
    assert!(long < 2_000, "{name} is answered at length: {long} bytes");
}

/// Each document by a request, with the errors of its answer, and whether it was refused by the status.
async fn over_http(request: impl AsyncFn(&TestApp, &Hostile) -> Option<RequestBuilder>) -> usize {
    let app = start().await;
    let mut sent = 0;
    for hostile in documents() {
        let before = app.running.pipeline.work_done();
        let Some(request) = request(&app, &hostile).await else { continue };
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer.get("data").is_none(), "{}", hostile.name);
        assert_refused(&hostile, &answer["errors"]);
        assert_bounded(&hostile.name, before, app.running.pipeline.work_done());
        is_well(&app).await;
        sent += 1;
    }
    sent
}

fn post(app: &TestApp, hostile: &Hostile) -> RequestBuilder {
    app.http.post(app.url()).json(&hostile.body())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_documents_by_post_are_refused_and_the_server_lives() {
    let sent = over_http(async |app, hostile| Some(post(app, hostile).bearer_auth(&app.owner.token))).await;
    assert_eq!(sent, documents().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_documents_of_anonymous_callers_are_refused_the_same_way() {
    over_http(async |app, hostile| Some(post(app, hostile))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_documents_for_a_stream_are_refused_before_it_begins() {
    for accept in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"] {
        over_http(async |app, hostile| {
            let request = post(app, hostile).bearer_auth(&app.owner.token);
            Some(request.header(header::ACCEPT, accept))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_documents_by_get_are_refused_and_the_server_lives() {
    let encoded = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let sent = over_http(async |app, hostile| {
        let query = encoded(&hostile.document);
        let variables = encoded(&hostile.variables.to_string());
        // What the HTTP library takes as an address.
        let fits = query.len() + variables.len() < 60_000;
        let url = format!("{}?query={query}&variables={variables}", app.url());
        fits.then(|| app.http.get(url).bearer_auth(&app.owner.token))
    })
    .await;
    assert!(sent > 20, "{sent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_documents_over_a_socket_are_refused_and_the_server_lives() {
    let app = start().await;
    for token in [Some(app.owner.token.as_str()), None] {
        let mut socket = Socket::connect(&app.url(), token).await;
        for hostile in documents() {
            let before = app.running.pipeline.work_done();
            let id = &hostile.name;
            socket.send(json!({ "type": "subscribe", "id": id, "payload": hostile.body() })).await;
            let error = socket.receive().await.unwrap_or_else(|| panic!("{id} closed the socket"));
            assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!(id)));
            assert_refused(&hostile, &error["payload"]);
            assert_bounded(id, before, app.running.pipeline.work_done());
        }
        // And the socket lives.
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": { "query": "{__typename}" } })).await;
        assert_eq!(socket.receive().await.unwrap()["type"], "next");
    }
    is_well(&app).await;
}

/// What the table calls the dearest field is the one that the configuration weighs most, but for the lists of inputs, whose
/// items a request has to bring.
#[test]
fn the_table_has_the_dearest_field_of_the_schema() {
    let weights: BTreeMap<String, u64> = Config::with("").unwrap().graphql.weights;
    let repeated = weights.iter().filter(|(field, _)| !field.contains("Input."));
    let most = *repeated.clone().map(|(_, weight)| weight).max().unwrap();
    let dearest: Vec<_> = repeated.filter(|(_, weight)| **weight == most).map(|(field, _)| field).collect();
    let schema = Schema::parse_and_validate(aifirst::graphql::sdl(), "schema.graphql").unwrap();
    for dearest in &dearest {
        let (ty, field) = dearest.split_once('.').unwrap();
        assert!(schema.type_field(ty, field).is_ok(), "{dearest} is not in the schema");
    }
    let dear: Vec<_> = documents().into_iter().filter(|it| it.name.contains("dearest field")).collect();
    assert_eq!(dear.len(), 2);
    for hostile in dear {
        let times = |field: &String| {
            let (_, name) = field.split_once('.').unwrap();
            hostile.document.matches(&format!("{name}(")).count()
        };
        let times = dearest.iter().copied().map(times).max().unwrap();
        assert!(times >= 600, "{}: {times} times one of {dearest:?}", hostile.name);
    }
}

#[tokio::test]
async fn the_work_of_the_pipeline_is_told_to_the_operator() {
    let app = start().await;
    app.code(&app.owner, "{ nothing }", json!({})).await;
    let metrics = format!("http://{}/metrics", app.running.admin_address);
    let told = app.http.get(metrics).send().await.unwrap().text().await.unwrap();
    for unit in ["bytes", "tokens", "nodes"] {
        assert!(told.contains(&format!("aifirst_pipeline_work_total{{unit=\"{unit}\"}}")), "{told}");
    }
}
