use crate::shared::{
    actor::{Actor, KeyScope, Principal, Role},
    id::WorkspaceId,
};

/// Two actors with the same see the same of a workspace.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Sight {
    principal: Principal,
    role: Option<Role>,
    limit: KeyScope,
    confined_to: Option<WorkspaceId>,
}

impl Sight {
    pub fn of(actor: &Actor, workspace: WorkspaceId) -> Self {
        Self {
            principal: actor.principal(),
            role: actor.role(workspace),
            limit: actor.limit(),
            confined_to: actor.confined_to(),
        }
    }
}
