//! What each change of the slice needs of who asks for it: the use cases check by it, and `viewerCan` tells by it. Pure.
use super::model::{ApiKey, Membership};
use crate::shared::{
    Error, Result,
    actor::{Actor, Administer, Grant, Own, Read, Role, Write},
    id::{UserId, WorkspaceId},
};

pub type UpdateWorkspace = Administer;
/// And [`give_role`] for the role that is offered.
pub type InviteMember = Administer;
pub type RevokeInvitation = Administer;
pub type CreateServiceAccount = Administer;
pub type DeleteServiceAccount = Administer;
/// For a service account; of one's own keys anybody makes some.
pub type CreateApiKey = Administer;

/// The owner that the new workspace gets.
pub fn create_workspace(actor: &Actor) -> Result<UserId> {
    actor.key_allows::<Write>()?;
    let user = actor.user()?;
    if actor.confined_to().is_some() {
        return Err(Error::Forbidden("this API key is limited to one workspace: it cannot make another"));
    }
    Ok(user)
}

/// An owner comes and goes by owners alone.
pub fn give_role(actor: &Actor, workspace: WorkspaceId, role: Role) -> Result<()> {
    if role == Role::Owner {
        actor.may::<Own>(workspace)?;
    }
    Ok(())
}

/// Whether the member's role may be changed at all; [`give_role`] says to what.
pub fn change_role(actor: &Actor, member: &Membership) -> Result<Grant<Administer>> {
    let grant = actor.may::<Administer>(member.workspace)?;
    give_role(actor, member.workspace, member.role)?;
    Ok(grant)
}

/// Oneself, or as an admin somebody below owner, or as an owner anybody.
pub fn remove_member(actor: &Actor, member: &Membership) -> Result<Grant<Read>> {
    actor.key_allows::<Administer>()?;
    let grant = actor.may::<Read>(member.workspace)?;
    if actor.user().is_ok_and(|user| user == member.user) {
        return Ok(grant);
    }
    change_role(actor, member)?;
    Ok(grant)
}

/// Of a key that the actor sees: it is their own, or of a workspace that they administer.
pub fn revoke_api_key(actor: &Actor, key: &ApiKey) -> Result<()> {
    if !reaches(actor, key) {
        return Err(Error::NotFound("API key"));
    }
    actor.key_allows::<Administer>()
}

/// A credential for one workspace does not reach its bearer's keys for others.
pub fn reaches(actor: &Actor, key: &ApiKey) -> bool {
    actor.confined_to().is_none_or(|only| key.workspace == Some(only))
}
