//! The checks of graphql-cop 1.15 (github.com/dolevf/graphql-cop), by its names, made anew: what it would tell of us.
//! Its check for repeated fields is switched off there, and repeated fields are executed once here.
use crate::support::{Database, TestApp};
use aifirst::shared::Ambient;
use reqwest::{RequestBuilder, header};
use serde_json::{Value, json};

struct Check {
    name: &'static str,
    request: RequestBuilder,
    /// Whether an answer, as text and as JSON, is a finding.
    finds: fn(&str, &Value) -> bool,
}

fn checks(app: &TestApp) -> Vec<Check> {
    let (http, url) = (&app.http, app.url());
    let operation = |query: &str| json!({ "query": query, "operationName": "cop" });
    let post = |query: &str| http.post(&url).json(&operation(query));
    let get = |query: &str| http.get(format!("{url}?query={}", query.replace(' ', "%20")));
    let check = |name, request, finds| Check { name, request, finds };
    let many = |count, item: fn(usize) -> String| (0..count).map(item).collect::<String>();
    let circular = format!("{{types{}name{}}}", "{fields{type".repeat(4) + "{", "}".repeat(9));
    vec![
        check("Field Suggestions", post("query cop { __schema { directive } }"), |text, _| {
            text.to_lowercase().contains("did you mean")
        }),
        check(
            "Introspection",
            post("query cop { __schema { types { name fields { name } } } }"),
            |_, json| json["data"]["__schema"]["types"].is_array(),
        ),
        check("GraphQL IDE", http.get(&url).header(header::ACCEPT, "text/html"), |text, _| {
            text.to_lowercase().contains("graphiql") || text.to_lowercase().contains("playground")
        }),
        check("GET Method Query Support", get("query cop {__typename}"), answered),
        check("Mutation is allowed over GET", get("mutation cop {__typename}"), answered),
        check(
            "Alias Overloading",
            post(&format!("query cop {{{}}}", many(101, |i| format!("alias{i}:__typename ")))),
            |_, json| json["data"]["alias100"].is_string(),
        ),
        check(
            "Array-based Query Batching",
            http.post(&url).json(&vec![operation("query cop { __typename }"); 10]),
            |_, json| json.as_array().is_some_and(|answers| answers.len() >= 10),
        ),
        check("Trace Mode", post("query cop { __typename }"), |text, _| text.contains("tracing")),
        check(
            "Directive Overloading",
            post(&format!("query cop {{ __typename {} }}", "@aa".repeat(10))),
            |_, json| json["errors"].as_array().is_some_and(|errors| errors.len() >= 10),
        ),
        check(
            "Introspection-based Circular Query",
            post(&format!("query cop {{ __schema{circular} }}")),
            |_, json| json["data"]["__schema"]["types"].is_array(),
        ),
        check(
            "POST based url-encoded query",
            http.post(&url)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body("query=query+cop+%7B+__typename+%7D"),
            answered,
        ),
        check("Unhandled Errors Detection", post("qwerty cop { abc }"), |text, _| text.contains("exception")),
    ]
}

fn answered(_: &str, json: &Value) -> bool {
    json["data"]["__typename"].is_string()
}

async fn findings(mode: &str) -> Vec<&'static str> {
    let settings = format!("mode = '{mode}'");
    let app = TestApp::start_with(Database::sqlite(), &settings, Ambient::system()).await;
    let mut found = vec![];
    for Check { name, request, finds } in checks(&app) {
        let text = request.send().await.unwrap().text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        if finds(&text, &json) {
            found.push(name);
        }
    }
    found
}

#[tokio::test]
async fn an_audit_of_a_production_server_finds_nothing() {
    assert!(findings("production").await.is_empty());
}

/// docs/operations.md tells them.
#[tokio::test]
async fn an_audit_of_a_development_server_finds_what_developers_want() {
    let wanted = ["Introspection", "GraphQL IDE", "GET Method Query Support"];
    assert_eq!(findings("development").await, wanted);
}
