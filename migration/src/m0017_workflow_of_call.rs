//! The workflow for which a call of a model was made.
use crate::column::*;
use sea_orm_migration::{prelude::*, sea_query::SubQueryStatement};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let workflow = uuid_null("workflow_id");
        manager.alter_table(Table::alter().table("llm_call").add_column(workflow).take()).await?;
        // Those of runs that are still there.
        let of_run = Query::select()
            .column(("run", "workflow_id"))
            .from("run")
            .and_where(Expr::col(("run", "id")).equals(("llm_call", "run_id")))
            .take();
        let told = Query::update()
            .table("llm_call")
            .value("workflow_id", Expr::SubQuery(None, Box::new(SubQueryStatement::SelectStatement(of_run))))
            .and_where(Expr::col("run_id").is_not_null())
            .take();
        manager.execute(told).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("llm_call").drop_column("workflow_id").take()).await
    }
}
