//! Statements outside of transactions.
//!
//! On PostgreSQL their connections are kept aside from one statement to the next. sqlx asks a connection how it is each
//! time that it comes back to its pool, in a task of its own: of a short statement that is as much again, for the server
//! and for PostgreSQL. Here only one whose statement failed or was given up goes back that way.
use super::Tell;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, Statement,
    sea_query::Values,
    sqlx::{
        self, AssertSqlSafe, Connection, Error, Executor, PgConnection, PgPool, Postgres,
        pool::PoolConnection, query::Query,
    },
};
use sea_query_sqlx::SqlxValues;
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

/// How long a connection is kept aside before the pool sees it again, which ends those that are old.
const ASIDE: Duration = Duration::from_secs(60);
/// After so long without a statement a connection is asked how it is: the database may have been started anew.
const SURE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(super) enum Reader {
    Sqlite(DatabaseConnection),
    Postgres(Arc<Aside>),
}

/// The connections of a pool, shared by statements and by transactions. Whoever has a place finds a connection: there
/// are as many of the one as of the other.
pub(super) struct Aside {
    pool: PgPool,
    places: Arc<Semaphore>,
    patience: Duration,
    idle: Mutex<Vec<Kept>>,
    /// Who is about to take one from the pool.
    awaited: AtomicU32,
    tell: Tell,
}

struct Kept {
    connection: PoolConnection<Postgres>,
    since: Instant,
    /// When it was answered last.
    used: Instant,
}

impl Kept {
    async fn is_well(&mut self) -> bool {
        self.used.elapsed() < SURE || self.connection.ping().await.is_ok()
    }
}

/// A connection and a place, for one statement. Dropped before its end, the pool looks after the connection.
struct Held<'a> {
    aside: &'a Aside,
    kept: Kept,
    began: Instant,
    place: OwnedSemaphorePermit,
}

impl Aside {
    pub(super) fn new(pool: PgPool, connections: u32, patience: Duration, tell: Tell) -> Self {
        let places = Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(usize::MAX)));
        Self { pool, places, patience, idle: Mutex::default(), awaited: AtomicU32::new(0), tell }
    }

    /// Lets `take` have a connection of the pool, and a place for as long as it is used.
    pub(super) async fn lend<T>(
        &self,
        take: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<(T, OwnedSemaphorePermit), DbErr> {
        let place = self.place().await?;
        let awaited = Awaited::one(&self.awaited);
        if self.pool.num_idle() < usize::try_from(awaited.all).unwrap_or(usize::MAX) {
            drop(self.idle().pop());
        }
        Ok((take.await?, place))
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        match timeout(self.patience, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(_) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        }
    }

    async fn hold(&self) -> Result<Held<'_>, DbErr> {
        let place = self.place().await?;
        let kept = self.idle().pop();
        if let Some(mut kept) = kept {
            if kept.is_well().await {
                return Ok(Held { aside: self, kept, began: Instant::now(), place });
            }
            // Nor are the others.
            self.idle().clear();
        }
        let _awaited = Awaited::one(&self.awaited);
        let connection = self.pool.acquire().await.map_err(not_acquired)?;
        let now = Instant::now();
        Ok(Held { aside: self, kept: Kept { connection, since: now, used: now }, began: now, place })
    }

    pub(super) async fn ping(&self) -> Result<(), DbErr> {
        let mut held = self.hold().await?;
        let done = held.connection().ping().await;
        held.end(done).map_err(DbErr::Conn)
    }

    pub(super) async fn close(&self) {
        self.idle().clear();
        self.pool.close().await;
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aside")
    }
}

impl Held<'_> {
    fn connection(&mut self) -> &mut PgConnection {
        &mut self.kept.connection
    }

    fn tell<T>(&self, sql: &str, done: &Result<T, Error>) {
        (self.aside.tell)(sql, self.began.elapsed(), done.is_err());
    }

    /// Keeps the connection aside where its statement was answered.
    fn end<T>(self, done: Result<T, Error>) -> Result<T, RuntimeErr> {
        let Self { aside, kept, place, .. } = self;
        match &done {
            Ok(_) if kept.since.elapsed() < ASIDE => aside.idle().push(Kept { used: Instant::now(), ..kept }),
            // Where one line is broken, the others are not worth a try.
            Err(Error::Io(_)) => aside.idle().clear(),
            _ => {}
        }
        drop(place);
        done.map_err(|error| RuntimeErr::SqlxError(Arc::new(error)))
    }
}

/// Counted while it lives.
struct Awaited<'a> {
    counter: &'a AtomicU32,
    all: u32,
}

impl<'a> Awaited<'a> {
    fn one(counter: &'a AtomicU32) -> Self {
        Self { counter, all: counter.fetch_add(1, Ordering::AcqRel) + 1 }
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(1, Ordering::AcqRel);
    }
}

fn not_acquired(error: Error) -> DbErr {
    match error {
        Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        other => DbErr::Conn(RuntimeErr::SqlxError(Arc::new(other))),
    }
}

fn query(sql: &Arc<str>, values: Option<Values>) -> Query<'static, Postgres, SqlxValues> {
    let values = SqlxValues(values.unwrap_or(Values(vec![])));
    sqlx::query_with(AssertSqlSafe(Arc::clone(sql)), values)
}

#[async_trait::async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let aside = match self {
            Self::Sqlite(connection) => return connection.execute_raw(statement).await,
            Self::Postgres(aside) => aside,
        };
        let mut held = aside.hold().await?;
        let sql: Arc<str> = statement.sql.into();
        let done = query(&sql, statement.values).execute(held.connection()).await;
        held.tell(&sql, &done);
        held.end(done).map(Into::into).map_err(DbErr::Exec)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let aside = match self {
            Self::Sqlite(connection) => return connection.execute_unprepared(sql).await,
            Self::Postgres(aside) => aside,
        };
        let mut held = aside.hold().await?;
        let done = held.connection().execute(AssertSqlSafe(sql.to_owned())).await;
        held.end(done).map(Into::into).map_err(DbErr::Exec)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(connection) => connection.query_one_raw(statement).await,
            Self::Postgres(_) => Ok(self.query_all_raw(statement).await?.into_iter().next()),
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let aside = match self {
            Self::Sqlite(connection) => return connection.query_all_raw(statement).await,
            Self::Postgres(aside) => aside,
        };
        let mut held = aside.hold().await?;
        let sql: Arc<str> = statement.sql.into();
        let done = query(&sql, statement.values).fetch_all(held.connection()).await;
        held.tell(&sql, &done);
        let rows = held.end(done).map_err(DbErr::Query)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
