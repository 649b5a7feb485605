//! People, workspaces, memberships, keys, audit.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let user = [
            id(),
            text_null("email"),
            text("display_name"),
            text_null("issuer"),
            text_null("subject"),
            time("created_at"),
        ];
        manager.create_table(table("user", user)).await?;
        manager.create_index(unique("user", ["email"])).await?;
        manager.create_index(unique("user", ["issuer", "subject"])).await?;

        let workspace = [id(), text("name"), text("slug"), time("created_at")];
        manager.create_table(table("workspace", workspace)).await?;
        manager.create_index(unique("workspace", ["slug"])).await?;

        let membership = [id(), uuid("workspace_id"), uuid("user_id"), text("role"), time("created_at")];
        manager
            .create_table(
                table("membership", membership)
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .foreign_key(&mut owned_by("user_id", "user"))
                    .take(),
            )
            .await?;
        manager.create_index(unique("membership", ["workspace_id", "user_id"])).await?;
        manager.create_index(index("membership", ["user_id"])).await?;

        let service = [
            id(),
            uuid("workspace_id"),
            text("name"),
            text("role"),
            time("created_at"),
            time_null("deleted_at"),
        ];
        manager
            .create_table(
                table("service_account", service)
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .take(),
            )
            .await?;
        manager.create_index(index("service_account", ["workspace_id"])).await?;

        let invitation = [
            id(),
            uuid("workspace_id"),
            text("email"),
            text("role"),
            bytes("token_hash"),
            time("created_at"),
            time("expires_at"),
            time_null("accepted_at"),
            time_null("revoked_at"),
        ];
        manager
            .create_table(
                table("invitation", invitation)
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .take(),
            )
            .await?;
        manager.create_index(index("invitation", ["workspace_id", "created_at"])).await?;

        let key = [
            id(),
            bytes("secret_hash"),
            text("name"),
            uuid_null("user_id"),
            uuid_null("service_account_id"),
            uuid_null("workspace_id"),
            text("scope"),
            boolean("development"),
            time("created_at"),
            time_null("expires_at"),
            time_null("last_used_at"),
            time_null("revoked_at"),
        ];
        manager
            .create_table(
                table("api_key", key)
                    .foreign_key(&mut owned_by("user_id", "user"))
                    .foreign_key(&mut owned_by("service_account_id", "service_account"))
                    .foreign_key(&mut owned_by("workspace_id", "workspace"))
                    .take(),
            )
            .await?;
        manager.create_index(index("api_key", ["user_id"])).await?;
        manager.create_index(index("api_key", ["service_account_id"])).await?;
        manager.create_index(index("api_key", ["workspace_id", "created_at"])).await?;

        let audit = [
            id(),
            uuid_null("workspace_id"),
            text_null("actor"),
            text("action"),
            text("subject"),
            json("data"),
            time("at"),
        ];
        manager.create_table(table("audit_entry", audit)).await?;
        manager.create_index(index("audit_entry", ["workspace_id", "at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in
            ["audit_entry", "api_key", "invitation", "service_account", "membership", "workspace", "user"]
        {
            manager.drop_table(Table::drop().table(name).take()).await?;
        }
        Ok(())
    }
}
