//! A stream goes on for hours; it ends when its bearer may not see any more what it shows.
use crate::{
    on_both,
    support::{PATIENCE, Person, Socket, TestApp, TestClock, text},
};
use aifirst::shared::Ambient;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::time::timeout;

const SETTINGS: &str = "http.socket.recheck_seconds = 1";
const WATCH: &str = "subscription($r: ID!) { runEvents(runId: $r) { __typename ... on ApprovalRequested { approval { id } } } }";

/// The id of a run that waits for a decision.
async fn waiting_run(app: &TestApp) -> String {
    let create = "mutation($ws: ID!) { createWorkflow(input: {workspaceId: $ws, name: \"Ask\", slug: \"ask\", graph: {steps: [
        {key: \"ok\", action: {approval: {title: \"Go on?\"}}}]}}) { workflow { id } userErrors { message } } }";
    let created = app.ok(&app.owner, create, json!({ "ws": app.workspace })).await;
    let workflow = json!({ "w": text(&created, "/createWorkflow/workflow/id") });
    let publish = "mutation($w: ID!) { publishWorkflow(input: {workflowId: $w}) { version { id } userErrors { message } } }";
    app.ok(&app.owner, publish, workflow.clone()).await;
    let start =
        "mutation($w: ID!) { startRun(input: {workflowId: $w}) { run { id } userErrors { message } } }";
    text(&app.ok(&app.owner, start, workflow).await, "/startRun/run/id")
}

fn is_request(event: &Value) -> bool {
    event["__typename"] == "ApprovalRequested"
}

/// A stream of Server-Sent Events.
struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    async fn open(app: &TestApp, person: &Person, variables: Value) -> Self {
        let request =
            app.http.post(app.url()).header("accept", "text/event-stream").bearer_auth(&person.token);
        let response = request.json(&json!({ "query": WATCH, "variables": variables })).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self { response, text: String::new() }
    }

    /// Whether there was more.
    async fn read(&mut self) -> bool {
        let chunk =
            timeout(PATIENCE, self.response.chunk()).await.expect("the stream is silent for too long");
        match chunk.unwrap() {
            Some(chunk) => self.text.push_str(std::str::from_utf8(&chunk).unwrap()),
            None => return false,
        }
        true
    }

    async fn until(&mut self, wanted: &str) {
        while !self.text.contains(wanted) {
            assert!(self.read().await, "it ended without {wanted}: {}", self.text);
        }
    }

    /// All of it.
    async fn whole(mut self) -> String {
        while self.read().await {}
        self.text
    }
}

on_both! {
    async fn a_removed_member_sees_no_more_of_what_they_watch(database: Database) {
        let app = TestApp::start_with(database, SETTINGS, Ambient::system()).await;
        let run = json!({ "r": waiting_run(&app).await });
        let mo = app.person("Mo Member").await;
        let membership = app.join(&mo, "MEMBER").await;
        let mut watched = app.subscribe(&mo, WATCH, run.clone()).await;
        watched.until("runEvents", is_request).await;
        let mut events = Events::open(&app, &mo, run.clone()).await;
        events.until("ApprovalRequested").await;
        let mut owners = app.subscribe(&app.owner, WATCH, run.clone()).await;
        let asked = owners.until("runEvents", is_request).await;

        let remove = "mutation($m: ID!) { removeMember(input: {membershipId: $m}) { removedMembershipId } }";
        app.ok(&app.owner, remove, json!({ "m": membership })).await;
        assert_eq!(watched.error_code().await, "FORBIDDEN");
        assert_eq!(watched.next().await, None, "and then it is complete");
        let told = events.whole().await;
        assert!(told.contains("FORBIDDEN") && told.contains("event: complete"), "{told}");
        let again = app.first_answer(Some(&mo.token), WATCH, run).await;
        assert_eq!(text(&again, "/errors/0/extensions/code"), "NOT_FOUND");

        // Nobody else's ended with it.
        let decide = "mutation($a: ID!) { decideApproval(input: {approvalId: $a, decision: APPROVE}) { approval { id } } }";
        let approval = text(asked.last().unwrap(), "/approval/id");
        app.ok(&app.owner, decide, json!({ "a": approval })).await;
        owners.until("runEvents", |event| event["__typename"] == "RunCompleted").await;
    }
}

on_both! {
    async fn a_lesser_role_ends_streams_and_they_can_be_asked_for_anew(database: Database) {
        let app = TestApp::start_with(database, SETTINGS, Ambient::system()).await;
        let run = json!({ "r": waiting_run(&app).await });
        let mo = app.person("Mo Member").await;
        // Connected before there is anything to lose.
        let socket = app.socket(&mo).await;
        let membership = app.join(&mo, "MEMBER").await;
        let mut watched = socket.subscribe(WATCH, run.clone()).await;
        watched.until("runEvents", is_request).await;
        let change = "mutation($m: ID!) { changeRole(input: {membershipId: $m, role: VIEWER}) { membership { role } } }";
        app.ok(&app.owner, change, json!({ "m": membership })).await;
        assert_eq!(watched.error_code().await, "FORBIDDEN");
        app.subscribe(&mo, WATCH, run).await.until("runEvents", is_request).await;
    }
}

on_both! {
    async fn a_revoked_key_ends_its_streams(database: Database) {
        let app = TestApp::start_with(database, SETTINGS, Ambient::system()).await;
        let run = json!({ "r": waiting_run(&app).await });
        let create = "mutation { createApiKey(input: {name: \"k\"}) { apiKey { id } token } }";
        let made = app.ok(&app.owner, create, json!({})).await;
        let bearer = Person { id: app.owner.id.clone(), token: text(&made, "/createApiKey/token") };
        let mut socket = app.socket(&bearer).await;
        let mut events = Events::open(&app, &bearer, run).await;
        events.until("ApprovalRequested").await;
        let revoke = "mutation($k: ID!) { revokeApiKey(input: {apiKeyId: $k}) { apiKey { id } } }";
        app.ok(&app.owner, revoke, json!({ "k": made["createApiKey"]["apiKey"]["id"] })).await;
        assert_eq!(socket.close_code().await, 4403);
        let told = events.whole().await;
        assert!(!told.contains("event: complete"), "a stream that was cut is not complete: {told}");
    }
}

on_both! {
    async fn an_expired_key_closes_its_socket(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, SETTINGS, clock.ambient()).await;
        let create = "mutation($at: DateTime!) { createApiKey(input: {name: \"k\", expiresAt: $at}) { token } }";
        let at = (clock.now() + TimeDelta::hours(1)).to_rfc3339();
        let made = app.ok(&app.owner, create, json!({ "at": at })).await;
        let mut socket = Socket::connect(&app.url(), Some(&text(&made, "/createApiKey/token"))).await;
        clock.forward(TimeDelta::hours(1));
        assert_eq!(socket.close_code().await, 4403);
    }
}
