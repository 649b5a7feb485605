//! Sync: everything that changes in a workspace and that the actor may see, in one order, from one cursor.
//!
//! The log has it already. Each slice says what an event of its own did to which of its things; [`SyncService`] reads
//! the log for the actor and passes that on, as pages or as they come. `graphql::change` shows it.
mod service;

pub use service::{Changed, Changes, SyncService};
