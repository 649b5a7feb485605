//! What people change by hand: from which version, by whom of two at once, and what of it others hear.
use crate::{
    on_both,
    support::{TestApp, text},
};
use serde_json::{Value, json};

/// What can be changed by hand, with one field of it that is a text.
struct Editable {
    ty: &'static str,
    /// Makes one in `$ws`.
    make: &'static str,
    made: &'static str,
    mutation: &'static str,
    /// The id in the mutation's input, and the thing in its payload.
    id: &'static str,
    result: &'static str,
    field: &'static str,
    /// Characters that the field may have.
    longest: usize,
}

const EDITABLE: &[Editable] = &[
    Editable {
        ty: "Workspace",
        make: "mutation { createWorkspace(input: {name: \"first\"}) { workspace { id } } }",
        made: "/createWorkspace/workspace/id",
        mutation: "updateWorkspace",
        id: "workspaceId",
        result: "workspace",
        field: "name",
        longest: 200,
    },
    Editable {
        ty: "Workflow",
        make:
            "mutation($ws: ID!) { createWorkflow(input: {workspaceId: $ws, name: \"first\", graph: {steps: [
            {key: \"a\", action: {transform: {expression: \"1\"}}}]}}) { workflow { id } } }",
        made: "/createWorkflow/workflow/id",
        mutation: "updateWorkflow",
        id: "workflowId",
        result: "workflow",
        field: "name",
        longest: 200,
    },
    Editable {
        ty: "Goal",
        make: "mutation($ws: ID!) { createGoal(input: {workspaceId: $ws, title: \"first\"}) { goal { id } } }",
        made: "/createGoal/goal/id",
        mutation: "updateGoal",
        id: "goalId",
        result: "goal",
        field: "title",
        longest: 200,
    },
    Editable {
        ty: "CoachingSession",
        make: "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws, topic: \"first\"}) { session { id } } }",
        made: "/startCoachingSession/session/id",
        mutation: "updateCoachingSession",
        id: "sessionId",
        result: "session",
        field: "topic",
        longest: 200,
    },
    Editable {
        ty: "ActionItem",
        make: "mutation($ws: ID!) { createActionItem(input: {workspaceId: $ws, text: \"first\"}) { actionItem { id } } }",
        made: "/createActionItem/actionItem/id",
        mutation: "updateActionItem",
        id: "actionItemId",
        result: "actionItem",
        field: "text",
        longest: 500,
    },
];

impl Editable {
    async fn make(&self, app: &TestApp) -> String {
        let made = app.ok(&app.owner, self.make, json!({ "ws": app.workspace })).await;
        text(&made, self.made)
    }

    fn document(&self) -> String {
        let (mutation, result, field) = (self.mutation, self.result, self.field);
        let mut input = mutation.to_owned();
        input[..1].make_ascii_uppercase();
        format!(
            "mutation($input: {input}Input!) {{ {mutation}(input: $input) {{ {result} {{ id version value: {field} }}
                current {{ id version value: {field} }} userErrors {{ code field message }} }} }}"
        )
    }

    /// The payload, the thing under the name `result`.
    async fn change(&self, app: &TestApp, id: &str, mut input: Value) -> Value {
        input[self.id] = json!(id);
        let data = app.ok(&app.owner, &self.document(), json!({ "input": input })).await;
        let mut payload = data[self.mutation].clone();
        payload["result"] = payload[self.result].take();
        payload
    }

    async fn now(&self, app: &TestApp, id: &str) -> Value {
        let document = format!(
            "query($id: ID!) {{ node(id: $id) {{ ... on {} {{ id version value: {} }} }} }}",
            self.ty, self.field
        );
        app.ok(&app.owner, &document, json!({ "id": id })).await["node"].clone()
    }

    /// What `changes` tells after a place, as kinds and ids, and the place of now.
    async fn changes(&self, app: &TestApp, id: &str, after: Option<&Value>) -> (Vec<Value>, Value) {
        let workspace = if self.ty == "Workspace" { id } else { &app.workspace };
        let document = "query($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) { cursor
            changes { kind node { __typename id } } } }";
        let data = app.ok(&app.owner, document, json!({ "ws": workspace, "after": after })).await;
        (data["changes"]["changes"].as_array().unwrap().clone(), data["changes"]["cursor"].clone())
    }
}

fn problem(payload: &Value) -> (String, String) {
    (text(payload, "/userErrors/0/code"), text(payload, "/userErrors/0/field"))
}

on_both! {
    async fn a_change_is_made_from_the_version_that_it_names_or_not_at_all(app: TestApp) {
        for thing in EDITABLE {
            let id = thing.make(&app).await;
            let at = |version: i32, value: &str| json!({ "id": id, "version": version, "value": value });
            assert_eq!(thing.now(&app, &id).await, at(1, "first"), "{}", thing.ty);
            let second = thing.change(&app, &id, json!({ "expectedVersion": 1, thing.field: " second " })).await;
            assert_eq!(second, json!({ "result": at(2, "second"), thing.result: null, "current": null, "userErrors": [] }));
            let stale = thing.change(&app, &id, json!({ "expectedVersion": 1, thing.field: "third" })).await;
            assert_eq!(problem(&stale), ("CONFLICT".into(), "expectedVersion".into()), "{}", thing.ty);
            assert_eq!((&stale["result"], &stale["current"]), (&Value::Null, &at(2, "second")));
            assert!(text(&stale, "/userErrors/0/message").contains("version 2"), "{stale:#}");
            // What is so already is no change, and neither is nothing.
            for same in [json!({ thing.field: "second" }), json!({ "expectedVersion": 2 }), json!({})] {
                assert_eq!(thing.change(&app, &id, same).await["result"], at(2, "second"), "{}", thing.ty);
            }
            assert_eq!(thing.change(&app, &id, json!({ thing.field: "third" })).await["result"], at(3, "third"));
            assert_eq!(thing.now(&app, &id).await, at(3, "third"), "{}", thing.ty);
        }
    }
}

on_both! {
    async fn of_changes_made_at_once_from_one_version_exactly_one_is_made(app: TestApp) {
        for thing in EDITABLE {
            let id = thing.make(&app).await;
            for version in 1..=3 {
                let rivals = (0..8).map(|rival| {
                    let value = format!("{version} by {rival}");
                    thing.change(&app, &id, json!({ "expectedVersion": version, thing.field: value }))
                });
                let answers = futures_util::future::join_all(rivals).await;
                let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer["result"].is_object());
                assert_eq!(won.len(), 1, "{}: {won:#?} {lost:#?}", thing.ty);
                let winner = &won[0]["result"];
                assert_eq!(winner["version"], version + 1);
                for loser in &lost {
                    assert_eq!(problem(loser), ("CONFLICT".into(), "expectedVersion".into()));
                    assert_eq!(&loser["current"], winner, "{}", thing.ty);
                }
                assert_eq!(&thing.now(&app, &id).await, winner, "{}", thing.ty);
            }
        }
    }
}

on_both! {
    async fn changes_at_once_that_name_no_version_are_all_made_one_after_the_other(app: TestApp) {
        for thing in EDITABLE {
            let id = thing.make(&app).await;
            let changes = (0..6).map(|n| thing.change(&app, &id, json!({ thing.field: format!("number {n}") })));
            let answers = futures_util::future::join_all(changes).await;
            let mut versions: Vec<_> = answers.iter().map(|answer| answer["result"]["version"].as_i64().unwrap()).collect();
            versions.sort_unstable();
            assert_eq!(versions, [2, 3, 4, 5, 6, 7], "{}", thing.ty);
        }
    }
}

on_both! {
    async fn a_change_is_told_to_copies_and_what_changes_nothing_is_not(app: TestApp) {
        for thing in EDITABLE {
            let id = thing.make(&app).await;
            let (_, before) = thing.changes(&app, &id, None).await;
            thing.change(&app, &id, json!({ thing.field: "second" })).await;
            let (told, after) = thing.changes(&app, &id, Some(&before)).await;
            // An entry of the audit trail may come with it.
            let told: Vec<_> = told.into_iter().filter(|change| change["node"]["__typename"] != "AuditEntry").collect();
            assert_eq!(told, [json!({ "kind": "UPDATED", "node": { "__typename": thing.ty, "id": id } })]);
            for nothing in [json!({ thing.field: "second" }), json!({ "expectedVersion": 1, thing.field: "x" }), json!({ thing.field: " " })] {
                thing.change(&app, &id, nothing).await;
            }
            assert_eq!(thing.changes(&app, &id, Some(&after)).await, (vec![], after), "{}", thing.ty);
        }
    }
}

on_both! {
    async fn what_is_blank_or_too_long_is_refused_with_its_field(app: TestApp) {
        for thing in EDITABLE {
            let id = thing.make(&app).await;
            for bad in ["", " \n", &"x".repeat(thing.longest + 1)] {
                let refused = thing.change(&app, &id, json!({ thing.field: bad })).await;
                assert_eq!(problem(&refused), ("INVALID".into(), thing.field.into()), "{}", thing.ty);
                assert_eq!((&refused["result"], &refused["current"]), (&Value::Null, &Value::Null));
            }
            let null = thing.change(&app, &id, json!({ thing.field: null })).await;
            if thing.ty == "CoachingSession" {
                assert_eq!((&null["result"]["value"], &null["result"]["version"]), (&Value::Null, &json!(2)));
            } else {
                assert_eq!(problem(&null), ("INVALID".into(), thing.field.into()), "{}", thing.ty);
                assert_eq!(thing.now(&app, &id).await["version"], 1, "{}", thing.ty);
            }
        }
    }
}

const UPDATE_GOAL: &str = "mutation($input: UpdateGoalInput!) { updateGoal(input: $input) {
    goal { title progress status version } userErrors { code field } } }";

on_both! {
    async fn a_goal_comes_forward_and_is_achieved(app: TestApp) {
        let goal = EDITABLE[2].make(&app).await;
        let change = async |mut input: Value| {
            input["goalId"] = json!(goal);
            app.ok(&app.owner, UPDATE_GOAL, json!({ "input": input })).await["updateGoal"].clone()
        };
        let half = change(json!({ "progress": 0.5 })).await;
        assert_eq!(half["goal"], json!({ "title": "first", "progress": 0.5, "status": "ACTIVE", "version": 2 }));
        let done = change(json!({ "progress": 1, "status": "ACHIEVED", "expectedVersion": 2 })).await;
        assert_eq!(done["goal"], json!({ "title": "first", "progress": 1.0, "status": "ACHIEVED", "version": 3 }));
        for bad in [json!(-0.01), json!(1.01), json!(1e300), json!(null)] {
            assert_eq!(problem(&change(json!({ "progress": bad })).await), ("INVALID".into(), "progress".into()));
        }
        assert_eq!(problem(&change(json!({ "status": null })).await), ("INVALID".into(), "status".into()));
        // Somebody else of the workspace does not see it.
        let other = app.person("Mina Member").await;
        app.join(&other, "ADMIN").await;
        let input = json!({ "input": { "goalId": goal, "title": "Theirs" } });
        assert_eq!(app.code(&other, UPDATE_GOAL, input).await, "NOT_FOUND");
    }
}

const UPDATE_SESSION: &str = "mutation($s: ID!, $topic: String, $goal: ID) {
    updateCoachingSession(input: {sessionId: $s, topic: $topic, goalId: $goal}) {
        session { topic goal { id } version } userErrors { code field } } }";

on_both! {
    async fn what_is_left_out_stays_and_null_removes(app: TestApp) {
        let (goal, session) = (EDITABLE[2].make(&app).await, EDITABLE[3].make(&app).await);
        let change = async |mut variables: Value| {
            variables["s"] = json!(session);
            app.ok(&app.owner, UPDATE_SESSION, variables).await["updateCoachingSession"].clone()
        };
        // A variable that is not given is as if its field were not there.
        let both = json!({ "topic": "first", "goal": { "id": goal }, "version": 2 });
        assert_eq!(change(json!({ "goal": goal })).await["session"], both);
        assert_eq!(change(json!({})).await["session"], both);
        let without_topic = json!({ "topic": null, "goal": { "id": goal }, "version": 3 });
        assert_eq!(change(json!({ "topic": null })).await["session"], without_topic);
        assert_eq!(change(json!({ "topic": null })).await["session"], without_topic, "it is so already");
        assert_eq!(change(json!({ "goal": null })).await["session"], json!({ "topic": null, "goal": null, "version": 4 }));
        let elsewhere = app.create_workspace(&app.owner, "elsewhere").await;
        let make = "mutation($ws: ID!) { createGoal(input: {workspaceId: $ws, title: \"There\"}) { goal { id } } }";
        let made = app.ok(&app.owner, make, json!({ "ws": elsewhere })).await;
        let theirs = change(json!({ "goal": made["createGoal"]["goal"]["id"] })).await;
        assert_eq!(problem(&theirs), ("INVALID".into(), "goalId".into()));
    }
}

const WORKFLOW: &str = "workflow { name version draft { version valid problems { path code } }
    publishedVersion { number } } current { version } userErrors { code field }";

on_both! {
    async fn a_workflows_draft_has_a_version_of_its_own_and_is_checked_anew(app: TestApp) {
        let id = EDITABLE[1].make(&app).await;
        let update = format!("mutation($input: UpdateWorkflowInput!) {{ updateWorkflow(input: $input) {{ {WORKFLOW} }} }}");
        let change = async |mut input: Value| {
            input["workflowId"] = json!(id);
            app.ok(&app.owner, &update, json!({ "input": input })).await["updateWorkflow"].clone()
        };
        let publish = "mutation($w: ID!) { publishWorkflow(input: {workflowId: $w}) { version { number } userErrors { field } } }";
        let publish = async || app.ok(&app.owner, publish, json!({ "w": id })).await["publishWorkflow"].clone();
        assert_eq!(publish().await["version"]["number"], 1);

        let named = change(json!({ "name": "Second" })).await["workflow"].clone();
        assert_eq!((&named["version"], &named["draft"]["version"], &named["draft"]["valid"]), (&json!(2), &json!(1), &json!(true)));
        let step = |expression: &str| json!({ "steps": [{ "key": "a", "action": { "transform": { "expression": expression } } }] });
        let broken = change(json!({ "graph": step("input.topic +") })).await["workflow"].clone();
        assert_eq!((&broken["version"], &broken["draft"]["version"]), (&json!(3), &json!(2)));
        assert_eq!(broken["draft"]["problems"][0]["path"], "graph.steps.0.action.transform.expression");
        assert_eq!(publish().await["userErrors"][0]["field"], "graph.steps.0.action.transform.expression");
        // Half of the draft each: the schema admits what the graph reads.
        let closed = json!({ "type": "object", "properties": { "topic": {} }, "additionalProperties": false });
        assert_eq!(change(json!({ "inputSchema": closed })).await["workflow"]["draft"]["valid"], false);
        let sound = change(json!({ "graph": step("input.topic") })).await["workflow"].clone();
        assert_eq!((&sound["draft"]["valid"], &sound["draft"]["version"], &sound["version"]), (&json!(true), &json!(4), &json!(5)));
        assert_eq!(sound["publishedVersion"]["number"], 1, "what is published stays");
        assert_eq!(publish().await["version"]["number"], 2);
        // The same graph again is none of a new version.
        assert_eq!(change(json!({ "graph": step("input.topic"), "inputSchema": closed })).await["workflow"]["version"], 5);
        assert_eq!(change(json!({ "inputSchema": null })).await["workflow"]["draft"]["version"], 5);
        assert_eq!(problem(&change(json!({ "graph": null })).await), ("INVALID".into(), "graph".into()));
        let many = json!({ "steps": vec![step("1")["steps"][0].clone(); 1_001] });
        assert_eq!(problem(&change(json!({ "graph": many })).await), ("INVALID".into(), "graph.steps".into()));
    }
}

on_both! {
    async fn who_renamed_a_workspace_is_on_record(app: TestApp) {
        let admin = app.person("Ada Admin").await;
        app.join(&admin, "ADMIN").await;
        let rename = "mutation($ws: ID!, $v: Int) { updateWorkspace(input: {workspaceId: $ws, name: \"Ours\", expectedVersion: $v}) {
            workspace { name slug version } userErrors { code } } }";
        let renamed = app.ok(&admin, rename, json!({ "ws": app.workspace, "v": 1 })).await;
        assert_eq!(renamed["updateWorkspace"]["workspace"], json!({ "name": "Ours", "slug": "acme", "version": 2 }));
        app.ok(&admin, rename, json!({ "ws": app.workspace })).await;
        let entries = "query($ws: ID!) { workspace(id: $ws) { auditEntries(first: 2) { nodes { action data } } } }";
        let entries = app.ok(&app.owner, entries, json!({ "ws": app.workspace })).await;
        let entries = entries["workspace"]["auditEntries"]["nodes"].as_array().unwrap().clone();
        assert_eq!(entries[0], json!({ "action": "WORKSPACE_UPDATED", "data": { "name": "Ours" } }));
        assert_ne!(entries[1]["action"], "WORKSPACE_UPDATED", "what changes nothing is no deed");
    }
}

on_both! {
    async fn whoever_follows_from_the_cursor_of_an_update_misses_nothing_after_it(app: TestApp) {
        let start = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
        let session = text(
            &app.ok(&app.owner, start, json!({ "ws": app.workspace })).await,
            "/startCoachingSession/session/id",
        );
        let updates = [
            (
                "mutation($id: ID!) { updateCoachingSession(input: {sessionId: $id, topic: \"new\"}) { session { version cursor } } }",
                json!({ "id": session }),
                "/updateCoachingSession/session/cursor",
                "CoachingSession",
            ),
            (
                "mutation($id: ID!) { updateWorkspace(input: {workspaceId: $id, name: \"new\"}) { workspace { version cursor } } }",
                json!({ "id": app.workspace }),
                "/updateWorkspace/workspace/cursor",
                "Workspace",
            ),
        ];
        let changes = "query($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) { changes { node { __typename } } } }";
        for (update, variables, cursor, changed) in updates {
            let after = text(&app.ok(&app.owner, update, variables).await, cursor);
            let data = app.ok(&app.owner, changes, json!({ "ws": app.workspace, "after": after })).await;
            // The update itself is told again, so nothing that came with or after it can be missing.
            let told = data["changes"]["changes"].as_array().unwrap();
            assert!(told.iter().any(|change| change["node"]["__typename"] == changed), "{data:#}");
        }
    }
}

const CHANGE_ROLE: &str = "mutation($id: ID!, $role: Role!, $version: Int) {
    changeRole(input: {membershipId: $id, role: $role, expectedVersion: $version}) {
        membership { role version } current { role version } userErrors { code field } } }";

on_both! {
    async fn a_role_is_changed_from_the_version_that_is_named_or_not_at_all(app: TestApp) {
        let mo = app.person("Mo").await;
        let id = app.join(&mo, "VIEWER").await;
        let change = async |role: &str, version: Option<i32>| {
            let variables = json!({ "id": id, "role": role, "version": version });
            app.ok(&app.owner, CHANGE_ROLE, variables).await["changeRole"].take()
        };
        let at = |version: i32, role: &str| json!({ "role": role, "version": version });
        assert_eq!(change("MEMBER", Some(1)).await, json!({ "membership": at(2, "MEMBER"), "current": null, "userErrors": [] }));
        let stale = change("ADMIN", Some(1)).await;
        assert_eq!(problem(&stale), ("CONFLICT".into(), "expectedVersion".into()));
        assert_eq!((&stale["membership"], &stale["current"]), (&Value::Null, &at(2, "MEMBER")));
        assert_eq!(change("MEMBER", Some(2)).await["membership"], at(2, "MEMBER"), "what is so already is no change");
        assert_eq!(change("VIEWER", None).await["membership"], at(3, "VIEWER"));
        let rivals = ["MEMBER", "ADMIN"].map(|role| change(role, Some(3)));
        let answers = futures_util::future::join_all(rivals).await;
        assert_eq!(answers.iter().filter(|answer| answer["membership"].is_object()).count(), 1, "{answers:#?}");
    }
}

on_both! {
    async fn a_draft_is_published_as_it_was_looked_at_or_not_at_all(app: TestApp) {
        let thing = &EDITABLE[1];
        let id = thing.make(&app).await;
        let publish = async |version: Option<i32>| {
            let document = "mutation($id: ID!, $version: Int) { publishWorkflow(input: {workflowId: $id, expectedVersion: $version}) {
                version { number } current { version name } userErrors { code field } } }";
            app.ok(&app.owner, document, json!({ "id": id, "version": version })).await["publishWorkflow"].take()
        };
        thing.change(&app, &id, json!({ "name": "second" })).await;
        let stale = publish(Some(1)).await;
        assert_eq!(problem(&stale), ("CONFLICT".into(), "expectedVersion".into()));
        assert_eq!((&stale["version"], &stale["current"]), (&Value::Null, &json!({ "version": 2, "name": "second" })));
        let none = "query($id: ID!) { node(id: $id) { ... on Workflow { publishedVersion { id } } } }";
        assert_eq!(app.ok(&app.owner, none, json!({ "id": id })).await["node"]["publishedVersion"], Value::Null);
        let done = json!({ "version": { "number": 1 }, "current": null, "userErrors": [] });
        assert_eq!(publish(Some(2)).await, done);
        assert_eq!(publish(Some(2)).await, done, "publication is no change of the workflow");
        assert_eq!(publish(None).await, done);
    }
}
