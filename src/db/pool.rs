//! Statements outside of transactions.
use super::aside::Aside;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    sqlx::{Postgres, Sqlite},
};
use std::sync::Arc;

/// Cheap to clone; the clones share their connections.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite(Arc<Aside<Sqlite>>),
    Postgres(Arc<Aside<Postgres>>),
}

impl Pool {
    pub(super) async fn ping(&self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(aside) => aside.ping().await,
            Self::Postgres(aside) => aside.ping().await,
        }
    }

    /// Returns once all connections are closed.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(aside) => aside.close().await,
            Self::Postgres(aside) => aside.close().await,
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(aside) => aside.execute(statement).await,
            Self::Postgres(aside) => aside.execute(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(aside) => aside.execute_plain(sql).await,
            Self::Postgres(aside) => aside.execute_plain(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(aside) => aside.fetch(statement).await,
            Self::Postgres(aside) => aside.fetch(statement).await,
        }
    }
}
