use crate::shared::{
    Error, Problems, Result,
    actor::Role,
    id::{MembershipId, UserId, WorkspaceId},
    text,
};
use chrono::{DateTime, Utc};

/// Characters of a workspace's name.
const MAX_NAME: usize = 100;
/// Characters of a slug.
const MAX_SLUG: usize = 50;

#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub id: UserId,
    pub email: Option<String>,
    pub display_name: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Workspace {
    pub id: WorkspaceId,
    pub name: String,
    pub slug: String,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Membership {
    pub id: MembershipId,
    pub workspace: WorkspaceId,
    pub user: UserId,
    pub role: Role,
}

impl Workspace {
    /// The slug is derived from the name where none is given.
    pub fn new(id: WorkspaceId, name: &str, slug: Option<&str>, now: DateTime<Utc>) -> Result<Self> {
        let mut problems = Problems::default();
        let name = text::required(&mut problems, "name", name, MAX_NAME);
        let slug = slug.map_or_else(|| slug_of(&name), str::to_owned);
        if !is_slug(&slug) {
            problems.invalid("slug", format!("1 to {MAX_SLUG} of a–z, 0–9 and single hyphens between them"));
        }
        problems.finish()?;
        Ok(Self { id, name, slug, created_at: now })
    }
}

fn slug_of(name: &str) -> String {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-").chars().take(MAX_SLUG).collect::<String>().trim_end_matches('-').to_owned()
}

fn is_slug(text: &str) -> bool {
    text.len() <= MAX_SLUG
        && text.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// As stored.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "VIEWER",
        Role::Member => "MEMBER",
        Role::Admin => "ADMIN",
        Role::Owner => "OWNER",
    }
}

pub fn role_of(name: &str) -> Result<Role> {
    match name {
        "VIEWER" => Ok(Role::Viewer),
        "MEMBER" => Ok(Role::Member),
        "ADMIN" => Ok(Role::Admin),
        "OWNER" => Ok(Role::Owner),
        other => Err(Error::internal(format!("unknown role {other} in the database"))),
    }
}
