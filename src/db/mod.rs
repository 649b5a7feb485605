//! The database: readers and the writer, transactions, pages, idempotency, and what differs between SQLite and
//! PostgreSQL.
mod aside;
pub mod connect;
pub mod idempotency;
pub mod page;
mod pool;
mod transaction;

use crate::shared::{Error, Result};
use entity::FromRow;
use pool::Pool;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel,
    ModelTrait, QueryTrait, RuntimeErr, Select, SqlErr, Statement,
    sea_query::{Expr, ExprTrait, Func, InsertStatement, SimpleExpr},
    sqlx,
};
use std::{
    borrow::Cow,
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use transaction::Transaction;
use uuid::Uuid;

pub use connect::{DataFolder, open};

impl From<DbErr> for Error {
    fn from(source: DbErr) -> Self {
        match source {
            busy if is_busy(&busy) => Self::Unavailable("the database is busy: try again in a moment"),
            full if is_full(&full) => {
                tracing::error!(source = &full as &dyn std::error::Error, "the database has no room left");
                Self::Unavailable("the server has no room left to write: its operator has to make some")
            }
            late if is_cancelled(&late) => {
                Self::Unavailable("the database took too long: ask for less, or try again in a moment")
            }
            broken if is_broken(&broken) => {
                tracing::warn!(
                    source = &broken as &dyn std::error::Error,
                    "a connection to the database broke"
                );
                Self::Unavailable("the database broke off: try again in a moment")
            }
            other => Self::Internal(Box::new(other)),
        }
    }
}

/// What sqlx said of a statement.
fn of_statement(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

/// No connection was free, or another process writes to the SQLite file (`SQLITE_BUSY` and its kinds).
fn is_busy(error: &DbErr) -> bool {
    matches!(error, DbErr::ConnectionAcquire(_))
        || sql_state(error).is_some_and(|code| matches!(&*code, "5" | "261" | "517" | "773"))
}

/// The database's code for what went wrong: PostgreSQL's have five characters, SQLite's three at most.
fn sql_state(error: &DbErr) -> Option<Cow<'_, str>> {
    of_statement(error)?.as_database_error()?.code()
}

/// PostgreSQL gave a statement up: `query_canceled`.
fn is_cancelled(error: &DbErr) -> bool {
    sql_state(error).is_some_and(|code| code == "57014")
}

/// The line broke, or PostgreSQL ends it: `admin_shutdown`, `crash_shutdown`, `cannot_connect_now`, `idle_session_timeout` …
fn is_broken(error: &DbErr) -> bool {
    matches!(of_statement(error), Some(sqlx::Error::Io(_)))
        || sql_state(error).is_some_and(|code| code.starts_with("57P"))
}

/// By SQLite's word for it, or the operating system's, which PostgreSQL passes on.
fn is_full(error: &DbErr) -> bool {
    let text = error.to_string();
    text.contains("database or disk is full") || text.contains("No space left on device")
}

/// Whether a write failed because a unique index already holds its key.
pub fn is_unique_violation(error: &Error) -> bool {
    matches!(error, Error::Internal(source)
        if matches!(source.downcast_ref::<DbErr>().and_then(DbErr::sql_err), Some(SqlErr::UniqueConstraintViolation(_))))
}

/// Readers and the writer: on SQLite the writer is a pool of one, on PostgreSQL both are the same pool.
#[derive(Clone, Debug)]
pub struct Db {
    reader: Pool,
    writer: Pool,
    statements: Arc<AtomicU64>,
    wal: Arc<Wal>,
}

/// How long the writer waits for readers of the write-ahead log before it gives up to empty it: nobody writes meanwhile.
const READERS: Duration = Duration::from_millis(250);
/// From one try to empty it to the next.
const AGAIN: Duration = Duration::from_secs(5);

/// SQLite's write-ahead log, as far as forgotten text may still be in it.
#[derive(Debug)]
struct Wal {
    /// How long the writer else waits for a lock.
    patience: Duration,
    /// How often it was to be emptied.
    asked: AtomicU64,
    /// How many of those were done.
    done: AtomicU64,
    /// Who empties it.
    turn: Mutex<()>,
}

impl Wal {
    fn new(patience: Duration) -> Self {
        Self { patience, asked: AtomicU64::new(0), done: AtomicU64::new(0), turn: Mutex::new(()) }
    }
}

/// Where a store reads: the readers, or the transaction that the caller is in, with its own writes.
pub trait Source: Sync {
    fn connection(&self) -> &impl ConnectionTrait;

    fn backend(&self) -> DbBackend {
        self.connection().get_database_backend()
    }

    fn is_sqlite(&self) -> bool {
        self.backend() == DbBackend::Sqlite
    }
}

/// Rows of these workspaces, for who names the rows themselves beside that, by their ids or by a parent: see [`checked`].
pub fn among<C: ColumnTrait>(column: C, of: impl IntoIterator<Item = Uuid>) -> SimpleExpr {
    checked(column.is_in(of))
}

/// A condition that is no way to find rows, for who names them beside it, by their ids or by a parent. Planners take it for
/// one. SQLite keeps no statistics of its tables, takes a workspace for ten rows and goes through all that it has, rather
/// than look up ten rows by their ids. PostgreSQL believes that few rows of a parent pass, and sorts its whole list rather
/// than read the first page in the order of an index. Said like this, neither can.
pub fn checked(condition: impl Into<SimpleExpr>) -> SimpleExpr {
    Func::coalesce([condition.into(), Expr::cust("FALSE")]).into()
}

/// Whether a column has one of these names, which are ours: they are said in the text, not as parameters. So PostgreSQL knows
/// how many rows have them, and which index has all of them, when it plans a statement once for all its values. In one order,
/// so that whoever asks for the same asks in the same words.
pub fn named<C: ColumnTrait>(column: C, names: impl IntoIterator<Item = &'static str>) -> SimpleExpr {
    let names: BTreeSet<_> = names.into_iter().collect();
    let quoted = |name| Expr::cust(format!("'{name}'"));
    ExprTrait::is_in(Expr::col((column.entity_name(), column)), names.into_iter().map(quoted))
}

/// All rows that are found, in their order. Which columns are read is R's to say, whatever `select` had.
pub async fn all<R: FromRow>(source: &impl Source, select: Select<R::Entity>) -> Result<Vec<R>> {
    let rows = source.connection().query_all(&R::of(select).into_query()).await?;
    Ok(rows.iter().map(|row| R::from_row(row, 0)).collect::<Result<_, _>>()?)
}

/// As [`all`], of what can be found once only: nothing tells the database to stop.
pub async fn one<R: FromRow>(source: &impl Source, select: Select<R::Entity>) -> Result<Option<R>> {
    Ok(all(source, select).await?.pop())
}

/// A new row, of which nothing has to be read again.
pub async fn insert<M, E>(tx: &impl Source, row: M) -> Result<()>
where
    M: ModelTrait<Entity = E> + IntoActiveModel<E::ActiveModel>,
    E: EntityTrait<Model = M>,
    E::ActiveModel: ActiveModelTrait<Entity = E>,
{
    tx.connection().execute(&insertion(row)).await?;
    Ok(())
}

/// The statement that [`insert`] executes.
pub fn insertion<M, E>(row: M) -> InsertStatement
where
    M: ModelTrait<Entity = E> + IntoActiveModel<E::ActiveModel>,
    E: EntityTrait<Model = M>,
    E::ActiveModel: ActiveModelTrait<Entity = E>,
{
    E::insert(row.into_active_model()).into_query()
}

/// Dropped without a commit, it never happened. No network is awaited inside one.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction,
}

/// Hears of each statement, how long it took, and whether it failed.
type Tell = Arc<dyn Fn(&str, Duration, bool) + Send + Sync>;

impl Db {
    pub async fn begin(&self) -> Result<Tx> {
        Ok(Tx { inner: Transaction::begin(&self.writer).await? })
    }

    /// SQL statements sent so far, transaction control aside.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.reader.ping().await?)
    }

    /// On SQLite empties the write-ahead log into the file, so that deleted text is in neither (`secure_delete`
    /// overwrites it in the file). Does nothing on PostgreSQL, whose log has a retention of its own. `false` where
    /// somebody reads the log: [`Self::keep_checkpointing`] tries again.
    pub async fn checkpoint(&self) -> Result<bool> {
        if self.is_sqlite() {
            self.wal.asked.fetch_add(1, Ordering::SeqCst);
        }
        self.empty_wal().await
    }

    /// Empties the write-ahead log where [`Self::checkpoint`] could not, until told to stop.
    pub async fn keep_checkpointing(self, stop: CancellationToken) {
        if !self.is_sqlite() {
            return;
        }
        let tries = async {
            loop {
                tokio::time::sleep(AGAIN).await;
                if let Err(error) = self.empty_wal().await {
                    tracing::warn!(error = %error.for_log(), "the write-ahead log was not emptied; it is tried again");
                }
            }
        };
        let _ = stop.run_until_cancelled(tries).await;
    }

    /// Whether it is as empty as was asked for.
    async fn empty_wal(&self) -> Result<bool> {
        let wal = &self.wal;
        let _turn = wal.turn.lock().await;
        let asked = wal.asked.load(Ordering::SeqCst);
        if asked == wal.done.load(Ordering::SeqCst) {
            return Ok(true);
        }
        self.be_patient(READERS).await?;
        let emptied = self.truncate_wal().await;
        self.be_patient(wal.patience).await?;
        let emptied = emptied?;
        if emptied {
            wal.done.store(asked, Ordering::SeqCst);
        }
        Ok(emptied)
    }

    async fn truncate_wal(&self) -> Result<bool> {
        let statement = Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
        let row = self.writer.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| Error::internal("a checkpoint gave nothing"))?;
        // Busy is no error of the statement: its first column tells.
        let busy: i64 = row.try_get_by_index(0)?;
        Ok(busy == 0)
    }

    /// The writer is one connection. Left short, it does no harm: nobody else in this process writes.
    async fn be_patient(&self, patience: Duration) -> Result<()> {
        let pragma = format!("PRAGMA busy_timeout = {}", patience.as_millis());
        self.writer.execute_unprepared(&pragma).await?;
        Ok(())
    }

    /// Returns once all connections are closed.
    pub async fn close(self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

impl Tx {
    pub async fn commit(self) -> Result<()> {
        Ok(self.inner.commit().await?)
    }
}

impl Source for Db {
    fn connection(&self) -> &impl ConnectionTrait {
        &self.reader
    }
}

impl Source for Tx {
    fn connection(&self) -> &impl ConnectionTrait {
        &self.inner
    }
}
