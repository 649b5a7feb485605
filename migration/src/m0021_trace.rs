//! The trace that a call of a model belongs to, and what takes it there.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What a request causes to be done later, and the calls that are made for it.
const TABLES: [&str; 3] = ["turn", "run", "llm_call"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            let trace = uuid_null("trace_id");
            manager.alter_table(Table::alter().table(table).add_column(trace).take()).await?;
        }
        manager.create_index(index("llm_call", ["workspace_id", "trace_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::drop().name("llm_call_by_workspace_id_trace_id").table("llm_call").to_owned();
        manager.drop_index(index).await?;
        for table in TABLES {
            manager.alter_table(Table::alter().table(table).drop_column("trace_id").take()).await?;
        }
        Ok(())
    }
}
