//! Action items, and what they quote of what was remembered.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let item = [
            id(),
            uuid("workspace_id"),
            uuid("owner_id"),
            uuid_null("session_id"),
            uuid_null("goal_id"),
            uuid_null("turn_id"),
            text("text"),
            time_null("due_at"),
            text("status"),
            integer("version"),
            uuid_null("client_id"),
            bytes_null("client_hash"),
            time("created_at"),
            time("updated_at"),
            time_null("completed_at"),
        ];
        manager
            .create_table(
                table("action_item", item)
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .foreign_key(&mut owned_by("session_id", "coaching_session"))
                    .take(),
            )
            .await?;
        manager.create_index(index("action_item", ["workspace_id", "owner_id", "created_at", "id"])).await?;
        manager.create_index(index("action_item", ["session_id", "created_at", "id"])).await?;
        manager.create_index(unique("action_item", ["workspace_id", "owner_id", "client_id"])).await?;

        let quote = [uuid("action_item_id"), integer("place"), uuid("memory_id"), text("quote")];
        manager
            .create_table(
                table("action_item_quote", quote)
                    .primary_key(Index::create().col("action_item_id").col("place"))
                    .foreign_key(&mut owned_by("action_item_id", "action_item"))
                    .take(),
            )
            .await?;
        // Forgetting a memory looks for what quotes it.
        manager.create_index(index("action_item_quote", ["memory_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["action_item_quote", "action_item"] {
            manager.drop_table(Table::drop().table(name).take()).await?;
        }
        Ok(())
    }
}
