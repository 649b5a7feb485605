use super::{
    model::{Membership, User, Workspace},
    store,
};
use crate::{
    db::{
        Db,
        idempotency::{self, Claimed},
    },
    event::{self, Log},
    shared::{
        Ambient, Error, Page, PageRequest, Result,
        actor::{Actor, KeyScope, Own, Principal, Read, Role, Write},
        id::{UserId, WorkspaceId},
        text,
    },
};
use entity::api_key;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use subtle::ConstantTimeEq;

#[derive(Clone, Debug)]
pub struct AccountService {
    db: Db,
    log: Log,
    ambient: Ambient,
}

const INVALID: Error = Error::Unauthenticated("the credential is not valid: check that it was copied whole");

impl AccountService {
    pub fn new(db: Db, log: Log, ambient: Ambient) -> Self {
        Self { db, log, ambient }
    }

    /// The actor behind a credential, as it stands in `Authorization: Bearer …`.
    pub async fn authenticate(&self, credential: &str) -> Result<Actor> {
        let (key_id, secret) =
            credential.strip_prefix("aif_").and_then(|rest| rest.split_once('_')).ok_or(INVALID)?;
        let key = store::find_key(&self.db, key_id).await?.ok_or(INVALID)?;
        if !bool::from(Sha256::digest(secret).ct_eq(key.secret_hash.as_slice())) {
            return Err(INVALID);
        }
        let user = UserId::from_uuid(key.user_id.ok_or(INVALID)?);
        self.actor_for(Principal::User(user)).await
    }

    /// The actor as whom a worker does what `principal` asked for, with the rights of this moment.
    pub async fn actor_for(&self, principal: Principal) -> Result<Actor> {
        let roles = match principal {
            Principal::User(user) => store::roles_of(&self.db, user).await?,
            Principal::Service(_) => HashMap::new(),
        };
        Ok(Actor::new(principal, roles, KeyScope::Admin))
    }

    /// A new workspace, with the actor as its owner.
    pub async fn create_workspace(
        &self,
        actor: &Actor,
        name: &str,
        slug: Option<&str>,
        key: Option<idempotency::Key>,
    ) -> Result<WorkspaceId> {
        actor.key_allows::<Write>()?;
        let user = actor.user()?;
        let now = self.ambient.now();
        let workspace = Workspace::new(self.ambient.ids.next(), name, slug, now)?;
        let mut tx = self.log.begin().await?;
        let claim = match idempotency::claim(&tx, &self.ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => return Ok(id),
            Claimed::New(claim) => claim,
        };
        if store::slug_is_taken(&tx, &workspace.slug).await? {
            return Err(Error::conflict("slug", "another workspace has this slug: choose a different one"));
        }
        store::insert_workspace(&tx, &workspace).await?;
        event::create_head(&tx, workspace.id).await?;
        let grant =
            Actor::new(actor.principal(), HashMap::from([(workspace.id, Role::Owner)]), KeyScope::Admin)
                .may::<Own>(workspace.id)?;
        store::insert_membership(&tx, &grant, self.ambient.ids.next(), user, Role::Owner, now).await?;
        tx.record(
            &grant,
            event::NewEvent {
                kind: "WORKSPACE_CREATED",
                subject: workspace.id.uuid(),
                owner: None,
                data: serde_json::json!({}),
            },
        );
        claim.keep(&tx, &workspace.id).await?;
        tx.commit().await?;
        Ok(workspace.id)
    }

    pub async fn find_workspaces(
        &self,
        actor: &Actor,
        ids: &[WorkspaceId],
    ) -> Result<HashMap<WorkspaceId, Workspace>> {
        store::find_workspaces(&self.db, &actor.scope::<Read>(), ids).await
    }

    /// The place of the workspace's log, to subscribe from.
    pub async fn head(&self, actor: &Actor, workspace: WorkspaceId) -> Result<event::Cursor> {
        let grant = actor.may::<Read>(workspace)?;
        Ok(event::Cursor::new(workspace, self.log.head(&self.db, grant.workspace()).await?))
    }

    pub async fn get_user(&self, actor: &Actor) -> Result<User> {
        store::find_user(&self.db, actor.user()?).await?.ok_or(Error::NotFound("user"))
    }

    pub async fn list_memberships(&self, actor: &Actor, request: &PageRequest) -> Result<Page<Membership>> {
        store::list_memberships(&self.db, actor.user()?, request).await
    }

    /// A person who is not there yet; for development and for tests.
    pub async fn create_user(&self, display_name: &str, email: Option<&str>) -> Result<UserId> {
        let user = User {
            id: self.ambient.ids.next(),
            email: email.map(str::to_lowercase),
            display_name: display_name.to_owned(),
        };
        let tx = self.log.begin().await?;
        store::insert_user(&tx, &user, self.ambient.now()).await?;
        tx.commit().await?;
        Ok(user.id)
    }

    /// A key for a person; the text is shown this once, only its hash is kept.
    pub async fn mint_key(&self, user: UserId, name: &str) -> Result<String> {
        let key_id: String =
            self.ambient.random.bytes::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        let secret = text::base64url(&self.ambient.random.bytes::<32>());
        let row = api_key::Model {
            id: self.ambient.ids.uuid(),
            key_id: key_id.clone(),
            secret_hash: Sha256::digest(&secret).to_vec(),
            name: name.to_owned(),
            user_id: Some(user.uuid()),
            service_account_id: None,
            workspace_id: None,
            scope: "ADMIN".into(),
            development: false,
            created_at: self.ambient.now(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        };
        let tx = self.log.begin().await?;
        store::insert_key(&tx, row).await?;
        tx.commit().await?;
        Ok(format!("aif_{key_id}_{secret}"))
    }

    /// The workspace of that slug, for the command line and for development.
    pub async fn find_workspace_by_slug(&self, slug: &str) -> Result<Option<Workspace>> {
        store::workspace_by_slug(&self.db, slug).await
    }
}
