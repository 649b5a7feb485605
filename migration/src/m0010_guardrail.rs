//! Guardrails of workspaces, and memories that may not leave for outside.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let policy = [
            id(),
            uuid("workspace_id"),
            text("name"),
            json("routes"),
            json("policy"),
            integer("version"),
            time("updated_at"),
        ];
        manager
            .create_table(
                table("guardrail_policy", policy)
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .take(),
            )
            .await?;
        manager.create_index(unique("guardrail_policy", ["workspace_id", "name"])).await?;
        let egress = text("egress").default("ALLOWED").take();
        manager.alter_table(Table::alter().table("memory").add_column(egress).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("memory").drop_column("egress").take()).await?;
        manager.drop_table(Table::drop().table("guardrail_policy").take()).await
    }
}
