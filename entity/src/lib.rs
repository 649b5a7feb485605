//! The tables as sea-orm entities, one a file, without behaviour. A test holds them against the migrated schema.

pub mod api_key;
pub mod approval;
pub mod audit_entry;
pub mod erasure_receipt;
pub mod event;
pub mod event_head;
pub mod idempotency_key;
pub mod invitation;
pub mod membership;
pub mod memory;
pub mod memory_partition;
pub mod memory_posting;
pub mod memory_tombstone;
pub mod run;
pub mod run_source;
pub mod service_account;
pub mod step_attempt;
pub mod step_run;
pub mod user;
pub mod workflow;
pub mod workflow_version;
pub mod workspace;
