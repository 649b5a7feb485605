//! API keys of people and of service accounts.
use super::AccountService;
use crate::{
    account::{
        event::KeyOf,
        model::{ApiKey, AuditAction, MAX_KEYS, MAX_NAME, NewApiKey, check_limit},
        policy::{self, reaches},
        store::{self, scope_name},
        token,
    },
    db::idempotency::{self, Claimed},
    event::Tx,
    shared::{
        Error, Page, PageRequest, Problem, ProblemCode, Problems, Result,
        actor::{Actor, Administer, KeyScope, Principal, Read},
        id::{AnyId, ApiKeyId, WorkspaceId},
        text,
    },
};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::json;
use std::collections::HashMap;

/// A key and, the first time, its text.
#[derive(Debug)]
pub struct MintedKey {
    pub key: ApiKey,
    /// `None` where the call repeats an earlier one: a secret is shown once.
    pub token: Option<SecretString>,
}

/// A key that was checked and is to be made.
#[derive(Debug)]
pub(super) struct Wanted {
    pub principal: Principal,
    pub workspace: Option<WorkspaceId>,
    pub name: String,
    pub limit: KeyScope,
    pub expires_at: Option<DateTime<Utc>>,
    pub development: bool,
}

impl AccountService {
    /// A key for oneself, or as an admin for a service account of the workspace; no greater than the credential
    /// that makes it.
    pub async fn create_api_key(
        &self,
        actor: &Actor,
        new: NewApiKey,
        key: Option<idempotency::Key>,
    ) -> Result<MintedKey> {
        actor.key_allows::<Administer>()?;
        check_limit(new.limit, actor.limit())?;
        let now = self.ambient.now();
        let mut problems = Problems::default();
        let name = text::name(&mut problems, "name", &new.name, MAX_NAME);
        if new.expires_at.is_some_and(|at| at <= now) {
            problems.invalid("expiresAt", "this is past: choose a time to come, or none");
        }
        if let Some(end) = actor.ends_at()
            && new.expires_at.is_none_or(|at| at > end)
        {
            let message =
                format!("the key that makes it ends at {}: a new one ends no later", end.to_rfc3339());
            problems.invalid("expiresAt", message);
        }
        problems.finish()?;
        let mut tx = self.log.begin().await?;
        let actor = &self.current(&tx, actor).await?;
        let claim = match idempotency::claim::<ApiKeyId>(&tx, &self.ambient, actor.principal(), key.as_ref())
            .await?
        {
            Claimed::Replay(id) => {
                let found = store::find_key(&tx, &actor.scope(), id).await?.filter(|key| reaches(actor, key));
                return Ok(MintedKey { key: found.ok_or(Error::NotFound("API key"))?, token: None });
            }
            Claimed::New(claim) => claim,
        };
        let (principal, workspace) = self.bearer(&tx, actor, &new).await?;
        if store::count_keys_in_force(&tx, principal, now).await? >= MAX_KEYS {
            let message = format!("{MAX_KEYS} keys are in force, the most there can be: revoke one first");
            return Err(Error::Refused(vec![Problem::new(ProblemCode::LimitReached, "name", message)]));
        }
        let wanted = Wanted {
            principal,
            workspace,
            name,
            limit: new.limit,
            expires_at: new.expires_at,
            development: false,
        };
        let minted = self.insert_key(&mut tx, Some(actor.principal()), wanted).await?;
        claim.keep(&tx, &minted.key.id).await?;
        self.commit(tx).await?;
        Ok(minted)
    }

    /// Whose key, and for which workspace alone.
    async fn bearer(
        &self,
        tx: &Tx,
        actor: &Actor,
        new: &NewApiKey,
    ) -> Result<(Principal, Option<WorkspaceId>)> {
        if let Some(id) = new.service_account {
            let found = store::find_service_account(tx, &actor.scope::<policy::CreateApiKey>(), id).await?;
            let (account, grant) = found.ok_or(Error::NotFound("service account"))?;
            grant?;
            if new.workspace.is_some_and(|workspace| workspace != account.workspace) {
                return Err(Error::invalid("workspaceId", "the service account is of another workspace"));
            }
            return Ok((Principal::Service(id), Some(account.workspace)));
        }
        if let Some(workspace) = new.workspace {
            actor.may::<Read>(workspace)?;
        }
        if let Some(only) = actor.confined_to()
            && new.workspace != Some(only)
        {
            return Err(Error::Forbidden(
                "a key limited to one workspace makes only keys for that workspace",
            ));
        }
        Ok((actor.principal(), new.workspace))
    }

    /// With its audit entry; `by` is none where the server or its operator makes it.
    pub(super) async fn insert_key(
        &self,
        tx: &mut Tx,
        by: Option<Principal>,
        wanted: Wanted,
    ) -> Result<MintedKey> {
        let key = ApiKey {
            id: self.ambient.ids.next(),
            principal: wanted.principal,
            workspace: wanted.workspace,
            name: wanted.name,
            limit: wanted.limit,
            created_at: self.ambient.now(),
            expires_at: wanted.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let minted = token::mint(key.id, &self.ambient.random);
        store::insert_key(tx, &key, minted.hash.to_vec(), wanted.development).await?;
        let data = json!({
            "name": key.name,
            "bearer": key.principal.to_string(),
            "scope": scope_name(key.limit),
            "expiresAt": key.expires_at,
        });
        self.audit_key(tx, by, AuditAction::ApiKeyCreated, &key, data).await?;
        Ok(MintedKey { key, token: Some(minted.text) })
    }

    pub(super) async fn audit_key(
        &self,
        tx: &mut Tx,
        by: Option<Principal>,
        action: AuditAction,
        key: &ApiKey,
        data: serde_json::Value,
    ) -> Result<()> {
        let keys = [KeyOf { id: key.id, bearer: key.principal }];
        self.audit_keys(tx, by, key.workspace, action, AnyId::ApiKey(key.id), data, &keys).await
    }

    /// One's own key, or as an admin one of the workspace. It opens nothing from the next request on; open sockets
    /// are closed within a minute. A second time changes nothing.
    pub async fn revoke_api_key(&self, actor: &Actor, id: ApiKeyId) -> Result<ApiKey> {
        let mut tx = self.log.begin().await?;
        let found = store::find_key(&tx, &actor.scope::<Administer>(), id).await?;
        let key = found.ok_or(Error::NotFound("API key"))?;
        policy::revoke_api_key(actor, &key)?;
        if key.revoked_at.is_some() {
            return Ok(key);
        }
        let now = self.ambient.now();
        store::revoke_key(&tx, id, now).await?;
        self.audit_key(&mut tx, Some(actor.principal()), AuditAction::ApiKeyRevoked, &key, json!({})).await?;
        self.commit(tx).await?;
        Ok(ApiKey { revoked_at: Some(now), ..key })
    }

    /// One's own, and those of the workspaces that one administers; others do not exist.
    pub async fn find_api_keys(&self, actor: &Actor, ids: &[ApiKeyId]) -> Result<HashMap<ApiKeyId, ApiKey>> {
        let mut found = store::find_keys(&self.db, &actor.scope(), ids).await?;
        found.retain(|_, key| reaches(actor, key));
        Ok(found)
    }

    /// Keys that open this workspace alone, and those of its service accounts; newest first.
    pub async fn list_api_keys(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        request: &PageRequest,
    ) -> Result<Page<ApiKey>> {
        store::list_keys(&self.db, &actor.may::<Administer>(workspace)?, request).await
    }

    /// Newest first, those that are no longer in force included.
    pub async fn list_own_api_keys(&self, actor: &Actor, request: &PageRequest) -> Result<Page<ApiKey>> {
        store::list_own_keys(&self.db, actor.principal(), actor.confined_to(), request).await
    }
}
