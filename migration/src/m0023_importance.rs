//! How important a memory was said to be; in the index, too, where recalls rank.
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 2] = ["memory", "memory_index"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            let importance = ColumnDef::new("importance").double().take();
            manager.alter_table(Table::alter().table(table).add_column(importance).take()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            manager.alter_table(Table::alter().table(table).drop_column("importance").take()).await?;
        }
        Ok(())
    }
}
