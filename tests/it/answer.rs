//! The form of an answer, as the GraphQL specification demands it: keys in the document's order, null where a field
//! failed, one error for each. Texts are compared, not values: the order counts.
use crate::{
    on_both,
    support::{Person, TestApp, text},
};
use serde_json::{Value, json};

/// The answer's data as it came, and the paths of its errors.
async fn asked(app: &TestApp, person: &Person, document: &str, variables: Value) -> (String, Vec<Value>) {
    let request = app.http.post(app.url()).bearer_auth(&person.token);
    let request = request.json(&json!({ "query": document, "variables": variables }));
    split(&request.send().await.unwrap().text().await.unwrap())
}

fn split(answer: &str) -> (String, Vec<Value>) {
    let data = answer.strip_prefix("{\"data\":").unwrap_or_else(|| panic!("{answer}"));
    let data = data.split(",\"errors\":").next().unwrap();
    let errors: Value = serde_json::from_str(answer).unwrap();
    let errors = errors["errors"].as_array().cloned().unwrap_or_default();
    let data = if errors.is_empty() { data.strip_suffix('}').unwrap() } else { data };
    (data.to_owned(), errors.into_iter().map(|mut error| error["path"].take()).collect())
}

async fn viewer(app: &TestApp) -> Person {
    let viewer = app.person("Vic Viewer").await;
    app.join(&viewer, "VIEWER").await;
    viewer
}

on_both! {
    async fn keys_come_in_the_documents_order_however_long_each_field_takes(app: TestApp) {
        let document = "query($ws: ID!) { later: workspace(id: $ws) { z: name members { totalCount nodes { role __typename } } ...A }
            __typename viewer { displayName } ... { again: __typename } }
            fragment A on Workspace { a: slug z: name ... on Node { id } }";
        let ws = app.workspace.as_str();
        let expected = format!(
            "{{\"later\":{{\"z\":\"acme\",\"members\":{{\"totalCount\":1,\"nodes\":[{{\"role\":\"OWNER\",\"__typename\":\"Membership\"}}]}},\
             \"a\":\"acme\",\"id\":\"{ws}\"}},\"__typename\":\"Query\",\"viewer\":{{\"displayName\":\"Olga Owner\"}},\"again\":\"Query\"}}"
        );
        assert_eq!(asked(&app, &app.owner, document, json!({ "ws": ws })).await, (expected, vec![]));
    }
}

on_both! {
    async fn a_field_that_fails_alone_is_null_with_one_error_at_its_path(app: TestApp) {
        let vic = viewer(&app).await;
        let ws = json!({ "ws": app.workspace });
        let document = "query($ws: ID!) { workspace(id: $ws) { before: name auditEntries { totalCount } after: slug } __typename }";
        let expected = r#"{"workspace":{"before":"acme","auditEntries":null,"after":"acme"},"__typename":"Query"}"#;
        let path = json!(["workspace", "auditEntries"]);
        assert_eq!(asked(&app, &vic, document, ws.clone()).await, (expected.to_owned(), vec![path.clone()]));

        // Also where nothing else was asked.
        let document = "query($ws: ID!) { workspace(id: $ws) { auditEntries { totalCount } } }";
        let expected = r#"{"workspace":{"auditEntries":null}}"#;
        assert_eq!(asked(&app, &vic, document, ws.clone()).await, (expected.to_owned(), vec![path]));
        let document = "query($ws: ID!) { one: node(id: \"?\") { id } two: node(id: $ws) { id } }";
        let expected = format!(r#"{{"one":null,"two":{{"id":"{}"}}}}"#, app.workspace);
        assert_eq!(asked(&app, &vic, document, ws).await, (expected, vec![json!(["one"])]));
    }
}

on_both! {
    async fn a_field_that_must_not_be_null_takes_its_parent_with_it_with_one_error(app: TestApp) {
        let document = "{ viewer { id memberships(first: 1000) { totalCount } more: memberships(first: 1000) { totalCount } } __typename }";
        let (data, paths) = asked(&app, &app.owner, document, json!({})).await;
        assert_eq!(data, r#"{"viewer":null,"__typename":"Query"}"#);
        assert_eq!(paths.len(), 1, "{paths:?}");
        assert!(paths[0] == json!(["viewer", "memberships"]) || paths[0] == json!(["viewer", "more"]));

        // Within lists: each item by itself where it may be null.
        let document = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Viewer { id memberships(first: 1000) { totalCount } } ... on Workspace { slug } } }";
        let ids = json!({ "ids": [app.workspace, app.owner.id, app.owner.id] });
        let (data, paths) = asked(&app, &app.owner, document, ids).await;
        assert_eq!(data, r#"{"nodes":[{"__typename":"Workspace","slug":"acme"},null,null]}"#);
        assert_eq!(paths, [json!(["nodes", 1, "memberships"]), json!(["nodes", 2, "memberships"])]);
    }
}

on_both! {
    async fn a_field_that_is_asked_twice_is_carried_out_once(app: TestApp) {
        let document = "mutation { createWorkspace(input: {name: \"Once\"}) { workspace { name } } ...M }
            fragment M on Mutation { createWorkspace(input: {name: \"Once\"}) { userErrors { code } workspace { slug } } }";
        let expected = r#"{"createWorkspace":{"workspace":{"name":"Once","slug":"once"},"userErrors":[]}}"#;
        assert_eq!(asked(&app, &app.owner, document, json!({})).await, (expected.to_owned(), vec![]));
        let count = "{ viewer { memberships { totalCount } } }";
        let data = app.ok(&app.owner, count, json!({})).await;
        assert_eq!(data["viewer"]["memberships"]["totalCount"], 2, "the workspace of the test and one more");
    }
}

on_both! {
    async fn conditions_leave_out_what_they_say_and_an_object_may_be_empty(app: TestApp) {
        let document = "query($ws: ID!, $yes: Boolean!) { workspace(id: $ws) { name @skip(if: $yes) } viewer @include(if: $yes) { displayName }
            node(id: $ws) { ... on Run { status } } }";
        let ask = async |yes: bool| asked(&app, &app.owner, document, json!({ "ws": app.workspace, "yes": yes })).await.0;
        assert_eq!(ask(true).await, r#"{"workspace":{},"viewer":{"displayName":"Olga Owner"},"node":{}}"#);
        assert_eq!(ask(false).await, r#"{"workspace":{"name":"acme"},"node":{}}"#);
    }
}

on_both! {
    async fn events_have_the_same_form(app: TestApp) {
        let start = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
        let started = app.ok(&app.owner, start, json!({ "ws": app.workspace })).await;
        let session = text(&started, "/startCoachingSession/session/id");
        let send = "mutation($s: ID!) { sendMessage(input: {sessionId: $s, text: \"Hello\"}) { turn { id } } }";
        app.ok(&app.owner, send, json!({ "s": session })).await;
        let end = "mutation($s: ID!) { endCoachingSession(input: {sessionId: $s}) { session { id } } }";
        let events = async |selection: &str| -> Vec<(String, Vec<Value>)> {
            let document = format!("subscription($s: ID!) {{ ...S }} fragment S on Subscription {{ e: coachingEvents(sessionId: $s) {{ {selection} }} }}");
            let request = app.http.post(app.url()).bearer_auth(&app.owner.token).header("accept", "text/event-stream");
            let request = request.json(&json!({ "query": document, "variables": { "s": session } }));
            let told = request.send().await.unwrap().text().await.unwrap();
            let told = told.lines().filter_map(|line| line.strip_prefix("data: {"));
            told.map(|data| split(&format!("{{{data}"))).collect()
        };
        // A session that has ended completes its events.
        let follow = "subscription($s: ID!) { coachingEvents(sessionId: $s) { __typename } }";
        let mut followed = app.subscribe(&app.owner, follow, json!({ "s": session })).await;
        followed.until("coachingEvents", |event| event["__typename"] == "TurnCompleted").await;
        app.ok(&app.owner, end, json!({ "s": session })).await;

        let told = events("... on TurnCompleted { turn { status message { role text } } } z: __typename ... on CoachingEvent { a: __typename }").await;
        let completed = r#"{"e":{"turn":{"status":"COMPLETED","message":{"role":"USER","text":"Hello"}},"z":"TurnCompleted","a":"TurnCompleted"}}"#;
        assert!(told.contains(&(completed.to_owned(), vec![])), "{told:#?}");
        for (data, paths) in told {
            let plain = data.contains("TurnCompleted") || data.starts_with(r#"{"e":{"z":""#);
            assert!(plain && paths.is_empty(), "{data} {paths:?}");
        }
    }
}
