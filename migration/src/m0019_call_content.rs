//! What calls of models asked and answered, where a workspace wants it kept.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let keeps = boolean("keeps_contents").default(false).take();
        manager.alter_table(Table::alter().table("gateway_state").add_column(keeps).take()).await?;
        let content = [
            ColumnDef::new("call_id").uuid().not_null().primary_key().take(),
            uuid("workspace_id"),
            uuid("principal_id"),
            boolean("is_service"),
            text("asked"),
            text_null("answer"),
            time("kept_at"),
        ];
        let mut content = table("llm_call_content", content);
        content.foreign_key(&mut owned_by("call_id", "llm_call"));
        content.foreign_key(&mut owned_by("workspace_id", "workspace"));
        manager.create_table(content).await?;
        manager.create_index(index("llm_call_content", ["workspace_id"])).await?;
        manager.create_index(index("llm_call_content", ["kept_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("llm_call_content").take()).await?;
        manager.alter_table(Table::alter().table("gateway_state").drop_column("keeps_contents").take()).await
    }
}
