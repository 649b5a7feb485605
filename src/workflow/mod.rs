//! Workflows: graphs of steps that run durably, watched live.
//!
//! A request: `graphql` translates; `service` decides, and commits with the events; `store` speaks SQL. A graph is
//! checked as a whole (`validate`) before it is published as an unchangeable version.
//!
//! A run: `executor` takes it under a lease and asks `planner`, a pure function from what is recorded to what is to
//! be done; calls are made outside of transactions, and what came of them is recorded with what follows from it and
//! the events of both. `expression` (CEL) and `template` (minijinja) compute with bounds of their own.
mod event;
mod executor;
mod expression;
mod graph;
mod graphql;
mod model;
mod planner;
pub mod policy;
mod scope;
mod service;
mod store;
mod template;
mod tool;
mod validate;

pub use event::changes;
pub use executor::{Executor, Hands};
pub use graphql::{
    Approval, Run, StepRun, Workflow, WorkflowLoader, WorkflowMutation, WorkflowSubscription,
    WorkflowVersion, WorkspaceWorkflows,
};
pub use service::WorkflowService;
pub use tool::StartWorkflowTool;
