//! The schema's history: one change a file, in order, replayed on SQLite and PostgreSQL. Expand first, contract in
//! a later release; a released file never changes.
pub use sea_orm_migration::prelude::{MigrationTrait, MigratorTrait};

mod column;
mod m0001_account;
mod m0002_event;
mod m0003_memory;
mod m0004_coaching;
mod m0005_workflow;
mod m0006_version;
mod m0007_trusted_document;
mod m0008_gateway;
mod m0009_budget;
mod m0010_guardrail;
mod m0011_route;
mod m0012_made_offline;
mod m0013_takeover;
mod m0014_memory_index;
mod m0015_document;
mod m0016_lifecycle;
mod m0017_workflow_of_call;
mod m0018_written_by_run;
mod m0019_call_content;
mod m0020_memory_alias;
mod m0021_trace;
mod m0022_action_item;
mod m0023_importance;
mod m0024_memory_embedding;
mod m0025_memory_in_order;
mod m0026_open_turn;
mod m0027_owner_statistics;

#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_account::Migration),
            Box::new(m0002_event::Migration),
            Box::new(m0003_memory::Migration),
            Box::new(m0004_coaching::Migration),
            Box::new(m0005_workflow::Migration),
            Box::new(m0006_version::Migration),
            Box::new(m0007_trusted_document::Migration),
            Box::new(m0008_gateway::Migration),
            Box::new(m0009_budget::Migration),
            Box::new(m0010_guardrail::Migration),
            Box::new(m0011_route::Migration),
            Box::new(m0012_made_offline::Migration),
            Box::new(m0013_takeover::Migration),
            Box::new(m0014_memory_index::Migration),
            Box::new(m0015_document::Migration),
            Box::new(m0016_lifecycle::Migration),
            Box::new(m0017_workflow_of_call::Migration),
            Box::new(m0018_written_by_run::Migration),
            Box::new(m0019_call_content::Migration),
            Box::new(m0020_memory_alias::Migration),
            Box::new(m0021_trace::Migration),
            Box::new(m0022_action_item::Migration),
            Box::new(m0023_importance::Migration),
            Box::new(m0024_memory_embedding::Migration),
            Box::new(m0025_memory_in_order::Migration),
            Box::new(m0026_open_turn::Migration),
            Box::new(m0027_owner_statistics::Migration),
        ]
    }
}
