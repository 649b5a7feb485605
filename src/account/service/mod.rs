mod development;
mod guest;
mod key;
mod member;
mod operator;

use super::{
    event::{KeyOf, audited},
    jwt,
    model::{AuditAction, AuditEntry, User},
    store,
    token::{self, Presented},
    usage::Usage,
};
use crate::{
    db::Db,
    event::{self, Log},
    shared::{
        Ambient, Error, Page, PageRequest, Result,
        actor::{Actor, Administer, KeyScope, Principal, Read},
        id::{AnyId, ApiKey, AuditEntryId, ServiceAccountId, UserId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use std::{collections::HashMap, time::Duration};
use tokio_util::sync::CancellationToken;

pub use development::{DevelopmentError, TOKEN_FILE, WORKSPACE as DEVELOPMENT_WORKSPACE};
pub use operator::OperatorKey;

#[derive(Clone, Debug)]
pub struct AccountService {
    db: Db,
    log: Log,
    ambient: Ambient,
    jwt: Option<jwt::Verifier>,
    /// Whether who brings a good token and is not known becomes a user.
    provision_users: bool,
    usage: Usage,
}

impl AccountService {
    pub fn new(db: Db, log: Log, ambient: Ambient) -> Self {
        Self { db, log, ambient, jwt: None, provision_users: false, usage: Usage::default() }
    }

    /// Takes tokens of another issuer, too.
    pub fn with_jwt(self, verifier: jwt::Verifier, provision_users: bool) -> Self {
        Self { jwt: Some(verifier), provision_users, ..self }
    }

    /// The actor behind a credential, as it stands in `Authorization: Bearer …`: one statement. A long-lived
    /// socket asks again from time to time, for keys are revoked and roles change.
    pub async fn authenticate(&self, credential: &str) -> Result<Actor> {
        if token::claims_to_be::<ApiKey>(credential) {
            self.by_key(credential).await
        } else {
            self.by_jwt(credential).await
        }
    }

    async fn by_key(&self, credential: &str) -> Result<Actor> {
        let key = Presented::<ApiKey>::parse(credential)
            .ok_or(Error::Unauthenticated("the API key is cut or mistyped: its checksum is wrong"))?;
        // What is wrong with a key is told to nobody who does not have its secret.
        let unknown = Error::Unauthenticated("no such API key");
        let Some(bearer) = store::find_key_bearer(&self.db, key.id).await? else { return Err(unknown) };
        if !key.opens(&bearer.hash) {
            return Err(unknown);
        }
        let now = self.ambient.now();
        if bearer.revoked_at.is_some() {
            return Err(Error::Unauthenticated("the API key was revoked"));
        }
        if bearer.expires_at.is_some_and(|at| at <= now) {
            return Err(Error::Unauthenticated("the API key has expired"));
        }
        self.usage.note(key.id.uuid(), bearer.last_used_at, now);
        let actor = Actor::new(bearer.principal, bearer.roles, bearer.limit);
        Ok(actor.confined(bearer.confined_to).ending(bearer.expires_at).with_key(Some(key.id)))
    }

    async fn by_jwt(&self, credential: &str) -> Result<Actor> {
        let verifier = self
            .jwt
            .as_ref()
            .ok_or(Error::Unauthenticated("the credential is no API key: those begin with aif_"))?;
        let identity = verifier.verify(credential, self.ambient.now())?;
        let mut found = store::find_bearer_by_identity(&self.db, &identity.issuer, &identity.subject).await?;
        if found.is_none() && self.provision_users {
            found = Some((self.provision(&identity).await?, HashMap::new()));
        }
        let (user, roles) =
            found.ok_or(Error::Unauthenticated("the token is good, but nobody here has its identity"))?;
        Ok(Actor::new(Principal::User(user), roles, KeyScope::Admin))
    }

    /// Two first requests at once make one user.
    async fn provision(&self, identity: &jwt::Identity) -> Result<UserId> {
        let name = identity.name.as_ref().or(identity.email.as_ref()).unwrap_or(&identity.subject);
        let user =
            User { id: self.ambient.ids.next(), display_name: name.clone(), created_at: self.ambient.now() };
        let token = Some((identity.issuer.clone(), identity.subject.clone()));
        let mut tx = self.log.begin().await?;
        // Without the e-mail address: nobody here has verified it, and invitations and operators go by addresses.
        if store::insert_user(&tx, &user, store::Identity { email: None, token }).await? {
            let (actor, action) = (Principal::User(user.id), AuditAction::UserCreated);
            let data = serde_json::json!({});
            self.audit(&mut tx, Some(actor), None, action, AnyId::User(user.id), data).await?;
            tx.commit().await?;
            return Ok(user.id);
        }
        let (user, _) = store::find_bearer_by_identity(&tx, &identity.issuer, &identity.subject)
            .await?
            .ok_or_else(|| Error::internal("a user's identity is taken and free at once"))?;
        Ok(user)
    }

    /// The actor as whom a worker does what `principal` asked for, with the rights of this moment: one statement.
    pub async fn actor_for(&self, principal: Principal) -> Result<Actor> {
        Ok(Actor::new(principal, store::list_roles(&self.db, principal).await?, KeyScope::Admin))
    }

    /// As [`Self::actor_for`], of a person or a service account, whichever has the id.
    pub async fn actor_with(&self, id: uuid::Uuid) -> Result<Actor> {
        let person = self.actor_for(Principal::User(UserId::from_uuid(id))).await?;
        if !person.workspaces().is_empty() {
            return Ok(person);
        }
        self.actor_for(Principal::Service(ServiceAccountId::from_uuid(id))).await
    }

    /// The actor with the roles that hold inside the transaction: what was checked before it began may have
    /// changed since.
    async fn current(&self, tx: &event::Tx, actor: &Actor) -> Result<Actor> {
        Ok(actor.with_roles(store::list_roles(tx, actor.principal()).await?))
    }

    /// The place of the workspace's log, to subscribe from.
    pub async fn head(&self, actor: &Actor, workspace: WorkspaceId) -> Result<event::Cursor> {
        let grant = actor.may::<Read>(workspace)?;
        Ok(event::Cursor::new(workspace, self.log.head(&self.db, grant.workspace()).await?))
    }

    /// Security-relevant changes of the workspace, newest first.
    pub async fn list_audit(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        request: &PageRequest,
    ) -> Result<Page<AuditEntry>> {
        store::list_audit(&self.db, &actor.may::<Administer>(workspace)?, request).await
    }

    /// For those who administer its workspace; to others it does not exist.
    pub async fn find_audit_entries(
        &self,
        actor: &Actor,
        ids: &[AuditEntryId],
    ) -> Result<HashMap<AuditEntryId, AuditEntry>> {
        store::find_audit_entries(&self.db, &actor.scope::<Administer>(), ids).await
    }

    /// What time it is for the service.
    pub fn now(&self) -> DateTime<Utc> {
        self.ambient.now()
    }

    /// Writes what was done and by whom, in the transaction that does it.
    pub async fn audit(
        &self,
        tx: &mut event::Tx,
        actor: Option<Principal>,
        workspace: Option<WorkspaceId>,
        action: AuditAction,
        subject: AnyId,
        data: serde_json::Value,
    ) -> Result<()> {
        self.audit_keys(tx, actor, workspace, action, subject, data, &[]).await
    }

    /// Writes into the audit trail, and tells so; `keys` are those that the action made or ended.
    #[expect(clippy::too_many_arguments, reason = "an entry's parts, and what it ended")]
    async fn audit_keys(
        &self,
        tx: &mut event::Tx,
        actor: Option<Principal>,
        workspace: Option<WorkspaceId>,
        action: AuditAction,
        subject: AnyId,
        data: serde_json::Value,
        keys: &[KeyOf],
    ) -> Result<()> {
        let at = self.ambient.now();
        let entry = AuditEntry { id: self.ambient.ids.next(), actor, action, subject, data, at };
        store::insert_audit(tx, workspace, &entry).await?;
        if let Some(workspace) = workspace {
            tx.record_in(workspace, audited(&entry, keys)?);
        }
        Ok(())
    }

    /// Writes when keys were last used, until told to stop; what is noted after that, [`Self::flush_usage`] writes.
    pub async fn write_usage(self, stop: CancellationToken) {
        let every = super::usage::EVERY.to_std().unwrap_or(Duration::from_secs(60));
        while tokio::time::timeout(every, stop.cancelled()).await.is_err() {
            if let Err(error) = self.flush_usage().await {
                tracing::warn!(%error, "when API keys were last used could not be written; it is tried again");
            }
        }
    }

    /// Writes what waits; puts it back where that fails.
    pub async fn flush_usage(&self) -> Result<()> {
        let uses = self.usage.take();
        if uses.is_empty() {
            return Ok(());
        }
        let written = async {
            let tx = self.db.begin().await?;
            for (key, at) in &uses {
                store::update_last_used(&tx, *key, *at).await?;
            }
            tx.commit().await
        };
        let written = written.await;
        if written.is_err() {
            uses.into_iter().for_each(|(key, at)| self.usage.put(key, at));
        }
        written
    }
}
