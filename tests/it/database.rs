//! The schema that the migrations make, held against the entities, on both databases; and what is set on SQLite.
use crate::{
    on_both,
    support::{Database, TestApp},
};
use aifirst::{
    config::Config,
    db::{self, Db, Source},
    shared::Ambient,
};
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ColumnType, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel,
    Iterable, QueryTrait, SqlErr, Statement,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// Name → (type, nullable).
type Columns = BTreeMap<String, (String, bool)>;

fn expected<E: EntityTrait>(sqlite: bool) -> (String, Columns) {
    let columns = E::Column::iter().map(|column| {
        let definition = column.def();
        let kind = kind(definition.get_column_type(), sqlite).to_owned();
        (sea_orm::IdenStatic::as_str(&column).to_owned(), (kind, definition.is_null()))
    });
    (E::default().table_name().to_owned(), columns.collect())
}

fn kind(column: &ColumnType, sqlite: bool) -> &'static str {
    let (on_sqlite, on_postgres) = match column {
        ColumnType::Uuid => ("uuid_text", "uuid"),
        ColumnType::Text => ("text", "text"),
        ColumnType::BigInteger => ("integer", "int8"),
        ColumnType::Integer => ("integer", "int4"),
        ColumnType::Double => ("double", "float8"),
        ColumnType::TimestampWithTimeZone => ("timestamp_with_timezone_text", "timestamptz"),
        ColumnType::JsonBinary => ("jsonb_text", "jsonb"),
        ColumnType::Blob | ColumnType::VarBinary(_) | ColumnType::Binary(_) => ("blob", "bytea"),
        ColumnType::Boolean => ("boolean", "bool"),
        other => panic!("{other:?}: say here what it is on both databases"),
    };
    if sqlite { on_sqlite } else { on_postgres }
}

/// All entities: each file of entity/src is named here once.
macro_rules! entities {
    ($($name:ident),* $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        fn all_expected(sqlite: bool) -> BTreeMap<String, Columns> {
            [$(expected::<entity::$name::Entity>(sqlite)),*].into_iter().collect()
        }

        fn orders() -> Vec<(&'static str, Vec<&'static str>, Vec<&'static str>)> {
            vec![$((
                stringify!($name),
                <entity::$name::Model as entity::FromRow>::COLUMNS.to_vec(),
                entity::$name::Column::iter().map(|column| sea_orm::IdenStatic::as_str(&column)).collect(),
            )),*]
        }

        /// Of each entity, how its rows are selected: as sea-orm says it, and as `rows` does.
        fn selects(backend: DbBackend) -> Vec<[Statement; 2]> {
            vec![$([
                entity::$name::Entity::find().build(backend),
                entity::$name::Entity::rows().build(backend),
            ]),*]
        }
    };
}

entities!(
    action_item,
    action_item_quote,
    api_key,
    approval,
    audit_entry,
    budget,
    budget_account,
    budget_lease,
    citation,
    coaching_session,
    document,
    document_chunk,
    document_text,
    document_upload,
    document_upload_piece,
    erasure_receipt,
    event,
    event_head,
    gateway_state,
    goal,
    guardrail_policy,
    idempotency_key,
    invitation,
    llm_call,
    llm_call_content,
    membership,
    memory,
    memory_alias,
    memory_change,
    memory_embedding,
    memory_embedding_progress,
    memory_embedding_state,
    memory_index,
    memory_index_removal,
    memory_partition,
    memory_source,
    memory_tombstone,
    message,
    route,
    run,
    run_source,
    server_key,
    service_account,
    step_attempt,
    step_run,
    trusted_document,
    turn,
    user,
    workflow,
    workflow_version,
    workspace,
);

#[test]
fn every_entity_is_held_against_the_schema() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/entity/src")).unwrap();
    let files: BTreeSet<String> = files
        .map(|file| file.unwrap().file_name().to_str().unwrap().trim_end_matches(".rs").to_owned())
        .collect();
    let named: BTreeSet<String> = NAMES.iter().copied().chain(["lib", "row"]).map(str::to_owned).collect();
    assert_eq!(files, named);
}

/// Else a row's values would come into each other's fields.
#[test]
fn rows_are_read_in_the_order_in_which_their_columns_are_selected() {
    for (table, read, selected) in orders() {
        assert_eq!(read, selected, "{table}");
    }
    for backend in [DbBackend::Sqlite, DbBackend::Postgres] {
        for [found, rows] in selects(backend) {
            assert_eq!(rows.sql, found.sql);
        }
    }
}

on_both! {
    async fn the_migrated_schema_is_what_the_entities_say(app: TestApp) {
        let found = schema(&app.running.services.db).await;
        let expected = all_expected(app.database.is_sqlite());
        for (table, columns) in &expected {
            assert_eq!(found.get(table), Some(columns), "{table}");
        }
        let tables = |schema: &BTreeMap<String, Columns>| schema.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(tables(&found), tables(&expected));
    }
}

async fn schema(db: &Db) -> BTreeMap<String, Columns> {
    let sql = if db.is_sqlite() {
        "SELECT m.name AS table_name, c.name AS column_name, lower(c.type) AS type,
                c.\"notnull\" = 0 AND c.pk = 0 AS nullable
         FROM sqlite_schema m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'seaql_migrations'"
    } else {
        "SELECT table_name::text, column_name::text, udt_name::text AS type, is_nullable = 'YES' AS nullable
         FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name <> 'seaql_migrations'"
    };
    let mut found: BTreeMap<String, Columns> = BTreeMap::new();
    for row in rows(db, sql).await {
        let text = |column: &str| row.try_get::<String>("", column).unwrap();
        let nullable = row.try_get::<bool>("", "nullable").unwrap();
        found.entry(text("table_name")).or_default().insert(text("column_name"), (text("type"), nullable));
    }
    found
}

async fn rows(db: &Db, sql: &str) -> Vec<sea_orm::QueryResult> {
    let connection = db.connection();
    connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap()
}

/// Columns, then indexes and migrations as text, one line each.
async fn snapshot(db: &Db) -> (BTreeMap<String, Columns>, Vec<String>) {
    let sql = if db.is_sqlite() {
        "SELECT sql AS line FROM sqlite_schema WHERE sql IS NOT NULL
         UNION ALL SELECT version || ' ' || applied_at FROM seaql_migrations ORDER BY 1"
    } else {
        "SELECT indexdef::text AS line FROM pg_indexes WHERE schemaname = 'public'
         UNION ALL SELECT version || ' ' || applied_at FROM seaql_migrations ORDER BY 1"
    };
    let lines = rows(db, sql).await;
    (schema(db).await, lines.iter().map(|row| row.try_get("", "line").unwrap()).collect())
}

async fn replay(database: Database) {
    let config = Config::with(&database.settings()).unwrap();
    let open = || async { db::open(&config).await.unwrap() };
    // Servers on one PostgreSQL may start at once; a SQLite file has one.
    let first = if database.is_sqlite() {
        open().await
    } else {
        let (first, second, third) = tokio::join!(open(), open(), open());
        second.close().await;
        third.close().await;
        first
    };
    let made = snapshot(&first).await;
    assert_eq!(made.0, all_expected(database.is_sqlite()));
    for migration in Migrator::migrations() {
        let applied = made.1.iter().filter(|line| line.starts_with(&format!("{} ", migration.name())));
        assert_eq!(applied.count(), 1, "{}", migration.name());
    }
    first.close().await;
    let again = open().await;
    assert_eq!(snapshot(&again).await, made);
    again.close().await;
}

#[tokio::test]
async fn migrations_make_the_schema_of_nothing_and_change_nothing_the_second_time_on_sqlite() {
    replay(Database::sqlite()).await;
}

#[tokio::test]
async fn migrations_make_the_schema_of_nothing_and_change_nothing_the_second_time_on_postgres() {
    replay(Database::empty_postgres().await).await;
}

on_both! {
    async fn a_row_that_refers_to_nothing_is_refused(app: TestApp) {
        let ids = Ambient::system().ids;
        let orphan = entity::membership::Model {
            id: ids.uuid(),
            workspace_id: ids.uuid(),
            user_id: ids.uuid(),
            role: "VIEWER".to_owned(),
            version: 1,
            created_at: app.running.services.ambient.now(),
        };
        let tx = app.running.services.db.begin().await.unwrap();
        let refused = orphan.into_active_model().insert(tx.connection()).await.unwrap_err();
        assert!(matches!(refused.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_))), "{refused}");
    }
}

#[tokio::test]
async fn sqlite_is_new_enough_and_set_to_lose_nothing() {
    let app = TestApp::start(Database::sqlite()).await;
    let db = &app.running.services.db;
    let writer = db.begin().await.unwrap();
    for source in [Asked::Reader(db), Asked::Writer(&writer)] {
        let version: Vec<u32> =
            ask(&source, "SELECT sqlite_version()").await.split('.').map(|n| n.parse().unwrap()).collect();
        assert!(version >= vec![3, 51, 3], "{version:?}");
        let counts_memory = "SELECT CAST(NOT sqlite_compileoption_used('DEFAULT_MEMSTATUS=0') AS TEXT)";
        assert_eq!(ask(&source, counts_memory).await, "0", "made as .cargo/config.toml says");
        assert_eq!(ask(&source, "SELECT journal_mode FROM pragma_journal_mode").await, "wal");
        assert_eq!(
            ask(&source, "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous").await,
            "2",
            "FULL"
        );
        assert_eq!(ask(&source, "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys").await, "1");
        let patience = ask(&source, "SELECT CAST(timeout AS TEXT) FROM pragma_busy_timeout").await;
        assert_eq!(patience, "10000", "database.acquire_timeout_seconds");
        assert_eq!(ask(&source, "SELECT CAST(secure_delete AS TEXT) FROM pragma_secure_delete").await, "1");
    }
}

#[tokio::test]
async fn a_write_ahead_log_in_use_is_told_to_be_full_and_emptied_later() {
    let database = Database::sqlite();
    let config = Config::with(&database.settings()).unwrap();
    let ours = db::open(&config).await.unwrap();
    let theirs = db::open(&config).await.unwrap();
    let log = || std::fs::metadata(database.folder.path().join("aifirst.db-wal")).unwrap().len();
    let tx = theirs.begin().await.unwrap();
    let begun = Instant::now();
    assert!(!ours.checkpoint().await.unwrap());
    assert!(begun.elapsed() < Duration::from_secs(5), "whoever writes waits for it");
    assert!(log() > 0);
    tx.commit().await.unwrap();
    assert!(ours.checkpoint().await.unwrap());
    assert_eq!(log(), 0);
    ours.close().await;
    theirs.close().await;
}

enum Asked<'a> {
    Reader(&'a aifirst::db::Db),
    Writer(&'a aifirst::db::Tx),
}

async fn ask(source: &Asked<'_>, sql: &str) -> String {
    let statement = Statement::from_string(sea_orm::DbBackend::Sqlite, sql);
    let row = match source {
        Asked::Reader(db) => db.connection().query_one_raw(statement).await,
        Asked::Writer(tx) => tx.connection().query_one_raw(statement).await,
    };
    row.unwrap().unwrap().try_get_by_index(0).unwrap()
}
