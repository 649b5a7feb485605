//! The ids that clients give to what they make, maybe offline: one thing for ever, whatever became of it since.
use crate::{
    on_both,
    support::{Person, TestApp, TestClock, text},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

const ID: &str = "018f3a5e-7a5b-7c1d-9e2f-0123456789ab";

/// What a client may make under an id of its own.
struct Kind {
    mutation: &'static str,
    /// The thing in the payload.
    result: &'static str,
    /// The input's field for a text of the thing's.
    field: &'static str,
    /// What else the input needs.
    also: &'static str,
    /// Changes that text of `$id`.
    edit: Option<&'static str>,
}

const KINDS: &[Kind] = &[
    Kind { mutation: "remember", result: "memory", field: "text", also: "{}", edit: None },
    Kind {
        mutation: "createGoal",
        result: "goal",
        field: "title",
        also: "{}",
        edit: Some(
            "mutation($id: ID!) { updateGoal(input: {goalId: $id, title: \"edited\"}) { goal { id } } }",
        ),
    },
    Kind {
        mutation: "createActionItem",
        result: "actionItem",
        field: "text",
        also: r#"{"dueAt": "2026-05-08T17:00:00Z"}"#,
        edit: Some(
            "mutation($id: ID!) { updateActionItem(input: {actionItemId: $id, text: \"edited\"}) { actionItem { id } } }",
        ),
    },
    Kind {
        mutation: "startCoachingSession",
        result: "session",
        field: "topic",
        also: "{}",
        edit: Some(
            "mutation($id: ID!) { updateCoachingSession(input: {sessionId: $id, topic: \"edited\"}) { session { id } } }",
        ),
    },
    Kind {
        mutation: "createWorkflow",
        result: "workflow",
        field: "name",
        also: r#"{"graph": {"steps": [{"key": "a", "action": {"transform": {"expression": "1"}}}]}}"#,
        edit: Some(
            "mutation($id: ID!) { updateWorkflow(input: {workflowId: $id, name: \"edited\"}) { workflow { id } } }",
        ),
    },
    Kind { mutation: "sendMessage", result: "message", field: "text", also: "{}", edit: None },
];

impl Kind {
    /// The payload, the thing under the name `result`; `place` is where it is made: a workspace or a session.
    async fn make(
        &self,
        app: &TestApp,
        person: &Person,
        place: &str,
        said: &str,
        key: Option<&str>,
    ) -> Value {
        let mut name = self.mutation.to_owned();
        name[..1].make_ascii_uppercase();
        let document = format!(
            "mutation($input: {name}Input!) {{ {}(input: $input) {{ {} {{ id clientId value: {} }} userErrors {{ code field }} }} }}",
            self.mutation, self.result, self.field
        );
        let place_field = if self.mutation == "sendMessage" { "sessionId" } else { "workspaceId" };
        let mut input: Value = serde_json::from_str(self.also).unwrap();
        (input[place_field], input[self.field], input["clientId"]) = (json!(place), json!(said), json!(ID));
        if let Some(key) = key {
            input["idempotencyKey"] = json!(key);
        }
        let mut payload = app.ok(person, &document, json!({ "input": input })).await[self.mutation].take();
        payload["result"] = payload[self.result].take();
        payload
    }

    async fn place(&self, app: &TestApp, person: &Person, workspace: &str) -> String {
        if self.mutation != "sendMessage" {
            return workspace.to_owned();
        }
        let start =
            "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
        text(&app.ok(person, start, json!({ "ws": workspace })).await, "/startCoachingSession/session/id")
    }
}

fn problem(payload: &Value) -> (String, String) {
    (text(payload, "/userErrors/0/code"), text(payload, "/userErrors/0/field"))
}

on_both! {
    async fn a_clients_id_outlives_idempotency_keys_and_changes(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, "", clock.ambient()).await;
        for kind in KINDS {
            let place = kind.place(&app, &app.owner, &app.workspace).await;
            let again = async |said: &str| kind.make(&app, &app.owner, &place, said, Some("k")).await;
            let first = again("as it was").await;
            assert_eq!(first["result"]["clientId"], ID, "{}: {first:#}", kind.mutation);
            // Long after the key is forgotten.
            clock.forward(TimeDelta::hours(25));
            assert_eq!(again("as it was").await["result"]["id"], first["result"]["id"], "{}", kind.mutation);
            clock.forward(TimeDelta::hours(25));
            let other = again("something else").await;
            assert_eq!(problem(&other), ("CONFLICT".into(), "clientId".into()), "{}", kind.mutation);
            assert_eq!(other["result"], Value::Null);
            let Some(edit) = kind.edit else { continue };
            app.ok(&app.owner, edit, json!({ "id": first["result"]["id"] })).await;
            clock.forward(TimeDelta::days(400));
            let late = again("as it was").await;
            let expected = json!({ "id": first["result"]["id"], "clientId": ID, "value": "edited" });
            assert_eq!(late["result"], expected, "{}: a repeat of the first request gives the thing as it is", kind.mutation);
            let other = kind.make(&app, &app.owner, &place, "edited", None).await;
            assert_eq!(problem(&other), ("CONFLICT".into(), "clientId".into()), "{}", kind.mutation);
        }
    }
}

on_both! {
    async fn an_imported_change_of_a_memory_does_not_hide_what_the_clients_id_stands_for(app: TestApp) {
        let remember = "mutation($ws: ID!) { remember(input: {workspaceId: $ws, text: \"apples\", externalId: \"e\",
            clientId: \"018f3a5e-7a5b-7c1d-9e2f-0123456789ab\"}) { memory { id text clientId } userErrors { code } } }";
        let ws = json!({ "ws": app.workspace });
        let first = app.ok(&app.owner, remember, ws.clone()).await;
        let import = "mutation($ws: ID!) { importMemories(input: {workspaceId: $ws, items: [
            {externalId: \"e\", text: \"pears\"}]}) { updated } }";
        assert_eq!(app.ok(&app.owner, import, ws.clone()).await["importMemories"]["updated"], 1);
        let again = app.ok(&app.owner, remember, ws).await;
        let expected = json!({ "id": first["remember"]["memory"]["id"], "text": "pears", "clientId": ID });
        assert_eq!(again["remember"]["memory"], expected, "a late repeat takes nothing back");
    }
}

on_both! {
    async fn the_same_id_of_another_tenant_is_another_thing_and_tells_nothing(app: TestApp) {
        let stranger = app.person("Sam Stranger").await;
        let elsewhere = app.create_workspace(&stranger, "elsewhere").await;
        for kind in KINDS {
            let (ours, theirs) =
                (kind.place(&app, &app.owner, &app.workspace).await, kind.place(&app, &stranger, &elsewhere).await);
            let first = kind.make(&app, &app.owner, &ours, "ours", None).await;
            let second = kind.make(&app, &stranger, &theirs, "theirs", None).await;
            assert_eq!((&first["result"]["value"], &second["result"]["value"]), (&json!("ours"), &json!("theirs")), "{}", kind.mutation);
            assert_ne!(first["result"]["id"], second["result"]["id"], "{}", kind.mutation);
            for (person, place, made) in [(&app.owner, &ours, &first), (&stranger, &theirs, &second)] {
                let said = text(made, "/result/value");
                assert_eq!(&kind.make(&app, person, place, &said, None).await, made, "{}", kind.mutation);
            }
        }
    }
}

on_both! {
    async fn made_many_times_at_once_under_one_id_it_is_one_thing(app: TestApp) {
        for kind in KINDS {
            let place = kind.place(&app, &app.owner, &app.workspace).await;
            let calls = (0..8).map(|_| kind.make(&app, &app.owner, &place, "the same", None));
            let made = futures_util::future::join_all(calls).await;
            assert!(made.iter().all(|payload| payload["result"]["id"] == made[0]["result"]["id"]), "{made:#?}");
            assert!(made[0]["result"]["id"].is_string(), "{made:#?}");
        }
    }
}
