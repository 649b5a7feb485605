//! What the log says of members, of those who are let in, and of keys.
use super::model::{AuditAction, AuditEntry};
use crate::{
    event::{Audience, Change, Event, NewEvent},
    shared::{
        Error, Result,
        actor::Principal,
        id::{AnyId, ApiKeyId, AuditEntryId, MembershipId},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub(super) const JOINED: &str = "MEMBER_JOINED";
pub(super) const ROLE_CHANGED: &str = "MEMBER_ROLE_CHANGED";
pub(super) const LEFT: &str = "MEMBER_LEFT";
/// Something was written into the audit trail: what is not a membership, changes with it.
const AUDITED: &str = "AUDITED";

/// A key that an entry is about, or that ends with what it is about.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct KeyOf {
    pub id: ApiKeyId,
    pub bearer: Principal,
}

#[derive(Serialize, Deserialize)]
struct Audited {
    action: String,
    subject: String,
    keys: Vec<KeyOf>,
}

pub(super) fn membership(kind: &'static str, id: MembershipId, data: Value) -> NewEvent {
    NewEvent::new(kind, id.uuid(), data)
}

pub(super) fn audited(entry: &AuditEntry, keys: &[KeyOf]) -> Result<NewEvent> {
    let told = Audited {
        action: entry.action.name().to_owned(),
        subject: entry.subject.to_string(),
        keys: keys.to_vec(),
    };
    Ok(NewEvent::new(AUDITED, entry.id.uuid(), serde_json::to_value(told).map_err(Error::internal)?))
}

/// What an event did to something of an account's; nothing where it is none of theirs.
pub fn changes(event: &Event) -> Vec<Change> {
    let id = AnyId::Membership(MembershipId::from_uuid(event.subject));
    match event.kind.as_str() {
        JOINED => vec![Change::created(id)],
        ROLE_CHANGED => vec![Change::updated(id)],
        LEFT => vec![Change::deleted(id)],
        AUDITED => changes_with(event.subject, &event.data),
        _ => vec![],
    }
}

fn changes_with(entry: Uuid, data: &Value) -> Vec<Change> {
    let entry = Change::created(AnyId::AuditEntry(AuditEntryId::from_uuid(entry)));
    let mut changes = vec![entry.told_to(Audience::Admins)];
    let Ok(told) = Audited::deserialize(data) else { return changes };
    // Of an action that a later version knows, only the entry is told.
    let (Ok(action), Ok(subject)) = (AuditAction::from_name(&told.action), told.subject.parse()) else {
        return changes;
    };
    let keys = told.keys.iter().map(|key| {
        let id = AnyId::ApiKey(key.id);
        let change = match action {
            AuditAction::ApiKeyCreated => Change::created(id),
            _ => Change::updated(id),
        };
        change.told_to(Audience::AdminsAnd(key.bearer))
    });
    changes.extend(keys);
    let change = match action {
        AuditAction::WorkspaceCreated | AuditAction::ServiceAccountCreated | AuditAction::RouteCreated => {
            Change::created(subject)
        }
        AuditAction::WorkspaceUpdated
        | AuditAction::GuardrailPolicySet
        | AuditAction::GuardrailPolicyRemoved
        | AuditAction::CallContentsSet
        | AuditAction::RouteUpdated => Change::updated(subject),
        AuditAction::ServiceAccountDeleted | AuditAction::RouteRemoved => Change::deleted(subject),
        AuditAction::MemberInvited | AuditAction::BudgetSet => {
            Change::created(subject).told_to(Audience::Admins)
        }
        AuditAction::InvitationAccepted | AuditAction::InvitationRevoked | AuditAction::BudgetChanged => {
            Change::updated(subject).told_to(Audience::Admins)
        }
        AuditAction::BudgetRemoved => Change::deleted(subject).told_to(Audience::Admins),
        // Told by events of their own, or by the keys above; a person lies in no workspace, and a document has no id.
        AuditAction::MemberAdded
        | AuditAction::RoleChanged
        | AuditAction::MemberRemoved
        | AuditAction::ApiKeyCreated
        | AuditAction::ApiKeyRevoked
        | AuditAction::DocumentsRegistered
        | AuditAction::DocumentsRetired
        | AuditAction::GuardrailEscalated
        | AuditAction::UserCreated => return changes,
    };
    changes.push(change);
    changes
}
