//! People, workspaces and credentials, and the rules that need no database.
use crate::shared::{
    Error, Patch, Problems, Result,
    actor::{KeyScope, Principal, Role},
    id::{AnyId, ApiKeyId, AuditEntryId, InvitationId, MembershipId, ServiceAccountId, UserId, WorkspaceId},
    stored, text,
};
use chrono::{DateTime, TimeDelta, Utc};

/// Characters of the name of a person, a workspace, a key or a service account.
pub const MAX_NAME: usize = 200;
/// Characters of a slug: it stands in URLs.
pub const MAX_SLUG: usize = 50;
/// RFC 5321 §4.5.3.1.3 allows 256 octets with the angle brackets.
pub const MAX_EMAIL: usize = 254;
/// Memberships of one person. They are read for its requests, so their number has a bound.
pub const MAX_MEMBERSHIPS: usize = 200;
/// How long an invitation may be accepted.
pub const INVITATION_LIFE: TimeDelta = TimeDelta::days(7);
/// Keys that one person or service account may have in force.
pub const MAX_KEYS: u64 = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub display_name: String,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    pub id: WorkspaceId,
    pub name: String,
    pub slug: String,
    /// From 1, one more with each change.
    pub version: i32,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    pub id: MembershipId,
    pub workspace: WorkspaceId,
    pub user: UserId,
    pub role: Role,
    pub version: i32,
    pub created_at: DateTime<Utc>,
}

/// A principal that is no person: a program that works in one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    pub id: ServiceAccountId,
    pub workspace: WorkspaceId,
    pub name: String,
    pub role: Role,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    pub id: InvitationId,
    pub workspace: WorkspaceId,
    pub email: String,
    pub role: Role,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitationStatus {
    Pending,
    Accepted,
    Revoked,
    Expired,
}

/// What may be known of a key: all but its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub principal: Principal,
    /// The one workspace that it opens; `None`: all of its bearer's.
    pub workspace: Option<WorkspaceId>,
    pub name: String,
    pub limit: KeyScope,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    /// Right to a minute or so: see [`super::usage`].
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Who did what to whom; written with the change, never changed.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    pub id: AuditEntryId,
    /// `None` where the server itself did it, as at the first start.
    pub actor: Option<Principal>,
    pub action: AuditAction,
    pub subject: AnyId,
    /// What else is worth knowing, as roles before and after; no secrets.
    pub data: serde_json::Value,
    pub at: DateTime<Utc>,
}

stored! {
    AuditAction {
        UserCreated = "USER_CREATED",
        WorkspaceCreated = "WORKSPACE_CREATED",
        WorkspaceUpdated = "WORKSPACE_UPDATED",
        MemberAdded = "MEMBER_ADDED",
        MemberInvited = "MEMBER_INVITED",
        InvitationAccepted = "INVITATION_ACCEPTED",
        InvitationRevoked = "INVITATION_REVOKED",
        RoleChanged = "ROLE_CHANGED",
        MemberRemoved = "MEMBER_REMOVED",
        ServiceAccountCreated = "SERVICE_ACCOUNT_CREATED",
        ServiceAccountDeleted = "SERVICE_ACCOUNT_DELETED",
        ApiKeyCreated = "API_KEY_CREATED",
        ApiKeyRevoked = "API_KEY_REVOKED",
        DocumentsRegistered = "DOCUMENTS_REGISTERED",
        DocumentsRetired = "DOCUMENTS_RETIRED",
        RouteCreated = "ROUTE_CREATED",
        RouteUpdated = "ROUTE_UPDATED",
        RouteRemoved = "ROUTE_REMOVED",
        BudgetSet = "BUDGET_SET",
        BudgetChanged = "BUDGET_CHANGED",
        BudgetRemoved = "BUDGET_REMOVED",
        GuardrailPolicySet = "GUARDRAIL_POLICY_SET",
        GuardrailPolicyRemoved = "GUARDRAIL_POLICY_REMOVED",
        GuardrailEscalated = "GUARDRAIL_ESCALATED",
        CallContentsSet = "CALL_CONTENTS_SET",
    }
}

impl Invitation {
    pub fn status(&self, now: DateTime<Utc>) -> InvitationStatus {
        match self {
            Self { accepted_at: Some(_), .. } => InvitationStatus::Accepted,
            Self { revoked_at: Some(_), .. } => InvitationStatus::Revoked,
            _ if self.expires_at <= now => InvitationStatus::Expired,
            _ => InvitationStatus::Pending,
        }
    }
}

impl ApiKey {
    /// How the key's text begins.
    pub fn prefix(&self) -> String {
        super::token::prefix(self.id)
    }
}

#[derive(Clone, Debug)]
pub struct NewWorkspace {
    pub name: String,
    pub slug: Option<String>,
}

#[derive(Clone, Debug)]
pub struct WorkspaceUpdate {
    pub workspace: WorkspaceId,
    pub expected_version: Option<i32>,
    pub name: Patch<String>,
}

#[derive(Clone, Debug)]
pub struct NewInvitation {
    pub workspace: WorkspaceId,
    pub email: String,
    pub role: Role,
}

#[derive(Clone, Debug)]
pub struct NewServiceAccount {
    pub workspace: WorkspaceId,
    pub name: String,
    pub role: Role,
}

#[derive(Clone, Debug)]
pub struct NewApiKey {
    pub name: String,
    /// Whose key; `None`: the actor's own.
    pub service_account: Option<ServiceAccountId>,
    pub workspace: Option<WorkspaceId>,
    pub limit: KeyScope,
    pub expires_at: Option<DateTime<Utc>>,
}

/// A workspace's name and slug. A slug that was asked for is taken as it is, or refused; one that is derived from
/// the name may be altered to be unique: see [`DerivedSlug`].
pub fn name_and_slug(new: &NewWorkspace) -> Result<(String, Slug)> {
    let mut problems = Problems::default();
    let name = text::name(&mut problems, "name", &new.name, MAX_NAME);
    if let Some(slug) = &new.slug
        && !is_slug(slug)
    {
        let rule = format!("1 to {MAX_SLUG} of a–z, 0–9 and -, not beginning or ending with -");
        problems.invalid("slug", rule);
    }
    problems.finish()?;
    let slug = match &new.slug {
        Some(slug) => Slug::Given(slug.clone()),
        None => Slug::Derived(derived_slug(&name)),
    };
    Ok((name, slug))
}

impl WorkspaceUpdate {
    /// The workspace as it would be, with the version that it has.
    pub fn apply(self, old: &Workspace) -> Result<Workspace> {
        let mut problems = Problems::default();
        let name = self.name.checked(&mut problems, "name", MAX_NAME);
        let name = name.over_required(&mut problems, "name", old.name.clone());
        problems.finish().map(|()| Workspace { name, ..old.clone() })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slug {
    Given(String),
    Derived(String),
}

fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_SLUG
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// What of a name can stand in a URL; `workspace` where that is nothing.
fn derived_slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words: Vec<&str> =
        lower.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut slug = words.join("-");
    // All ASCII: a cut falls on no character.
    slug.truncate(MAX_SLUG - SUFFIX);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "workspace".into() } else { slug.into() }
}

/// Room for what makes a derived slug unique: a dash and six digits.
const SUFFIX: usize = 7;

/// Another slug for when a derived one is taken; `noise` makes it unique in all likelihood.
pub fn slug_with_suffix(slug: &str, noise: [u8; 4]) -> String {
    format!("{slug}-{:06x}", u32::from_be_bytes(noise) >> 8)
}

/// Lower case, for two spellings are one mailbox in practice. What an address may look like is for the mail server
/// to say; this refuses what can only be a slip.
pub fn email(problems: &mut Problems, text: &str) -> String {
    let email = text::name(problems, "email", text, MAX_EMAIL).to_lowercase();
    let plausible = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !email.chars().any(char::is_whitespace)
    });
    if !email.is_empty() && !plausible {
        problems.invalid("email", "not an e-mail address");
    }
    email
}

/// A key may be no greater than the credential that makes it: else a key of little worth would open all.
pub fn check_limit(wanted: KeyScope, own: KeyScope) -> Result<()> {
    if wanted > own {
        return Err(Error::Forbidden("a new key cannot have scopes that the credential making it lacks"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slug_of(name: &str) -> Slug {
        name_and_slug(&NewWorkspace { name: name.into(), slug: None }).unwrap().1
    }

    #[test]
    fn a_slug_is_derived_from_the_name() {
        for (name, slug) in [
            ("Acme", "acme"),
            ("  Ana & Ben's  Team ", "ana-ben-s-team"),
            ("Çafé 2", "af-2"),
            ("日本", "workspace"),
        ] {
            assert_eq!(slug_of(name), Slug::Derived(slug.into()), "{name}");
        }
    }

    #[test]
    fn a_given_slug_is_taken_as_it_is_or_refused() {
        let given =
            |slug: &str| name_and_slug(&NewWorkspace { name: "Acme".into(), slug: Some(slug.into()) });
        assert_eq!(given("acme-2").unwrap().1, Slug::Given("acme-2".into()));
        for slug in ["", "-", "-a", "a-", "Acme", "a b", "ä", "a/b", &"a".repeat(51)] {
            assert!(given(slug).is_err(), "{slug}");
        }
    }

    #[test]
    fn an_address_with_a_slip_is_refused() {
        let check = |text: &str| {
            let mut problems = Problems::default();
            let email = email(&mut problems, text);
            problems.finish().map(|()| email)
        };
        assert_eq!(check(" Ana@Example.ORG ").unwrap(), "ana@example.org");
        for text in ["", "ana", "@example.org", "ana@", "a@b@c", "a b@example.org"] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_derived_slug_is_a_slug(name: String, noise: [u8; 4]) {
            let slug = derived_slug(&name);
            prop_assert!(is_slug(&slug), "{slug}");
            prop_assert!(is_slug(&slug_with_suffix(&slug, noise)));
        }
    }
}
