//! What somebody who holds the database does without a credential: by the command line, and at the first start.
use super::{AccountService, key::Wanted};
use crate::{
    account::{
        model::{self, ApiKey, AuditAction, MAX_NAME, NewWorkspace, User, Workspace},
        store::{self, Identity, role_name},
        token::Presented,
    },
    event::Tx,
    shared::{
        Error, Problems, Result,
        actor::{Actor, KeyScope, Principal, Role},
        id::{AnyId, ApiKeyId, UserId},
        text,
    },
};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::collections::HashMap;

/// A key that an operator makes for a person.
#[derive(Clone, Debug)]
pub struct OperatorKey {
    /// Slug of the one workspace that it opens; `None`: all of the person's.
    pub workspace: Option<String>,
    pub name: String,
    pub limit: KeyScope,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Who was seen to, and what was made for it: `person`, `workspace`, `membership`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ensured {
    pub user: UserId,
    pub made: Vec<&'static str>,
}

impl AccountService {
    /// A person who is not there yet.
    pub async fn create_user(&self, display_name: &str, email: Option<&str>) -> Result<UserId> {
        self.create_user_known_as(display_name, email, None).await
    }

    /// As [`Self::create_user`]; `token` is how an issuer's tokens call them: issuer and subject.
    pub async fn create_user_known_as(
        &self,
        display_name: &str,
        email: Option<&str>,
        token: Option<(String, String)>,
    ) -> Result<UserId> {
        let mut problems = Problems::default();
        let display_name = text::name(&mut problems, "name", display_name, MAX_NAME);
        let email = email.map(|email| model::email(&mut problems, email));
        problems.finish()?;
        let user = User { id: self.ambient.ids.next(), display_name, created_at: self.ambient.now() };
        let mut tx = self.log.begin().await?;
        if !store::insert_user(&tx, &user, Identity { email, token }).await? {
            return Err(Error::conflict("email", "somebody has this address or this identity already"));
        }
        self.audit(&mut tx, None, None, AuditAction::UserCreated, AnyId::User(user.id), json!({})).await?;
        self.commit(tx).await?;
        Ok(user.id)
    }

    /// By e-mail address or id; an id that nobody has is not found, whereas an address may be given to somebody.
    async fn find_user(&self, tx: &Tx, email_or_id: &str) -> Result<Option<User>> {
        match email_or_id.parse::<UserId>() {
            Ok(id) => store::find_user_by_id(tx, id).await?.ok_or(Error::NotFound("person")).map(Some),
            Err(_) => store::find_user_by_email(tx, &email_or_id.trim().to_lowercase()).await,
        }
    }

    pub async fn find_workspace_by_slug(&self, slug: &str) -> Result<Option<Workspace>> {
        store::find_workspace_by_slug(&self.db, slug).await
    }

    /// A key for a person without any limit, as a test or a demonstration needs it.
    pub async fn mint_key(&self, user: UserId, name: &str) -> Result<String> {
        let wanted =
            OperatorKey { workspace: None, name: name.into(), limit: KeyScope::Admin, expires_at: None };
        Ok(self.mint_key_with(user, wanted).await?.expose_secret().to_owned())
    }

    /// A key for a person, who must be a member where it is to open one workspace.
    pub async fn mint_key_with(&self, user: UserId, wanted: OperatorKey) -> Result<SecretString> {
        let workspace = match &wanted.workspace {
            Some(slug) => {
                let found = self.find_workspace_by_slug(slug).await?.ok_or(Error::NotFound("workspace"))?;
                let roles = store::list_roles(&self.db, Principal::User(user)).await?;
                if !roles.contains_key(&found.id) {
                    return Err(Error::invalid("workspace", format!("the person is no member of {slug}")));
                }
                Some(found.id)
            }
            None => None,
        };
        let mut tx = self.log.begin().await?;
        let minted = self
            .insert_key(
                &mut tx,
                None,
                Wanted {
                    principal: Principal::User(user),
                    workspace,
                    name: wanted.name,
                    limit: wanted.limit,
                    expires_at: wanted.expires_at,
                    development: false,
                },
            )
            .await?;
        self.commit(tx).await?;
        minted.token.ok_or_else(|| Error::internal("a key was made without its text"))
    }

    /// Sees to it that a person is a member of a workspace: makes who or what is missing. Of a new workspace the
    /// person becomes the owner, else they get `role`; a role that they have stays.
    pub async fn ensure_member(&self, email_or_id: &str, slug: &str, role: Role) -> Result<Ensured> {
        let mut tx = self.log.begin().await?;
        let mut made = vec![];
        let user = match self.find_user(&tx, email_or_id).await? {
            Some(user) => user,
            None => {
                made.push("person");
                self.insert_person(&mut tx, email_or_id).await?
            }
        };
        let (workspace, role) = match store::find_workspace_by_slug(&tx, slug).await? {
            Some(workspace) => (workspace, role),
            None => {
                made.push("workspace");
                let new = NewWorkspace { name: slug.into(), slug: Some(slug.into()) };
                let (name, slug) = model::name_and_slug(&new)?;
                let workspace = self.insert_workspace(&tx, name, slug).await?;
                let (action, subject) = (AuditAction::WorkspaceCreated, AnyId::Workspace(workspace.id));
                self.audit(
                    &mut tx,
                    None,
                    Some(workspace.id),
                    action,
                    subject,
                    json!({ "slug": workspace.slug }),
                )
                .await?;
                (workspace, Role::Owner)
            }
        };
        let principal = Principal::User(user.id);
        if !store::list_roles(&tx, principal).await?.contains_key(&workspace.id) {
            made.push("membership");
            let actor = Actor::new(principal, HashMap::new(), KeyScope::Admin);
            let member = self.join(&mut tx, &actor, workspace.id, user.id, role).await?;
            let (action, subject) = (AuditAction::MemberAdded, AnyId::Membership(member.id));
            let data = json!({ "role": role_name(role), "user": user.id });
            self.audit(&mut tx, None, Some(workspace.id), action, subject, data).await?;
        }
        if !made.is_empty() {
            self.commit(tx).await?;
        }
        Ok(Ensured { user: user.id, made })
    }

    async fn insert_person(&self, tx: &mut Tx, email: &str) -> Result<User> {
        let mut problems = Problems::default();
        let email = model::email(&mut problems, email);
        problems.finish()?;
        let display_name = email.split('@').next().unwrap_or_default().to_owned();
        let user = User { id: self.ambient.ids.next(), display_name, created_at: self.ambient.now() };
        if !store::insert_user(tx, &user, Identity { email: Some(email), token: None }).await? {
            return Err(Error::conflict("user", "somebody took this address just now: try again"));
        }
        self.audit(tx, None, None, AuditAction::UserCreated, AnyId::User(user.id), json!({})).await?;
        Ok(user)
    }

    /// Revokes a key by its text, its prefix or its id.
    pub async fn revoke_any_key(&self, key: &str) -> Result<ApiKey> {
        let id =
            key_id(key).ok_or_else(|| Error::invalid("key", "neither a key (aif_…) nor its id (key_…)"))?;
        let mut tx = self.log.begin().await?;
        let key = store::find_any_key(&tx, id).await?.ok_or(Error::NotFound("API key"))?;
        if key.revoked_at.is_none() {
            store::revoke_key(&tx, id, self.ambient.now()).await?;
            self.audit_key(&mut tx, None, AuditAction::ApiKeyRevoked, &key, json!({})).await?;
            self.commit(tx).await?;
        }
        Ok(key)
    }
}

fn key_id(text: &str) -> Option<ApiKeyId> {
    if let Some(presented) = Presented::parse(text) {
        return Some(presented.id);
    }
    let digits = text.strip_prefix("aif_").or_else(|| text.strip_prefix("key_"))?;
    format!("key_{digits}").parse().ok()
}
