//! What becomes of a memory: where it comes from, how long it holds, and what was done with it.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Few memories have an end, and few are proposed: an index of those alone. By SQL, for the builder knows no such index.
const INDEXES: [(&str, &str); 2] = [
    ("memory_by_expires_at", "ON memory (expires_at) WHERE expires_at IS NOT NULL"),
    (
        "memory_by_proposed",
        "ON memory (workspace_id, owner_id, id) WHERE status IN ('CANDIDATE', 'REJECTED')",
    ),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in columns() {
            // One a statement: SQLite takes no more.
            manager.alter_table(Table::alter().table("memory").add_column(column).take()).await?;
        }
        for (name, index) in INDEXES {
            manager.get_connection().execute_unprepared(&format!("CREATE INDEX {name} {index}")).await?;
        }
        for column in times() {
            manager.alter_table(Table::alter().table("memory_index").add_column(column).take()).await?;
        }
        let source = [
            uuid("memory_id"),
            integer("place"),
            uuid("workspace_id"),
            uuid_null("session_id"),
            uuid_null("message_id"),
            text("quote"),
            integer("start_offset"),
            integer("end_offset"),
        ];
        manager
            .create_table(
                table("memory_source", source)
                    .primary_key(Index::create().col("memory_id").col("place"))
                    .foreign_key(&mut owned_by("memory_id", "memory"))
                    .take(),
            )
            .await?;
        manager.create_index(index("memory_source", ["message_id"])).await?;
        manager.create_index(index("memory_source", ["session_id"])).await?;
        let change = [
            uuid("memory_id"),
            integer("number"),
            text("what"),
            text_null("reason"),
            uuid_null("other_id"),
            uuid_null("by_id"),
            time("at"),
        ];
        manager
            .create_table(
                table("memory_change", change)
                    .primary_key(Index::create().col("memory_id").col("number"))
                    .foreign_key(&mut owned_by("memory_id", "memory"))
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["memory_change", "memory_source"] {
            manager.drop_table(Table::drop().table(name).take()).await?;
        }
        for (name, _) in INDEXES {
            manager.get_connection().execute_unprepared(&format!("DROP INDEX {name}")).await?;
        }
        for (table, columns) in [("memory", columns()), ("memory_index", times())] {
            for column in columns {
                let name = column.get_column_name();
                manager.alter_table(Table::alter().table(table).drop_column(name).take()).await?;
            }
        }
        Ok(())
    }
}

/// What a recall filters by. What is there has none of it.
fn times() -> Vec<ColumnDef> {
    let names = ["valid_from", "valid_to", "expires_at", "known_from", "superseded_at", "superseded_from"];
    names.map(time_null).to_vec()
}

fn columns() -> Vec<ColumnDef> {
    vec![
        ColumnDef::new("confidence").double().take(),
        time_null("valid_from"),
        time_null("valid_to"),
        time_null("expires_at"),
        // Since when its content is known here, where that is not since it was written.
        time_null("known_from"),
        // When it was told that another says otherwise, and since when that is so; never, where there is none.
        time_null("superseded_at"),
        time_null("superseded_from"),
        uuid_null("superseded_by"),
    ]
}
