//! What was so, what was known, and what is over.
use super::{FORGET, import, member, problem, remember, texts};
use crate::{
    counted_on_both, on_both,
    support::{Person, TestApp, TestClock, text},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

const SUPERSEDE: &str = "mutation($input: SupersedeMemoryInput!) { supersedeMemory(input: $input) {
    memory { id status supersededAt supersededFrom supersededBy { id text }
        history { kind reason other { id } } }
    by { id text status kind scope speaker validFrom history { kind reason other { id } } }
    userErrors { code field message } } }";
const AT: &str = "query($ws: ID!, $input: RecallInput!) { workspace(id: $ws) { recall(input: $input) {
    hits { item { ... on Memory { text } } } } } }";
const AGAINST: &str = "query($ws: ID!, $id: ID!) { workspace(id: $ws) { contradictions(memoryId: $id) {
    memory { id text } kind } } }";

async fn supersede(app: &TestApp, person: &Person, input: Value) -> Value {
    app.ok(person, SUPERSEDE, json!({ "input": input })).await["supersedeMemory"].clone()
}

/// The texts that a recall with this input finds.
async fn found(app: &TestApp, mut input: Value) -> Vec<String> {
    input["query"] = json!("Where does Ana live?");
    let data = app.ok(&app.owner, AT, json!({ "ws": app.workspace, "input": input })).await;
    let hits = data["workspace"]["recall"]["hits"].as_array().unwrap();
    hits.iter().map(|hit| text(hit, "/item/text")).collect()
}

fn id_of(written: &Value) -> String {
    text(written, "/memory/id")
}

on_both! {
    async fn what_is_superseded_is_found_for_its_time_alone(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, "", clock.ambient()).await;
        let oslo = remember(&app, &app.owner, json!({ "text": "Ana lives in Oslo", "kind": "FACT", "speaker": "Ben",
            "validFrom": "2020-01-01T00:00:00Z" })).await;
        let before = clock.now();
        clock.forward(TimeDelta::days(2));
        let done = supersede(&app, &app.owner, json!({ "memoryId": id_of(&oslo), "by": { "text": " Ana lives in Bergen " },
            "since": "2023-06-01T00:00:00Z", "reason": "she moved" })).await;
        assert_eq!((text(&done, "/memory/status"), text(&done, "/memory/supersededBy/text")), ("SUPERSEDED".into(), "Ana lives in Bergen".into()), "{done:#}");
        assert_eq!(done["memory"]["history"], json!([{ "kind": "SUPERSEDED", "reason": "she moved", "other": { "id": done["by"]["id"] } }]));
        assert_eq!(done["by"]["history"], json!([{ "kind": "SUPERSEDES", "reason": "she moved", "other": { "id": done["memory"]["id"] } }]));
        assert_eq!((text(&done, "/by/kind"), text(&done, "/by/speaker"), text(&done, "/by/validFrom")), ("FACT".into(), "Ben".into(), "2023-06-01T00:00:00Z".into()));

        let (oslo, bergen) = (vec!["Ana lives in Oslo".to_owned()], vec!["Ana lives in Bergen".to_owned()]);
        assert_eq!(found(&app, json!({})).await, bergen);
        assert_eq!(found(&app, json!({ "trueAt": "2022-01-01T00:00:00Z" })).await, oslo);
        assert_eq!(found(&app, json!({ "trueAt": "2024-01-01T00:00:00Z" })).await, bergen);
        assert_eq!(found(&app, json!({ "knownAt": before })).await, oslo);
        assert_eq!(found(&app, json!({ "trueAt": "2024-01-01T00:00:00Z", "knownAt": before })).await, oslo);
        let early = before - TimeDelta::days(1);
        assert_eq!(found(&app, json!({ "knownAt": early })).await, [""; 0]);
        assert_eq!(found(&app, json!({ "trueAt": "2019-01-01T00:00:00Z" })).await, [""; 0]);

        // The server that starts anew makes its copy of the rows.
        let app = app.restart_with("", clock.ambient()).await;
        assert_eq!(found(&app, json!({ "trueAt": "2022-01-01T00:00:00Z" })).await, oslo);
        assert_eq!(found(&app, json!({})).await, bergen);
        // What is forgotten was never known.
        app.ok(&app.owner, FORGET, json!({ "id": done["memory"]["id"] })).await;
        assert_eq!(found(&app, json!({ "knownAt": before })).await, [""; 0]);
    }
}

on_both! {
    async fn a_mistake_was_never_so_and_a_proposal_can_take_its_place(app: TestApp) {
        let wrong = remember(&app, &app.owner, json!({ "text": "Ana lives in Oslo" })).await;
        let extract = "mutation($ws: ID!) { extractMemories(input: {workspaceId: $ws, dryRun: false, source: {text: {
            text: \"Ana lives in Bergen.\"}}}) { candidates { text contradicts { id } } memories { id } } }";
        let proposed = app.ok(&app.owner, extract, json!({ "ws": app.workspace })).await["extractMemories"].clone();
        assert_eq!(proposed["candidates"][0]["contradicts"], json!([{ "id": id_of(&wrong) }]), "{proposed:#}");
        let by = json!({ "memoryId": proposed["memories"][0]["id"] });
        let done = supersede(&app, &app.owner, json!({ "memoryId": id_of(&wrong), "by": by })).await;
        assert_eq!((text(&done, "/by/status"), &done["memory"]["supersededFrom"]), ("ACTIVE".into(), &Value::Null), "{done:#}");
        assert_eq!(found(&app, json!({})).await, ["Ana lives in Bergen."]);
        assert_eq!(found(&app, json!({ "trueAt": "2022-01-01T00:00:00Z" })).await, ["Ana lives in Bergen."]);
        // Once is enough, and neither itself nor another's takes its place.
        let again = supersede(&app, &app.owner, json!({ "memoryId": id_of(&wrong), "by": { "text": "x" } })).await;
        assert_eq!(problem(&again), ("CONFLICT".into(), "memoryId".into()));
        let current = text(&done, "/by/id");
        let itself = supersede(&app, &app.owner, json!({ "memoryId": current, "by": { "memoryId": current } })).await;
        assert_eq!(problem(&itself), ("INVALID".into(), "by.memoryId".into()));
        let shared = remember(&app, &app.owner, json!({ "text": "Ana lives in Rome", "scope": "WORKSPACE" })).await;
        let other = supersede(&app, &app.owner, json!({ "memoryId": current, "by": { "memoryId": id_of(&shared) } })).await;
        assert_eq!(problem(&other), ("INVALID".into(), "by.memoryId".into()));
        let long = supersede(&app, &app.owner, json!({ "memoryId": current, "by": { "text": "x" }, "reason": "y".repeat(501) })).await;
        assert_eq!(problem(&long), ("INVALID".into(), "reason".into()));
        let admin = member(&app, "Adam Admin", "ADMIN").await;
        let theirs = json!({ "input": { "memoryId": current, "by": { "text": "x" } } });
        assert_eq!(app.code(&admin, SUPERSEDE, theirs).await, "NOT_FOUND");
        let key = json!({ "memoryId": current, "by": { "text": "Ana lives in Rome" }, "idempotencyKey": "k" });
        let first = supersede(&app, &app.owner, key.clone()).await;
        assert_eq!(supersede(&app, &app.owner, key).await["by"]["id"], first["by"]["id"]);
    }
}

on_both! {
    async fn what_has_expired_is_not_recalled_from_that_moment_on(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, "serve.work = false", clock.ambient()).await;
        let end = clock.now() + TimeDelta::hours(1);
        let written = remember(&app, &app.owner, json!({ "text": "Ana lives in Oslo", "expiresAt": end })).await;
        assert_eq!(found(&app, json!({})).await, ["Ana lives in Oslo"]);
        clock.forward(TimeDelta::minutes(59));
        assert_eq!(found(&app, json!({})).await.len(), 1);
        // Nobody has swept: a recall looks at the time itself.
        clock.forward(TimeDelta::minutes(1));
        let early = end - TimeDelta::minutes(30);
        for input in [json!({}), json!({ "knownAt": early }), json!({ "trueAt": early })] {
            assert_eq!(found(&app, input.clone()).await, [""; 0], "{input}");
        }
        let memories = &app.running.services.memory;
        let cursor = "query($ws: ID!) { workspace(id: $ws) { cursor } }";
        let cursor = app.ok(&app.owner, cursor, json!({ "ws": app.workspace })).await["workspace"]["cursor"].clone();
        assert_eq!(memories.expire_due().await.unwrap(), 1);
        assert_eq!(memories.expire_due().await.unwrap(), 0);
        let changes = "query($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) {
            changes { kind node { id ... on Memory { status history { kind } } } } } }";
        let changes = app.ok(&app.owner, changes, json!({ "ws": app.workspace, "after": cursor })).await;
        let expected = json!([{ "kind": "UPDATED", "node": { "id": id_of(&written), "status": "EXPIRED", "history": [{ "kind": "EXPIRED" }] } }]);
        assert_eq!(changes["changes"]["changes"], expected);
        assert_eq!(found(&app, json!({})).await, [""; 0]);
        // It may be remembered anew, and be imported again with another end.
        let item = |expires: Option<&str>| json!([{ "externalId": "a", "text": "Ana lives in Oslo", "expiresAt": expires }]);
        import(&app, &app.owner, item(Some("2001-01-01T00:00:00Z"))).await;
        memories.expire_due().await.unwrap();
        assert_eq!(texts(&app, &app.owner, "Oslo").await, [""; 0]);
        import(&app, &app.owner, item(None)).await;
        assert_eq!(texts(&app, &app.owner, "Oslo").await, ["Ana lives in Oslo"]);
    }
}

on_both! {
    async fn a_worker_puts_out_of_use_what_has_expired(app: TestApp) {
        let written = remember(&app, &app.owner, json!({ "text": "Ana lives in Oslo", "expiresAt": "2001-01-01T00:00:00Z" })).await;
        let live = "subscription($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) { node { id ... on Memory { status } } } }";
        let cursor = "query($ws: ID!) { workspace(id: $ws) { cursor } }";
        let now = app.ok(&app.owner, cursor, json!({ "ws": app.workspace })).await["workspace"]["cursor"].clone();
        let status = "query($id: ID!) { node(id: $id) { ... on Memory { status } } }";
        let mut changes = app.subscribe(&app.owner, live, json!({ "ws": app.workspace, "after": now })).await;
        // It may have been quicker than the subscription.
        let before = app.ok(&app.owner, status, json!({ "id": id_of(&written) })).await;
        if before["node"]["status"] != "EXPIRED" {
            changes.until("changes", |change| change["node"]["status"] == "EXPIRED").await;
        }
        let after = app.ok(&app.owner, status, json!({ "id": id_of(&written) })).await;
        assert_eq!(after["node"]["status"], "EXPIRED");
    }
}

on_both! {
    async fn times_are_checked_and_kept(app: TestApp) {
        let wrong = json!({ "text": "x", "validFrom": "2023-01-01T00:00:00Z", "validTo": "2022-01-01T00:00:00Z" });
        assert_eq!(problem(&remember(&app, &app.owner, wrong).await), ("INVALID".into(), "validTo".into()));
        let item = json!([{ "externalId": "a", "text": "x", "validFrom": "2022-01-01T00:00:00Z", "validTo": "2022-01-01T00:00:00Z" }]);
        assert_eq!(problem(&import(&app, &app.owner, item).await), ("INVALID".into(), "items.0.validTo".into()));
        let good = remember(&app, &app.owner, json!({ "text": "Ana lives in Oslo", "validFrom": "2022-01-01T00:00:00Z", "validTo": "2023-01-01T00:00:00Z" })).await;
        let times = "query($id: ID!) { node(id: $id) { ... on Memory { validFrom validTo expiresAt } } }";
        let shown = app.ok(&app.owner, times, json!({ "id": id_of(&good) })).await;
        assert_eq!(shown["node"], json!({ "validFrom": "2022-01-01T00:00:00Z", "validTo": "2023-01-01T00:00:00Z", "expiresAt": null }));
        // A time that is over is told with the memory; only who asks for a time goes by it.
        assert_eq!(found(&app, json!({})).await.len(), 1);
        assert_eq!(found(&app, json!({ "trueAt": "2022-07-01T00:00:00Z" })).await.len(), 1);
        assert_eq!(found(&app, json!({ "trueAt": "2023-01-01T00:00:00Z" })).await.len(), 0);
    }
}

on_both! {
    async fn what_cannot_both_hold_is_shown_and_nothing_is_dropped(app: TestApp) {
        let write = async |text: &str| id_of(&remember(&app, &app.owner, json!({ "text": text })).await);
        let (march, april) = (write("The launch is on 14 March").await, write("The launch is on 2 April").await);
        write("The launch party has cake").await;
        let denied = write("Ana does not like tea").await;
        let liked = write("Ana likes tea").await;
        let against = async |id: &str| {
            let data = app.ok(&app.owner, AGAINST, json!({ "ws": app.workspace, "id": id })).await;
            let found = data["workspace"]["contradictions"].as_array().unwrap().clone();
            found.iter().map(|it| (text(it, "/memory/id"), text(it, "/kind"))).collect::<Vec<_>>()
        };
        assert_eq!(against(&march).await, [(april.clone(), "OTHER_NUMBER".to_owned())]);
        assert_eq!(against(&april).await, [(march.clone(), "OTHER_NUMBER".to_owned())]);
        assert_eq!(against(&denied).await, [(liked.clone(), "DENIES".to_owned())]);
        // Settled, it is none any more; both are there all the while.
        supersede(&app, &app.owner, json!({ "memoryId": march, "by": { "memoryId": april } })).await;
        assert_eq!(against(&april).await, []);
        let list = "query($ws: ID!) { workspace(id: $ws) { memories(first: 9) { totalCount } } }";
        let list = app.ok(&app.owner, list, json!({ "ws": app.workspace })).await;
        assert_eq!(list["workspace"]["memories"]["totalCount"], 5);
        let stranger = app.person("Sam Stranger").await;
        app.create_workspace(&stranger, "theirs").await;
        let hidden = app.ok(&stranger, AGAINST, json!({ "ws": app.workspace, "id": april })).await;
        assert_eq!(hidden, json!({ "workspace": null }));
        let admin = member(&app, "Adam Admin", "ADMIN").await;
        assert_eq!(app.code(&admin, AGAINST, json!({ "ws": app.workspace, "id": april })).await, "NOT_FOUND");
    }
}

counted_on_both! {
    async fn the_history_of_many_memories_is_one_statement(app: TestApp) {
        let list = "query($ws: ID!) { workspace(id: $ws) { memories(first: 50) { nodes { text history { kind } supersededBy { id } sources { quote } } } } }";
        let write = async |number: usize| {
            let one = remember(&app, &app.owner, json!({ "text": format!("Ana lives in house {number}") })).await;
            supersede(&app, &app.owner, json!({ "memoryId": id_of(&one), "by": { "text": format!("Ana lives in flat {number}") } })).await;
        };
        write(0).await;
        let (_, few) = app.cost(&app.owner, list, json!({ "ws": app.workspace })).await;
        for number in 1..8 {
            write(number).await;
        }
        let (_, many) = app.cost(&app.owner, list, json!({ "ws": app.workspace })).await;
        assert_eq!(few, many);
    }
}
