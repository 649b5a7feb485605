//! The tables as sea-orm entities, one a file, without behaviour. A test holds them against the migrated schema.

pub mod api_key;
pub mod audit_entry;
pub mod citation;
pub mod coaching_session;
pub mod erasure_receipt;
pub mod event;
pub mod event_head;
pub mod goal;
pub mod idempotency_key;
pub mod invitation;
pub mod membership;
pub mod memory;
pub mod memory_partition;
pub mod memory_posting;
pub mod memory_tombstone;
pub mod message;
pub mod service_account;
pub mod turn;
pub mod user;
pub mod workspace;
