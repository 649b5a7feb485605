//! What the log says of members.
use crate::{
    event::{Change, Event},
    shared::id::{AnyId, MembershipId},
};

pub(super) const JOINED: &str = "MEMBER_JOINED";
pub(super) const ROLE_CHANGED: &str = "MEMBER_ROLE_CHANGED";
pub(super) const LEFT: &str = "MEMBER_LEFT";

/// What an event did to a membership; `None` where it is no membership's.
pub fn change(event: &Event) -> Option<Change> {
    let id = AnyId::Membership(MembershipId::from_uuid(event.subject));
    match event.kind.as_str() {
        JOINED => Some(Change::created(id)),
        ROLE_CHANGED => Some(Change::updated(id)),
        LEFT => Some(Change::deleted(id)),
        _ => None,
    }
}
