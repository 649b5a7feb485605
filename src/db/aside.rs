//! Connections to a database.
//!
//! They are kept aside from one statement or transaction to the next. sqlx asks a connection how it is each time that it comes
//! back to its pool, in a task of its own: of a short statement that is as much again, for the server and for the database. Here
//! only one whose statement failed or was given up goes back that way.
use super::Tell;
use sea_orm::{
    ConnAcquireErr, DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
    sea_query::Values,
    sqlx::{
        self, AssertSqlSafe, Connection, Database, Error, Executor, Pool, Postgres, Sqlite,
        pool::PoolConnection,
    },
};
use sea_query_sqlx::SqlxValues;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

/// How long a connection is kept aside before the pool sees it again, which ends those that are old.
const ASIDE: Duration = Duration::from_secs(60);

/// How a database is spoken to. sqlx says for each by itself what its connections can: in a function for all of them, the
/// compiler would want that said of every lifetime, and cannot prove it.
pub(super) trait Spoken: Database<Row: Into<QueryResult>, QueryResult: Into<ExecResult>> {
    /// Begins a transaction that may write.
    const BEGIN: &'static str;
    /// After so long without a statement a connection is asked how it is.
    const SURE: Duration;

    fn execute(
        connection: &mut Self::Connection,
        sql: &Arc<str>,
        values: SqlxValues,
    ) -> impl Future<Output = Result<Self::QueryResult, Error>> + Send;

    fn fetch(
        connection: &mut Self::Connection,
        sql: &Arc<str>,
        values: SqlxValues,
    ) -> impl Future<Output = Result<Vec<Self::Row>, Error>> + Send;

    /// Without values.
    fn execute_plain(
        connection: &mut Self::Connection,
        sql: &str,
    ) -> impl Future<Output = Result<Self::QueryResult, Error>> + Send;
}

macro_rules! spoken {
    ($database:ty, $begin:literal, $sure:expr) => {
        impl Spoken for $database {
            const BEGIN: &'static str = $begin;
            const SURE: Duration = $sure;

            async fn execute(
                connection: &mut Self::Connection,
                sql: &Arc<str>,
                values: SqlxValues,
            ) -> Result<Self::QueryResult, Error> {
                let query = sqlx::query_with::<Self, _>(AssertSqlSafe(Arc::clone(sql)), values);
                query.execute(connection).await
            }

            async fn fetch(
                connection: &mut Self::Connection,
                sql: &Arc<str>,
                values: SqlxValues,
            ) -> Result<Vec<Self::Row>, Error> {
                let query = sqlx::query_with::<Self, _>(AssertSqlSafe(Arc::clone(sql)), values);
                query.fetch_all(connection).await
            }

            async fn execute_plain(
                connection: &mut Self::Connection,
                sql: &str,
            ) -> Result<Self::QueryResult, Error> {
                connection.execute(AssertSqlSafe(sql.to_owned())).await
            }
        }
    };
}

// Immediate: a deferred transaction that writes late fails with BUSY_SNAPSHOT, which no timeout cures.
// SQLite lives in this process, and does not go.
spoken!(Sqlite, "BEGIN IMMEDIATE", Duration::MAX);
// PostgreSQL may have been started anew.
spoken!(Postgres, "BEGIN", Duration::from_secs(1));

/// The connections of a pool. Whoever has a place finds a connection: there are as many of the one as of the other, and a place
/// is free only once its connection is.
pub(super) struct Aside<D: Spoken> {
    pool: Pool<D>,
    places: Arc<Semaphore>,
    patience: Duration,
    idle: Mutex<Vec<Kept<D>>>,
    tell: Tell,
}

struct Kept<D: Spoken> {
    connection: PoolConnection<D>,
    /// While it is held.
    place: Option<OwnedSemaphorePermit>,
    since: Instant,
    /// When it was answered last.
    used: Instant,
    /// In the midst of a transaction.
    is_open: bool,
}

impl<D: Spoken> Kept<D> {
    async fn is_well(&mut self) -> bool {
        self.used.elapsed() < D::SURE || Box::pin(self.connection.ping()).await.is_ok()
    }
}

impl<D: Spoken> Drop for Kept<D> {
    fn drop(&mut self) {
        if self.is_open {
            // The pool knows nothing of the transaction: nobody is to go on in what is left of it.
            self.connection.close_on_drop();
        } else if let Some(place) = self.place.take() {
            // A statement that was given up goes on in the database: until it ends, nobody else could have the connection.
            let returned = self.connection.return_to_pool();
            tokio::spawn(async move {
                returned.await;
                drop(place);
            });
        }
    }
}

/// A connection in its place, for a statement or a transaction. Dropped before its end, the pool looks after the connection.
pub(super) struct Held<D: Spoken> {
    aside: Arc<Aside<D>>,
    kept: Kept<D>,
}

impl<D: Spoken> Aside<D> {
    pub(super) fn new(pool: Pool<D>, patience: Duration, tell: Tell) -> Self {
        let connections = pool.options().get_max_connections();
        let places = Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(usize::MAX)));
        Self { pool, places, patience, idle: Mutex::default(), tell }
    }

    pub(super) async fn execute(self: &Arc<Self>, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut held = self.hold().await?;
        let done = held.execute(statement).await;
        held.end(done).map(Into::into).map_err(DbErr::Exec)
    }

    pub(super) async fn execute_plain(self: &Arc<Self>, sql: &str) -> Result<ExecResult, DbErr> {
        let mut held = self.hold().await?;
        let done = held.execute_plain(sql).await;
        held.end(done).map(Into::into).map_err(DbErr::Exec)
    }

    pub(super) async fn fetch(self: &Arc<Self>, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut held = self.hold().await?;
        let done = held.fetch(statement).await;
        let rows = held.end(done).map_err(DbErr::Query)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    pub(super) async fn ping(self: &Arc<Self>) -> Result<(), DbErr> {
        let mut held = self.hold().await?;
        let done = held.kept.connection.ping().await;
        held.end(done).map_err(DbErr::Conn)
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        match timeout(self.patience, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(_) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        }
    }

    pub(super) async fn hold(self: &Arc<Self>) -> Result<Held<D>, DbErr> {
        let place = self.place().await?;
        let mut kept = match self.kept().await {
            Some(kept) => kept,
            // On the heap, for it is seldom needed: it is larger than all else that waits for a statement.
            None => Box::pin(self.another()).await?,
        };
        kept.place = Some(place);
        Ok(Held { aside: Arc::clone(self), kept })
    }

    /// One that was kept aside.
    async fn kept(&self) -> Option<Kept<D>> {
        let mut kept = self.idle().pop()?;
        if kept.is_well().await {
            return Some(kept);
        }
        // Nor are the others.
        self.idle().clear();
        None
    }

    /// One of the pool.
    async fn another(&self) -> Result<Kept<D>, DbErr> {
        let connection = self.pool.acquire().await.map_err(not_acquired)?;
        let now = Instant::now();
        Ok(Kept { connection, place: None, since: now, used: now, is_open: false })
    }

    /// Returns once all connections are closed: those that are in use when theirs is over.
    pub(super) async fn close(&self) {
        // At once, so that from here on none is kept aside.
        let closed = self.pool.close();
        self.idle().clear();
        closed.await;
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Kept<D>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Spoken> fmt::Debug for Aside<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aside")
    }
}

impl<D: Spoken> Held<D> {
    pub(super) async fn execute(&mut self, statement: Statement) -> Result<D::QueryResult, Error> {
        let (sql, values) = parts(statement);
        let began = Instant::now();
        let done = D::execute(&mut self.kept.connection, &sql, values).await;
        (self.aside.tell)(&sql, began.elapsed(), done.is_err());
        done
    }

    pub(super) async fn fetch(&mut self, statement: Statement) -> Result<Vec<D::Row>, Error> {
        let (sql, values) = parts(statement);
        let began = Instant::now();
        let done = D::fetch(&mut self.kept.connection, &sql, values).await;
        (self.aside.tell)(&sql, began.elapsed(), done.is_err());
        done
    }

    /// Without values, and told to nobody.
    pub(super) async fn execute_plain(&mut self, sql: &str) -> Result<D::QueryResult, Error> {
        D::execute_plain(&mut self.kept.connection, sql).await
    }

    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        self.kept.is_open = true;
        let begun = self.execute_plain(D::BEGIN).await;
        // Refused, as by SQLite while another process writes.
        self.kept.is_open = !matches!(begun, Err(Error::Database(_)));
        begun.map(drop)
    }

    /// With COMMIT or ROLLBACK.
    pub(super) async fn finish(&mut self, how: &str) -> Result<(), Error> {
        self.execute_plain(how).await?;
        self.kept.is_open = false;
        Ok(())
    }

    /// Keeps the connection aside where it was answered.
    pub(super) fn end<T>(mut self, done: Result<T, Error>) -> Result<T, RuntimeErr> {
        match &done {
            Ok(_) if self.kept.since.elapsed() < ASIDE => {
                self.kept.used = Instant::now();
                // Free once the lock is: whoever has it then finds the connection.
                let _place = self.kept.place.take();
                let mut idle = self.aside.idle();
                // Nobody would give it back any more.
                if !self.aside.pool.is_closed() {
                    idle.push(self.kept);
                }
            }
            // Where one line is broken, the others are not worth a try.
            Err(Error::Io(_)) => self.aside.idle().clear(),
            _ => {}
        }
        done.map_err(told)
    }
}

/// As sea-orm tells it.
pub(super) fn told(error: Error) -> RuntimeErr {
    RuntimeErr::SqlxError(Arc::new(error))
}

fn parts(statement: Statement) -> (Arc<str>, SqlxValues) {
    (statement.sql.into(), SqlxValues(statement.values.unwrap_or(Values(vec![]))))
}

fn not_acquired(error: Error) -> DbErr {
    match error {
        Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        other => DbErr::Conn(told(other)),
    }
}
