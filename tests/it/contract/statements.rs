//! What each operation costs in SQL statements, beside little and beside much. `scripts/figures` shows the lines that
//! begin with `statements:`.
use super::{operations, operations::LATER};
use crate::support::{Database, PATIENCE, Person, TestApp, text};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// More than the pages that the operations ask for.
const MANY: usize = 12;
/// What a stream of changes costs with one change in it, and with the first look at the log for all who follow.
const CHANGES: u64 = 7;

/// A place with as much of everything as was asked for.
struct World {
    size: usize,
    owner: Person,
    workspace: String,
    memory: String,
    session: String,
    /// The last event but the terminal one of the session's last turn.
    before_reply: Value,
    run: String,
    approval: String,
    before_approval: Value,
}

fn document(name: &str) -> &'static str {
    operations()[name]
}

async fn fill(app: &TestApp, size: usize) -> World {
    let owner = app.person("Wilma").await;
    let mut workspace = String::new();
    for number in 0..size {
        workspace = app.create_workspace(&owner, &format!("world-{size}-{number}")).await;
    }
    let play = async |name: &str, variables: Value| app.ok(&owner, document(name), variables).await;
    let imported = play("ImportMemories", json!({ "ws": workspace, "items": items("filled", size) })).await;
    let memory = text(&imported, "/importMemories/memories/0/id");

    let (mut session, mut turns) = (String::new(), vec![]);
    for number in 0..size {
        let goal = "mutation($ws: ID!) { createGoal(input: {workspaceId: $ws, title: \"Grow tulips\"}) { goal { id } } }";
        let goal = text(&app.ok(&owner, goal, json!({ "ws": workspace })).await, "/createGoal/goal/id");
        let start =
            "mutation($ws: ID!, $goal: ID!) { startCoachingSession(input: {workspaceId: $ws, goalId: $goal,
            topic: \"Tulips\"}) { session { id } } }";
        let started = app.ok(&owner, start, json!({ "ws": workspace, "goal": goal })).await;
        session = text(&started, "/startCoachingSession/session/id");
        // One turn in each, and many in the last.
        let count = if number + 1 == size { size } else { 1 };
        let mut stream = app.subscribe(&owner, document("Coaching"), json!({ "s": session })).await;
        for _ in 0..count {
            play("Send", json!({ "s": session, "text": "What do we know of tulips?" })).await;
            turns = stream.until("coachingEvents", |event| event["__typename"] == "TurnCompleted").await;
        }
    }
    let started = turns.iter().rev().find(|event| event["__typename"] == "TurnStarted").unwrap();

    let mut steps: Vec<_> = (0..size)
        .map(
            |number| json!({ "key": format!("s{number}"), "action": { "transform": { "expression": "1" } } }),
        )
        .collect();
    let before: Vec<_> = steps.iter().map(|step| step["key"].clone()).collect();
    steps.push(json!({ "key": "ok", "after": before, "action": { "approval": { "title": "Send it?" } } }));
    let (mut run, mut waited) = (String::new(), vec![]);
    for _ in 0..size {
        let create = "mutation($ws: ID!, $steps: [StepInput!]!) { createWorkflow(input: {workspaceId: $ws, name: \"Filled\",
            graph: {steps: $steps}}) { workflow { id } userErrors { message } } }";
        let created = app.ok(&owner, create, json!({ "ws": workspace, "steps": steps })).await;
        let workflow = json!({ "w": text(&created, "/createWorkflow/workflow/id") });
        play("Publish", workflow.clone()).await;
        run = text(&play("Start", workflow).await, "/startRun/run/id");
        let mut stream = app.subscribe(&owner, document("Run"), json!({ "r": run })).await;
        waited = stream.until("runEvents", |event| event["__typename"] == "ApprovalRequested").await;
    }
    let asked = waited.last().unwrap();
    World {
        size,
        memory,
        session,
        before_reply: started["cursor"].clone(),
        approval: text(asked, "/approval/id"),
        before_approval: waited[waited.len() - 2]["cursor"].clone(),
        run,
        workspace,
        owner,
    }
}

fn items(name: &str, count: usize) -> Vec<Value> {
    (0..count)
        .map(|number| {
            json!({ "externalId": format!("{name}/{number}"), "text": format!("tulips and {name} {number}"),
                "kind": "EPISODE", "speaker": "Caroline", "collection": "conv-0/1" })
        })
        .collect()
}

/// Plays the operations in one world, and counts.
struct Counter<'a> {
    app: &'a TestApp,
    world: &'a World,
    counts: BTreeMap<&'static str, u64>,
}

impl Counter<'_> {
    async fn play(&mut self, name: &'static str, variables: Value) -> Value {
        let (data, count) = self.app.cost(&self.world.owner, document(name), variables).await;
        self.counts.insert(name, count);
        data
    }

    /// From the connection to the stream's end. Of what has ended: else it would still look for more.
    async fn follow(&mut self, name: &'static str, variables: Value, wanted: &str) {
        let (app, owner) = (self.app, &self.world.owner);
        let follow = async {
            let mut stream = app.subscribe(owner, document(name), variables).await;
            let mut kinds = vec![];
            while let Some(event) = stream.next().await {
                kinds.push(text(event.as_object().unwrap().values().next().unwrap(), "/__typename"));
            }
            kinds
        };
        let (kinds, count) = app.statements(follow).await;
        assert!(kinds.iter().any(|kind| kind == wanted), "{kinds:?}");
        self.counts.insert(name, count);
    }

    /// One change after a cursor. The stream has no end: after the change it looks once more, sooner or later, and then
    /// waits. So the count is one that must be reached, and not be passed before.
    async fn follow_one_change(&mut self, after: Value) {
        let (app, owner) = (self.app, &self.world.owner);
        let variables = json!({ "ws": self.world.workspace, "after": after });
        let now = || app.running.services.db.statements();
        let (before, _) = app.statements(async { now() }).await;
        let mut stream = app.subscribe(owner, document("Changes"), variables).await;
        assert_eq!(stream.next().await.unwrap()["changes"]["node"]["__typename"], "Memory");
        let begun = Instant::now();
        while now() - before < CHANGES {
            assert!(begun.elapsed() < PATIENCE, "{} statements, and no more", now() - before);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.counts.insert("Changes", now() - before);
        stream.end().await;
    }

    async fn play_all(&mut self) {
        let World { size, workspace, memory, session, before_reply, run, approval, before_approval, .. } =
            self.world;
        let ws = json!({ "ws": workspace });
        self.play("Viewer", json!({})).await;
        self.play("Dashboard", ws.clone()).await;
        self.play("Calls", ws.clone()).await;
        self.play("SetBudget", json!({ "ws": workspace, "amount": "5" })).await;
        self.play("Budgets", ws.clone()).await;
        self.play("CreateWorkspace", json!({})).await;
        self.play("Recall", json!({ "ws": workspace, "q": "tulips" })).await;
        self.play("RecallGroups", json!({ "ws": workspace, "q": "tulips" })).await;
        let cursor = "query($ws: ID!) { workspace(id: $ws) { cursor } }";
        let cursor = self.app.ok(&self.world.owner, cursor, ws.clone()).await["workspace"]["cursor"].clone();
        self.play("Remember", ws.clone()).await;
        self.follow_one_change(cursor).await;
        self.play("ImportMemories", json!({ "ws": workspace, "items": items("new", *size) })).await;

        let said = "Tulips grow in the spring. ".repeat(100 * size);
        self.play("AddDocument", json!({ "ws": workspace, "text": said })).await;

        self.play("StartSession", ws.clone()).await;
        let sent = self.play("Send", json!({ "s": session, "text": "And now?", "key": "k" })).await;
        self.play("Interrupt", json!({ "t": text(&sent, "/sendMessage/turn/id") })).await;
        self.play("EndSession", json!({ "s": session })).await;
        self.follow("Coaching", json!({ "s": session, "after": before_reply }), "TurnCompleted").await;

        self.play("RunState", json!({ "r": run })).await;
        self.play("Decide", json!({ "a": approval })).await;
        self.play("Cancel", json!({ "r": run })).await;
        self.follow("Run", json!({ "r": run, "after": before_approval }), "ApprovalRequested").await;
        let created = self.play("CreateWorkflow", ws).await;
        let workflow = text(&created, "/createWorkflow/workflow/id");
        self.play("Publish", json!({ "w": workflow })).await;
        let started = self.play("Start", json!({ "w": workflow, "key": "k" })).await;
        self.play("Cancel", json!({ "r": text(&started, "/startRun/run/id") })).await;

        for (name, id) in
            [("point read, memory", memory), ("point read, session", session), ("point read, run", run)]
        {
            let read = "query($id: ID!) { node(id: $id) { id ... on Memory { text } ... on Run { status }
                ... on CoachingSession { topic } } }";
            let (_, count) = self.app.cost(&self.world.owner, read, json!({ "id": id })).await;
            self.counts.insert(name, count);
        }
        // Last: one that replies quote, in both worlds.
        let quoted = "query($s: ID!) { node(id: $s) { ... on CoachingSession { messages(last: 50) { nodes { citations { memory { id } } } } } } }";
        let quoted = self.app.ok(&self.world.owner, quoted, json!({ "s": session })).await;
        let messages = quoted["node"]["messages"]["nodes"].as_array().unwrap();
        let quoted = messages.iter().flat_map(|message| message["citations"].as_array().unwrap());
        let quoted = quoted.map(|citation| &citation["memory"]["id"]).next().unwrap();
        self.play("Forget", json!({ "id": quoted })).await;
    }
}

#[expect(clippy::print_stdout, reason = "scripts/figures shows them")]
async fn count(database: Database) {
    let kind = if database.is_sqlite() { "SQLite" } else { "PostgreSQL" };
    let app = TestApp::start(database).await;
    let worlds = [fill(&app, 1).await, fill(&app, MANY).await];
    let app = app.restart_counted().await;
    let mut counted = vec![];
    for world in &worlds {
        let mut counter = Counter { app: &app, world, counts: BTreeMap::new() };
        counter.play_all().await;
        counted.push(counter.counts);
    }
    for (name, count) in &counted[1] {
        println!("statements: {name} {count} ({kind})");
    }
    assert_eq!(counted[0], counted[1], "beside one of each, and beside {MANY}");
    assert!(counted[1]["Dashboard"] <= 8, "{counted:#?}");
    for (name, count) in &counted[1] {
        assert!(!name.starts_with("point read") || (1..=2).contains(count), "{name}: {count}");
    }
    let untold = operations().into_keys();
    let untold: Vec<_> =
        untold.filter(|name| !counted[1].contains_key(name) && !LATER.contains(name)).collect();
    assert!(untold.is_empty(), "not counted: {untold:?}");
}

#[tokio::test]
async fn statements_of_the_contracts_operations_on_sqlite() {
    count(Database::sqlite()).await;
}

#[tokio::test]
async fn statements_of_the_contracts_operations_on_postgres() {
    count(Database::postgres().await).await;
}
