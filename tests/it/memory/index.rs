//! The copies of the index that processes have, and the rows that they are made from.
use super::{FORGET, IMPORT, RECALL, import, member, problem, recall, remember, texts};
use crate::{
    counted_on_both, on_both,
    support::{Binary, Database, TestApp, TestClock, text},
};
use aifirst::{
    db::Source,
    memory::{MemoryKind, MemoryScope, NewMemory},
    shared::{Ambient, id::WorkspaceId},
};
use chrono::TimeDelta;
use futures_util::future::join_all;
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, Database as Connector, Statement, Value as Bound,
    sea_query::{Expr, Query},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// Rows of a table.
pub async fn count(app: &TestApp, table: &str) -> i64 {
    let connection = app.running.services.db.connection();
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {table}");
    let count = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(count).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn execute(app: &TestApp, sql: &str) {
    let tx = app.running.services.db.begin().await.unwrap();
    tx.connection().execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    tx.commit().await.unwrap();
}

fn tulips(name: &str, count: usize) -> Value {
    (0..count)
        .map(|n| json!({ "externalId": format!("{name}{n}"), "text": format!("tulip {name} {n}") }))
        .collect()
}

/// Another server on the database of the first.
async fn second_server(first: &TestApp) -> TestApp {
    let settings = format!("database.url = '{}'", first.database.url);
    TestApp::without_workspace(Database::sqlite(), &settings, Ambient::system()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_finds_at_once_what_was_written_changed_and_forgotten() {
    let first = TestApp::start(Database::postgres().await).await;
    let second = second_server(&first).await;
    let ask = async |query: &str| {
        let variables = json!({ "ws": first.workspace, "q": query });
        let data = second.ok(&first.owner, super::RECALL, variables).await;
        let hits = data["workspace"]["recall"]["hits"].as_array().unwrap().clone();
        hits.iter().map(|hit| text(hit, "/item/text")).collect::<Vec<_>>()
    };
    let write =
        async |text: &str| remember(&first, &first.owner, json!({ "externalId": "1", "text": text })).await;
    for round in 0..4 {
        assert_eq!(write(&format!("apples {round}")).await["userErrors"], json!([]));
        assert_eq!(ask("apples").await, [format!("apples {round}")]);
    }
    let memory = write("A harpsichord").await;
    assert_eq!((ask("apples").await, ask("harpsichord").await), (vec![], vec!["A harpsichord".to_owned()]));
    first.ok(&first.owner, FORGET, json!({ "id": memory["memory"]["id"] })).await;
    assert!(ask("harpsichord").await.is_empty());
}

/// A copy that is older than what is told of removals is made anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_finds_nothing_forgotten_however_long_ago_it_looked() {
    let clock = TestClock::default();
    let first = TestApp::start_with(Database::postgres().await, "", clock.ambient()).await;
    let second = second_server(&first).await;
    let found = async || {
        let variables = json!({ "ws": first.workspace, "q": "tulips" });
        let data = second.ok(&first.owner, super::RECALL, variables).await;
        data["workspace"]["recall"]["hits"].as_array().unwrap().len()
    };
    let imported = import(&first, &first.owner, tulips("a", 3)).await;
    assert_eq!(found().await, 3);
    for (index, left) in [(0, 1), (1, 1)] {
        first.ok(&first.owner, FORGET, json!({ "id": imported["memories"][index]["id"] })).await;
        assert_eq!(
            count(&first, "memory_index_removal").await,
            left,
            "the removal of two days ago is pruned"
        );
        clock.forward(TimeDelta::days(2));
    }
    assert_eq!(found().await, 1);
    assert_eq!(count(&first, "memory_index").await, 1);
}

on_both! {
    async fn what_is_not_committed_is_in_no_index(app: TestApp) {
        let imported = import(&app, &app.owner, tulips("a", 3)).await;
        app.ok(&app.owner, FORGET, json!({ "id": imported["memories"][0]["id"] })).await;
        // Refused as a whole, for one of them was forgotten.
        let mut more = tulips("b", 60);
        more[59]["externalId"] = json!("a0");
        assert_eq!(problem(&import(&app, &app.owner, more).await).0, "FORGOTTEN");
        let services = &app.running.services;
        let actor = services.account.authenticate(&app.owner.token).await.unwrap();
        let mut tx = services.log.begin().await.unwrap();
        let new = NewMemory::new(app.workspace_id(), MemoryScope::User, MemoryKind::Note, "tulip never");
        services.memory.remember_in(&mut tx, &actor, new).await.unwrap();
        drop(tx);
        assert_eq!((count(&app, "memory").await, count(&app, "memory_index").await), (2, 2));
        assert_eq!(texts(&app, &app.owner, "tulips").await.len(), 2);
    }
}

on_both! {
    /// Killed in the midst of imports: what is there is indexed, and what is indexed is there.
    async fn a_killed_server_leaves_nothing_half_indexed(database: Database) {
        let binary = Binary::on(&database);
        let server = binary.serve().await;
        let client = server.client();
        let workspace = client.workspace().await;
        let (told, mut telling) = tokio::sync::mpsc::unbounded_channel();
        let importing = tokio::spawn({
            let (client, workspace) = (client.clone(), workspace.clone());
            async move {
                for batch in 0.. {
                    let items = tulips(&format!("batch{batch}x"), 200);
                    if client.ask(IMPORT, json!({ "ws": workspace, "items": items })).await.is_err() {
                        return batch;
                    }
                    told.send(()).unwrap();
                }
                0
            }
        });
        for _ in 0..2 {
            telling.recv().await.unwrap();
        }
        server.kill();
        let batches = importing.await.unwrap();
        let server = binary.serve().await;
        let client = client.at(&server);
        let recall = "query($ws: ID!) { workspace(id: $ws) { memories(first: 1) { totalCount }
            recall(input: {query: \"batch1x199\"}) { hits { item { ... on Memory { externalId } } } } } }";
        let found = client.get(recall, json!({ "ws": workspace })).await["workspace"].clone();
        let there = found["memories"]["totalCount"].as_i64().unwrap();
        // The one that was cut off is there as a whole, or not at all.
        assert!(there == batches * 200 || there == (batches + 1) * 200, "{there} of {batches}");
        assert_eq!(server.stop().await.code, Some(0));
        let app = TestApp::without_workspace(database, "", Ambient::system()).await;
        assert_eq!(count(&app, "memory_index").await, there);
        let partition = "memory_partition WHERE revision <> (SELECT MAX(revision) FROM memory_index)";
        assert_eq!(count(&app, partition).await, 0);
    }
}

on_both! {
    async fn copies_beyond_their_bound_are_let_go_and_answers_stay_right(database: Database) {
        let app = TestApp::start_with(database, "memory.index_bytes = 1", Ambient::system()).await;
        import(&app, &app.owner, tulips("a", 30)).await;
        remember(&app, &app.owner, json!({ "text": "a shared tulip", "scope": "WORKSPACE" })).await;
        let first = recall(&app, &app.owner, "tulips a").await;
        assert_eq!(first["hits"].as_array().unwrap().len(), 10);
        let again = join_all((0..6).map(|_| recall(&app, &app.owner, "tulips a"))).await;
        assert!(again.iter().all(|found| *found == first));
    }
}

on_both! {
    async fn recalls_at_once_after_a_start_read_the_index_once(database: Database) {
        let app = TestApp::start(database).await;
        import(&app, &app.owner, tulips("a", 40)).await;
        let app = app.restart_counted().await;
        let recalls = join_all((0..8).map(|_| recall(&app, &app.owner, "tulips")));
        let (found, statements) = app.statements(recalls).await;
        assert!(found.iter().all(|recall| *recall == found[0]));
        assert_eq!(statements, 8 * 3 + 2);
    }
}

counted_on_both! {
    async fn a_thousand_memories_are_written_in_few_statements(app: TestApp) {
        let (_, one) = app.statements(import(&app, &app.owner, tulips("a", 1))).await;
        let (_, thousand) = app.statements(import(&app, &app.owner, tulips("b", 1000))).await;
        assert!(thousand <= one + 15, "{one}, {thousand}");
    }
}

/// A database as a version without this index left it, with a memory of a workspace: the workspace's id.
async fn from_before(database: &Database) -> Uuid {
    let made = if database.is_sqlite() { "?mode=rwc" } else { "" };
    let connection = Connector::connect(format!("{}{made}", database.url)).await.unwrap();
    Migrator::up(&connection, Some(13)).await.unwrap();
    let now = Ambient::system().now();
    let (workspace, memory) = (Ambient::system().ids.uuid(), Ambient::system().ids.uuid());
    let insert = async |table: &'static str, row: Vec<(&'static str, Bound)>| {
        let (columns, values): (Vec<_>, Vec<_>) = row.into_iter().unzip();
        let insert = Query::insert()
            .into_table(table)
            .columns(columns)
            .values_panic(values.into_iter().map(Expr::value))
            .take();
        connection.execute(&insert).await.unwrap();
    };
    insert(
        "workspace",
        vec![
            ("id", workspace.into()),
            ("name", "Acme".into()),
            ("slug", "acme".into()),
            ("created_at", now.into()),
        ],
    )
    .await;
    insert(
        "memory_partition",
        vec![
            ("workspace_id", workspace.into()),
            ("owner_id", workspace.into()),
            ("scope", "WORKSPACE".into()),
            ("documents", 1_i64.into()),
            ("length", 2_i64.into()),
            ("salt", vec![7_u8; 32].into()),
        ],
    )
    .await;
    insert(
        "memory",
        vec![
            ("id", memory.into()),
            ("workspace_id", workspace.into()),
            ("owner_id", workspace.into()),
            ("scope", "WORKSPACE".into()),
            ("text", "A tulip from before".into()),
            ("kind", "NOTE".into()),
            ("status", "ACTIVE".into()),
            ("version", 1.into()),
            ("length", 2.into()),
            ("postings", 2.into()),
            ("created_at", now.into()),
            ("updated_at", now.into()),
        ],
    )
    .await;
    insert(
        "memory_posting",
        vec![
            ("workspace_id", workspace.into()),
            ("owner_id", workspace.into()),
            ("term", "tulip".into()),
            ("memory_id", memory.into()),
            ("frequency", 1.into()),
            ("length", 2.into()),
        ],
    )
    .await;
    connection.close().await.unwrap();
    workspace
}

async fn found_after_an_upgrade(database: Database) {
    let workspace = from_before(&database).await;
    let mut app = TestApp::without_workspace(database, "", Ambient::system()).await;
    app.workspace = WorkspaceId::from_uuid(workspace).to_string();
    let person = member(&app, "Mia Member", "MEMBER").await;
    assert_eq!(texts(&app, &person, "tulips").await, ["A tulip from before"]);
    assert_eq!(count(&app, "memory_index").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memories_from_before_the_index_are_found_after_an_upgrade_on_sqlite() {
    found_after_an_upgrade(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memories_from_before_the_index_are_found_after_an_upgrade_on_postgres() {
    found_after_an_upgrade(Database::empty_postgres().await).await;
}

on_both! {
    /// Half of it was done when the server was cut off; the rest was made by another model.
    async fn indexing_anew_goes_on_where_it_was_cut_off(database: Database) {
        let app = TestApp::start(database).await;
        import(&app, &app.owner, tulips("a", 600)).await;
        let before = recall(&app, &app.owner, "tulip 77").await;
        execute(&app, "UPDATE memory_index SET made_by = 'another' WHERE revision > 100").await;
        execute(&app, "UPDATE memory_partition SET made_by = 'another'").await;
        let app = app.restart().await;
        assert_eq!(count(&app, "memory_index WHERE made_by = 'another'").await, 0);
        assert_eq!(count(&app, "memory_partition WHERE made_by = 'another'").await, 0);
        assert_eq!(count(&app, "memory_index WHERE revision <= 100").await, 100, "what was done is not done again");
        assert_eq!(recall(&app, &app.owner, "tulip 77").await, before);
    }
}

/// The one statement on memories that this query comes to, and how SQLite carries it out.
async fn plan(app: &TestApp, query: &str, variables: Value) -> Vec<String> {
    let body = json!({ "query": query, "variables": variables, "extensions": { "explain": true } });
    let request = app.http.post(app.url()).bearer_auth(&app.owner.token).json(&body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let statements = answer["extensions"]["explain"]["statements"].as_array().unwrap();
    let found: Vec<&str> = statements.iter().filter_map(|statement| statement["sql"].as_str()).collect();
    let found: Vec<_> = found.into_iter().filter(|sql| sql.contains("FROM \"memory\" ")).collect();
    assert_eq!(found.len(), 1, "{answer:#}");
    let connection = app.running.services.db.connection();
    let plan = format!("EXPLAIN QUERY PLAN {}", found[0]);
    let plan = Statement::from_string(connection.get_database_backend(), plan);
    let steps = connection.query_all_raw(plan).await.unwrap();
    steps.iter().map(|step| step.try_get("", "detail").unwrap()).collect()
}

/// SQLite keeps no statistics: left to itself, it goes through all that a workspace has for the ten hits of a recall.
#[tokio::test]
async fn hits_are_looked_up_by_their_ids() {
    let app = TestApp::start(Database::sqlite()).await;
    import(&app, &app.owner, tulips("a", 12)).await;
    let steps = plan(&app, RECALL, json!({ "ws": app.workspace, "q": "tulip" })).await;
    assert_eq!(steps, ["SEARCH memory USING INDEX sqlite_autoindex_memory_1 (id=?)"]);
}

/// Nothing is sorted: a page reads what it shows.
#[tokio::test]
async fn an_export_reads_its_pages_in_their_order() {
    let app = TestApp::start(Database::sqlite()).await;
    import(&app, &app.owner, tulips("a", 12)).await;
    let export =
        "query($ws: ID!, $after: ID) { workspace(id: $ws) { memoryExport(after: $after) { count } } }";
    let list = "query($ws: ID!) { workspace(id: $ws) { memories(first: 1) { nodes { id } } } }";
    let list = app.ok(&app.owner, list, json!({ "ws": app.workspace })).await;
    let after = text(&list, "/workspace/memories/nodes/0/id");
    let steps = plan(&app, export, json!({ "ws": app.workspace, "after": after })).await;
    let by = "SEARCH memory USING INDEX memory_by_workspace_id_owner_id_id (workspace_id=? AND owner_id=? AND id>?)";
    assert_eq!(steps, [by]);
}
