//! Opens the database, brings its schema up to date, and refuses what would not be safe.
use super::{Db, Tell, Wal, aside::Aside, pool::Pool};
use crate::{
    config::{Config, without_password},
    shared::explain,
};
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement,
    TransactionTrait,
    sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// What keeps the server from starting; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the data folder {0} cannot be written: {1}. Set AIFIRST_DATA_DIR to a folder of yours")]
    DataFolder(PathBuf, std::io::Error),
    #[error(
        "the data folder {0} is in use by another aifirst. Stop that one, or set AIFIRST_DATA_DIR to another folder"
    )]
    Locked(PathBuf),
    #[error(
        "the database {0} cannot be opened: {1}. Check AIFIRST_DATABASE__URL, and that the database is there and \
         lets this user in"
    )]
    Connect(String, DbErr),
    #[error(
        "the database was made by a newer aifirst (it has the migration {0}). Start that version, or restore a backup"
    )]
    Newer(String),
    #[error("the database could not be brought up to date: {0}")]
    Migrate(DbErr),
    #[error("SQLite {0} is too old: 3.51.3 at least, older ones can corrupt the write-ahead log")]
    OldSqlite(String),
    #[error("SQLite refused a setting: {0}")]
    Setting(String),
}

/// The data folder, held by this process alone until dropped: one SQLite file has one server.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder where it is missing, readable by its owner alone.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |error| OpenError::DataFolder(path.to_owned(), error);
        make_private_folder(path).map_err(failed)?;
        let lock = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(path.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(unix)]
fn make_private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_private_folder(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)
}

/// Connects, without touching the schema.
pub async fn connect(config: &Config) -> Result<Db, OpenError> {
    Ok(connected(config).await?.0)
}

/// With the writer as sea-orm has it, which migrates. Once the other is used, it may wait in vain for a connection.
async fn connected(config: &Config) -> Result<(Db, DatabaseConnection), OpenError> {
    let url = config.database_url();
    let statements = Arc::new(AtomicU64::new(0));
    let patience = Duration::from_secs(config.database.acquire_timeout_seconds);
    let wal = Arc::new(Wal::new(patience));
    let counter = statements.clone();
    // Called in the task that awaited the statement.
    let tell: Tell = Arc::new(move |sql, elapsed, failed| {
        counter.fetch_add(1, Ordering::Relaxed);
        explain::statement(sql, elapsed, failed);
    });
    let open = async |connections: u32, writes: bool| {
        let options = options(config, connections, writes);
        Database::connect(options).await.map_err(|e| OpenError::Connect(without_password(&url), e))
    };
    // On SQLite the writer first: it makes the file and switches it to WAL, which readers cannot.
    let first = open(if config.is_sqlite() { 1 } else { config.database.connections }, true).await?;
    let (reader, writer) = if config.is_sqlite() {
        assert_sqlite_is_safe(&first).await?;
        let readers = open(config.database.readers, false).await?;
        let pool = |of: &DatabaseConnection| {
            let pool = of.get_sqlite_connection_pool().clone();
            Pool::Sqlite(Arc::new(Aside::new(pool, patience, Arc::clone(&tell))))
        };
        (pool(&readers), pool(&first))
    } else {
        let pool = first.get_postgres_connection_pool().clone();
        let both = Pool::Postgres(Arc::new(Aside::new(pool, patience, tell)));
        (both.clone(), both)
    };
    Ok((Db { reader, writer, statements, wal }, first))
}

/// Connects and brings the schema up to date.
pub async fn open(config: &Config) -> Result<Db, OpenError> {
    let (db, first) = connected(config).await?;
    migrate(&first).await?;
    Ok(db)
}

fn options(config: &Config, connections: u32, writes: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(config.database_url());
    options
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(config.database.acquire_timeout_seconds))
        .sqlx_logging(false)
        .test_before_acquire(false);
    if config.is_sqlite() {
        // A pool that lets its connections go would lose their page caches.
        options.idle_timeout(None).max_lifetime(None);
        let busy = Duration::from_secs(config.database.acquire_timeout_seconds);
        options.map_sqlx_sqlite_opts(move |sqlite| sqlite_options(sqlite, busy, writes));
    } else {
        // What a request no longer waits for must not hold its connection. The request is given up first.
        let longest = Duration::from_secs(config.http.request_timeout_seconds) + Duration::from_secs(1);
        let longest = longest.as_millis().to_string();
        let idle =
            Duration::from_secs(config.database.idle_transaction_seconds.into()).as_millis().to_string();
        options.map_sqlx_postgres_opts(move |postgres| {
            let limits = [("statement_timeout", &longest), ("idle_in_transaction_session_timeout", &idle)];
            postgres.application_name("aifirst").options(limits).statement_cache_capacity(STATEMENTS)
        });
    }
    options
}

/// Prepared ones that a connection keeps.
const STATEMENTS: usize = 200;

/// FULL: what was acknowledged survives a power cut. `secure_delete`: what was forgotten is overwritten.
fn sqlite_options(options: SqliteConnectOptions, busy: Duration, writes: bool) -> SqliteConnectOptions {
    let options = options
        .create_if_missing(writes)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(busy)
        .pragma("secure_delete", "ON")
        .pragma("cache_size", "-8000")
        .statement_cache_capacity(STATEMENTS);
    if writes { options.journal_mode(SqliteJournalMode::Wal) } else { options.pragma("query_only", "ON") }
}

/// SQLite below 3.51.3 has a bug that can corrupt the write-ahead log: sqlite.org/wal.html, "The WAL-reset bug".
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

async fn assert_sqlite_is_safe(connection: &DatabaseConnection) -> Result<(), OpenError> {
    let version = ask(connection, "SELECT sqlite_version()").await?;
    let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if parts.as_slice() < OLDEST_SQLITE.as_slice() {
        return Err(OpenError::OldSqlite(version));
    }
    for (setting, wanted) in [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")] {
        let found = ask(connection, &format!("SELECT CAST({setting} AS TEXT) FROM pragma_{setting}")).await?;
        if found != wanted {
            return Err(OpenError::Setting(format!("{setting} is {found}, {wanted} is needed")));
        }
    }
    Ok(())
}

async fn ask(connection: &DatabaseConnection, sql: &str) -> Result<String, OpenError> {
    let failed = |error: DbErr| OpenError::Setting(error.to_string());
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.map_err(failed)?;
    let row = row.ok_or_else(|| OpenError::Setting(format!("{sql} gave nothing")))?;
    row.try_get_by_index(0).map_err(failed)
}

/// Applies what is missing. On PostgreSQL nodes that start at once take turns.
async fn migrate(connection: &DatabaseConnection) -> Result<(), OpenError> {
    refuse_newer(connection).await?;
    if connection.get_database_backend() == DbBackend::Sqlite {
        return Migrator::up(connection, None).await.map_err(OpenError::Migrate);
    }
    let turn = connection.begin().await.map_err(OpenError::Migrate)?;
    // A large table takes its time.
    turn.execute_unprepared("SET LOCAL statement_timeout = 0").await.map_err(OpenError::Migrate)?;
    turn.execute_unprepared("SELECT pg_advisory_xact_lock(4920231)").await.map_err(OpenError::Migrate)?;
    Migrator::up(&turn, None).await.map_err(OpenError::Migrate)?;
    turn.commit().await.map_err(OpenError::Migrate)
}

async fn refuse_newer(connection: &DatabaseConnection) -> Result<(), OpenError> {
    let known: Vec<String> =
        Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let applied = Statement::from_string(
        connection.get_database_backend(),
        "SELECT version FROM seaql_migrations ORDER BY version DESC",
    );
    // No such table yet: a new database.
    let Ok(rows) = connection.query_all_raw(applied).await else {
        return Ok(());
    };
    for row in rows {
        let version: String = row.try_get("", "version").map_err(OpenError::Migrate)?;
        if !known.contains(&version) {
            return Err(OpenError::Newer(version));
        }
    }
    Ok(())
}
