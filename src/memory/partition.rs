use super::MemoryScope;
use crate::shared::{
    actor::{AtLeast, Grant, Read},
    id::{CoachingSessionId, WorkspaceId},
};
use uuid::Uuid;

/// Where memories live together: the unit of the index and of its statistics, and who reads it. Nobody's query
/// touches the postings of a partition that is not theirs. Who locks several does it in their order: those of people come
/// before the workspace's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Partition {
    workspace: WorkspaceId,
    scope: MemoryScope,
    owner: Uuid,
    user: Option<Uuid>,
}

impl Partition {
    pub fn of_user(grant: &Grant<impl AtLeast<Read>>) -> Self {
        let user = grant.principal().uuid();
        Self { workspace: grant.workspace(), scope: MemoryScope::User, owner: user, user: Some(user) }
    }

    pub fn of_workspace(grant: &Grant<impl AtLeast<Read>>) -> Self {
        let workspace = grant.workspace();
        Self { workspace, scope: MemoryScope::Workspace, owner: workspace.uuid(), user: None }
    }

    /// The session must be the principal's own.
    pub fn of_session(grant: &Grant<impl AtLeast<Read>>, session: CoachingSessionId) -> Self {
        let user = Some(grant.principal().uuid());
        Self { workspace: grant.workspace(), scope: MemoryScope::Session, owner: session.uuid(), user }
    }

    /// Where what has this scope lies. The session must be the principal's own.
    pub fn of_scope(
        grant: &Grant<impl AtLeast<Read>>,
        scope: MemoryScope,
        session: Option<CoachingSessionId>,
    ) -> Self {
        match (scope, session) {
            (MemoryScope::Workspace, _) => Self::of_workspace(grant),
            (MemoryScope::Session, Some(session)) => Self::of_session(grant, session),
            (MemoryScope::User | MemoryScope::Session, _) => Self::of_user(grant),
        }
    }

    /// Of a row that was read under a grant or a scope.
    pub(super) fn of_row(
        workspace: WorkspaceId,
        scope: MemoryScope,
        owner: Uuid,
        user: Option<Uuid>,
    ) -> Self {
        Self { workspace, scope, owner, user }
    }

    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    pub fn scope(&self) -> MemoryScope {
        self.scope
    }

    /// The user, the session or the workspace itself, by scope.
    pub fn owner(&self) -> Uuid {
        self.owner
    }

    /// Who alone reads it; everybody in the workspace where there is none.
    pub fn user(&self) -> Option<Uuid> {
        self.user
    }
}
