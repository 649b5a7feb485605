//! The operations, played as one story over HTTP and WebSocket.
use super::operations;
use crate::{
    on_both,
    support::{TestApp, text},
};
use aifirst::shared::Ambient;
use serde_json::{Value, json};

/// What a later version brings; the story leaves it out.
pub(super) const LATER: &[&str] = &["Rerun"];

/// Runs operations of the file, and notes which.
struct Story<'a> {
    app: &'a TestApp,
    played: Vec<&'static str>,
}

impl Story<'_> {
    fn document(&mut self, name: &'static str) -> &'static str {
        self.played.push(name);
        operations()[name]
    }

    /// The operation's data; `userErrors` must be empty.
    async fn play(&mut self, name: &'static str, variables: Value) -> Value {
        let document = self.document(name);
        let data = self.app.ok(&self.app.owner, document, variables).await;
        for (field, payload) in data.as_object().unwrap() {
            let errors = payload.get("userErrors").and_then(Value::as_array);
            assert!(errors.is_none_or(Vec::is_empty), "{name}.{field}: {payload:#}");
        }
        data
    }

    /// The events of a subscription up to the last one.
    async fn watch(
        &mut self,
        name: &'static str,
        field: &str,
        variables: Value,
        last: &[&str],
    ) -> Vec<Value> {
        let document = self.document(name);
        let mut events = self.app.subscribe(&self.app.owner, document, variables).await;
        events.until(field, |event| last.contains(&event["__typename"].as_str().unwrap())).await
    }
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["__typename"].as_str().unwrap()).collect()
}

on_both! {
    async fn the_contracts_operations_work_word_for_word(database: Database) {
        // CreateWorkspace names the slug itself: it has to be free.
        let app = TestApp::without_workspace(database, "", Ambient::system()).await;
        let mut story = Story { app: &app, played: vec![] };

        let created = story.play("CreateWorkspace", json!({})).await;
        assert_eq!(text(&created, "/createWorkspace/workspace/slug"), "acme");
        let ws = text(&created, "/createWorkspace/workspace/id");
        let begin = app.ok(&app.owner, "query($ws: ID!) { workspace(id: $ws) { cursor } }", json!({ "ws": ws })).await;
        let viewer = story.play("Viewer", json!({})).await;
        assert_eq!(viewer, json!({ "viewer": { "id": app.owner.id, "displayName": "Olga Owner", "memberships": { "nodes": [
            { "role": "OWNER", "workspace": { "id": ws, "name": "Acme", "slug": "acme" } }] } } }));

        let remembered = story.play("Remember", json!({ "ws": ws })).await;
        let memory = text(&remembered, "/remember/memory/id");
        let item = json!({ "externalId": "conv-0/D1:3", "text": "Caroline went to a support group", "kind": "EPISODE",
            "occurredAt": "2023-05-08T13:56:00Z", "speaker": "Caroline", "collection": "conv-0/1" });
        let imported = story.play("ImportMemories", json!({ "ws": ws, "items": [item] })).await;
        assert_eq!(imported["importMemories"]["created"], 1);
        let again = story.play("ImportMemories", json!({ "ws": ws, "items": [item] })).await;
        assert_eq!(again["importMemories"]["unchanged"], 1);
        assert_eq!(again["importMemories"]["memories"], imported["importMemories"]["memories"]);

        recall(&mut story, &ws).await;
        documents(&mut story, &ws).await;

        coaching(&mut story, &ws).await;
        workflow(&mut story, &ws).await;
        calls(&mut story, &ws).await;
        budgets(&mut story, &ws).await;

        let forgotten = story.play("Forget", json!({ "id": memory })).await;
        assert_eq!(forgotten["forgetMemory"]["receipt"]["erased"][0]["kind"].as_str().map(str::is_empty), Some(false));

        let after = json!({ "ws": ws, "after": begin["workspace"]["cursor"] });
        let mut changes = app.subscribe(&app.owner, story.document("Changes"), after).await;
        let changes = changes.until("changes", |change| change["deletedId"] == json!(memory)).await;
        assert_eq!((&changes[0]["kind"], &changes.last().unwrap()["kind"]), (&json!("CREATED"), &json!("DELETED")));

        let untold: Vec<_> =
            operations().into_keys().filter(|name| !story.played.contains(name) && !LATER.contains(name)).collect();
        assert!(untold.is_empty(), "the story leaves out {untold:?}");
    }
}

async fn documents(story: &mut Story<'_>, ws: &str) {
    let said = "Perinatal mortality fell by a third.";
    let added = story.play("AddDocument", json!({ "ws": ws, "text": said })).await["addDocument"].take();
    let chunk = added["document"]["chunks"]["nodes"][0].clone();
    let expected = json!({ "id": chunk["id"], "text": said, "start": 0, "end": 36 });
    assert_eq!((&added["document"]["status"], &chunk), (&json!("READY"), &expected), "{added:#}");
    let found = story.play("Recall", json!({ "ws": ws, "q": "perinatal mortality" })).await;
    let item = json!({ "__typename": "DocumentChunk", "id": chunk["id"], "text": said, "start": 0, "end": 36,
        "document": { "id": added["document"]["id"], "externalId": "4983", "title": "…" } });
    assert_eq!(found["workspace"]["recall"]["hits"][0]["item"], item, "{found:#}");
}

async fn recall(story: &mut Story<'_>, ws: &str) {
    let asked = json!({ "ws": ws, "q": "Who went to the support group?" });
    let found = story.play("Recall", asked.clone()).await["workspace"]["recall"].take();
    let hit = &found["hits"][0];
    let item = json!({ "__typename": "Memory", "id": hit["item"]["id"], "externalId": "conv-0/D1:3",
        "text": "Caroline went to a support group", "collection": "conv-0/1" });
    assert_eq!(hit["item"], item, "{found:#}");
    assert!(
        hit["score"].as_f64().unwrap() > 0.0 && hit["signals"]["lexical"].as_f64().unwrap() > 0.0,
        "{hit:#}"
    );
    // 32 characters.
    assert_eq!(found["usedTokens"], 8);

    let grouped = story.play("RecallGroups", asked.clone()).await["workspace"]["recall"]["groups"].take();
    let group = &grouped[0];
    let item = json!({ "id": hit["item"]["id"], "externalId": "conv-0/D1:3", "text": "Caroline went to a support group" });
    assert_eq!(
        (&group["collection"], &group["hits"]),
        (&json!("conv-0/1"), &json!([{ "item": item }])),
        "{grouped:#}"
    );

    let within = |prefix: &str| json!({ "ws": ws, "q": asked["q"], "collectionPrefix": prefix });
    let same = story.play("Recall", within("conv-0")).await;
    assert_eq!(same["workspace"]["recall"], found);
    let none = story.play("Recall", within("conv-1")).await;
    assert_eq!(none["workspace"]["recall"], json!({ "hits": [], "usedTokens": 0 }));
}

async fn coaching(story: &mut Story<'_>, ws: &str) {
    let started = story.play("StartSession", json!({ "ws": ws })).await;
    let session = text(&started, "/startCoachingSession/session/id");
    let message = json!({ "s": session, "text": "When does Ana like stand-ups?", "key": "first" });
    let sent = story.play("Send", message.clone()).await;
    let repeated = story.play("Send", message).await;
    assert_eq!(sent["sendMessage"]["turn"]["id"], repeated["sendMessage"]["turn"]["id"]);

    let ends = ["TurnCompleted", "TurnFailed", "TurnInterrupted", "TurnIncomplete"];
    let events = story.watch("Coaching", "coachingEvents", json!({ "s": session }), &ends).await;
    let completed = events.last().unwrap();
    assert_eq!(completed["__typename"], "TurnCompleted", "{events:#?}");
    assert_eq!(types(&events).iter().filter(|name| ends.contains(name)).count(), 1);
    let reply = &completed["turn"]["reply"];
    assert!(reply["citations"][0]["quote"].as_str().unwrap().contains("stand-ups"), "{reply:#}");

    // Resumed from the first event: the same events, without the first.
    let after = json!({ "s": session, "after": events[0]["cursor"] });
    let resumed = story.watch("Coaching", "coachingEvents", after, &ends).await;
    assert_eq!(resumed.last().unwrap()["cursor"], completed["cursor"]);

    // A turn that has ended stays as it is.
    let interrupt = story.document("Interrupt");
    story.app.ok(&story.app.owner, interrupt, json!({ "t": sent["sendMessage"]["turn"]["id"] })).await;
    let ended = story.play("EndSession", json!({ "s": session })).await;
    assert_eq!(ended["endCoachingSession"]["session"]["status"], "ENDED");
    assert!(!text(&ended, "/endCoachingSession/session/summary/text").is_empty());
}

async fn workflow(story: &mut Story<'_>, ws: &str) {
    let created = story.play("CreateWorkflow", json!({ "ws": ws })).await;
    assert_eq!(created["createWorkflow"]["workflow"]["draft"], json!({ "valid": true, "problems": [] }));
    let workflow = text(&created, "/createWorkflow/workflow/id");
    let published = story.play("Publish", json!({ "w": workflow })).await;
    assert_eq!(published["publishWorkflow"]["version"]["number"], 1);

    let started = story.play("Start", json!({ "w": workflow, "key": "this week" })).await;
    let run = text(&started, "/startRun/run/id");
    let events =
        story.watch("Run", "runEvents", json!({ "r": run }), &["ApprovalRequested", "RunFailed"]).await;
    let asked = events.last().unwrap();
    let decided = story.play("Decide", json!({ "a": text(asked, "/approval/id") })).await;
    assert_eq!(decided["decideApproval"]["approval"]["status"], "APPROVED");
    let after = json!({ "r": run, "after": asked["cursor"] });
    let rest = story.watch("Run", "runEvents", after, &["RunCompleted", "RunFailed"]).await;
    assert_eq!(types(&rest).last(), Some(&"RunCompleted"), "{rest:#?}");

    let state = story.play("RunState", json!({ "r": run })).await;
    let steps = state["node"]["steps"]["nodes"].as_array().unwrap();
    assert_eq!(steps.len(), 4);
    for step in steps {
        assert_eq!(step["status"], "COMPLETED", "{step:#}");
        assert_eq!(step["attempts"]["nodes"].as_array().unwrap().len(), 1, "{step:#}");
    }

    let other = story.play("Start", json!({ "w": workflow, "key": null })).await;
    let run = text(&other, "/startRun/run/id");
    story.watch("Run", "runEvents", json!({ "r": run }), &["ApprovalRequested", "RunFailed"]).await;
    dashboard(story, ws, &workflow, &run).await;
    let cancelled = story.play("Cancel", json!({ "r": run })).await;
    assert_eq!(cancelled["cancelRun"]["run"]["status"], "CANCELLED");
}

/// After the story so far: one session, which has ended, and one run under way.
async fn dashboard(story: &mut Story<'_>, ws: &str, workflow: &str, run: &str) {
    let shown = story.play("Dashboard", json!({ "ws": ws })).await;
    assert_eq!(shown["viewer"], json!({ "id": story.app.owner.id }));
    let [session] = shown["workspace"]["coachingSessions"]["nodes"].as_array().unwrap().as_slice() else {
        panic!("{shown:#}")
    };
    assert_eq!((&session["topic"], &session["status"]), (&json!("My week"), &json!("ENDED")));
    assert_eq!(session["goal"], Value::Null);
    let roles: Vec<_> = session["messages"]["nodes"].as_array().unwrap().iter().map(|m| &m["role"]).collect();
    assert_eq!(roles, ["USER", "COACH"], "{session:#}");
    let runs = &shown["workspace"]["runs"];
    assert_eq!(runs["totalCount"], 1, "{runs:#}");
    assert_eq!(runs["nodes"][0]["id"], run);
    assert_eq!(runs["nodes"][0]["workflow"], json!({ "id": workflow, "name": "Weekly review" }));
    // The summary that the first run kept, the import, and what Remember told.
    let memories = shown["workspace"]["memories"]["nodes"].as_array().unwrap();
    let kinds: Vec<_> = memories.iter().map(|memory| memory["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["SUMMARY", "EPISODE", "PREFERENCE"], "{memories:#?}");
    assert_eq!(memories[2]["text"], "Ana prefers short stand-ups before ten");
    assert_eq!(shown["workspace"]["usage"]["cost"], json!({ "amount": "0", "currency": "USD" }), "{shown:#}");
}

/// After the story so far: a coach's reply, and a step of each run.
async fn calls(story: &mut Story<'_>, ws: &str) {
    let three = "query($ws: ID!) { workspace(id: $ws) { llmCalls { nodes { id } } } }";
    story.app.until(&story.app.owner, three, &json!({ "ws": ws }), "/workspace/llmCalls/nodes/2/id").await;
    let calls = story.play("Calls", json!({ "ws": ws })).await["workspace"]["llmCalls"].take();
    assert_eq!(calls["totalCount"], 3, "{calls:#}");
    for call in calls["nodes"].as_array().unwrap() {
        let how = ["routeName", "modelUsed", "status", "finishReason"]
            .map(|field| text(call, &format!("/{field}")));
        assert_eq!(how, ["default", "builtin", "COMPLETED", "END_OF_TURN"], "{call:#}");
        let attempt = json!({ "target": "builtin/builtin", "status": "COMPLETED", "error": null });
        assert_eq!(
            (&call["cost"], &call["attempts"]),
            (&json!({ "amount": "0", "currency": "USD" }), &json!([attempt])),
            "{call:#}"
        );
        assert!(call["outputTokens"].as_u64() > Some(0) && call["timeToFirstToken"].is_string(), "{call:#}");
    }
}

async fn budgets(story: &mut Story<'_>, ws: &str) {
    let set =
        story.play("SetBudget", json!({ "ws": ws, "amount": "5.00" })).await["setBudget"]["budget"].take();
    let mut expected = json!({ "id": set["id"], "limit": { "amount": "5" },
        "spent": { "amount": "0" }, "reserved": { "amount": "0" } });
    assert_eq!(set, expected);
    let again = story.play("SetBudget", json!({ "ws": ws, "amount": "5" })).await;
    assert_eq!(again["setBudget"]["budget"], expected, "the same again is the same");
    let listed = story.play("Budgets", json!({ "ws": ws })).await;
    expected["period"] = json!("DAY");
    assert_eq!(listed["workspace"]["budgets"]["nodes"], json!([expected]));
}
