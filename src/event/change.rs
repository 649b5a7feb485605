use crate::shared::{actor::Principal, id::AnyId};

/// What an event did to something with an id, as a client's copy has to follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: ChangeKind,
    pub id: AnyId,
    pub audience: Audience,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Created,
    Updated,
    Deleted,
}

/// Of those who may see the event, whose copies have the thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Everybody,
    /// Who administers the workspace.
    Admins,
    /// They, and whose it is.
    AdminsAnd(Principal),
}

impl Change {
    pub fn created(id: AnyId) -> Self {
        Self { kind: ChangeKind::Created, id, audience: Audience::Everybody }
    }

    pub fn updated(id: AnyId) -> Self {
        Self { kind: ChangeKind::Updated, id, audience: Audience::Everybody }
    }

    pub fn deleted(id: AnyId) -> Self {
        Self { kind: ChangeKind::Deleted, id, audience: Audience::Everybody }
    }

    pub fn told_to(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }
}
