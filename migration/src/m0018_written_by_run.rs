//! What forgetting has to reach: what a run wrote that had read it, and why it superseded another memory.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let run = uuid_null("run_id");
        manager.alter_table(Table::alter().table("memory").add_column(run).take()).await?;
        manager.create_index(index("memory", ["run_id"])).await?;
        manager.create_index(index("memory_change", ["other_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let reasons = Index::drop().name("memory_change_by_other_id").table("memory_change").to_owned();
        manager.drop_index(reasons).await?;
        manager.drop_index(Index::drop().name("memory_by_run_id").table("memory").to_owned()).await?;
        manager.alter_table(Table::alter().table("memory").drop_column("run_id").take()).await
    }
}
