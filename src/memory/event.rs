//! What the log says of memories: that something happened to one, never what it says.
use crate::{
    event::{Change, Event},
    shared::id::{AnyId, ErasureReceiptId, MemoryId},
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

/// What is told of a forgetting beside what is told of every change.
#[derive(Deserialize)]
struct Forgotten {
    receipt: ErasureReceiptId,
}

/// What an event did to a memory; nothing where it is no memory's.
pub fn changes(event: &Event) -> Vec<Change> {
    let id = AnyId::Memory(MemoryId::from_uuid(event.subject));
    match event.kind.as_str() {
        REMEMBERED | PROPOSED => vec![Change::created(id)],
        UPDATED | ACCEPTED | REJECTED | SUPERSEDED | EXPIRED => vec![Change::updated(id)],
        FORGOTTEN => {
            let forgotten = Forgotten::deserialize(&event.data).ok();
            let receipt = forgotten.map(|told| Change::created(AnyId::ErasureReceipt(told.receipt)));
            [Change::deleted(id)].into_iter().chain(receipt).collect()
        }
        _ => vec![],
    }
}
