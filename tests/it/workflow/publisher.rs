//! A run does what its starter and the publisher of its version both may, at each of its steps.
use super::{ENDS, EVENTS, START, create, state};
use crate::{
    contract::operations,
    on_both,
    support::{Person, TestApp, text},
};
use serde_json::{Value, json};

async fn publish(app: &TestApp, person: &Person, workflow: &str) -> Value {
    app.ok(person, operations()["Publish"], json!({ "w": workflow })).await["publishWorkflow"]["version"]["number"].clone()
}

/// A run that waits for its approval, and the approval.
async fn waiting(app: &TestApp, person: &Person, workflow: &str) -> (String, String) {
    let input = json!({ "workflowId": workflow, "input": {} });
    let run = text(&app.ok(person, START, json!({ "input": input })).await, "/startRun/run/id");
    let mut stream = app.subscribe(person, EVENTS, json!({ "r": run })).await;
    let asked = stream.until("runEvents", |event| event["__typename"] == "ApprovalRequested").await;
    (run, text(asked.last().unwrap(), "/approval/id"))
}

/// The last event of the run, once the owner has approved.
async fn approved(app: &TestApp, run: &str, approval: &str) -> String {
    app.ok(&app.owner, operations()["Decide"], json!({ "a": approval })).await;
    let mut stream = app.subscribe(&app.owner, EVENTS, json!({ "r": run })).await;
    let ends = |event: &Value| ENDS.contains(&event["__typename"].as_str().unwrap());
    text(stream.until("runEvents", ends).await.last().unwrap(), "/__typename")
}

on_both! {
    async fn a_run_ends_where_the_publisher_of_its_version_may_not_do_the_next_step(app: TestApp) {
        let (mo, nia) = (app.person("Mo").await, app.person("Nia").await);
        app.join(&mo, "MEMBER").await;
        let membership = app.join(&nia, "MEMBER").await;
        let steps = json!([
            { "key": "ok", "action": { "approval": { "title": "Well?" } } },
            { "key": "keep", "after": ["ok"], "action": { "memoryWrite": { "text": "kept" } } },
        ]);
        let workflow = text(&create(&app, "Test", steps).await, "/workflow/id");
        assert_eq!(publish(&app, &nia, &workflow).await, 1);
        assert_eq!(publish(&app, &nia, &workflow).await, 1, "nothing new to publish");
        let (finished, approval) = waiting(&app, &mo, &workflow).await;
        assert_eq!(approved(&app, &finished, &approval).await, "RunCompleted");

        let (left, approval) = waiting(&app, &mo, &workflow).await;
        let demote = "mutation($m: ID!) { changeRole(input: {membershipId: $m, role: VIEWER}) { membership { id } } }";
        app.ok(&app.owner, demote, json!({ "m": membership })).await;
        assert_eq!(approved(&app, &left, &approval).await, "RunFailed");
        let state = state(&app, &left).await;
        assert_eq!(state["error"]["code"], "FORBIDDEN");
        assert!(text(&state, "/error/message").contains("published"), "{state:#}");
        let memories = "query($ws: ID!) { workspace(id: $ws) { memories { totalCount } } }";
        let memories = app.ok(&mo, memories, json!({ "ws": app.workspace })).await;
        assert_eq!(memories["workspace"]["memories"]["totalCount"], 1, "of the run before");

        assert_eq!(publish(&app, &mo, &workflow).await, 2, "somebody else answers for the same draft");
        let (finished, approval) = waiting(&app, &mo, &workflow).await;
        assert_eq!(approved(&app, &finished, &approval).await, "RunCompleted");
    }
}
