//! Sync: what changes in a workspace and what the actor may see of it, in one order, from one cursor: memories,
//! sessions, turns and what they say, workflows, runs, steps and approvals, members. Keys, invitations and service
//! accounts are not told; they are read when somebody looks at them.
//!
//! The log has it already. Each slice says what an event of its own did to which of its things; [`SyncService`] reads
//! the log for the actor and passes that on, as pages or as they come. `graphql::change` shows it.
mod service;

pub use service::{Changed, Changes, SyncService};
