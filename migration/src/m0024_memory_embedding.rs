//! Vectors of a provider's model beside the index, and how far they are.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let embedding = [
            uuid("workspace_id"),
            uuid("owner_id"),
            uuid("item_id"),
            text("model"),
            integer("dimensions"),
            integer("revision"),
            bytes("vector"),
        ];
        // Whoever takes an item out of the index takes its vectors, too.
        let indexed = ForeignKey::create()
            .from_col("item_id")
            .to("memory_index", "item_id")
            .on_delete(ForeignKeyAction::Cascade)
            .take();
        let embedding = table("memory_embedding", embedding)
            .primary_key(Index::create().col("item_id").col("model"))
            .foreign_key(&mut indexed.clone())
            .take();
        manager.create_table(embedding).await?;
        let followed = ["workspace_id", "owner_id", "model", "revision"];
        manager.create_index(index("memory_embedding", followed)).await?;

        let progress = [uuid("workspace_id"), uuid("owner_id"), text("model"), integer("revision")];
        let progress = table("memory_embedding_progress", progress)
            .primary_key(Index::create().col("workspace_id").col("owner_id").col("model"))
            .foreign_key(&mut owned_by("workspace_id", "workspace"))
            .take();
        manager.create_table(progress).await?;

        let state = [
            uuid("workspace_id").primary_key().take(),
            text_null("active"),
            integer_null("dimensions"),
            text_null("wanted"),
            integer_null("wanted_dimensions"),
            time_null("switched_at"),
            time_null("not_before"),
            integer("failures"),
        ];
        let state = table("memory_embedding_state", state)
            .foreign_key(&mut owned_by("workspace_id", "workspace"))
            .take();
        manager.create_table(state).await?;

        let has_embeddings = boolean("has_embeddings").default(false).take();
        manager.alter_table(Table::alter().table("memory_partition").add_column(has_embeddings).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(Table::alter().table("memory_partition").drop_column("has_embeddings").take())
            .await?;
        for table in ["memory_embedding_state", "memory_embedding_progress", "memory_embedding"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
