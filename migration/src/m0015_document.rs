//! Documents, their texts in parts, and the files that they are read from.
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
            uuid("owner_id"),
            uuid_null("user_id"),
            text("scope"),
            text_null("external_id"),
            uuid_null("client_id"),
            bytes_null("client_hash"),
            text("title"),
            text("media_type"),
            text("egress"),
            text("status"),
            text_null("failure"),
            small("progress"),
            small("version"),
            bytes_null("content_hash"),
            small("length"),
            time("created_at"),
            time("updated_at"),
        ];
        let document = &mut table("document", document);
        manager.create_table(document.foreign_key(&mut owned_by("workspace_id", "workspace")).take()).await?;
        manager.create_index(unique("document", ["workspace_id", "owner_id", "external_id"])).await?;
        manager.create_index(unique("document", ["workspace_id", "client_id"])).await?;
        manager.create_index(index("document", ["workspace_id", "created_at", "id"])).await?;

        let words = [ColumnDef::new("document_id").uuid().not_null().primary_key().take(), text("text")];
        let words = &mut table("document_text", words);
        manager.create_table(words.foreign_key(&mut owned_by("document_id", "document")).take()).await?;

        let chunk = [
            id(),
            uuid("document_id"),
            uuid("workspace_id"),
            uuid_null("user_id"),
            small("number"),
            text_null("heading"),
            text("text"),
            small("start_offset"),
            small("end_offset"),
        ];
        let chunk = &mut table("document_chunk", chunk);
        manager.create_table(chunk.foreign_key(&mut owned_by("document_id", "document")).take()).await?;
        manager.create_index(unique("document_chunk", ["document_id", "number"])).await?;

        let upload = [
            id(),
            uuid("workspace_id"),
            uuid("owner_id"),
            uuid_null("user_id"),
            text("scope"),
            uuid("principal_id"),
            text_null("external_id"),
            text("title"),
            text("media_type"),
            text("egress"),
            small("size"),
            uuid_null("document_id"),
            integer("fence"),
            integer("attempts"),
            time_null("lease_until"),
            time("created_at"),
            time("expires_at"),
            time_null("received_at"),
        ];
        let upload = &mut table("document_upload", upload);
        upload.foreign_key(&mut owned_by("workspace_id", "workspace"));
        manager.create_table(upload.foreign_key(&mut owned_by("document_id", "document")).take()).await?;
        manager.create_index(index("document_upload", ["principal_id", "expires_at"])).await?;
        manager.create_index(index("document_upload", ["document_id"])).await?;
        manager.create_index(index("document_upload", ["received_at"])).await?;

        let piece = [uuid("upload_id"), small("number"), bytes("bytes")];
        let piece = &mut table("document_upload_piece", piece);
        piece.primary_key(Index::create().col("upload_id").col("number"));
        manager.create_table(piece.foreign_key(&mut owned_by("upload_id", "document_upload")).take()).await?;

        let key = [ColumnDef::new("name").text().not_null().primary_key().take(), bytes("value")];
        manager.create_table(table("server_key", key)).await?;

        // With it, `memory_id` is the document's.
        let chunk = uuid_null("chunk_id");
        manager.alter_table(Table::alter().table("citation").add_column(chunk).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("citation").drop_column("chunk_id").take()).await?;
        let tables = [
            "server_key",
            "document_upload_piece",
            "document_upload",
            "document_chunk",
            "document_text",
            "document",
        ];
        for name in tables {
            manager.drop_table(Table::drop().table(name).take()).await?;
        }
        Ok(())
    }
}

fn small(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().take()
}
