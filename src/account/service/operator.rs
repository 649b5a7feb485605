//! What somebody who holds the database does without a credential: by the command line, and at the first start.
use super::{AccountService, key::Wanted};
use crate::{
    account::{
        model::{self, ApiKey, AuditAction, MAX_NAME, User, Workspace},
        store::{self, Identity},
        token::Presented,
    },
    shared::{
        Error, Problems, Result,
        actor::{KeyScope, Principal},
        id::{AnyId, ApiKeyId, UserId},
        text,
    },
};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// A key that an operator makes for a person.
#[derive(Clone, Debug)]
pub struct OperatorKey {
    /// Slug of the one workspace that it opens; `None`: all of the person's.
    pub workspace: Option<String>,
    pub name: String,
    pub limit: KeyScope,
    pub expires_at: Option<DateTime<Utc>>,
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
        let display_name = text::required(&mut problems, "name", display_name, MAX_NAME);
        let email = email.map(|email| model::email(&mut problems, email));
        problems.finish()?;
        let user = User { id: self.ambient.ids.next(), display_name, created_at: self.ambient.now() };
        let tx = self.log.begin().await?;
        if !store::insert_user(&tx, &user, Identity { email, token }).await? {
            return Err(Error::conflict("email", "somebody has this address or this identity already"));
        }
        self.audit(&tx, None, None, AuditAction::UserCreated, AnyId::User(user.id), json!({})).await?;
        tx.commit().await?;
        Ok(user.id)
    }

    /// By e-mail address or id.
    pub async fn find_user(&self, email_or_id: &str) -> Result<Option<User>> {
        match email_or_id.parse::<UserId>() {
            Ok(id) => store::find_user_by_id(&self.db, id).await,
            Err(_) => store::find_user_by_email(&self.db, &email_or_id.trim().to_lowercase()).await,
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
        let tx = self.log.begin().await?;
        let minted = self
            .insert_key(
                &tx,
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
        tx.commit().await?;
        minted.token.ok_or_else(|| Error::internal("a key was made without its text"))
    }

    /// Revokes a key by its text, its prefix or its id.
    pub async fn revoke_any_key(&self, key: &str) -> Result<ApiKey> {
        let id =
            key_id(key).ok_or_else(|| Error::invalid("key", "neither a key (aif_…) nor its id (key_…)"))?;
        let tx = self.log.begin().await?;
        let key = store::find_any_key(&tx, id).await?.ok_or(Error::NotFound("API key"))?;
        if key.revoked_at.is_none() {
            store::revoke_key(&tx, id, self.ambient.now()).await?;
            self.audit(&tx, None, key.workspace, AuditAction::ApiKeyRevoked, AnyId::ApiKey(id), json!({}))
                .await?;
            tx.commit().await?;
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
