//! What the log says of workspaces and their members.
use crate::{
    event::{Change, Event},
    shared::id::{AnyId, MembershipId, WorkspaceId},
};

pub(super) const JOINED: &str = "MEMBER_JOINED";
pub(super) const ROLE_CHANGED: &str = "MEMBER_ROLE_CHANGED";
pub(super) const LEFT: &str = "MEMBER_LEFT";
pub(super) const WORKSPACE_UPDATED: &str = "WORKSPACE_UPDATED";

/// What an event did to a workspace or a membership; `None` where it is none of theirs.
pub fn change(event: &Event) -> Option<Change> {
    let id = AnyId::Membership(MembershipId::from_uuid(event.subject));
    match event.kind.as_str() {
        JOINED => Some(Change::created(id)),
        ROLE_CHANGED => Some(Change::updated(id)),
        LEFT => Some(Change::deleted(id)),
        WORKSPACE_UPDATED => Some(Change::updated(AnyId::Workspace(WorkspaceId::from_uuid(event.subject)))),
        _ => None,
    }
}
