//! Connections to PostgreSQL.
//!
//! They are kept aside from one statement or transaction to the next. sqlx asks a connection how it is each time that it comes
//! back to its pool, in a task of its own: of a short statement that is as much again, for the server and for PostgreSQL. Here
//! only one whose statement failed or was given up goes back that way.
use super::Tell;
use sea_orm::{
    ConnAcquireErr, DbErr, RuntimeErr, Statement,
    sea_query::Values,
    sqlx::{
        self, AssertSqlSafe, Connection, Error, Executor, PgConnection, PgPool, Postgres,
        pool::PoolConnection,
        postgres::{PgQueryResult, PgRow},
        query::Query,
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
/// After so long without a statement a connection is asked how it is: the database may have been started anew.
const SURE: Duration = Duration::from_secs(1);

/// The connections of a pool. Whoever has a place finds a connection: there are as many of the one as of the other.
pub(super) struct Aside {
    pool: PgPool,
    places: Arc<Semaphore>,
    patience: Duration,
    idle: Mutex<Vec<Kept>>,
    tell: Tell,
}

struct Kept {
    connection: PoolConnection<Postgres>,
    since: Instant,
    /// When it was answered last.
    used: Instant,
    /// In the midst of a transaction.
    is_open: bool,
}

impl Kept {
    async fn is_well(&mut self) -> bool {
        self.used.elapsed() < SURE || self.connection.ping().await.is_ok()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.is_open {
            // The pool knows nothing of the transaction: nobody is to go on in what is left of it.
            self.connection.close_on_drop();
        }
    }
}

/// A connection and a place, for a statement or a transaction. Dropped before its end, the pool looks after the connection.
pub(super) struct Held {
    aside: Arc<Aside>,
    kept: Kept,
    _place: OwnedSemaphorePermit,
}

impl Aside {
    pub(super) fn new(pool: PgPool, connections: u32, patience: Duration, tell: Tell) -> Self {
        let places = Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(usize::MAX)));
        Self { pool, places, patience, idle: Mutex::default(), tell }
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        match timeout(self.patience, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(_) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        }
    }

    pub(super) async fn hold(self: &Arc<Self>) -> Result<Held, DbErr> {
        let place = self.place().await?;
        let kept = self.idle().pop();
        if let Some(mut kept) = kept {
            if kept.is_well().await {
                return Ok(Held { aside: Arc::clone(self), kept, _place: place });
            }
            // Nor are the others.
            self.idle().clear();
        }
        let connection = self.pool.acquire().await.map_err(not_acquired)?;
        let now = Instant::now();
        Ok(Held {
            aside: Arc::clone(self),
            kept: Kept { connection, since: now, used: now, is_open: false },
            _place: place,
        })
    }

    pub(super) async fn ping(self: &Arc<Self>) -> Result<(), DbErr> {
        let mut held = self.hold().await?;
        let done = held.connection().ping().await;
        held.end(done).map_err(DbErr::Conn)
    }

    /// Returns once all connections are closed: those that are in use when theirs is over.
    pub(super) async fn close(&self) {
        // At once, so that from here on none is kept aside.
        let closed = self.pool.close();
        self.idle().clear();
        closed.await;
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

impl Held {
    fn connection(&mut self) -> &mut PgConnection {
        &mut self.kept.connection
    }

    pub(super) async fn execute(&mut self, statement: Statement) -> Result<PgQueryResult, Error> {
        let (sql, values) = parts(statement);
        let began = Instant::now();
        let done = query(&sql, values).execute(self.connection()).await;
        (self.aside.tell)(&sql, began.elapsed(), done.is_err());
        done
    }

    pub(super) async fn fetch(&mut self, statement: Statement) -> Result<Vec<PgRow>, Error> {
        let (sql, values) = parts(statement);
        let began = Instant::now();
        let done = query(&sql, values).fetch_all(self.connection()).await;
        (self.aside.tell)(&sql, began.elapsed(), done.is_err());
        done
    }

    /// Without values, and told to nobody.
    pub(super) async fn execute_plain(&mut self, sql: &str) -> Result<PgQueryResult, Error> {
        self.connection().execute(AssertSqlSafe(sql.to_owned())).await
    }

    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        self.kept.is_open = true;
        self.execute_plain("BEGIN").await.map(drop)
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

fn query(sql: &Arc<str>, values: SqlxValues) -> Query<'static, Postgres, SqlxValues> {
    sqlx::query_with(AssertSqlSafe(Arc::clone(sql)), values)
}

fn not_acquired(error: Error) -> DbErr {
    match error {
        Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        other => DbErr::Conn(RuntimeErr::SqlxError(Arc::new(other))),
    }
}
