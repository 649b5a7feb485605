//! Documents that the client applications of a workspace registered.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let document = [
            id(),
            uuid("workspace_id"),
            text("application"),
            text("document_id"),
            text("text"),
            text("registered_by"),
            time("created_at"),
        ];
        manager
            .create_table(
                table("trusted_document", document)
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .take(),
            )
            .await?;
        manager.create_index(unique("trusted_document", ["workspace_id", "document_id"])).await?;
        manager.create_index(index("trusted_document", ["workspace_id", "application"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("trusted_document").take()).await
    }
}
