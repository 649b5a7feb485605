//! The log of calls: what is found in it, what is counted, and what is heard of it live.
use super::scripted::{CALLS, Scripted, answer, ask, begin, calls, start, workflow};
use crate::{
    on_both,
    support::{Person, TestApp, text},
};
use serde_json::{Value, json};

const EVENTS: &str =
    "subscription($ws: ID!, $after: Cursor) { llmCallEvents(workspaceId: $ws, after: $after) {
    cursor at call { id status routeName modelUsed } } }";
const USAGE: &str = "query($ws: ID!, $by: UsageGroup!) { workspace(id: $ws) { usageBy(period: MONTH, groupBy: $by) {
    key usage { calls inputTokens outputTokens cost { amount currency } } } usage(period: MONTH) { calls } } }";

async fn ask_as(app: &TestApp, person: &Person, prompt: &str) {
    let workflow = workflow(app, person, &app.workspace, "default").await;
    let run = begin(app, person, &workflow, prompt).await;
    answer(app, person, &run).await;
}

async fn with_spare_route(app: &TestApp) {
    let set = "mutation($ws: ID!) { setRoute(input: {workspaceId: $ws, name: \"spare\", settings: {
        targets: [{provider: \"b\", model: \"b-1\"}], retry: {rounds: 1}}}) { userErrors { code } } }";
    assert_eq!(
        app.ok(&app.owner, set, json!({ "ws": app.workspace })).await["setRoute"]["userErrors"],
        json!([])
    );
}

fn ids(calls: &[Value]) -> Vec<String> {
    calls.iter().map(|call| text(call, "/id")).collect()
}

on_both! {
    async fn calls_are_found_by_how_they_went_where_when_and_whose_they_are(database: Database) {
        let a = Scripted::named("a");
        let app = start(database, &[&a], "", "gateway.providers.b.kind = 'builtin'").await;
        let member = app.person("Mo").await;
        app.join(&member, "MEMBER").await;
        ask(&app, "default", "1").await;
        ask_as(&app, &member, "2").await;
        let between = app.running.services.ambient.now();
        with_spare_route(&app).await;
        ask(&app, "spare", "3").await;

        let all = ids(&calls(&app, &app.owner, json!({})).await);
        assert_eq!(all.len(), 3);
        let found = async |filter: Value| ids(&calls(&app, &app.owner, filter).await);
        assert_eq!(found(json!({ "route": "default" })).await, all[..2]);
        assert_eq!(found(json!({ "route": "spare", "status": ["COMPLETED"] })).await, all[2..]);
        assert_eq!(found(json!({ "status": ["FAILED", "CANCELLED"] })).await, Vec::<String>::new());
        assert_eq!(found(json!({ "status": [] })).await, all, "of all");
        assert_eq!(found(json!({ "model": "a-1" })).await, all[..2]);
        assert_eq!(found(json!({ "model": "b-1" })).await, all[2..]);
        assert_eq!(found(json!({ "principalId": member.id })).await, all[1..2]);
        assert_eq!(found(json!({ "since": between })).await, all[2..]);
        assert_eq!(found(json!({ "until": between })).await, all[..2]);
        assert_eq!(found(json!({ "since": between, "until": between })).await, Vec::<String>::new());
        assert_eq!(ids(&calls(&app, &member, json!({})).await), all[1..2], "their own");
        let others = json!({ "principalId": app.owner.id });
        assert_eq!(calls(&app, &member, others).await, Vec::<Value>::new(), "a filter shows nobody more");

        let refused = async |filter: Value| {
            let variables = json!({ "ws": app.workspace, "filter": filter });
            app.code(&app.owner, CALLS, variables).await
        };
        assert_eq!(refused(json!({ "principalId": app.workspace })).await, "BAD_USER_INPUT");
        assert_eq!(refused(json!({ "principalId": "nobody" })).await, "BAD_USER_INPUT");
        assert_eq!(refused(json!({ "model": "x".repeat(201) })).await, "BAD_USER_INPUT");
        assert_eq!(refused(json!({ "route": "a\nb" })).await, "BAD_USER_INPUT");
        assert_eq!(refused(json!({ "status": vec!["FAILED"; 11] })).await, "BAD_USER_INPUT");
    }
}

on_both! {
    async fn usage_is_told_apart_by_model_route_principal_and_workflow(database: Database) {
        let a = Scripted::named("a");
        let app = start(database, &[&a], "", "gateway.providers.b.kind = 'builtin'").await;
        let member = app.person("Mo").await;
        app.join(&member, "MEMBER").await;
        with_spare_route(&app).await;
        ask(&app, "default", "one").await;
        ask(&app, "spare", "two").await;
        ask_as(&app, &member, "three").await;
        let all = calls(&app, &app.owner, json!({})).await;
        let usage = async |person: &Person, by: &str| {
            let data = app.ok(person, USAGE, json!({ "ws": app.workspace, "by": by })).await;
            let shares = data["workspace"]["usageBy"].as_array().unwrap().clone();
            let sum: i64 = shares.iter().map(|it| it["usage"]["calls"].as_i64().unwrap()).sum();
            assert_eq!(sum, data["workspace"]["usage"]["calls"].as_i64().unwrap(), "the shares are the whole");
            shares
        };
        let told = |shares: &[Value]| -> Vec<(String, i64)> {
            shares.iter().map(|it| (text(it, "/key"), it["usage"]["calls"].as_i64().unwrap())).collect()
        };
        let by_model = usage(&app.owner, "MODEL").await;
        assert_eq!(told(&by_model), [("a-1".to_owned(), 2), ("b-1".to_owned(), 1)]);
        let tokens: i64 = all.iter().filter(|it| it["modelUsed"] == "a-1").map(|it| it["inputTokens"].as_i64().unwrap()).sum();
        assert_eq!(by_model[0]["usage"]["inputTokens"], tokens);
        assert_ne!(by_model[0]["usage"]["cost"]["amount"], "0");
        assert_eq!(told(&usage(&app.owner, "ROUTE").await), [("default".to_owned(), 2), ("spare".to_owned(), 1)]);
        assert_eq!(told(&usage(&app.owner, "PRINCIPAL").await), [(app.owner.id.clone(), 2), (member.id.clone(), 1)]);
        assert_eq!(told(&usage(&member, "PRINCIPAL").await), [(member.id.clone(), 1)], "their own");
        // Each of these asked by a workflow of its own; one is run again, and a coach is none.
        let workflow = workflow(&app, &app.owner, &app.workspace, "default").await;
        for prompt in ["four", "five"] {
            let run = begin(&app, &app.owner, &workflow, prompt).await;
            answer(&app, &app.owner, &run).await;
        }
        super::guarded::answer(&app, "Hello there, my friend of old").await;
        calls(&app, &app.owner, json!({})).await;
        let by_workflow = usage(&app.owner, "WORKFLOW").await;
        assert_eq!((&by_workflow[0]["key"], &by_workflow[0]["usage"]["calls"]), (&json!(workflow), &json!(2)));
        assert_eq!(by_workflow.len(), 5, "{by_workflow:#?}");
        assert_eq!(by_workflow.iter().filter(|it| it["key"].is_null()).count(), 1);
    }
}

on_both! {
    async fn calls_are_heard_as_they_end_and_from_where_somebody_left_off(database: Database) {
        let a = Scripted::named("a");
        let app = start(database, &[&a], "", "").await;
        let member = app.person("Mo").await;
        app.join(&member, "MEMBER").await;
        let cursor = "query($ws: ID!) { workspace(id: $ws) { cursor } }";
        let before = app.ok(&app.owner, cursor, json!({ "ws": app.workspace })).await["workspace"]["cursor"].clone();
        let mut live = app.subscribe(&app.owner, EVENTS, json!({ "ws": app.workspace, "after": before })).await;
        ask(&app, "default", "1").await;
        ask_as(&app, &member, "2").await;
        ask(&app, "default", "3").await;
        let mut heard = vec![];
        for _ in 0..3 {
            heard.push(live.next().await.unwrap()["llmCallEvents"].clone());
        }
        let logged = ids(&calls(&app, &app.owner, json!({})).await);
        let calls_of = |heard: &[Value]| -> Vec<String> { heard.iter().map(|it| text(it, "/call/id")).collect() };
        assert_eq!(calls_of(&heard), logged);
        assert_eq!(heard[0]["call"]["status"], "COMPLETED");

        let mut again = app.subscribe(&app.owner, EVENTS, json!({ "ws": app.workspace, "after": heard[0]["cursor"] })).await;
        let rest = [again.next().await.unwrap(), again.next().await.unwrap()].map(|it| it["llmCallEvents"].clone());
        assert_eq!(rest[..], heard[1..], "without gap or double");

        let mut own = app.subscribe(&member, EVENTS, json!({ "ws": app.workspace, "after": before })).await;
        assert_eq!(own.next().await.unwrap()["llmCallEvents"], heard[1]);
        ask_as(&app, &member, "4").await;
        let next = own.next().await.unwrap()["llmCallEvents"].clone();
        assert_eq!(calls_of(&[next]), ids(&calls(&app, &member, json!({})).await)[1..], "only their own");
        assert_eq!(live.next().await.unwrap()["llmCallEvents"]["call"]["status"], "COMPLETED");
    }
}
