//! Goals, sessions, turns, messages, citations.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let goal = [
            id(),
            uuid("workspace_id"),
            uuid("owner_id"),
            text("title"),
            ColumnDef::new("progress").double().not_null().take(),
            time("created_at"),
            time("updated_at"),
        ];
        manager
            .create_table(table("goal", goal).foreign_key(&mut owned_by("workspace_id", "workspace")).take())
            .await?;
        manager.create_index(index("goal", ["workspace_id", "owner_id"])).await?;

        let session = [
            id(),
            uuid("workspace_id"),
            uuid("owner_id"),
            uuid_null("goal_id"),
            text("mode"),
            text_null("topic"),
            text("status"),
            text_null("summary"),
            uuid_null("client_id"),
            integer("messages"),
            integer("turns"),
            time("created_at"),
            time("updated_at"),
        ];
        manager
            .create_table(
                table("coaching_session", session)
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .take(),
            )
            .await?;
        for order in ["created_at", "updated_at"] {
            manager
                .create_index(index("coaching_session", ["workspace_id", "owner_id", order, "id"]))
                .await?;
        }
        manager.create_index(unique("coaching_session", ["workspace_id", "owner_id", "client_id"])).await?;

        let turn = [
            id(),
            uuid("workspace_id"),
            uuid("owner_id"),
            uuid("session_id"),
            integer("number"),
            text("status"),
            uuid("message_id"),
            uuid_null("reply_id"),
            integer("fence"),
            time_null("lease_until"),
            boolean("interrupt_requested"),
            time("created_at"),
            time_null("started_at"),
            time_null("finished_at"),
        ];
        manager
            .create_table(
                table("turn", turn).foreign_key(&mut owned_by("session_id", "coaching_session")).take(),
            )
            .await?;
        manager.create_index(unique("turn", ["session_id", "number"])).await?;
        // What workers look for; finished turns are none of their business.
        let open = index("turn", ["status", "created_at"])
            .and_where(Expr::col("status").is_in(["QUEUED", "RUNNING"]))
            .take();
        manager.create_index(open).await?;
        // One at a time in a session, whatever the workers do.
        let mut running = Index::create();
        running.name("turn_running").table("turn").col("session_id").unique();
        manager.create_index(running.and_where(Expr::col("status").eq("RUNNING")).take()).await?;

        let message = [
            id(),
            uuid("workspace_id"),
            uuid("owner_id"),
            uuid("session_id"),
            uuid("turn_id"),
            integer("turn_number"),
            integer("position"),
            text("role"),
            text("text"),
            text("status"),
            text_null("stop_reason"),
            ColumnDef::new("input_tokens").big_integer().take(),
            ColumnDef::new("output_tokens").big_integer().take(),
            uuid_null("client_id"),
            time("created_at"),
        ];
        manager
            .create_table(
                table("message", message).foreign_key(&mut owned_by("session_id", "coaching_session")).take(),
            )
            .await?;
        manager.create_index(unique("message", ["session_id", "position"])).await?;
        manager.create_index(unique("message", ["session_id", "client_id"])).await?;

        let citation = [
            uuid("message_id"),
            integer("place"),
            uuid("memory_id"),
            text("quote"),
            integer("start_offset"),
            integer("end_offset"),
        ];
        manager
            .create_table(
                table("citation", citation)
                    .primary_key(Index::create().col("message_id").col("place"))
                    .foreign_key(&mut owned_by("message_id", "message"))
                    .take(),
            )
            .await?;
        // Forgetting a memory looks for what quotes it.
        manager.create_index(index("citation", ["memory_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["citation", "message", "turn", "coaching_session", "goal"] {
            manager.drop_table(Table::drop().table(name).take()).await?;
        }
        Ok(())
    }
}
