//! The index of memory as one row an item, from which each process makes its copy; postings go.
//!
//! What was indexed before is indexed anew by the server that finds `made_by` missing: its words are in `memory`.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = [
            uuid("workspace_id"),
            uuid("owner_id"),
            integer("revision"),
            uuid("item_id"),
            text("item"),
            text_null("collection"),
            text_null("speaker"),
            text_null("kind"),
            time("at"),
            integer("length"),
            bytes("terms"),
            bytes("vector"),
            text("made_by"),
        ];
        manager.create_table(of_partition("memory_index", index)).await?;
        manager.create_index(unique("memory_index", ["item_id"])).await?;
        let removal =
            [uuid("workspace_id"), uuid("owner_id"), integer("revision"), uuid("item_id"), time("at")];
        manager.create_table(of_partition("memory_index_removal", removal)).await?;

        for column in added() {
            // One a statement: SQLite takes no more.
            manager.alter_table(Table::alter().table("memory_partition").add_column(column).take()).await?;
        }
        for (table, column) in REMOVED {
            manager.alter_table(Table::alter().table(table).drop_column(column).take()).await?;
        }
        manager.drop_table(Table::drop().table("memory_posting").take()).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the postings that older versions need are gone: restore a backup".into()))
    }
}

/// Rows in the order in which a partition was written.
fn of_partition(name: &'static str, columns: impl IntoIterator<Item = ColumnDef>) -> TableCreateStatement {
    table(name, columns)
        .primary_key(Index::create().col("workspace_id").col("owner_id").col("revision"))
        .foreign_key(&mut owned_by("workspace_id", "workspace"))
        .take()
}

fn added() -> [ColumnDef; 3] {
    [integer("revision").default(0).take(), integer("pruned").default(0).take(), text_null("made_by")]
}

const REMOVED: [(&str, &str); 4] = [
    ("memory", "length"),
    ("memory", "postings"),
    ("memory_partition", "documents"),
    ("memory_partition", "length"),
];
