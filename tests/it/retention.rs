//! The log is kept for so long: what is older goes, and whoever comes back with an older cursor is told so.
use crate::{
    on_both,
    support::{Database, PATIENCE, TestApp, TestClock, text},
};
use aifirst::event::Sweeper;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::time::Duration;

const CURSOR: &str = "query($ws: ID!) { workspace(id: $ws) { cursor } }";
const PAGE: &str = "query($ws: ID!, $after: Cursor!) { changes(workspaceId: $ws, first: 100, after: $after) {
    changes { kind node { id } } cursor hasMore } }";
const LIVE: &str = "subscription($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) { cursor node { id } } }";

struct Kept {
    app: TestApp,
    clock: TestClock,
    sweeper: Sweeper,
}

impl Kept {
    /// A server that keeps its log for ten days, swept by the test.
    async fn on(database: Database) -> Self {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, "events.retention_days = 0", clock.ambient()).await;
        let sweeper = Sweeper::new(app.running.services.log.clone(), TimeDelta::days(10));
        Self { app, clock, sweeper }
    }

    async fn cursor(&self) -> Value {
        let data = self.app.ok(&self.app.owner, CURSOR, json!({ "ws": self.app.workspace })).await;
        data["workspace"]["cursor"].clone()
    }

    async fn remember(&self, words: &str) -> String {
        let document =
            "mutation($ws: ID!, $text: String!) { remember(input: {workspaceId: $ws, text: $text}) {
            memory { id } userErrors { message } } }";
        let variables = json!({ "ws": self.app.workspace, "text": words });
        text(&self.app.ok(&self.app.owner, document, variables).await, "/remember/memory/id")
    }

    async fn page(&self, after: &Value) -> Value {
        let variables = json!({ "ws": self.app.workspace, "after": after });
        self.app.ask(Some(&self.app.owner.token), PAGE, variables).await
    }
}

fn code(answer: &Value) -> Option<&str> {
    answer.pointer("/errors/0/extensions/code").and_then(Value::as_str)
}

on_both! {
    async fn a_cursor_older_than_what_is_kept_is_told_to_load_again(database: Database) {
        let mut kept = Kept::on(database).await;
        let begin = kept.cursor().await;
        kept.remember("long ago").await;
        let later = kept.cursor().await;
        kept.clock.forward(TimeDelta::days(5));
        let recent = kept.remember("five days ago").await;
        assert_eq!(kept.sweeper.sweep().await.unwrap(), 0);
        assert_eq!(code(&kept.page(&begin).await), None, "nothing is too old yet");

        kept.clock.forward(TimeDelta::days(6));
        assert_eq!(kept.sweeper.sweep().await.unwrap(), 0, "what was marked a moment ago is left to who reads it");
        assert_eq!(code(&kept.page(&begin).await), Some("RESYNC_REQUIRED"));
        let mut live = kept.app.subscribe(&kept.app.owner, LIVE, json!({ "ws": kept.app.workspace, "after": begin })).await;
        assert_eq!(live.error_code().await, "RESYNC_REQUIRED");
        // All that is gone was seen by whoever has this one.
        let page = kept.page(&later).await;
        assert_eq!(text(&page, "/data/changes/changes/0/node/id"), recent, "{page:#}");

        assert!(kept.sweeper.sweep().await.unwrap() > 0);
        assert_eq!(kept.sweeper.sweep().await.unwrap(), 0);
        let again = kept.page(&later).await;
        assert_eq!(again, page);
        let now = kept.cursor().await;
        kept.remember("now").await;
        assert_eq!(kept.page(&now).await["data"]["changes"]["changes"].as_array().unwrap().len(), 1);
    }
}

on_both! {
    async fn a_log_that_is_gone_to_its_end_goes_on(database: Database) {
        let mut kept = Kept::on(database).await;
        // More than is looked at at once.
        for part in 0..2 {
            let item = |item| json!({ "externalId": format!("{part}/{item}"), "text": "an owl" });
            let items: Vec<_> = (0..600).map(item).collect();
            let import = "mutation($ws: ID!, $items: [ImportMemoryItem!]!) { importMemories(input: {workspaceId: $ws, items: $items}) { created } }";
            kept.app.ok(&kept.app.owner, import, json!({ "ws": kept.app.workspace, "items": items })).await;
        }
        let end = kept.cursor().await;
        kept.clock.forward(TimeDelta::days(11));
        assert_eq!(kept.sweeper.sweep().await.unwrap(), 0);
        // Of another process, which has marked nothing itself.
        let mut other = Sweeper::new(kept.app.running.services.log.clone(), TimeDelta::days(10));
        assert_eq!(other.sweep().await.unwrap(), 0);
        assert!(other.sweep().await.unwrap() >= 1_200);
        assert_eq!(kept.sweeper.sweep().await.unwrap(), 0, "it is gone already");
        let page = kept.page(&end).await;
        assert_eq!(page["data"]["changes"]["changes"], json!([]), "{page:#}");
        let new = kept.remember("an owl again").await;
        assert_eq!(text(&kept.page(&end).await, "/data/changes/changes/0/node/id"), new);
    }
}

const RUN_EVENTS: &str =
    "subscription($id: ID!, $after: Cursor) { runEvents(runId: $id, after: $after) { __typename cursor } }";
const SESSION_EVENTS: &str = "subscription($id: ID!, $after: Cursor) { coachingEvents(sessionId: $id, after: $after) { __typename cursor } }";

on_both! {
    async fn a_run_and_a_session_whose_beginning_is_gone_are_followed_from_their_cursor(database: Database) {
        let mut kept = Kept::on(database).await;
        let (app, ws) = (&kept.app, kept.app.workspace.clone());
        let create = "mutation($ws: ID!) { createWorkflow(input: {workspaceId: $ws, name: \"W\", graph: {steps: [
            {key: \"ok\", action: {approval: {title: \"Go on?\"}}}]}}) { workflow { id } } }";
        let made = app.ok(&app.owner, create, json!({ "ws": ws })).await;
        let workflow = json!({ "w": made["createWorkflow"]["workflow"]["id"] });
        let publish = "mutation($w: ID!) { publishWorkflow(input: {workflowId: $w}) { version { id } } }";
        app.ok(&app.owner, publish, workflow.clone()).await;
        let start = "mutation($w: ID!) { startRun(input: {workflowId: $w}) { run { id } } }";
        let run = text(&app.ok(&app.owner, start, workflow).await, "/startRun/run/id");
        let begin = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
        let session = text(&app.ok(&app.owner, begin, json!({ "ws": ws })).await, "/startCoachingSession/session/id");
        // The run has come to where it asks.
        let mut asks = app.subscribe(&app.owner, RUN_EVENTS, json!({ "id": run })).await;
        asks.until("runEvents", |event| event["__typename"] == "ApprovalRequested").await;

        kept.clock.forward(TimeDelta::days(11));
        kept.sweeper.sweep().await.unwrap();
        kept.sweeper.sweep().await.unwrap();
        let app = &kept.app;
        for (document, id) in [(RUN_EVENTS, &run), (SESSION_EVENTS, &session)] {
            let mut whole = app.subscribe(&app.owner, document, json!({ "id": id })).await;
            assert_eq!(whole.error_code().await, "RESYNC_REQUIRED", "{document}");
        }
        let shown = "query($id: ID!) { node(id: $id) { ... on Run { cursor } ... on CoachingSession { cursor } } }";
        let end = "mutation($id: ID!) { endCoachingSession(input: {sessionId: $id}) { session { id } } }";
        let cancel = "mutation($id: ID!) { cancelRun(input: {runId: $id}) { run { id } } }";
        for (document, id, last, change) in [
            (RUN_EVENTS, &run, "RunCancelled", cancel),
            (SESSION_EVENTS, &session, "SessionEnded", end),
        ] {
            let after = app.ok(&app.owner, shown, json!({ "id": id })).await["node"]["cursor"].clone();
            let mut rest = app.subscribe(&app.owner, document, json!({ "id": id, "after": after })).await;
            app.ok(&app.owner, change, json!({ "id": id })).await;
            let field = if document == RUN_EVENTS { "runEvents" } else { "coachingEvents" };
            rest.until(field, |event| event["__typename"] == last).await;
        }
    }
}

on_both! {
    async fn a_server_sweeps_by_its_configuration(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, "", clock.ambient()).await;
        let cursor = app.ok(&app.owner, CURSOR, json!({ "ws": app.workspace })).await["workspace"]["cursor"].clone();
        let remember = "mutation($ws: ID!) { remember(input: {workspaceId: $ws, text: \"an owl\"}) { memory { id } } }";
        app.ok(&app.owner, remember, json!({ "ws": app.workspace })).await;
        clock.forward(TimeDelta::days(3));
        let app = app.restart_with("events.retention_days = 2", clock.ambient()).await;
        let variables = json!({ "ws": app.workspace, "after": cursor });
        let resync = async {
            loop {
                let answer = app.ask(Some(&app.owner.token), PAGE, variables.clone()).await;
                match code(&answer) {
                    Some(code) => break code.to_owned(),
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        assert_eq!(tokio::time::timeout(PATIENCE, resync).await.unwrap(), "RESYNC_REQUIRED");
    }
}
