//! Statements of one transaction.
use super::aside::{Aside, Held, told};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement, sqlx::Error,
};
use std::{fmt, sync::Arc};
use tokio::sync::Mutex;

#[derive(Debug)]
pub(super) enum Transaction {
    Sqlite(DatabaseTransaction),
    Postgres(Mutex<Open>),
}

/// What a connection is in the midst of; dropped so, it is rolled back.
pub(super) struct Open {
    /// `None` once it is over.
    held: Option<Held>,
}

impl Transaction {
    pub(super) async fn begin_on(aside: &Arc<Aside>) -> Result<Self, DbErr> {
        let mut open = Open { held: Some(aside.hold().await?) };
        open.held()?.begin().await.map_err(not_executed)?;
        Ok(Self::Postgres(Mutex::new(open)))
    }

    pub(super) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(open) => open.into_inner().commit().await,
        }
    }
}

impl Open {
    fn held(&mut self) -> Result<&mut Held, DbErr> {
        self.held.as_mut().ok_or_else(|| DbErr::Custom("the transaction is over".to_owned()))
    }

    async fn commit(mut self) -> Result<(), DbErr> {
        // Held until it is answered: given up meanwhile it is rolled back, which does nothing where it happened.
        let done = self.held()?.finish("COMMIT").await;
        self.held.take().map_or(Ok(()), |held| held.end(done)).map_err(DbErr::Exec)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        // Whoever drops it cannot wait for it.
        tokio::spawn(async move {
            let done = held.finish("ROLLBACK").await;
            let _ = held.end(done);
        });
    }
}

impl fmt::Debug for Open {
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
            Self::Sqlite(transaction) => transaction.execute_raw(statement).await,
            Self::Postgres(open) => {
                let done = open.lock().await.held()?.execute(statement).await;
                done.map(Into::into).map_err(not_executed)
            }
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(transaction) => transaction.execute_unprepared(sql).await,
            Self::Postgres(open) => {
                let done = open.lock().await.held()?.execute_plain(sql).await;
                done.map(Into::into).map_err(not_executed)
            }
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(transaction) => transaction.query_one_raw(statement).await,
            Self::Postgres(_) => Ok(self.query_all_raw(statement).await?.into_iter().next()),
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(transaction) => transaction.query_all_raw(statement).await,
            Self::Postgres(open) => {
                let rows = open.lock().await.held()?.fetch(statement).await;
                let rows = rows.map_err(|error| DbErr::Query(told(error)))?;
                Ok(rows.into_iter().map(Into::into).collect())
            }
        }
    }
}
