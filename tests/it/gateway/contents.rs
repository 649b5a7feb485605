//! What calls asked and answered, where a workspace wants it kept.
use super::guarded::{Model, app, call, delta, end, owner, policy, prompt, remember, route, says};
use crate::{
    on_both,
    support::{PATIENCE, Person, TestApp, TestClock},
};
use aifirst::gateway::{ChatEvent, ChatRequest, ModelCall, Provider, ProviderStream};
use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

async fn keep(app: &TestApp, keep: bool) {
    let document =
        "mutation($ws: ID!, $keep: Boolean!) { keepCallContents(input: {workspaceId: $ws, keep: $keep}) {
        keepsCallContents userErrors { code } } }";
    let kept = app.ok(&app.owner, document, json!({ "ws": app.workspace, "keep": keep })).await;
    assert_eq!(kept["keepCallContents"], json!({ "keepsCallContents": keep, "userErrors": [] }));
}

/// Of the calls that the person sees, the newest first.
async fn contents(app: &TestApp, person: &Person, count: usize) -> Vec<Value> {
    let document = "query($ws: ID!) { workspace(id: $ws) { keepsCallContents
        llmCalls { nodes { content { asked answer keptAt } } } } }";
    let begun = Instant::now();
    loop {
        app.running.services.gateway.flush_log().await;
        let data = app.ok(person, document, json!({ "ws": app.workspace })).await;
        let calls = data["workspace"]["llmCalls"]["nodes"].as_array().unwrap().clone();
        if calls.len() >= count {
            return calls.into_iter().map(|call| call["content"].clone()).collect();
        }
        assert!(begun.elapsed() < PATIENCE, "{calls:#?}");
        tokio::task::yield_now().await;
    }
}

async fn call_as(app: &TestApp, person: &Person, request: ChatRequest) {
    let actor = app.running.services.account.authenticate(&person.token).await.unwrap();
    let events = app.running.services.gateway.chat(&actor, request).await.unwrap();
    let events: Vec<_> = events.collect().await;
    assert!(matches!(events.last(), Some(ChatEvent::Finished { .. })), "{events:?}");
}

on_both! {
    async fn contents_are_kept_where_an_admin_wants_it_as_guardrails_let_them_pass_for_who_asked(database: Database) {
        let model = Model::new(|call| vec![delta(&call.request.messages[0].text), delta(" and tom.canary@example.com"), end()]);
        let masks = "{ check = \"PII\", action = \"MASK\" }";
        let settings = route(&["outside"], &["asked", "answered"]) + &policy("asked", "INPUT", masks) + &policy("answered", "OUTPUT", masks);
        let app = app(database, &settings, &model, &model).await;
        let asked = || prompt(&app, "ana.canary@example.com\u{0}");
        call(&app, asked()).await;
        assert_eq!(contents(&app, &app.owner, 1).await, [Value::Null], "nobody wanted it");

        keep(&app, true).await;
        keep(&app, true).await;
        call(&app, asked()).await;
        let kept = contents(&app, &app.owner, 2).await;
        assert_eq!(kept[0]["answer"], "[EMAIL_1] and [EMAIL_2]", "{kept:#?}");
        let message = json!([{ "speaker": "USER", "text": "[EMAIL_1]\u{0}", "tools": [] }]);
        assert_eq!(kept[0]["asked"]["messages"], message, "{kept:#?}");
        assert!(kept[0]["keptAt"].is_string());
        assert_eq!(kept[1], Value::Null, "from then on alone");

        let member = app.person("Mo Member").await;
        app.join(&member, "MEMBER").await;
        call_as(&app, &member, prompt(&app, "A secret of mine")).await;
        let own = contents(&app, &member, 1).await;
        assert_eq!(own[0]["asked"]["messages"][0]["text"], "A secret of mine");
        assert_eq!(contents(&app, &app.owner, 3).await[0], Value::Null, "what a person asks is theirs");

        keep(&app, false).await;
        assert_eq!(contents(&app, &app.owner, 3).await, [Value::Null, Value::Null, Value::Null]);
        call(&app, asked()).await;
        keep(&app, true).await;
        assert_eq!(contents(&app, &app.owner, 4).await, [Value::Null, Value::Null, Value::Null, Value::Null], "none comes back");
        let audit = "query($ws: ID!) { workspace(id: $ws) { auditEntries { nodes { action } } } }";
        let audit = app.ok(&app.owner, audit, json!({ "ws": app.workspace })).await;
        let entries = audit["workspace"]["auditEntries"]["nodes"].as_array().unwrap();
        assert_eq!(entries.iter().filter(|entry| entry["action"] == "CALL_CONTENTS_SET").count(), 3, "{audit:#}");
    }
}

/// Says nothing before it is told to.
#[derive(Debug, Default)]
struct Waiting {
    asked: Notify,
    goes_on: Notify,
}

#[derive(Debug)]
struct Gated(Arc<Waiting>);

impl Provider for Gated {
    fn chat(&self, _: ModelCall) -> ProviderStream {
        let waiting = self.0.clone();
        let said = stream::once(async move {
            waiting.asked.notify_one();
            waiting.goes_on.notified().await;
            stream::iter(says(&["The violin teacher is Ana"]))
        });
        said.flatten().boxed()
    }
}

on_both! {
    async fn a_forgetting_erases_contents_and_none_comes_of_a_call_that_was_under_way(database: Database) {
        let waiting = Arc::new(Waiting::default());
        let app = TestApp::start_with_model(database, Arc::new(Gated(waiting.clone()))).await;
        keep(&app, true).await;
        let memory = remember(&app, "The violin teacher is Ana", "ALLOWED").await;
        waiting.goes_on.notify_one();
        call(&app, prompt(&app, "Who?")).await;
        assert_eq!(contents(&app, &app.owner, 1).await[0]["answer"], "The violin teacher is Ana");

        waiting.asked.notified().await;
        let (gateway, actor, request) = (app.running.services.gateway.clone(), owner(&app).await, prompt(&app, "Who?"));
        let under_way = tokio::spawn(async move { gateway.chat(&actor, request).await.unwrap().count().await });
        waiting.asked.notified().await;
        let forget = "mutation($m: ID!) { forgetMemory(input: {memoryId: $m}) {
            receipt { erased { kind count } } userErrors { code } } }";
        let forgotten = app.ok(&app.owner, forget, json!({ "m": memory })).await;
        let erased = forgotten["forgetMemory"]["receipt"]["erased"].as_array().unwrap();
        assert!(erased.contains(&json!({ "kind": "CALL_CONTENT", "count": 1 })), "{forgotten:#}");
        waiting.goes_on.notify_one();
        assert_eq!(under_way.await.unwrap(), 2);
        assert_eq!(contents(&app, &app.owner, 2).await, [Value::Null, Value::Null]);

        waiting.goes_on.notify_one();
        call(&app, prompt(&app, "Who?")).await;
        assert_eq!(contents(&app, &app.owner, 3).await[0]["answer"], "The violin teacher is Ana", "of calls after it");
    }
}

on_both! {
    async fn contents_go_when_their_time_is_over(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, "gateway.content_days = 1\n", clock.ambient()).await;
        keep(&app, true).await;
        call(&app, prompt(&app, "Hello there")).await;
        assert!(contents(&app, &app.owner, 1).await[0]["answer"].is_string());
        clock.forward(TimeDelta::hours(25));
        let stop = CancellationToken::new();
        let sweeping = tokio::spawn(app.running.services.gateway.clone().sweep_contents(stop.clone()));
        let begun = Instant::now();
        while contents(&app, &app.owner, 1).await[0] != Value::Null {
            assert!(begun.elapsed() < PATIENCE);
        }
        stop.cancel();
        sweeping.await.unwrap();
    }
}
