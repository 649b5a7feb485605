//! Answers from memory.
use super::{
    guarded::{call, prompt, set_policy},
    scripted::{Scripted, answer, ask, begin, calls, settings, start, start_with, until, workflow},
};
use crate::{
    on_both,
    support::{Database, TestApp, text},
};
use aifirst::{
    gateway::{ChatEvent, FailureKind},
    shared::{Ambient, Clock, Random},
};
use chrono::TimeDelta;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

const CACHED: &str = ", cache_seconds = 60";
const REMEMBER: &str =
    "mutation($ws: ID!) { remember(input: {workspaceId: $ws, text: \"Zebulon owes nine crowns\"}) {
    memory { id } } }";
const FORGET: &str =
    "mutation($m: ID!) { forgetMemory(input: {memoryId: $m}) { receipt { id } userErrors { code } } }";

async fn forget_something(app: &TestApp) {
    let remembered = app.ok(&app.owner, REMEMBER, json!({ "ws": app.workspace })).await;
    let forgotten = json!({ "m": text(&remembered, "/remember/memory/id") });
    let forgotten = app.ok(&app.owner, FORGET, forgotten).await;
    assert_eq!(forgotten["forgetMemory"]["userErrors"], json!([]));
}

on_both! {
    async fn the_same_request_is_answered_again_without_a_model(database: Database) {
        let a = Scripted::named("a");
        let app = start(database, &[&a], CACHED, "").await;
        for _ in 0..3 {
            assert_eq!(ask(&app, "default", "Who?").await, "a");
        }
        assert_eq!(a.asked(), 1);
        assert_eq!(ask(&app, "default", "Who else?").await, "a");
        assert_eq!(a.asked(), 2, "another request");
        let elsewhere = app.create_workspace(&app.owner, "elsewhere").await;
        let there = workflow(&app, &app.owner, &elsewhere, "default").await;
        let run = begin(&app, &app.owner, &there, "Who?").await;
        assert_eq!(answer(&app, &app.owner, &run).await, "a");
        assert_eq!(a.asked(), 3, "another workspace");

        let calls = calls(&app, &app.owner, json!({})).await;
        let hits: Vec<_> = calls.iter().map(|call| call["cacheHit"].as_bool().unwrap()).collect();
        assert_eq!(hits, [false, true, true, false]);
        let hit = &calls[1];
        assert_eq!((&hit["status"], &hit["attempts"]), (&json!("COMPLETED"), &json!([])));
        assert_eq!((&hit["inputTokens"], &hit["outputTokens"]), (&json!(0), &json!(0)));
        assert_eq!(hit["cost"], json!({ "amount": "0", "currency": "USD" }), "nothing, and that is known");
    }
}

on_both! {
    async fn an_answer_lives_as_long_as_its_route_says(database: Database) {
        let ahead = Arc::new(AtomicI64::new(0));
        let (system, moved) = (Clock::system(), ahead.clone());
        let clock = Clock::new(move || system.now() + TimeDelta::seconds(moved.load(Ordering::SeqCst)));
        let a = Scripted::named("a");
        let app = start_with(database, &[&a], CACHED, "", Ambient::new(clock, Random::system())).await;
        ask(&app, "default", "Who?").await;
        ask(&app, "default", "Who?").await;
        assert_eq!(a.asked(), 1);
        ahead.store(61, Ordering::SeqCst);
        ask(&app, "default", "Who?").await;
        assert_eq!(a.asked(), 2);
    }
}

on_both! {
    async fn no_answer_outlives_a_forgetting_or_a_change_of_routes(database: Database) {
        let a = Scripted::named("a");
        let app = start(database, &[&a], CACHED, "").await;
        ask(&app, "default", "Who?").await;
        forget_something(&app).await;
        ask(&app, "default", "Who?").await;
        assert_eq!(a.asked(), 2, "of what it was made nobody knows");
        ask(&app, "default", "Who?").await;
        assert_eq!(a.asked(), 2);
        let set = "mutation($ws: ID!) { setRoute(input: {workspaceId: $ws, name: \"other\", settings: {
            targets: [{provider: \"a\", model: \"a-1\"}]}}) { userErrors { code } } }";
        app.ok(&app.owner, set, json!({ "ws": app.workspace })).await;
        ask(&app, "default", "Who?").await;
        assert_eq!(a.asked(), 3);
    }
}

on_both! {
    async fn an_answer_that_was_under_way_at_a_forgetting_is_not_kept(database: Database) {
        let a = Scripted::held_back("a");
        let app = start(database, &[&a], CACHED, "").await;
        let workflow = workflow(&app, &app.owner, &app.workspace, "default").await;
        let run = begin(&app, &app.owner, &workflow, "Who?").await;
        until(async || a.asked() == 1).await;
        forget_something(&app).await;
        a.let_go(2);
        assert_eq!(answer(&app, &app.owner, &run).await, "a");
        let run = begin(&app, &app.owner, &workflow, "Who?").await;
        assert_eq!(answer(&app, &app.owner, &run).await, "a");
        assert_eq!(a.asked(), 2);
    }
}

const SET_BUDGET: &str =
    "mutation($ws: ID!, $limit: Decimal!) { setBudget(input: {workspaceId: $ws, period: DAY,
    limit: {amount: $limit, currency: \"USD\"}, action: DOWNGRADE, downgradeRoute: \"spare\"}) {
    userErrors { field message } } }";

on_both! {
    async fn an_answer_by_a_cheaper_route_is_not_kept_for_the_one_that_was_asked_for(database: Database) {
        let (a, b) = (Scripted::named("a"), Scripted::named("b"));
        let more = "gateway.prices.b-1 = { input = '0.01', output = '0.01', currency = 'USD' }
            gateway.routes.spare = { targets = [{ provider = 'b', model = 'b-1' }] }";
        let app = start(database, &[&a, &b], CACHED, more).await;
        let limit = async |limit: &str| {
            let set = app.ok(&app.owner, SET_BUDGET, json!({ "ws": app.workspace, "limit": limit })).await;
            assert_eq!(set["setBudget"]["userErrors"], json!([]));
        };
        limit("0.000001").await;
        assert_eq!(ask(&app, "default", "Who?").await, "b");
        limit("1000").await;
        assert_eq!(ask(&app, "default", "Who?").await, "a", "what b said stands for the cheaper route alone");
        assert_eq!(ask(&app, "default", "Who?").await, "a");
        assert_eq!((a.asked(), b.asked()), (1, 1));
    }
}

const NOBODY: &str =
    "mutation($ws: ID!) { setGuardrailPolicy(input: {workspaceId: $ws, name: \"nobody\", stage: INPUT,
    rules: [{check: TOPIC, action: BLOCK, phrases: [\"who\"]}]}) { userErrors { field message } } }";

on_both! {
    async fn an_answer_that_was_given_under_other_policies_is_not_given_again(database: Database) {
        let a = Scripted::named("a");
        let app = start(database, &[&a], CACHED, "").await;
        ask(&app, "default", "Who?").await;
        let set = app.ok(&app.owner, NOBODY, json!({ "ws": app.workspace })).await;
        assert_eq!(set["setGuardrailPolicy"]["userErrors"], json!([]));
        assert_eq!(ask(&app, "default", "Who?").await, "CONTENT_POLICY");
        let remove = "mutation($ws: ID!) { removeGuardrailPolicy(input: {workspaceId: $ws, name: \"nobody\"}) { removedName } }";
        app.ok(&app.owner, remove, json!({ "ws": app.workspace })).await;
        assert_eq!(ask(&app, "default", "Who?").await, "a");
        assert_eq!(a.asked(), 2);
    }
}

/// A second server on the same database, of which this one hears nothing.
async fn beside(app: &TestApp, a: &Scripted, more: &str) -> TestApp {
    let settings = settings(&[a], CACHED, &format!("{more}\nserve.work = false"));
    let mut other = TestApp::without_workspace(Database::sqlite(), &settings, Ambient::system()).await;
    (other.owner, other.workspace) = (app.owner.clone(), app.workspace.clone());
    other
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_that_another_server_set_reach_the_answers_here() {
    let database = Database::postgres().await;
    let a = Scripted::named("a");
    let more = format!("database.url = '{}'", database.url);
    let app = start(database, &[&a], CACHED, &more).await;
    ask(&app, "default", "Who?").await;
    let other = beside(&app, &a, &more).await;
    let set = other.ok(&other.owner, NOBODY, json!({ "ws": other.workspace })).await;
    assert_eq!(set["setGuardrailPolicy"]["userErrors"], json!([]));
    until(async || ask(&app, "default", "Who?").await == "CONTENT_POLICY").await;
    assert_eq!(ask(&app, "default", "Who?").await, "CONTENT_POLICY");
    assert_eq!(a.asked(), 1);
}

/// A server that hears nothing of another looks again after two seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgetting_on_another_server_reaches_the_answers_here() {
    let database = Database::postgres().await;
    let a = Scripted::named("a");
    let more = format!("database.url = '{}'", database.url);
    let app = start(database, &[&a], CACHED, &more).await;
    ask(&app, "default", "Who?").await;
    forget_something(&beside(&app, &a, &more).await).await;
    until(async || {
        ask(&app, "default", "Who?").await;
        a.asked() == 2
    })
    .await;
}

/// Another server hears nothing, and goes by the old policies for a moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_given_under_old_policies_is_not_given_under_new_ones() {
    let database = Database::postgres().await;
    let a = Scripted::named("a");
    let more = format!("database.url = '{}'", database.url);
    let app = start(database, &[&a], CACHED, &more).await;
    let other = settings(&[&a], CACHED, &format!("{more}\nserve.work = false"));
    let mut other = TestApp::without_workspace(Database::sqlite(), &other, Ambient::system()).await;
    (other.owner, other.workspace) = (app.owner.clone(), app.workspace.clone());
    let ask = async |said: &str| call(&other, prompt(&other, said)).await.1;
    let blocked = ChatEvent::Failed(FailureKind::Guardrail.plain());
    assert!(matches!(ask("Well?").await, ChatEvent::Finished { .. }));
    let rules = json!([{ "check": "TOPIC", "action": "BLOCK", "phrases": ["falcon"] }]);
    set_policy(&app, json!({ "name": "a", "stage": "INPUT", "rules": rules })).await;
    ask("The falcon").await;
    let mut number = 0;
    until(async || {
        number += 1;
        ask(&format!("The falcon {number}")).await == blocked
    })
    .await;
    assert_eq!(ask("The falcon").await, blocked);
}
