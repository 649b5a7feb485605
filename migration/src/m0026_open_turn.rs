//! Whoever sends a message asks which turns of the session are open: not all that are open on the whole server.
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut open = Index::create();
        open.name("turn_open").table("turn").col("session_id").col("number");
        // As those say it who ask.
        let of_them = Expr::cust("COALESCE(\"status\" IN ('QUEUED', 'RUNNING'), FALSE)");
        manager.create_index(open.and_where(of_them).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("turn_open").table("turn").to_owned()).await
    }
}
