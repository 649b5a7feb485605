//! Workflows, versions, runs, steps, attempts, approvals.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        definitions(manager).await?;
        runs(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables =
            ["run_source", "approval", "step_attempt", "step_run", "run", "workflow_version", "workflow"];
        for name in tables {
            manager.drop_table(Table::drop().table(name).take()).await?;
        }
        Ok(())
    }
}

async fn definitions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let workflow = [
        id(),
        uuid("workspace_id"),
        text("name"),
        text("slug"),
        json("graph"),
        json_null("input_schema"),
        json("problems"),
        integer("draft_version"),
        uuid_null("published_version_id"),
        time("created_at"),
        time("updated_at"),
    ];
    manager
        .create_table(
            table("workflow", workflow).foreign_key(&mut owned_by("workspace_id", "workspace")).take(),
        )
        .await?;
    manager.create_index(unique("workflow", ["workspace_id", "slug"])).await?;
    manager.create_index(index("workflow", ["workspace_id", "created_at", "id"])).await?;

    let version = [
        id(),
        uuid("workspace_id"),
        uuid("workflow_id"),
        integer("number"),
        json("graph"),
        json_null("input_schema"),
        text("checksum"),
        uuid("published_by"),
        time("published_at"),
    ];
    manager
        .create_table(
            table("workflow_version", version).foreign_key(&mut owned_by("workflow_id", "workflow")).take(),
        )
        .await?;
    manager.create_index(unique("workflow_version", ["workflow_id", "number"])).await
}

async fn runs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let run = [
        id(),
        uuid("workspace_id"),
        uuid("workflow_id"),
        uuid("version_id"),
        text("status"),
        text("principal_kind"),
        uuid("principal_id"),
        json("input"),
        json_null("output"),
        json_null("error"),
        time_null("wake_at"),
        integer("lease_token"),
        uuid_null("lease_owner"),
        time_null("lease_until"),
        integer("revision"),
        time("created_at"),
        time("updated_at"),
    ];
    let mut run = table("run", run);
    run.foreign_key(&mut owned_by("workspace_id", "workspace"))
        .foreign_key(&mut owned_by("workflow_id", "workflow"))
        .foreign_key(&mut owned_by("version_id", "workflow_version"));
    manager.create_table(run).await?;
    manager.create_index(index("run", ["workspace_id", "created_at", "id"])).await?;
    manager.create_index(index("run", ["workspace_id", "status", "created_at"])).await?;
    manager.create_index(index("run", ["workflow_id", "created_at"])).await?;
    manager.create_index(index("run", ["version_id"])).await?;
    // What a worker asks for again and again: a run that has ended has no time.
    manager.create_index(index("run", ["wake_at", "id"])).await?;

    let step = [
        id(),
        uuid("workspace_id"),
        uuid("run_id"),
        integer("place"),
        text("key"),
        text("status"),
        integer("attempts"),
        integer("failures"),
        json_null("output"),
        json_null("error"),
        time_null("wake_at"),
    ];
    manager.create_table(table("step_run", step).foreign_key(&mut owned_by("run_id", "run")).take()).await?;
    manager.create_index(unique("step_run", ["run_id", "place"])).await?;

    let attempt = [
        id(),
        uuid("workspace_id"),
        uuid("step_run_id"),
        integer("number"),
        time("started_at"),
        time_null("finished_at"),
        json_null("error"),
    ];
    manager
        .create_table(
            table("step_attempt", attempt).foreign_key(&mut owned_by("step_run_id", "step_run")).take(),
        )
        .await?;
    manager.create_index(unique("step_attempt", ["step_run_id", "number"])).await?;

    let approval = [
        id(),
        uuid("workspace_id"),
        uuid("run_id"),
        uuid("step_run_id"),
        text("title"),
        json_null("form"),
        text("status"),
        text("on_expiry"),
        time_null("expires_at"),
        text_null("decided_by_kind"),
        uuid_null("decided_by"),
        text_null("comment"),
        json_null("answer"),
        time("created_at"),
    ];
    manager
        .create_table(
            table("approval", approval)
                .foreign_key(&mut owned_by("run_id", "run"))
                .foreign_key(&mut owned_by("step_run_id", "step_run"))
                .take(),
        )
        .await?;
    manager.create_index(index("approval", ["run_id"])).await?;
    manager.create_index(index("approval", ["step_run_id"])).await?;

    let source = [uuid("run_id"), uuid("memory_id"), uuid("workspace_id")];
    manager
        .create_table(
            table("run_source", source)
                .primary_key(Index::create().col("run_id").col("memory_id"))
                .foreign_key(&mut owned_by("run_id", "run"))
                .take(),
        )
        .await?;
    manager.create_index(index("run_source", ["memory_id"])).await
}
