//! What a model writes down of what a person means to do, and what becomes of it when something is forgotten.
use super::{
    guarded::{Model, app, delta, end, remember, route},
    tools::{asks, told},
};
use crate::{
    on_both,
    support::{Database, Subscription, TestApp, text},
};
use aifirst::{
    gateway::{ModelCall, Provider, ProviderEvent, ProviderStream, Quote},
    shared::Ambient,
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;

const TOOLS: &str = "coaching.tools = [\"recall\", \"create_action_item\"]\n";
const MEMORY: &str = "The violin teacher is Ana Lima of Porto";
const EVENTS: &str = "subscription($s: ID!) { coachingEvents(sessionId: $s) { __typename
    ... on ToolStarted { tool } ... on ToolCompleted { tool succeeded } ... on ActionItemCreated { actionItem { id } }
    ... on TurnCompleted { turn { id reply { text } } } } }";

fn settings() -> String {
    TOOLS.to_owned() + &route(&["outside"], &[])
}

/// A session for a goal; what happens in it.
async fn session(app: &TestApp) -> (String, Subscription) {
    let goal =
        "mutation($ws: ID!) { createGoal(input: {workspaceId: $ws, title: \"Play\"}) { goal { id } } }";
    let goal = text(&app.ok(&app.owner, goal, json!({ "ws": app.workspace })).await, "/createGoal/goal/id");
    let start =
        "mutation($ws: ID!, $goal: ID!) { startCoachingSession(input: {workspaceId: $ws, goalId: $goal}) {
        session { id } } }";
    let started = app.ok(&app.owner, start, json!({ "ws": app.workspace, "goal": goal })).await;
    let session = text(&started, "/startCoachingSession/session/id");
    let events = app.subscribe(&app.owner, EVENTS, json!({ "s": session })).await;
    (session, events)
}

async fn send(app: &TestApp, session: &str, said: &str) {
    let send = "mutation($s: ID!, $text: String!) { sendMessage(input: {sessionId: $s, text: $text}) { turn { id } } }";
    app.ok(&app.owner, send, json!({ "s": session, "text": said })).await;
}

/// What happened until the turn was over.
async fn until_completed(events: &mut Subscription) -> Vec<Value> {
    events.until("coachingEvents", |event| event["__typename"] == "TurnCompleted").await
}

async fn items(app: &TestApp) -> Vec<Value> {
    let document = "query($ws: ID!) { workspace(id: $ws) { actionItems { nodes { id text dueAt status version
        session { id } turn { id status } goal { title } } } } }";
    let data = app.ok(&app.owner, document, json!({ "ws": app.workspace })).await;
    data["workspace"]["actionItems"]["nodes"].as_array().unwrap().clone()
}

/// The texts, oldest first, and their versions.
async fn texts(app: &TestApp) -> Vec<(String, i64)> {
    let items = items(app).await.into_iter().rev();
    items.map(|item| (text(&item, "/text"), item["version"].as_i64().unwrap())).collect()
}

async fn forget(app: &TestApp, memory: &str) -> Value {
    let document =
        "mutation($id: ID!) { forgetMemory(input: {memoryId: $id}) { receipt { erased { kind count } } } }";
    app.ok(&app.owner, document, json!({ "id": memory })).await["forgetMemory"]["receipt"]["erased"].clone()
}

on_both! {
    async fn a_coach_writes_down_what_the_person_means_to_do_and_what_does_not_fit_is_refused(database: Database) {
        let model = Model::new(|call| match told(call).len() {
            0 => asks("Noted.", &[
                ("create_action_item", json!({ "text": "Write to Bea", "dueAt": "2026-12-01T18:00:00+01:00" })),
                ("create_action_item", json!({ "text": "Write to Bea", "dueAt": "tomorrow" })),
                ("create_action_item", json!({ "text": "x".repeat(501) })),
                ("create_action_item", json!({ "text": "Spy", "sessionId": "cs_1" })),
                ("create_action_item", json!({ "text": " \n" })),
            ]),
            _ => vec![delta("Done."), end()],
        });
        let app = app(database, &settings(), &model, &model).await;
        let (session, mut events) = session(&app).await;
        send(&app, &session, "I shall write to Bea").await;
        let events = until_completed(&mut events).await;

        let items = items(&app).await;
        assert_eq!(items.len(), 1, "{items:#?}");
        let item = &items[0];
        assert_eq!((&item["text"], &item["dueAt"], &item["status"]), (&json!("Write to Bea"), &json!("2026-12-01T17:00:00Z"), &json!("OPEN")));
        assert_eq!((&item["session"]["id"], &item["goal"]["title"]), (&json!(session), &json!("Play")));
        assert_eq!(item["turn"], json!({ "id": events.last().unwrap()["turn"]["id"], "status": "COMPLETED" }));

        let told = told(&model.calls.lock().unwrap()[1]);
        assert!(told[0].contains("\"created\":\"Write to Bea\"") && told[0].contains(&text(item, "/id")), "{told:?}");
        for (told, why) in told[1..].iter().zip(["dueAt", "/text", "not known", "text"]) {
            assert!(told.starts_with("error: ") && told.contains(why), "{why}: {told}");
        }
        let told: Vec<_> = events.iter().filter(|event| !text(event, "/__typename").starts_with("Turn")).skip(1).take(4).collect();
        let expected = [
            json!({ "__typename": "ToolStarted", "tool": "create_action_item" }),
            json!({ "__typename": "ActionItemCreated", "actionItem": { "id": item["id"] } }),
            json!({ "__typename": "ToolCompleted", "tool": "create_action_item", "succeeded": true }),
            json!({ "__typename": "ToolStarted", "tool": "create_action_item" }),
        ];
        assert_eq!(told, expected.iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_item_is_made_only_where_the_tool_is_offered() {
    let model = Model::new(|call| match told(call).len() {
        0 => asks("", &[("create_action_item", json!({ "text": "Spy" }))]),
        _ => vec![delta("I could not."), end()],
    });
    let settings = "coaching.tools = [\"recall\"]\n".to_owned() + &route(&["outside"], &[]);
    let app = app(Database::sqlite(), &settings, &model, &model).await;
    let (session, mut events) = session(&app).await;
    send(&app, &session, "Hello there, my friend of old").await;
    until_completed(&mut events).await;
    assert!(told(&model.calls.lock().unwrap()[1])[0].contains("no such tool"));
    assert_eq!(items(&app).await, Vec::<Value>::new());
}

/// Items that quote a memory and that do not, in a turn that begins with this question; then the memory is forgotten.
async fn quotes_go(database: Database, question: &str, tells: bool) {
    let model = Model::new(move |call| match told(call).len() {
        0 if tells => asks("", &[("recall", json!({ "query": "violin teacher" }))]),
        0 | 1 => asks(
            "",
            &[
                (
                    "create_action_item",
                    json!({ "text": "Call, for the violin teacher is Ana Lima of Porto!" }),
                ),
                ("create_action_item", json!({ "text": "Pay: the violin teacher is ana lima of Porto" })),
                ("create_action_item", json!({ "text": "Ask for a lesson" })),
            ],
        ),
        _ => vec![delta("Done."), end()],
    });
    let app = app(database, &settings(), &model, &model).await;
    let memory = remember(&app, MEMORY, "ALLOWED").await;
    let (session, mut events) = session(&app).await;
    send(&app, &session, question).await;
    until_completed(&mut events).await;
    assert_eq!(model.calls.lock().unwrap()[0].request.sources.is_empty(), tells, "else a tool need not tell");
    let made = items(&app).await;
    assert_eq!(made.len(), 3, "{question}: {made:#?}");
    // One that the person has put into other words since.
    let edit = "mutation($id: ID!) { updateActionItem(input: {actionItemId: $id, text: \"Pay her\"}) { actionItem { id } } }";
    app.ok(&app.owner, edit, json!({ "id": made[1]["id"] })).await;
    let cursor = "query($ws: ID!) { workspace(id: $ws) { cursor } }";
    let cursor =
        app.ok(&app.owner, cursor, json!({ "ws": app.workspace })).await["workspace"]["cursor"].clone();

    let receipt = forget(&app, &memory).await;
    assert!(
        receipt.as_array().unwrap().contains(&json!({ "kind": "QUOTE", "count": 2 })),
        "{question}: {receipt:#}"
    );
    let expected = [("Call, for [forgotten]!", 2), ("Pay her", 2), ("Ask for a lesson", 1)];
    assert_eq!(texts(&app).await, expected.map(|(text, version)| (text.to_owned(), version)));
    assert_eq!(app.columns_with("porto").await, Vec::<String>::new());
    let changes = "query($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) { changes { kind node { id } } } }";
    let told = app.ok(&app.owner, changes, json!({ "ws": app.workspace, "after": cursor })).await;
    let told = told["changes"]["changes"].as_array().unwrap();
    let of_items = told.iter().filter(|change| made.iter().any(|item| item["id"] == change["node"]["id"]));
    assert_eq!(
        of_items.collect::<Vec<_>>(),
        [&json!({ "kind": "UPDATED", "node": { "id": made[2]["id"] } })]
    );
}

on_both! {
    async fn what_items_quote_of_a_forgotten_memory_goes_from_them(database: Database) {
        quotes_go(database, "Who is my violin teacher?", false).await;
    }
}

on_both! {
    async fn what_items_quote_of_what_a_tool_told_goes_with_it(database: Database) {
        quotes_go(database, "Hello there, my friend of old", true).await;
    }
}

on_both! {
    async fn what_items_quote_of_an_earlier_reply_goes_with_it(database: Database) {
        // Only the first turn has sources: after that, the memory stands in the conversation alone.
        let model = Model::new(|call| match (call.request.sources.first(), told(call).len()) {
            (Some(source), _) => {
                let quote = Quote { source: source.id.clone(), start: 0, end: MEMORY.len() };
                vec![Ok(ProviderEvent::Citation(quote)), delta(MEMORY), end()]
            }
            (None, 0) => {
                let text = "Call, for the violin teacher is Ana Lima of Porto!";
                asks("", &[("create_action_item", json!({ "text": text }))])
            }
            (None, _) => vec![delta("Done."), end()],
        });
        let app = app(database, &settings(), &model, &model).await;
        let memory = remember(&app, MEMORY, "ALLOWED").await;
        let (session, mut events) = session(&app).await;
        for said in ["Who is my violin teacher?", "Hello there, my friend of old"] {
            send(&app, &session, said).await;
            until_completed(&mut events).await;
        }
        assert_eq!(texts(&app).await, [("Call, for the violin teacher is Ana Lima of Porto!".to_owned(), 1)]);
        forget(&app, &memory).await;
        assert_eq!(texts(&app).await, [("Call, for [forgotten]!".to_owned(), 2)]);
        assert_eq!(app.columns_with("porto").await, Vec::<String>::new());
    }
}

/// Asks for an item once it may.
#[derive(Debug, Default)]
struct Waiting {
    asked: Notify,
    go: Notify,
}

#[derive(Debug)]
struct Held(Arc<Waiting>);

impl Provider for Held {
    fn chat(&self, call: ModelCall) -> ProviderStream {
        if !told(&call).is_empty() {
            return stream::iter(vec![delta("Done."), end()]).boxed();
        }
        let waiting = self.0.clone();
        let text = "Call, for the violin teacher is Ana Lima of Porto!";
        let asks = asks("", &[("create_action_item", json!({ "text": text }))]);
        stream::once(async move {
            waiting.asked.notify_one();
            waiting.go.notified().await;
            stream::iter(asks)
        })
        .flatten()
        .boxed()
    }
}

on_both! {
    async fn what_is_forgotten_before_an_item_is_written_is_not_in_it(database: Database) {
        let waiting = Arc::new(Waiting::default());
        let model: Arc<dyn Provider> = Arc::new(Held(waiting.clone()));
        let settings = format!("{}[gateway.providers.outside]
            kind = \"openai-compatible\"\nbase_url = \"https://models.example/v1\"\n", settings());
        let app = TestApp::start_with_models(database, &settings, Ambient::system(), vec![("outside", model)]).await;
        let memory = remember(&app, MEMORY, "ALLOWED").await;
        let (session, mut events) = session(&app).await;
        send(&app, &session, "Who is my violin teacher?").await;
        waiting.asked.notified().await;
        forget(&app, &memory).await;
        waiting.go.notify_one();
        until_completed(&mut events).await;
        assert_eq!(texts(&app).await, [("Call, for [forgotten]!".to_owned(), 1)]);
        assert_eq!(app.columns_with("porto").await, Vec::<String>::new());
    }
}
