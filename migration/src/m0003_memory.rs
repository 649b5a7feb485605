//! Memories, their lexical index, and what stays of them when they are forgotten.
use crate::column::*;
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let memory = [
            id(),
            uuid("workspace_id"),
            uuid("owner_id"),
            uuid_null("user_id"),
            text("scope"),
            text_null("external_id"),
            uuid_null("client_id"),
            text_null("collection"),
            text_null("speaker"),
            text("text"),
            text("kind"),
            text("status"),
            small("version"),
            time_null("occurred_at"),
            small("length"),
            small("postings"),
            time("created_at"),
            time("updated_at"),
        ];
        manager
            .create_table(
                table("memory", memory).foreign_key(&mut owned_by("workspace_id", "workspace")).take(),
            )
            .await?;
        manager.create_index(unique("memory", ["workspace_id", "owner_id", "external_id"])).await?;
        manager.create_index(unique("memory", ["workspace_id", "client_id"])).await?;
        manager.create_index(index("memory", ["workspace_id", "created_at", "id"])).await?;

        let partition = [
            uuid("workspace_id"),
            uuid("owner_id"),
            text("scope"),
            uuid_null("user_id"),
            integer("documents"),
            integer("length"),
            bytes("salt"),
        ];
        manager
            .create_table(
                table("memory_partition", partition)
                    .primary_key(Index::create().col("workspace_id").col("owner_id"))
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .take(),
            )
            .await?;
        manager.create_index(index("memory_partition", ["workspace_id", "user_id"])).await?;

        // No foreign keys: they would be looked up for each of some fifteen rows a memory. The row is its key and
        // little else, so SQLite keeps it in the key's tree alone.
        let posting = [
            uuid("workspace_id"),
            uuid("owner_id"),
            text("term"),
            uuid("memory_id"),
            small("frequency"),
            small("length"),
        ];
        let mut posting = table("memory_posting", posting);
        posting.primary_key(Index::create().col("workspace_id").col("owner_id").col("term").col("memory_id"));
        if manager.get_database_backend() == DbBackend::Sqlite {
            posting.extra("WITHOUT ROWID");
        }
        manager.create_table(posting).await?;

        let tombstone = [uuid("workspace_id"), bytes("mark")];
        manager
            .create_table(
                table("memory_tombstone", tombstone)
                    .primary_key(Index::create().col("workspace_id").col("mark"))
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .take(),
            )
            .await?;

        let receipt = [
            id(),
            uuid("workspace_id"),
            uuid_null("user_id"),
            uuid("memory_id"),
            uuid("requested_by"),
            json("erased"),
            time("at"),
        ];
        manager
            .create_table(
                table("erasure_receipt", receipt)
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .take(),
            )
            .await?;
        manager.create_index(index("erasure_receipt", ["workspace_id", "at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["erasure_receipt", "memory_tombstone", "memory_posting", "memory_partition", "memory"] {
            manager.drop_table(Table::drop().table(name).take()).await?;
        }
        Ok(())
    }
}

fn small(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().take()
}
