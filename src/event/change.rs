use crate::shared::id::AnyId;

/// What an event did to something with an id, as a client's copy has to follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: ChangeKind,
    pub id: AnyId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Created,
    Updated,
    Deleted,
}

impl Change {
    pub fn created(id: AnyId) -> Self {
        Self { kind: ChangeKind::Created, id }
    }

    pub fn updated(id: AnyId) -> Self {
        Self { kind: ChangeKind::Updated, id }
    }

    pub fn deleted(id: AnyId) -> Self {
        Self { kind: ChangeKind::Deleted, id }
    }
}
