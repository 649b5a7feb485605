//! What each change of the slice needs of who asks for it: the use cases check by it, and `viewerCan` tells by it. Pure.
//! What exists is its owner's alone, and to others it does not exist.
use crate::shared::{
    Result,
    actor::{Actor, Grant, Write},
    id::{UserId, WorkspaceId},
};

pub type CreateActionItem = Write;
pub type UpdateActionItem = Write;
pub type UpdateGoal = Write;
pub type UpdateCoachingSession = Write;
pub type SendMessage = Write;
pub type InterruptTurn = Write;
pub type EndCoachingSession = Write;

/// To set goals, to start sessions and to make action items is for people: they own what they begin.
pub fn begin(actor: &Actor, workspace: WorkspaceId) -> Result<Grant<Write>> {
    begin_as(actor, workspace).map(|(grant, _)| grant)
}

/// As [`begin`], with the person.
pub fn begin_as(actor: &Actor, workspace: WorkspaceId) -> Result<(Grant<Write>, UserId)> {
    Ok((actor.may::<Write>(workspace)?, actor.user()?))
}
