//! The usage log of models.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let call = [
            id(),
            uuid("workspace_id"),
            uuid("principal_id"),
            boolean("is_service"),
            uuid_null("turn_id"),
            uuid_null("run_id"),
            text_null("step_key"),
            text("route"),
            text_null("model_requested"),
            text_null("model_used"),
            text("status"),
            text_null("finish_reason"),
            boolean("cache_hit"),
            integer("input_tokens"),
            integer("cached_input_tokens"),
            integer("output_tokens"),
            integer("cost"),
            text_null("currency"),
            integer_null("first_token"),
            integer("duration"),
            json("attempts"),
            json("guardrails"),
            time("started_at"),
        ];
        manager
            .create_table(
                table("llm_call", call).foreign_key(&mut owned_by("workspace_id", "workspace")).take(),
            )
            .await?;
        manager.create_index(index("llm_call", ["workspace_id", "started_at", "id"])).await?;
        manager.create_index(index("llm_call", ["workspace_id", "principal_id", "started_at", "id"])).await
    }
}
