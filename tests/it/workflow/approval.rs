//! Questions that runs ask people.
use super::{DECIDE, ENDS, EVENTS, events, movable, of_type, publish, start, state, statuses};
use crate::{
    contract::operations,
    on_both,
    support::{TestApp, text},
};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const APPROVAL: &str =
    "query($a: ID!) { node(id: $a) { ... on Approval { status comment decidedBy { id } } } }";

async fn status(app: &TestApp, approval: &str) -> Value {
    app.ok(&app.owner, APPROVAL, json!({ "a": approval })).await["node"]["status"].clone()
}

/// A run that asks, then tells what was answered; its id and the approval's.
async fn ask(app: &TestApp) -> (String, String) {
    let steps = json!([
        { "key": "ok", "action": { "approval": { "title": "Send it to {{ input.to }}?" } } },
        { "key": "told", "after": ["ok"], "action": { "transform": { "expression": "steps.ok.output" } } },
    ]);
    let workflow = publish(app, steps).await;
    let run = start(app, &workflow, json!({ "to": "Ana" })).await;
    let asked = events(app, &run, &["ApprovalRequested"]).await;
    let asked = &asked.last().unwrap()["approval"];
    assert_eq!((&asked["title"], &asked["status"]), (&json!("Send it to Ana?"), &json!("PENDING")));
    (run, text(asked, "/id"))
}

on_both! {
    async fn an_approval_that_nobody_decides_expires_as_the_graph_says(database: Database) {
        let (ambient, ahead) = movable();
        let app = TestApp::start_with(database, "", ambient).await;
        let ask = |outcome: &str, time: &str| json!({ "approval": { "title": "?", "expiresAfter": time, "onExpiry": outcome } });
        let steps = json!([
            { "key": "yes", "action": ask("APPROVE", "P1D") },
            { "key": "no", "action": ask("REJECT", "P1D") },
            { "key": "wait", "action": { "wait": { "for": "PT20H" } } },
            { "key": "sum", "after": ["yes", "no", "wait"], "action": { "transform": {
                "expression": "[steps.yes.output.approved, steps.no.output.approved, steps.no.output.decidedBy == null]" } } },
            { "key": "strict", "after": ["sum"], "action": ask("FAIL", "P2D") },
            { "key": "never", "after": ["strict"], "action": { "transform": { "expression": "1" } } },
        ]);
        let workflow = publish(&app, steps).await;
        let run = start(&app, &workflow, json!({})).await;
        let mut stream = app.subscribe(&app.owner, EVENTS, json!({ "r": run })).await;
        let asked = stream.until("runEvents", |event| event["__typename"] == "StepWaiting").await;
        let first: Vec<_> = of_type(&asked, "ApprovalRequested").iter().map(|event| text(event, "/approval/id")).collect();
        assert_eq!(first.len(), 2);
        ahead.store(23 * 3600, Ordering::SeqCst);
        stream.until("runEvents", |event| event["__typename"] == "StepCompleted" && event["step"]["key"] == "wait").await;
        for approval in &first {
            assert_eq!(status(&app, approval).await, "PENDING", "an hour is left");
        }
        ahead.store(25 * 3600, Ordering::SeqCst);
        let more = stream.until("runEvents", |event| event["__typename"] == "ApprovalRequested").await;
        let sum = more.iter().find(|event| event["step"]["key"] == "sum" && event["__typename"] == "StepCompleted").unwrap();
        assert_eq!(sum["step"]["output"], json!([true, false, true]));
        ahead.store(75 * 3600, Ordering::SeqCst);
        let ended = stream.until("runEvents", |event| ENDS.contains(&event["__typename"].as_str().unwrap())).await;
        assert_eq!(ended.last().unwrap()["run"]["error"], json!({ "code": "APPROVAL_EXPIRED", "stepKey": "strict" }));
        assert_eq!(statuses(&app, &run).await, ["COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "FAILED", "CANCELLED"]);
        let last = text(more.last().unwrap(), "/approval/id");
        for approval in first.iter().chain([&last]) {
            assert_eq!(status(&app, approval).await, "EXPIRED");
            let late = app.ok(&app.owner, DECIDE, json!({ "a": approval, "d": "REJECT" })).await;
            assert_eq!(late["decideApproval"]["userErrors"][0]["code"], "CONFLICT", "{late:#}");
            assert_eq!(late["decideApproval"]["userErrors"][0]["field"], json!("approvalId"), "{late:#}");
        }
    }
}

on_both! {
    async fn a_decision_goes_to_the_steps_after_it_with_who_and_why(app: TestApp) {
        let decide = "mutation($a: ID!, $d: ApprovalDecision!) { decideApproval(input: {approvalId: $a, decision: $d, comment: \"why not\", form: {n: [1]}}) {
            approval { status comment } userErrors { code message } } }";
        for (decision, approved, status) in [("APPROVE", true, "APPROVED"), ("REJECT", false, "REJECTED")] {
            let (run, approval) = ask(&app).await;
            let decided = app.ok(&app.owner, decide, json!({ "a": approval, "d": decision })).await;
            assert_eq!(decided["decideApproval"]["approval"], json!({ "status": status, "comment": "why not" }), "{decided:#}");
            let events = events(&app, &run, ENDS).await;
            let told = json!({ "approved": approved, "comment": "why not", "form": { "n": [1] }, "decidedBy": app.owner.id });
            assert_eq!(events.last().unwrap()["run"]["output"], json!({ "told": told }), "a rejection is an answer, no failure");
            let decided = of_type(&events, "ApprovalDecided");
            assert_eq!((decided.len(), &decided[0]["approved"]), (1, &json!(approved)));
        }
    }
}

on_both! {
    async fn only_the_first_decision_counts(app: TestApp) {
        let (run, approval) = ask(&app).await;
        let other = app.person("Mia Member").await;
        app.join(&other, "MEMBER").await;
        let decide = async |person, decision: &str| {
            app.ok(person, DECIDE, json!({ "a": approval, "d": decision })).await["decideApproval"].clone()
        };
        let all = tokio::join!(decide(&app.owner, "APPROVE"), decide(&other, "REJECT"), decide(&app.owner, "APPROVE"), decide(&other, "REJECT"));
        let all = [all.0, all.1, all.2, all.3];
        let (taken, refused): (Vec<_>, Vec<_>) = all.iter().partition(|answer| answer["approval"].is_object());
        assert_eq!((taken.len(), refused.len()), (2, 2), "the same again changes nothing: {all:#?}");
        assert_eq!(taken[0]["approval"], taken[1]["approval"]);
        assert!(refused.iter().all(|answer| answer["userErrors"][0]["code"] == "CONFLICT"), "{refused:#?}");
        let events = events(&app, &run, ENDS).await;
        assert_eq!(of_type(&events, "ApprovalDecided").len(), 1, "{events:#?}");
        let told = &events.last().unwrap()["run"]["output"]["told"];
        assert_eq!(told["decidedBy"], taken[0]["approval"]["decidedBy"]["id"]);
        assert_eq!(told["approved"], taken[0]["approval"]["status"] == "APPROVED");
        let (winner, opposite) = if told["approved"] == true { (&app.owner, "REJECT") } else { (&other, "APPROVE") };
        let again = decide(winner, opposite).await;
        assert_eq!(again["userErrors"][0]["code"], "CONFLICT", "whoever decided does not change it: {again:#}");
    }
}

on_both! {
    async fn a_run_that_is_cancelled_asks_no_more(app: TestApp) {
        let (run, approval) = ask(&app).await;
        let cancel = "mutation($r: ID!) { cancelRun(input: {runId: $r, reason: \"not needed\"}) { run { status error { code message stepKey } } userErrors { code } } }";
        let cancelled = app.ok(&app.owner, cancel, json!({ "r": run })).await;
        let error = json!({ "code": "CANCELLED", "message": "not needed", "stepKey": null });
        assert_eq!(cancelled["cancelRun"]["run"], json!({ "status": "CANCELLED", "error": error }));
        assert_eq!(status(&app, &approval).await, "CANCELLED");
        assert_eq!(statuses(&app, &run).await, ["CANCELLED", "CANCELLED"]);
        let attempt = state(&app, &run).await["steps"]["nodes"][0]["attempts"]["nodes"][0].clone();
        assert_eq!(attempt["error"]["code"], "CANCELLED");
        assert!(attempt["finishedAt"].is_string(), "{attempt:#}");
        let late = app.ok(&app.owner, DECIDE, json!({ "a": approval, "d": "APPROVE" })).await;
        assert_eq!(late["decideApproval"]["userErrors"][0]["code"], "CONFLICT", "{late:#}");
        let events = events(&app, &run, ENDS).await;
        assert_eq!(events.last().unwrap()["__typename"], "RunCancelled", "{events:#?}");
        assert_eq!(of_type(&events, "ApprovalDecided").len(), 0);
        let (done, approval) = ask(&app).await;
        app.ok(&app.owner, DECIDE, json!({ "a": approval, "d": "APPROVE" })).await;
        super::events(&app, &done, ENDS).await;
        let late = app.ok(&app.owner, operations()["Cancel"], json!({ "r": done })).await;
        assert!(late["cancelRun"]["userErrors"][0]["code"] == "CONFLICT", "{late:#}");
        assert_eq!(state(&app, &done).await["status"], "COMPLETED");
    }
}
