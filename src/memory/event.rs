//! What the log says of memories: that something happened to one, never what it says.
use crate::{
    event::{Change, Event},
    shared::id::{AnyId, MemoryId},
};

pub(super) const REMEMBERED: &str = "MEMORY_REMEMBERED";
pub(super) const UPDATED: &str = "MEMORY_UPDATED";
pub(super) const FORGOTTEN: &str = "MEMORY_FORGOTTEN";

/// What an event did to a memory; `None` where it is no memory's.
pub fn change(event: &Event) -> Option<Change> {
    let id = AnyId::Memory(MemoryId::from_uuid(event.subject));
    match event.kind.as_str() {
        REMEMBERED => Some(Change::created(id)),
        UPDATED => Some(Change::updated(id)),
        FORGOTTEN => Some(Change::deleted(id)),
        _ => None,
    }
}
