//! Memory: what a person and a team want remembered, found again by its words.
//!
//! `graphql` translates; `service` decides, and commits; `ingest` carries out a batch of writes; `store` speaks SQL.
//! Apart from the database: `lines` reads files, `terms` cuts texts into what is indexed, `rank` scores (BM25), `model` holds the rules.
//!
//! A recall: own partitions' statistics, postings of the query's terms, ranking, the rows of the best: three
//! statements. Memories lie in partitions by (workspace, owner), and a query reads no posting of another's.
pub mod document;
mod documents;
#[cfg(test)]
mod evaluation;
mod event;
mod filing;
pub mod graphql;
mod ingest;
mod lines;
mod model;
mod partition;
pub mod policy;
mod port;
mod rank;
mod reader;
mod service;
mod store;
mod terms;
mod tool;
mod uploads;

pub use event::changes;
pub use graphql::{
    DocumentLoader, DocumentMutation, MemoryLoader, MemoryMutation, WorkspaceFiles, WorkspaceMemories,
    request_data,
};
pub use model::{
    Content, Described, Document, DocumentChunk, DocumentFailure, DocumentStatus, Erased, ErasureReceipt,
    Hit, Imported, MediaType, Memory, MemoryFilter, MemoryKind, MemoryScope, MemoryStatus, NewDocument,
    NewImport, NewItem, NewMemory, NewUpload, Outcome, Prepared, Recall, RecallRequest, estimated_tokens,
};
pub use port::{Derived, Ports, Remembered, Sessions};
pub use reader::{Limits as ReadingLimits, Reader, read_document};
pub use service::MemoryService;
pub use tool::{RecallTool, RememberTool};
pub use uploads::{Expected, Signed};
