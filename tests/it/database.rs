//! The schema that the migrations make, held against the entities, on both databases; and what is set on SQLite.
use crate::{on_both, support::TestApp};
use aifirst::{app::Running, db::Source};
use sea_orm::{ColumnTrait, ColumnType, ConnectionTrait, EntityTrait, Iterable, Statement};
use std::collections::{BTreeMap, BTreeSet};

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
    };
}

entities!(
    api_key,
    approval,
    audit_entry,
    citation,
    coaching_session,
    erasure_receipt,
    event,
    event_head,
    goal,
    idempotency_key,
    invitation,
    membership,
    memory,
    memory_partition,
    memory_posting,
    memory_tombstone,
    message,
    run,
    run_source,
    service_account,
    step_attempt,
    step_run,
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
    let named: BTreeSet<String> =
        NAMES.iter().map(|name| (*name).to_owned()).chain(["lib".to_owned()]).collect();
    assert_eq!(files, named);
}

on_both! {
    async fn the_migrated_schema_is_what_the_entities_say(app: TestApp) {
        let found = schema(&app.running, app.database.is_sqlite()).await;
        let expected = all_expected(app.database.is_sqlite());
        for (table, columns) in &expected {
            assert_eq!(found.get(table), Some(columns), "{table}");
        }
        let tables = |schema: &BTreeMap<String, Columns>| schema.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(tables(&found), tables(&expected));
    }
}

async fn schema(running: &Running, sqlite: bool) -> BTreeMap<String, Columns> {
    let sql = if sqlite {
        "SELECT m.name AS table_name, c.name AS column_name, lower(c.type) AS type,
                c.\"notnull\" = 0 AND c.pk = 0 AS nullable
         FROM sqlite_schema m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'seaql_migrations'"
    } else {
        "SELECT table_name::text, column_name::text, udt_name::text AS type, is_nullable = 'YES' AS nullable
         FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name <> 'seaql_migrations'"
    };
    let connection = running.services.db.connection();
    let rows = connection
        .query_all_raw(Statement::from_string(connection.get_database_backend(), sql))
        .await
        .unwrap();
    let mut found: BTreeMap<String, Columns> = BTreeMap::new();
    for row in rows {
        let text = |column: &str| row.try_get::<String>("", column).unwrap();
        let nullable = row.try_get::<bool>("", "nullable").unwrap();
        found.entry(text("table_name")).or_default().insert(text("column_name"), (text("type"), nullable));
    }
    found
}

#[tokio::test]
async fn sqlite_is_new_enough_and_set_to_lose_nothing() {
    let app = TestApp::start(crate::support::Database::sqlite()).await;
    let db = &app.running.services.db;
    let writer = db.begin().await.unwrap();
    for source in [Asked::Reader(db), Asked::Writer(&writer)] {
        let version: Vec<u32> =
            ask(&source, "SELECT sqlite_version()").await.split('.').map(|n| n.parse().unwrap()).collect();
        assert!(version >= vec![3, 51, 3], "{version:?}");
        assert_eq!(ask(&source, "SELECT journal_mode FROM pragma_journal_mode").await, "wal");
        assert_eq!(
            ask(&source, "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous").await,
            "2",
            "FULL"
        );
        assert_eq!(ask(&source, "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys").await, "1");
        assert_ne!(ask(&source, "SELECT CAST(timeout AS TEXT) FROM pragma_busy_timeout").await, "0");
        assert_eq!(ask(&source, "SELECT CAST(secure_delete AS TEXT) FROM pragma_secure_delete").await, "1");
    }
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
