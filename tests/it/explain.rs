//! `extensions.explain`: what a request did, for who develops against the server.
use crate::{
    counted_on_both,
    support::{Database, Person, TestApp, text},
};
use aifirst::shared::Ambient;
use serde_json::{Value, json};

/// The answer to an operation that asks to have it explained.
async fn explained(app: &TestApp, person: &Person, document: &str, variables: Value) -> Value {
    let body = json!({ "query": document, "variables": variables,
        "extensions": { "explain": true, "cost": true } });
    let request = app.http.post(app.url()).bearer_auth(&person.token).json(&body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer["extensions"].clone()
}

fn statements(explain: &Value) -> &Vec<Value> {
    explain["statements"].as_array().unwrap()
}

/// The fields that caused each statement.
fn causes(explain: &Value) -> Vec<Vec<&str>> {
    statements(explain)
        .iter()
        .map(|statement| {
            statement["fields"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect()
        })
        .collect()
}

const PEOPLE: &str = "query($ws: ID!) { workspace(id: $ws) { name members(first: 10) { totalCount nodes {
    role user { displayName memberships(first: 5) { nodes { workspace { slug } } } } } } } }";

counted_on_both! {
    async fn the_statements_of_a_request_are_told_with_the_fields_that_caused_them(app: TestApp) {
        for name in ["Ada", "Ben"] {
            app.join(&app.person(name).await, "MEMBER").await;
        }
        let ask = explained(&app, &app.owner, PEOPLE, json!({ "ws": app.workspace }));
        let (told, counted) = app.statements(ask).await;
        let explain = &told["explain"];
        assert_eq!(statements(explain).len() as u64, counted, "{explain:#}");
        let causes = causes(explain);
        // The credential is the request's own.
        assert_eq!(causes[0], [""; 0]);
        let members = "workspace.members";
        let people = format!("{members}.nodes.user");
        let (name, memberships) = (format!("{people}.displayName"), format!("{people}.memberships"));
        for cause in ["workspace.name", members, &name, &memberships] {
            assert!(causes.iter().any(|causes| causes.contains(&cause)), "{cause}: {causes:#?}");
        }
        let fields = explain["fields"].as_object().unwrap();
        assert_eq!(fields[&name]["calls"], 3, "{explain:#}");
        assert_eq!((&fields[&name]["statements"], &fields[members]["calls"]), (&json!(1), &json!(1)));
        let cost: u64 = fields.values().map(|field| field["cost"].as_u64().unwrap()).sum();
        assert_eq!(json!(cost), told["cost"]["requested"]);
        assert_eq!((&explain["moreStatements"], &explain["moreFields"]), (&json!(0), &json!(0)));
        let nobody_asked = app.ask(Some(&app.owner.token), PEOPLE, json!({ "ws": app.workspace })).await;
        assert_eq!(nobody_asked.get("extensions"), None);
    }
}

counted_on_both! {
    async fn a_mutation_is_explained_without_what_it_writes(app: TestApp) {
        let remember = "mutation($ws: ID!, $text: String!) { remember(input: {workspaceId: $ws, text: $text}) {
            memory { text } } }";
        let variables = json!({ "ws": app.workspace, "text": "Zebulon owes nine crowns" });
        let (told, counted) = app.statements(explained(&app, &app.owner, remember, variables)).await;
        let explain = told["explain"].clone();
        assert_eq!(statements(&explain).len() as u64, counted);
        let by_remember = |statement: &&Value| statement["fields"] == json!(["remember"]);
        assert_eq!(statements(&explain).iter().filter(by_remember).count() as u64, counted - 1, "{explain:#}");
        assert!(statements(&explain).iter().any(|statement| text(statement, "/sql").starts_with("INSERT")));
        let recall = "query($ws: ID!) { workspace(id: $ws) { recall(input: {query: \"Zebulon\"}) { hits {
            item { ... on Memory { text } } } } } }";
        let told = explained(&app, &app.owner, recall, json!({ "ws": app.workspace })).await;
        for explain in [&explain, &told["explain"]] {
            let all = explain.to_string().to_lowercase();
            assert!(!all.contains("zebulon") && !all.contains(&app.owner.token), "{explain:#}");
        }
    }
}

counted_on_both! {
    async fn queries_and_events_are_explained_over_a_socket(app: TestApp) {
        let mut socket = app.socket(&app.owner).await;
        let ws = json!({ "ws": app.workspace });
        let ask = |id: &str, document: &str| json!({ "type": "subscribe", "id": id, "payload": { "query": document,
            "variables": ws, "extensions": { "explain": true } } });
        socket.send(ask("1", "query($ws: ID!) { workspace(id: $ws) { name } }")).await;
        let answer = socket.receive().await.unwrap();
        assert_eq!(causes(&answer["payload"]["extensions"]["explain"])[1..], [["workspace.name"]], "{answer:#}");
        assert_eq!(socket.receive().await.unwrap()["type"], "complete");

        let changes = "subscription($ws: ID!) { changes(workspaceId: $ws) { kind node { ... on Memory { text } } } }";
        socket.send(ask("2", changes)).await;
        let remember = "mutation($ws: ID!, $text: String!) { remember(input: {workspaceId: $ws, text: $text}) {
            memory { id } } }";
        // It follows from when it has begun: repeated until it hears one.
        let event = async { socket.receive().await.unwrap() };
        let repeat = async {
            loop {
                app.ok(&app.owner, remember, json!({ "ws": app.workspace, "text": "an owl" })).await;
                tokio::task::yield_now().await;
            }
        };
        let event = tokio::select! {
            event = event => event,
            () = repeat => unreachable!(),
        };
        let explain = &event["payload"]["extensions"]["explain"];
        assert!(causes(explain).contains(&vec!["changes.node"]), "{event:#}");
        assert_eq!(explain["fields"]["changes.kind"]["calls"], 1, "{event:#}");
    }
}

#[tokio::test]
async fn in_production_nothing_is_explained() {
    let app = TestApp::start_with(Database::sqlite(), "mode = 'production'", Ambient::system()).await;
    let told = explained(&app, &app.owner, "{ viewer { id } }", json!({})).await;
    assert_eq!((told.get("explain"), &told["cost"]["requested"]), (None, &json!(1)));
}
