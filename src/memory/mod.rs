//! Memory: what a person and a team want remembered, found again by its words and its meaning.
//!
//! `graphql` translates; `service` decides, and commits; `ingest` carries out a batch of writes; `store` speaks SQL.
//! Apart from the database: `lines` reads files, `terms` and `embedding` make of texts what is indexed, `index` has it in
//! memory, `rank` scores, `model` holds the rules.
//!
//! A recall: how the actor's own partitions stand, what this process's copies of them do not have yet, ranking, the rows
//! of the best: two statements, and two more for each partition that has changed. Memories lie in partitions by
//! (workspace, owner), and a query reads nothing of another's.
mod about;
mod answer;
mod contradiction;
mod document;
mod documents;
mod embedding;
mod entities;
#[cfg(test)]
mod evaluation;
mod event;
mod export;
mod extraction;
mod filing;
mod forgetting;
pub mod graphql;
pub mod index;
mod ingest;
mod lines;
mod model;
mod partition;
pub mod policy;
mod port;
mod provided;
mod rank;
mod reader;
mod recall;
mod rerank;
mod service;
mod store;
mod terms;
mod tool;
mod uploads;

pub use about::{About, AboutIt, Readings};
pub use event::changes;
pub use export::Export;
pub use extraction::{CandidateTopic, Passage};
pub use graphql::{
    DocumentLoader, DocumentMutation, MemoryLoader, MemoryMutation, WorkspaceFiles, WorkspaceMemories,
    request_data,
};
pub use model::{
    Content, Described, Document, DocumentChunk, DocumentFailure, DocumentStatus, Erased, ErasureReceipt,
    Group, GroupBy, Hit, Holds, Imported, Item, MediaType, Memory, MemoryFilter, MemoryKind, MemoryScope,
    MemorySource, MemoryStatus, NewDocument, NewImport, NewItem, NewMemory, NewUpload, Outcome, Prepared,
    Recall, RecallRequest, RecencyRequest, Succession, estimated_tokens,
};
pub use port::{Derived, Ports, Remembered, Said, Sessions, Transcript};
pub use provided::ProviderEmbeddings;
pub use reader::{Limits as ReadingLimits, Reader, read_document};
pub use rerank::Reranker;
pub use service::MemoryService;
pub use tool::{RecallTool, RememberTool};
pub use uploads::{Expected, Signed};
