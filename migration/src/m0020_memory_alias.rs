//! Other names of what memories name.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let alias = [
            uuid("workspace_id"),
            uuid("owner_id"),
            text("key"),
            uuid_null("user_id"),
            text("name"),
            text("entity_key"),
            text("entity_name"),
        ];
        manager
            .create_table(
                table("memory_alias", alias)
                    .primary_key(Index::create().col("workspace_id").col("owner_id").col("key"))
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("memory_alias").take()).await
    }
}
