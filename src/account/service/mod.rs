mod development;
mod guest;
mod key;
mod member;
mod operator;

use super::{
    event::{KeyOf, audited},
    jwt,
    model::{AuditAction, AuditEntry, User},
    recent::{Changes, Recent},
    store,
    token::{self, Presented},
    usage::Usage,
};
use crate::{
    db::Db,
    event::{self, Bus, Log, Signal},
    shared::{
        Ambient, Error, Page, PageRequest, Result,
        actor::{Actor, Administer, KeyScope, Principal, Read, Role},
        id::{AnyId, ApiKey, ApiKeyId, AuditEntryId, ServiceAccountId, UserId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use std::{collections::HashMap, time::Duration};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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
    /// Of anybody's rights, by this process or as others tell.
    changes: Changes,
    /// Tells apart on the bus who changed them.
    process: Uuid,
    bearers: Recent<ApiKeyId, store::KeyBearer>,
    /// By issuer and subject.
    people: Recent<(String, String), (UserId, HashMap<WorkspaceId, Role>)>,
}

/// On the bus: somebody's rights have changed.
const RIGHTS: &str = "rights";
/// How long without a word before listening is begun again.
const LISTEN: Duration = Duration::from_secs(60);

impl AccountService {
    pub fn new(db: Db, log: Log, ambient: Ambient) -> Self {
        let changes = Changes::default();
        let bearers = Recent::new(changes.clone(), Duration::ZERO);
        let people = Recent::new(changes.clone(), Duration::ZERO);
        let (usage, process) = (Usage::default(), ambient.ids.uuid());
        Self { db, log, ambient, jwt: None, provision_users: false, usage, changes, process, bearers, people }
    }

    /// Takes who bears a credential, and with which roles, from memory for so long.
    pub fn rechecking(self, after: Duration) -> Self {
        let bearers = Recent::new(self.changes.clone(), after);
        let people = Recent::new(self.changes.clone(), after);
        Self { bearers, people, ..self }
    }

    /// Takes tokens of another issuer, too.
    pub fn with_jwt(self, verifier: jwt::Verifier, provision_users: bool) -> Self {
        Self { jwt: Some(verifier), provision_users, ..self }
    }

    /// The actor behind a credential, as it stands in `Authorization: Bearer …`: one statement, or none where that was
    /// asked a moment ago. A long-lived socket asks again from time to time, for keys are revoked and roles change.
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
        let found = self.bearers.get(&key.id, store::find_key_bearer(&self.db, key.id)).await?;
        let Some(bearer) = found else { return Err(unknown) };
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
        let actor = Actor::new(bearer.principal, bearer.roles.clone(), bearer.limit);
        Ok(actor.confined(bearer.confined_to).ending(bearer.expires_at).with_key(Some(key.id)))
    }

    async fn by_jwt(&self, credential: &str) -> Result<Actor> {
        let verifier = self
            .jwt
            .as_ref()
            .ok_or(Error::Unauthenticated("the credential is no API key: those begin with aif_"))?;
        let identity = verifier.verify(credential, self.ambient.now())?;
        let read = store::find_bearer_by_identity(&self.db, &identity.issuer, &identity.subject);
        let known_as = (identity.issuer.clone(), identity.subject.clone());
        let (user, roles) = match self.people.get(&known_as, read).await? {
            Some(found) => (*found).clone(),
            None if self.provision_users => (self.provision(&identity).await?, HashMap::new()),
            None => {
                return Err(Error::Unauthenticated("the token is good, but nobody here has its identity"));
            }
        };
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
            self.commit(tx).await?;
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
    pub async fn actor_with(&self, id: Uuid) -> Result<Actor> {
        let person = self.actor_for(Principal::User(UserId::from_uuid(id))).await?;
        if !person.workspaces().is_empty() {
            return Ok(person);
        }
        self.actor_for(Principal::Service(ServiceAccountId::from_uuid(id))).await
    }

    /// The actor with the roles that hold inside the transaction, its key in force: what was checked before it began may
    /// have changed since, and a lasting right is not given on what was read a moment ago.
    async fn current(&self, tx: &event::Tx, actor: &Actor) -> Result<Actor> {
        if let Some(key) = actor.key()
            && !store::is_not_revoked(tx, key).await?
        {
            return Err(Error::Unauthenticated("the API key was revoked"));
        }
        Ok(actor.with_roles(store::list_roles(tx, actor.principal()).await?))
    }

    /// Commits what may have changed somebody's rights: they hold from here on, and soon for others who share the database.
    async fn commit(&self, mut tx: event::Tx) -> Result<()> {
        tx.tell(RIGHTS, self.process.as_bytes().to_vec());
        let _noted = self.changes.noting();
        tx.commit().await
    }

    /// Hears of rights that other processes change, until told to stop. What is lost on the way is known once what was read
    /// is too old.
    pub async fn hear_of_rights(self, bus: Bus, stop: CancellationToken) {
        loop {
            let mut heard = bus.subscribe(RIGHTS).await;
            loop {
                match stop.run_until_cancelled(tokio::time::timeout(LISTEN, heard.next())).await {
                    None => return,
                    // Its own it noted when they were made.
                    Some(Ok(Signal::Message(by))) if by[..] == self.process.as_bytes()[..] => {}
                    Some(Ok(_)) => self.changes.note(),
                    // A bus that was away may have forgotten that somebody listens.
                    Some(Err(_)) => break,
                }
            }
        }
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
                tracing::warn!(error = %error.for_log(), "when API keys were last used could not be written; it is tried again");
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

/// What a repeated call gave at first, the rest of this request may show, too: another server may have given it.
fn regain(actor: &Actor, current: &Actor, workspace: WorkspaceId) {
    if let Some(role) = current.role(workspace) {
        actor.gain(workspace, role);
    }
}
