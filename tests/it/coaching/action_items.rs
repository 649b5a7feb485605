//! What people mean to do: written down, listed, done; their own alone. What the coach writes down is in
//! `gateway/action_items.rs`.
use super::{GOAL, problem, start, start_with};
use crate::{
    on_both,
    support::{Person, TestApp, text},
};
use serde_json::{Value, json};

const CREATE: &str = "mutation($input: CreateActionItemInput!) { createActionItem(input: $input) {
    actionItem { ...I } userErrors { code field message } } } fragment I on ActionItem { id text dueAt status version
    session { id } goal { id } turn { id } createdAt updatedAt completedAt viewerCan { updateActionItem } }";
const UPDATE: &str = "mutation($input: UpdateActionItemInput!) { updateActionItem(input: $input) {
    actionItem { text dueAt status version completedAt } userErrors { code field message } } }";
const LIST: &str = "query($ws: ID!, $first: Int, $after: String, $last: Int, $before: String, $filter: ActionItemFilter) {
    workspace(id: $ws) { actionItems(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    totalCount nodes { id text } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";
const NODE: &str = "query($id: ID!) { node(id: $id) { id __typename } }";

/// `createActionItem`; the workspace is added.
async fn create(app: &TestApp, person: &Person, mut input: Value) -> Value {
    input["workspaceId"] = json!(app.workspace);
    app.ok(person, CREATE, json!({ "input": input })).await["createActionItem"].clone()
}

async fn write_down(app: &TestApp, input: Value) -> String {
    text(&create(app, &app.owner, input).await, "/actionItem/id")
}

async fn update(app: &TestApp, id: &str, mut input: Value) -> Value {
    input["actionItemId"] = json!(id);
    app.ok(&app.owner, UPDATE, json!({ "input": input })).await["updateActionItem"].clone()
}

async fn list(app: &TestApp, person: &Person, mut variables: Value) -> Value {
    variables["ws"] = json!(app.workspace);
    app.ok(person, LIST, variables).await["workspace"]["actionItems"].clone()
}

fn texts(list: &Value) -> Vec<String> {
    list["nodes"].as_array().unwrap().iter().map(|item| text(item, "/text")).collect()
}

async fn goal(app: &TestApp, person: &Person, title: &str) -> String {
    let input = json!({ "workspaceId": app.workspace, "title": title });
    text(&app.ok(person, GOAL, json!({ "input": input })).await, "/createGoal/goal/id")
}

on_both! {
    async fn what_is_to_be_done_is_written_down_done_and_taken_up_again(app: TestApp) {
        let made = create(&app, &app.owner, json!({ "text": " Write to Ana ", "dueAt": "2026-05-08T19:00:00+02:00" })).await;
        let item = &made["actionItem"];
        assert_eq!((&item["text"], &item["dueAt"], &item["status"], &item["version"]), (&json!("Write to Ana"), &json!("2026-05-08T17:00:00Z"), &json!("OPEN"), &json!(1)));
        for none in ["session", "goal", "turn", "completedAt"] {
            assert_eq!(item[none], Value::Null, "{none}: {made:#}");
        }
        assert_eq!(item["viewerCan"], json!({ "updateActionItem": true }));
        let id = text(item, "/id");
        assert_eq!(app.ok(&app.owner, NODE, json!({ "id": id })).await["node"], json!({ "id": id, "__typename": "ActionItem" }));

        let done = update(&app, &id, json!({ "status": "DONE", "expectedVersion": 1 })).await["actionItem"].clone();
        assert_eq!((&done["status"], &done["version"], &done["text"]), (&json!("DONE"), &json!(2), &json!("Write to Ana")));
        let completed = text(&done, "/completedAt");
        // What is done already stays done since then.
        let later = update(&app, &id, json!({ "status": "DONE", "dueAt": null })).await["actionItem"].clone();
        assert_eq!((text(&later, "/completedAt"), &later["dueAt"], &later["version"]), (completed, &Value::Null, &json!(3)));
        for status in ["OPEN", "DISMISSED"] {
            let item = update(&app, &id, json!({ "status": status })).await["actionItem"].clone();
            assert_eq!((&item["status"], &item["completedAt"]), (&json!(status), &Value::Null));
        }
    }
}

on_both! {
    async fn an_item_of_a_session_serves_its_goal_and_is_told_on_its_stream(app: TestApp) {
        let run = goal(&app, &app.owner, "Run").await;
        let swim = goal(&app, &app.owner, "Swim").await;
        let session = text(&start_with(&app, &app.owner, json!({ "goalId": run })).await, "/session/id");
        let about = "query($s: ID!) { node(id: $s) { ... on CoachingSession { updatedAt actionItems(first: 10) {
            totalCount nodes { text } } } } }";
        let before = app.ok(&app.owner, about, json!({ "s": session })).await["node"].clone();
        let follow = "subscription($s: ID!) { coachingEvents(sessionId: $s) { __typename
            ... on ActionItemCreated { cursor at actionItem { text } } } }";
        let mut events = app.subscribe(&app.owner, follow, json!({ "s": session })).await;
        let one = create(&app, &app.owner, json!({ "text": "Buy shoes", "sessionId": session })).await["actionItem"].clone();
        assert_eq!((&one["session"]["id"], &one["goal"]["id"]), (&json!(session), &json!(run)));
        let other = create(&app, &app.owner, json!({ "text": "Buy trunks", "sessionId": session, "goalId": swim })).await;
        assert_eq!(other["actionItem"]["goal"]["id"], json!(swim), "{other:#}");
        write_down(&app, json!({ "text": "Water the plants" })).await;

        let mut told = vec![];
        while told.len() < 2 {
            let event = events.next().await.unwrap()["coachingEvents"].clone();
            if event["__typename"] == "ActionItemCreated" {
                told.push(text(&event, "/actionItem/text"));
            }
        }
        assert_eq!(told, ["Buy shoes", "Buy trunks"]);
        let after = app.ok(&app.owner, about, json!({ "s": session })).await["node"].clone();
        assert_eq!((texts(&after["actionItems"]), &after["actionItems"]["totalCount"]), (told, &json!(2)));
        assert!(text(&after, "/updatedAt") > text(&before, "/updatedAt"), "{before} {after}");
    }
}

on_both! {
    async fn action_items_are_paged_newest_first_and_filtered(app: TestApp) {
        let run = goal(&app, &app.owner, "Run").await;
        let mut ids = vec![];
        for (text, goal) in [("a", None), ("b", Some(&run)), ("c", None), ("d", Some(&run))] {
            ids.push(write_down(&app, json!({ "text": text, "goalId": goal })).await);
        }
        let first = list(&app, &app.owner, json!({ "first": 3 })).await;
        assert_eq!((texts(&first), &first["totalCount"], &first["pageInfo"]["hasNextPage"]), (vec!["d".into(), "c".into(), "b".into()], &json!(4), &json!(true)));
        let next = list(&app, &app.owner, json!({ "first": 3, "after": first["pageInfo"]["endCursor"] })).await;
        assert_eq!((texts(&next), &next["pageInfo"]["hasNextPage"]), (vec!["a".to_owned()], &json!(false)));
        let back = list(&app, &app.owner, json!({ "last": 2, "before": next["pageInfo"]["startCursor"] })).await;
        assert_eq!((texts(&back), &back["pageInfo"]["hasPreviousPage"]), (vec!["c".to_owned(), "b".to_owned()], &json!(true)));

        update(&app, &ids[1], json!({ "status": "DONE" })).await;
        update(&app, &ids[2], json!({ "status": "DISMISSED" })).await;
        let wanted = async |filter: Value| texts(&list(&app, &app.owner, json!({ "filter": filter })).await).concat();
        assert_eq!(wanted(json!({ "status": ["OPEN"] })).await, "da");
        assert_eq!(wanted(json!({ "status": ["DONE", "DISMISSED"] })).await, "cb");
        assert_eq!(wanted(json!({ "goalId": run })).await, "db");
        assert_eq!(wanted(json!({ "goalId": run, "status": ["OPEN"] })).await, "d");
        assert_eq!(wanted(json!({ "status": [] })).await, "");
    }
}

on_both! {
    async fn nobody_else_sees_or_changes_an_action_item(app: TestApp) {
        let admin = app.person("Ada Admin").await;
        app.join(&admin, "ADMIN").await;
        let stranger = app.person("Sam Stranger").await;
        app.create_workspace(&stranger, "elsewhere").await;
        let session = start(&app).await;
        let run = goal(&app, &app.owner, "Run").await;
        let id = write_down(&app, json!({ "text": "Write to Ana", "sessionId": session })).await;
        for person in [&admin, &stranger] {
            assert_eq!(app.ok(person, NODE, json!({ "id": id })).await["node"], Value::Null);
            let change = json!({ "input": { "actionItemId": id, "status": "DONE" } });
            assert_eq!(app.code(person, UPDATE, change).await, "NOT_FOUND");
        }
        assert_eq!(list(&app, &admin, json!({})).await["totalCount"], 0);
        // Of somebody else's session, or for their goal, there is none.
        for (field, value) in [("sessionId", &session), ("goalId", &run)] {
            let theirs = create(&app, &admin, json!({ "text": "Spy", field: value })).await;
            assert_eq!((problem(&theirs), &theirs["actionItem"]), (("INVALID".into(), field.into()), &Value::Null));
            assert_eq!(list(&app, &admin, json!({ "filter": { "goalId": run } })).await["totalCount"], 0);
        }
        assert_eq!(list(&app, &app.owner, json!({})).await["nodes"], json!([{ "id": id, "text": "Write to Ana" }]));
    }
}

on_both! {
    async fn an_idempotency_key_writes_an_item_down_once(app: TestApp) {
        let session = start(&app).await;
        let keyed = |text: &str| json!({ "text": text, "sessionId": session, "idempotencyKey": "once" });
        let first = create(&app, &app.owner, keyed("Write to Ana")).await;
        let id = text(&first, "/actionItem/id");
        update(&app, &id, json!({ "text": "Write to Bea" })).await;
        let again = create(&app, &app.owner, keyed("Write to Ana")).await;
        assert_eq!((text(&again, "/actionItem/id"), text(&again, "/actionItem/text")), (id, "Write to Bea".into()));
        assert_eq!(problem(&create(&app, &app.owner, keyed("Call Ana")).await), ("IDEMPOTENCY_CONFLICT".into(), "idempotencyKey".into()));
        assert_eq!(list(&app, &app.owner, json!({})).await["totalCount"], 1);
    }
}

on_both! {
    async fn what_is_no_item_is_refused_with_its_field_and_writes_nothing(app: TestApp) {
        let other = app.create_workspace(&app.owner, "elsewhere").await;
        let theirs = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
        let elsewhere = text(&app.ok(&app.owner, theirs, json!({ "ws": other })).await, "/startCoachingSession/session/id");
        for said in ["", " \t", "two\nlines", &"x".repeat(501), &"x".repeat(1_000_000)] {
            assert_eq!(problem(&create(&app, &app.owner, json!({ "text": said })).await), ("INVALID".into(), "text".into()));
        }
        let of_elsewhere = create(&app, &app.owner, json!({ "text": "x", "sessionId": elsewhere })).await;
        assert_eq!(problem(&of_elsewhere), ("INVALID".into(), "sessionId".into()));
        for due in [json!("tomorrow"), json!("10000-01-01T00:00:00Z"), json!(1)] {
            let input = json!({ "workspaceId": app.workspace, "text": "x", "dueAt": due });
            assert_eq!(app.code(&app.owner, CREATE, json!({ "input": input })).await, "BAD_USER_INPUT", "{due}");
        }
        assert_eq!(list(&app, &app.owner, json!({})).await["totalCount"], 0);
        let longest = "😀".repeat(500);
        let id = write_down(&app, json!({ "text": longest, "dueAt": "9999-12-31T23:59:59.999999Z" })).await;
        for (field, bad) in [("status", Value::Null), ("text", Value::Null), ("text", json!("a\u{202e}b"))] {
            assert_eq!(problem(&update(&app, &id, json!({ field: bad })).await), ("INVALID".into(), field.into()));
        }
        let foreign = list(&app, &app.owner, json!({ "first": 1 })).await["pageInfo"]["endCursor"].clone();
        let of_session = "query($s: ID!, $after: String) { node(id: $s) { ... on CoachingSession { actionItems(after: $after) { nodes { id } } } } }";
        let code = app.code(&app.owner, of_session, json!({ "s": start(&app).await, "after": foreign })).await;
        assert_eq!(code, "INVALID_CURSOR");
    }
}

/// Each alone: of two lists in one document either may be there first, and what is below them then shares its statements or
/// does not.
const OF_SESSIONS: &str = "query($ws: ID!) { workspace(id: $ws) { coachingSessions { nodes { id topic
    actionItems(first: 2) { totalCount nodes { id text session { id topic } goal { id title } } } } } } }";
const OF_WORKSPACE: &str =
    "query($ws: ID!) { workspace(id: $ws) { actionItems { nodes { id text session { id topic }
    goal { id title } turn { id } viewerCan { updateActionItem } } } } }";

/// A session with a goal and three items.
async fn one_more(app: &TestApp, topic: &str) {
    let goal = goal(app, &app.owner, topic).await;
    let session = start_with(app, &app.owner, json!({ "goalId": goal, "topic": topic })).await;
    for number in 0..3 {
        write_down(
            app,
            json!({ "text": format!("{topic} {number}"), "sessionId": session["session"]["id"] }),
        )
        .await;
    }
}

/// What both lists give, and the statements of each.
async fn cost(app: &TestApp) -> ([Value; 2], [u64; 2]) {
    let ws = json!({ "ws": app.workspace });
    let (sessions, of_sessions) = app.cost(&app.owner, OF_SESSIONS, ws.clone()).await;
    let (items, of_workspace) = app.cost(&app.owner, OF_WORKSPACE, ws).await;
    ([sessions, items], [of_sessions, of_workspace])
}

on_both! {
    async fn items_of_sessions_cost_the_same_statements_for_one_and_for_six(app: TestApp) {
        one_more(&app, "violin").await;
        let app = app.restart_counted().await;
        let (_, alone) = cost(&app).await;
        let app = app.restart().await;
        for topic in ["kitchen", "harvest", "marathon", "budget", "garden"] {
            one_more(&app, topic).await;
        }
        let app = app.restart_counted().await;
        let ([sessions, items], six) = cost(&app).await;
        let sessions = sessions["workspace"]["coachingSessions"]["nodes"].as_array().unwrap();
        assert_eq!(sessions.len(), 6);
        for session in sessions {
            let topic = text(session, "/topic");
            assert_eq!(texts(&session["actionItems"]), [format!("{topic} 0"), format!("{topic} 1")]);
            assert_eq!((&session["actionItems"]["totalCount"], &session["actionItems"]["nodes"][0]["goal"]["title"]), (&json!(3), &json!(topic)));
        }
        assert_eq!(items["workspace"]["actionItems"]["nodes"].as_array().unwrap().len(), 18);
        assert_eq!(six, alone);
        assert!(six.iter().all(|count| *count <= 6), "{six:?}");
    }
}
