//! An export reads what somebody owns in the order in which it was written, page by page.
use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("memory", ["workspace_id", "owner_id", "id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::drop().name("memory_by_workspace_id_owner_id_id").table("memory").to_owned();
        manager.drop_index(index).await
    }
}
