//! How often a worker was lost with a run since anything of it was last recorded.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let takeovers = integer("takeovers").default(0).take();
        manager.alter_table(Table::alter().table("run").add_column(takeovers).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("run").drop_column("takeovers").take()).await
    }
}
