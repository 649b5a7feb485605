//! Budgets, what they have used, and by which key runs and turns were begun.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let budget = [
            id(),
            uuid("workspace_id"),
            text("scope_kind"),
            uuid("scope_id"),
            text("period"),
            integer("limit"),
            text("currency"),
            text("action"),
            text_null("downgrade_route"),
            integer("version"),
            time("created_at"),
        ];
        let account = [
            id(),
            uuid("budget_id"),
            time("period_start"),
            integer("leased"),
            integer("spent"),
            time_null("exceeded_at"),
        ];
        let lease = [id(), uuid("account_id"), integer("amount"), time("lease_until")];
        let tables = [
            (table("budget", budget), owned_by("workspace_id", "workspace")),
            (table("budget_account", account), owned_by("budget_id", "budget")),
            (table("budget_lease", lease), owned_by("account_id", "budget_account")),
        ];
        for (mut table, mut owner) in tables {
            manager.create_table(table.foreign_key(&mut owner).take()).await?;
        }
        let scope = ["workspace_id", "scope_kind", "scope_id", "period"];
        manager.create_index(unique("budget", scope)).await?;
        manager.create_index(unique("budget_account", ["budget_id", "period_start"])).await?;
        manager.create_index(index("budget_lease", ["account_id"])).await?;
        manager.create_index(index("budget_lease", ["lease_until"])).await?;
        for table in ["run", "turn"] {
            let column = uuid_null("api_key_id");
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["turn", "run"] {
            manager.alter_table(Table::alter().table(table).drop_column("api_key_id").take()).await?;
        }
        for table in ["budget_lease", "budget_account", "budget"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
