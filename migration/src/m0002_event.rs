//! The event log, its heads, and idempotency keys.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let head = [uuid("workspace_id").primary_key().take(), integer("position"), integer("trimmed")];
        manager
            .create_table(
                table("event_head", head).foreign_key(&mut owned_by("workspace_id", "workspace")).take(),
            )
            .await?;

        let event = [
            uuid("workspace_id"),
            integer("position"),
            text("kind"),
            uuid("subject_id"),
            uuid_null("owner_id"),
            json("data"),
            time("at"),
        ];
        manager
            .create_table(
                table("event", event)
                    .primary_key(Index::create().col("workspace_id").col("position"))
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .take(),
            )
            .await?;
        manager.create_index(index("event", ["workspace_id", "subject_id", "position"])).await?;

        let key = [
            id(),
            uuid("principal_id"),
            text("operation"),
            text("key"),
            bytes("input_hash"),
            json("result"),
            time("created_at"),
        ];
        manager.create_table(table("idempotency_key", key)).await?;
        manager.create_index(unique("idempotency_key", ["principal_id", "operation", "key"])).await?;
        manager.create_index(index("idempotency_key", ["created_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["idempotency_key", "event", "event_head"] {
            manager.drop_table(Table::drop().table(name).take()).await?;
        }
        Ok(())
    }
}
