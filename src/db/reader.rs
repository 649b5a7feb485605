//! Statements outside of transactions.
use super::aside::Aside;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(super) enum Reader {
    Sqlite(DatabaseConnection),
    Postgres(Arc<Aside>),
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
        let done = held.execute(statement).await;
        held.end(done).map(Into::into).map_err(DbErr::Exec)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let aside = match self {
            Self::Sqlite(connection) => return connection.execute_unprepared(sql).await,
            Self::Postgres(aside) => aside,
        };
        let mut held = aside.hold().await?;
        let done = held.execute_plain(sql).await;
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
        let done = held.fetch(statement).await;
        let rows = held.end(done).map_err(DbErr::Query)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
