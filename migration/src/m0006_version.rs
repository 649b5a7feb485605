//! Versions of what people edit, the status of goals, and what a client made under an id of its own.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in columns() {
            // One a statement: SQLite takes no more.
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        manager.create_index(unique("goal", ["workspace_id", "owner_id", "client_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::drop();
        index.name("goal_by_workspace_id_owner_id_client_id").table("goal");
        manager.drop_index(index).await?;
        for (table, column) in columns() {
            let name = column.get_column_name();
            manager.alter_table(Table::alter().table(table).drop_column(name).take()).await?;
        }
        Ok(())
    }
}

fn columns() -> Vec<(&'static str, ColumnDef)> {
    let version = || integer("version").default(1).take();
    vec![
        ("workspace", version()),
        ("workflow", version()),
        ("goal", version()),
        ("coaching_session", version()),
        ("goal", text("status").default("ACTIVE").take()),
        ("goal", uuid_null("client_id")),
        // The hash of what was sent with the client's id: it tells a repeat from another thing after changes, too.
        ("goal", bytes_null("client_hash")),
        ("coaching_session", bytes_null("client_hash")),
        ("message", bytes_null("client_hash")),
        ("memory", bytes_null("client_hash")),
    ]
}
