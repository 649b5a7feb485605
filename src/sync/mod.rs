//! Sync: what changes in a workspace and what the actor may see of it, in one order, from one cursor: everything with
//! an id that lies in the workspace. Not told, for it changes without anybody's doing or is told better elsewhere: when a
//! key was last used, what a budget has spent, that a time has passed (an invitation's, a key's), how providers of
//! models are, calls of models (a log of their own), and the text of a reply while it is spoken.
//!
//! The log has it already. Each slice says what an event of its own did to which of its things; [`SyncService`] reads
//! the log for the actor and passes that on, as pages or as they come. `graphql::change` shows it.
mod service;

pub use service::{Changed, Changes, SyncService};
