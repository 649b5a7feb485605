//! Rows of people, workspaces and credentials.
mod audit;
mod credential;
mod guest;
mod key;
mod member;

pub(super) use audit::*;
pub(super) use credential::*;
pub(super) use guest::*;
pub(super) use key::*;
pub(super) use member::*;

use crate::shared::{
    Error, Result,
    actor::{KeyScope, Principal, Role},
    id::{ServiceAccountId, UserId},
};
use uuid::Uuid;

const ROLES: [(Role, &str); 4] =
    [(Role::Viewer, "VIEWER"), (Role::Member, "MEMBER"), (Role::Admin, "ADMIN"), (Role::Owner, "OWNER")];
const SCOPES: [(KeyScope, &str); 4] = [
    (KeyScope::Documents, "DOCUMENTS"),
    (KeyScope::Read, "READ"),
    (KeyScope::Write, "WRITE"),
    (KeyScope::Admin, "ADMIN"),
];

/// A text that no version of this server wrote.
fn unknown(what: &str, text: &str) -> Error {
    Error::internal(format!("unknown {what} in the database: {text}"))
}

fn role(text: &str) -> Result<Role> {
    ROLES.iter().find(|(_, name)| *name == text).map(|(role, _)| *role).ok_or_else(|| unknown("role", text))
}

pub(in crate::account) fn role_name(role: Role) -> &'static str {
    ROLES.iter().find(|(one, _)| *one == role).map_or("VIEWER", |(_, name)| name)
}

fn scope(text: &str) -> Result<KeyScope> {
    SCOPES
        .iter()
        .find(|(_, name)| *name == text)
        .map(|(scope, _)| *scope)
        .ok_or_else(|| unknown("scope", text))
}

pub(in crate::account) fn scope_name(scope: KeyScope) -> &'static str {
    SCOPES.iter().find(|(one, _)| *one == scope).map_or("READ", |(_, name)| name)
}

fn principal(user: Option<Uuid>, service: Option<Uuid>) -> Result<Principal> {
    match (user, service) {
        (Some(id), None) => Ok(Principal::User(UserId::from_uuid(id))),
        (None, Some(id)) => Ok(Principal::Service(ServiceAccountId::from_uuid(id))),
        _ => Err(Error::internal("a key has a person or a service account: this one has both or neither")),
    }
}

fn user_of(principal: Principal) -> Option<Uuid> {
    matches!(principal, Principal::User(_)).then(|| principal.uuid())
}

fn service_of(principal: Principal) -> Option<Uuid> {
    matches!(principal, Principal::Service(_)).then(|| principal.uuid())
}
