//! What the log says of memories and documents: that something happened to one, never what it says.
use crate::{
    event::{Change, Event},
    shared::id::{AnyId, DocumentId, ErasureReceiptId, MemoryId},
};
use serde::Deserialize;

pub(super) const REMEMBERED: &str = "MEMORY_REMEMBERED";
pub(super) const UPDATED: &str = "MEMORY_UPDATED";
/// It is a candidate: nobody recalls it yet.
pub(super) const PROPOSED: &str = "MEMORY_PROPOSED";
pub(super) const ACCEPTED: &str = "MEMORY_ACCEPTED";
pub(super) const REJECTED: &str = "MEMORY_REJECTED";
/// Another says otherwise.
pub(super) const SUPERSEDED: &str = "MEMORY_SUPERSEDED";
/// Its time is over.
pub(super) const EXPIRED: &str = "MEMORY_EXPIRED";
pub(super) const FORGOTTEN: &str = "MEMORY_FORGOTTEN";
pub(super) const DOCUMENT_ADDED: &str = "DOCUMENT_ADDED";
/// Its text, or how far it is processed.
pub(super) const DOCUMENT_UPDATED: &str = "DOCUMENT_UPDATED";
pub(super) const DOCUMENT_FORGOTTEN: &str = "DOCUMENT_FORGOTTEN";

/// What is told of a forgetting beside what is told of every change.
#[derive(Deserialize)]
struct Forgotten {
    receipt: ErasureReceiptId,
}

/// What an event did to a memory or a document, whose chunks go with it; nothing where it is of something else.
pub fn changes(event: &Event) -> Vec<Change> {
    let id = match event.kind.as_str() {
        DOCUMENT_ADDED | DOCUMENT_UPDATED | DOCUMENT_FORGOTTEN => {
            AnyId::Document(DocumentId::from_uuid(event.subject))
        }
        _ => AnyId::Memory(MemoryId::from_uuid(event.subject)),
    };
    match event.kind.as_str() {
        REMEMBERED | PROPOSED | DOCUMENT_ADDED => vec![Change::created(id)],
        UPDATED | ACCEPTED | REJECTED | SUPERSEDED | EXPIRED | DOCUMENT_UPDATED => vec![Change::updated(id)],
        FORGOTTEN | DOCUMENT_FORGOTTEN => {
            let forgotten = Forgotten::deserialize(&event.data).ok();
            let receipt = forgotten.map(|told| Change::created(AnyId::ErasureReceipt(told.receipt)));
            [Change::deleted(id)].into_iter().chain(receipt).collect()
        }
        _ => vec![],
    }
}
