//! Memory: what a person and a team want remembered, found again by its words.
//!
//! `graphql` translates; `service` decides, and commits; `ingest` carries out a batch of writes; `store` speaks SQL.
//! Apart from the database: `lines` reads files, `terms` cuts texts into what is indexed, `rank` scores (BM25), `model` holds the rules.
//!
//! A recall: own partitions' statistics, postings of the query's terms, ranking, the rows of the best: three
//! statements. Memories lie in partitions by (workspace, owner), and a query reads no posting of another's.
mod answer;
#[cfg(test)]
mod evaluation;
mod event;
mod extraction;
pub mod graphql;
mod ingest;
mod lines;
mod model;
mod partition;
pub mod policy;
mod port;
mod rank;
mod service;
mod store;
mod terms;
mod tool;

pub use event::changes;
pub use extraction::{CandidateTopic, Passage};
pub use graphql::{MemoryLoader, MemoryMutation, WorkspaceMemories, request_data};
pub use model::{
    Content, Erased, ErasureReceipt, Hit, Holds, Imported, Memory, MemoryFilter, MemoryKind, MemoryScope,
    MemorySource, MemoryStatus, NewImport, NewItem, NewMemory, Outcome, Recall, RecallRequest,
    estimated_tokens,
};
pub use port::{Derived, Ports, Said, Sessions, Transcript};
pub use service::MemoryService;
pub use tool::{RecallTool, RememberTool};
