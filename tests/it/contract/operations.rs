//! The operations, played as one story over HTTP and WebSocket.
use super::operations;
use crate::{
    on_both,
    support::{TestApp, text},
};
use serde_json::{Value, json};

/// What a later version brings; the story leaves it out.
const LATER: &[&str] = &[
    "AddDocument",
    "Recall",
    "RecallGroups",
    "Rerun",
    "Calls",
    "SetBudget",
    "Budgets",
    "Changes",
    "Dashboard",
];

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
    async fn the_contracts_operations_work_word_for_word(app: TestApp) {
        let ws = app.workspace.clone();
        let mut story = Story { app: &app, played: vec![] };

        let viewer = story.play("Viewer", json!({})).await;
        assert_eq!(text(&viewer, "/viewer/memberships/nodes/0/workspace/id"), ws);
        // The operation names the slug itself, which the test's workspace has: the conflict is told.
        let created = app.ok(&app.owner, story.document("CreateWorkspace"), json!({})).await;
        assert_eq!(created["createWorkspace"]["userErrors"][0]["code"], "CONFLICT");

        let remembered = story.play("Remember", json!({ "ws": ws })).await;
        let memory = text(&remembered, "/remember/memory/id");
        let item = json!({ "externalId": "conv-0/D1:3", "text": "Caroline went to a support group", "kind": "EPISODE",
            "occurredAt": "2023-05-08T13:56:00Z", "speaker": "Caroline", "collection": "conv-0/1" });
        let imported = story.play("ImportMemories", json!({ "ws": ws, "items": [item] })).await;
        assert_eq!(imported["importMemories"]["created"], 1);
        let again = story.play("ImportMemories", json!({ "ws": ws, "items": [item] })).await;
        assert_eq!(again["importMemories"]["unchanged"], 1);
        assert_eq!(again["importMemories"]["memories"], imported["importMemories"]["memories"]);

        coaching(&mut story, &ws).await;
        workflow(&mut story, &ws).await;

        let forgotten = story.play("Forget", json!({ "id": memory })).await;
        assert_eq!(forgotten["forgetMemory"]["receipt"]["erased"][0]["kind"].as_str().map(str::is_empty), Some(false));

        let untold: Vec<_> =
            operations().into_keys().filter(|name| !story.played.contains(name) && !LATER.contains(name)).collect();
        assert!(untold.is_empty(), "the story leaves out {untold:?}");
    }
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
    story
        .app
        .ok(&story.app.owner, operations()["Interrupt"], json!({ "t": sent["sendMessage"]["turn"]["id"] }))
        .await;
    story.played.push("Interrupt");
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
    let cancelled = story.play("Cancel", json!({ "r": text(&other, "/startRun/run/id") })).await;
    assert_eq!(cancelled["cancelRun"]["run"]["status"], "CANCELLED");
}
