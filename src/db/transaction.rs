//! Statements of one transaction.
use super::{
    aside::{Aside, Held, Spoken, told},
    pool::Pool,
};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    sqlx::{Error, Postgres, Sqlite},
};
use std::{fmt, sync::Arc};
use tokio::sync::Mutex;

#[derive(Debug)]
pub(super) enum Transaction {
    Sqlite(Mutex<Open<Sqlite>>),
    Postgres(Mutex<Open<Postgres>>),
}

/// What a connection is in the midst of; dropped so, it is rolled back.
pub(super) struct Open<D: Spoken> {
    /// `None` once it is over.
    held: Option<Held<D>>,
}

impl Transaction {
    pub(super) async fn begin(pool: &Pool) -> Result<Self, DbErr> {
        Ok(match pool {
            Pool::Sqlite(aside) => Self::Sqlite(Mutex::new(Open::begin(aside).await?)),
            Pool::Postgres(aside) => Self::Postgres(Mutex::new(Open::begin(aside).await?)),
        })
    }

    pub(super) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(open) => open.into_inner().commit().await,
            Self::Postgres(open) => open.into_inner().commit().await,
        }
    }
}

impl<D: Spoken> Open<D> {
    async fn begin(aside: &Arc<Aside<D>>) -> Result<Self, DbErr> {
        let mut open = Self { held: Some(aside.hold().await?) };
        let begun = open.held()?.begin().await;
        if begun.is_err() {
            open.end(begun)?;
        }
        Ok(open)
    }

    fn held(&mut self) -> Result<&mut Held<D>, DbErr> {
        self.held.as_mut().ok_or_else(|| DbErr::Custom("the transaction is over".to_owned()))
    }

    async fn execute(&mut self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.held()?.execute(statement).await.map(Into::into).map_err(not_executed)
    }

    async fn execute_plain(&mut self, sql: &str) -> Result<ExecResult, DbErr> {
        self.held()?.execute_plain(sql).await.map(Into::into).map_err(not_executed)
    }

    async fn fetch(&mut self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let rows = self.held()?.fetch(statement).await.map_err(|error| DbErr::Query(told(error)))?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    async fn commit(mut self) -> Result<(), DbErr> {
        // Held until it is answered: given up meanwhile it is rolled back, which does nothing where it happened. (SQLite calls
        // that an error, and so the connection is closed.)
        let done = self.held()?.finish("COMMIT").await;
        self.end(done)
    }

    /// Neither to be committed nor to be rolled back any more.
    fn end(&mut self, done: Result<(), Error>) -> Result<(), DbErr> {
        let done = match self.held.take() {
            Some(held) => held.end(done),
            None => done.map_err(told),
        };
        done.map_err(DbErr::Exec)
    }
}

impl<D: Spoken> Drop for Open<D> {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        // Whoever drops it cannot wait for it.
        tokio::spawn(async move {
            let done = held.finish("ROLLBACK").await;
            let _ = held.end(done);
        });
    }
}

impl<D: Spoken> fmt::Debug for Open<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

fn not_executed(error: Error) -> DbErr {
    DbErr::Exec(told(error))
}

#[async_trait::async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(open) => open.lock().await.execute(statement).await,
            Self::Postgres(open) => open.lock().await.execute(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(open) => open.lock().await.execute_plain(sql).await,
            Self::Postgres(open) => open.lock().await.execute_plain(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(open) => open.lock().await.fetch(statement).await,
            Self::Postgres(open) => open.lock().await.fetch(statement).await,
        }
    }
}
