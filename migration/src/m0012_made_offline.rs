//! The version of a membership, and what a client made a workflow under an id of its own.
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
        manager.create_index(unique("workflow", ["workspace_id", "client_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::drop();
        index.name("workflow_by_workspace_id_client_id").table("workflow");
        manager.drop_index(index).await?;
        for (table, column) in columns() {
            let name = column.get_column_name();
            manager.alter_table(Table::alter().table(table).drop_column(name).take()).await?;
        }
        Ok(())
    }
}

fn columns() -> Vec<(&'static str, ColumnDef)> {
    vec![
        ("membership", integer("version").default(1).take()),
        ("workflow", uuid_null("client_id")),
        ("workflow", bytes_null("client_hash")),
    ]
}
