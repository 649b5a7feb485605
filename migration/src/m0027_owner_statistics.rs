//! That who owns something also says in which workspace it lies. PostgreSQL takes the two for independent, believes that a person
//! has one session or none, and sorts all of them rather than read the first page in the order of an index.
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Whose lists are of one owner in one workspace.
const TABLES: [&str; 3] = ["action_item", "coaching_session", "memory"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            let sql = format!(
                r#"CREATE STATISTICS "{table}_owner" (dependencies) ON workspace_id, owner_id FROM "{table}""#
            );
            on_postgres(manager, &sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            on_postgres(manager, &format!(r#"DROP STATISTICS "{table}_owner""#)).await?;
        }
        Ok(())
    }
}

/// SQLite keeps no such statistics.
async fn on_postgres(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        manager.get_connection().execute_unprepared(sql).await?;
    }
    Ok(())
}
