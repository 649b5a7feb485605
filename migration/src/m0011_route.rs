//! Routes that workspaces set for themselves, and by which number what a process keeps of a workspace in memory holds.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let route = [
            id(),
            uuid("workspace_id"),
            text("name"),
            json("settings"),
            integer("version"),
            text("set_by"),
            time("set_at"),
        ];
        manager
            .create_table(
                table("route", route).foreign_key(&mut owned_by("workspace_id", "workspace")).take(),
            )
            .await?;
        manager.create_index(unique("route", ["workspace_id", "name"])).await?;
        let state =
            [ColumnDef::new("workspace_id").uuid().not_null().primary_key().take(), integer("version")];
        manager
            .create_table(
                table("gateway_state", state).foreign_key(&mut owned_by("workspace_id", "workspace")).take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("gateway_state").take()).await?;
        manager.drop_table(Table::drop().table("route").take()).await
    }
}
