//! Workspaces and who belongs to them.
use super::{AccountService, regain};
use crate::{
    account::{
        event::{JOINED, KeyOf, LEFT, ROLE_CHANGED, membership},
        model::{
            AuditAction, MAX_MEMBERSHIPS, Membership, NewWorkspace, Slug, User, Workspace, WorkspaceUpdate,
            name_and_slug, slug_with_suffix,
        },
        policy,
        store::{self, role_name},
    },
    db::idempotency::{self, Claimed},
    event::{self, NewEvent, Tx},
    shared::{
        Edited, Error, Page, PageRequest, Problem, ProblemCode, Result,
        actor::{Actor, AtLeast, Grant, Read, Role},
        edit,
        id::{AnyId, MembershipId, UserId, WorkspaceId},
    },
};
use serde_json::json;
use std::collections::HashMap;

/// How often another slug is tried for a derived one that is taken. With 24 random bits a second time is rare.
const SLUG_TRIES: usize = 4;

impl AccountService {
    /// A new workspace, with the actor as its owner.
    pub async fn create_workspace(
        &self,
        actor: &Actor,
        new: NewWorkspace,
        key: Option<idempotency::Key>,
    ) -> Result<Workspace> {
        let user = policy::create_workspace(actor)?;
        let (name, slug) = name_and_slug(&new)?;
        if actor.workspaces().len() >= MAX_MEMBERSHIPS {
            return Err(too_many_memberships("name"));
        }
        let mut tx = self.log.begin().await?;
        match idempotency::claim::<WorkspaceId>(&tx, &self.ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => {
                let current = self.current(&tx, actor).await?;
                let found = store::list_workspaces(&tx, &current.scope(), &[id]).await?;
                regain(actor, &current, id);
                found.into_values().next().ok_or(Error::NotFound("workspace"))
            }
            Claimed::New(claim) => {
                let workspace = self.insert_workspace(&tx, name, slug).await?;
                self.join(&mut tx, actor, workspace.id, user, Role::Owner).await?;
                let data = json!({ "slug": workspace.slug });
                let (action, subject) = (AuditAction::WorkspaceCreated, AnyId::Workspace(workspace.id));
                self.audit(&mut tx, Some(actor.principal()), Some(workspace.id), action, subject, data)
                    .await?;
                claim.keep(&tx, &workspace.id).await?;
                self.commit(tx).await?;
                actor.gain(workspace.id, Role::Owner);
                Ok(workspace)
            }
        }
    }

    pub(super) async fn insert_workspace(&self, tx: &Tx, name: String, slug: Slug) -> Result<Workspace> {
        let (derived, slug) = match slug {
            Slug::Given(slug) => (None, slug),
            Slug::Derived(slug) => (Some(slug.clone()), slug),
        };
        let mut workspace =
            Workspace { id: self.ambient.ids.next(), name, slug, version: 1, created_at: self.ambient.now() };
        for _ in 0..SLUG_TRIES {
            if store::insert_workspace(tx, &workspace).await? {
                event::create_head(tx, workspace.id).await?;
                return Ok(workspace);
            }
            let Some(derived) = &derived else { break };
            workspace.slug = slug_with_suffix(derived, self.ambient.random.bytes());
        }
        Err(Error::conflict("slug", "another workspace has this slug: choose a different one"))
    }

    /// Makes a person a member, by what `actor` may: as the one who makes the workspace, or who was invited.
    pub(super) async fn join(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        workspace: WorkspaceId,
        user: UserId,
        role: Role,
    ) -> Result<Membership> {
        let joined = Actor::new(actor.principal(), HashMap::from([(workspace, role)]), actor.limit());
        let grant = joined.may::<Read>(workspace)?;
        let (id, created_at) = (self.ambient.ids.next(), self.ambient.now());
        let new = Membership { id, workspace, user, role, version: 1, created_at };
        if !store::insert_membership(tx, &grant, &new).await? {
            return Err(Error::conflict("token", "you are a member of this workspace already"));
        }
        tx.record(&grant, membership(JOINED, new.id, json!({ "role": role_name(role) })));
        Ok(new)
    }

    /// Changes what people call a workspace.
    pub async fn update_workspace(
        &self,
        actor: &Actor,
        update: WorkspaceUpdate,
    ) -> Result<Edited<Workspace>> {
        let seen = actor.may::<policy::UpdateWorkspace>(update.workspace)?;
        let mut tx = self.log.begin().await?;
        let old = store::lock_workspace(&tx, &seen).await?.ok_or(Error::NotFound("workspace"))?;
        let actor = self.current(&tx, actor).await?;
        let grant = actor.may::<policy::UpdateWorkspace>(old.id)?;
        let expected = update.expected_version;
        let changed = update.apply(&old)?;
        if edit::is_stale(expected, old.version) {
            return Ok(Edited::Stale { version: old.version, current: old });
        }
        if changed == old {
            return Ok(Edited::Done(old));
        }
        let changed = Workspace { version: old.version + 1, ..changed };
        store::update_workspace(&tx, &grant, &changed).await?;
        let (action, subject) = (AuditAction::WorkspaceUpdated, AnyId::Workspace(changed.id));
        let data = json!({ "name": changed.name });
        self.audit(&mut tx, Some(actor.principal()), Some(changed.id), action, subject, data).await?;
        self.commit(tx).await?;
        Ok(Edited::Done(changed))
    }

    pub async fn list_workspaces(
        &self,
        actor: &Actor,
        ids: &[WorkspaceId],
    ) -> Result<HashMap<WorkspaceId, Workspace>> {
        store::list_workspaces(&self.db, &actor.scope::<Read>(), ids).await
    }

    /// People whom the actor may see: themselves, and who shares a workspace with them.
    pub async fn list_users(&self, actor: &Actor, ids: &[UserId]) -> Result<HashMap<UserId, User>> {
        store::list_users(&self.db, &actor.scope::<Read>(), ids).await
    }

    /// The members of a workspace, in the order in which they joined.
    pub async fn list_members(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        request: &PageRequest,
    ) -> Result<Page<Membership>> {
        store::list_members(&self.db, &actor.may::<Read>(workspace)?, request).await
    }

    /// The memberships of each of some people, as far as the actor is a member there too.
    pub async fn list_memberships_of(
        &self,
        actor: &Actor,
        users: &[UserId],
        request: &PageRequest,
    ) -> Result<HashMap<UserId, Page<Membership>>> {
        store::list_memberships_of(&self.db, &actor.scope::<Read>(), users, request).await
    }

    pub async fn find_memberships(
        &self,
        actor: &Actor,
        ids: &[MembershipId],
    ) -> Result<HashMap<MembershipId, Membership>> {
        store::find_memberships(&self.db, &actor.scope::<Read>(), ids).await
    }

    /// An admin changes roles below owner; to make or unmake an owner takes an owner. The last owner stays one.
    pub async fn change_role(
        &self,
        actor: &Actor,
        id: MembershipId,
        expected_version: Option<i32>,
        role: Role,
    ) -> Result<Edited<Membership>> {
        let mut tx = self.log.begin().await?;
        let (member, actor) = self.lock_member(&tx, actor, id).await?;
        let grant = policy::change_role(&actor, &member)?;
        if edit::is_stale(expected_version, member.version) {
            return Ok(Edited::Stale { version: member.version, current: member });
        }
        if member.role == role {
            return Ok(Edited::Done(member));
        }
        policy::give_role(&actor, member.workspace, role)?;
        self.keep_an_owner(&tx, &grant, &member).await?;
        let changed = Membership { role, version: member.version + 1, ..member };
        store::update_role(&tx, &grant, &changed).await?;
        let data = json!({ "from": role_name(member.role), "to": role_name(role), "user": member.user });
        let told = (AuditAction::RoleChanged, membership(ROLE_CHANGED, id, data));
        self.tell(&mut tx, &actor, &grant, told, id, &[]).await?;
        self.commit(tx).await?;
        Ok(Edited::Done(changed))
    }

    /// Oneself, or as an admin somebody below owner, or as an owner anybody; never the last owner. The member's
    /// keys for this workspace end with it.
    pub async fn remove_member(&self, actor: &Actor, id: MembershipId) -> Result<Membership> {
        let mut tx = self.log.begin().await?;
        let (member, actor) = self.lock_member(&tx, actor, id).await?;
        let grant = policy::remove_member(&actor, &member)?;
        self.keep_an_owner(&tx, &grant, &member).await?;
        store::delete_membership(&tx, &grant, id).await?;
        let keys = store::KeysOf::MemberHere(member.user.uuid(), member.workspace);
        let keys = store::revoke_keys(&tx, keys, self.ambient.now()).await?;
        let data = json!({ "role": role_name(member.role), "user": member.user });
        let told = (AuditAction::MemberRemoved, membership(LEFT, id, data));
        self.tell(&mut tx, &actor, &grant, told, id, &keys).await?;
        self.commit(tx).await?;
        Ok(member)
    }

    /// The membership, with changes of members of its workspace taking turns from here, and the actor as they
    /// stand at that moment.
    async fn lock_member(&self, tx: &Tx, actor: &Actor, id: MembershipId) -> Result<(Membership, Actor)> {
        let gone = Error::NotFound("membership");
        let Some((member, grant)) = store::find_membership(tx, &actor.scope::<Read>(), id).await? else {
            return Err(gone);
        };
        store::lock_workspace(tx, &grant?).await?;
        let actor = self.current(tx, actor).await?;
        let (member, _) = store::find_membership(tx, &actor.scope::<Read>(), member.id).await?.ok_or(gone)?;
        Ok((member, actor))
    }

    /// Refuses to take the role of an owner from the only one.
    async fn keep_an_owner(
        &self,
        tx: &Tx,
        grant: &Grant<impl AtLeast<Read>>,
        member: &Membership,
    ) -> Result<()> {
        if member.role == Role::Owner && store::count_owners(tx, grant).await? < 2 {
            return Err(Error::conflict(
                "membershipId",
                "this is the only owner: make somebody else an owner first",
            ));
        }
        Ok(())
    }

    /// In the log and in the audit trail, with the same data.
    async fn tell(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        grant: &Grant<impl AtLeast<Read>>,
        (action, event): (AuditAction, NewEvent),
        id: MembershipId,
        keys: &[KeyOf],
    ) -> Result<()> {
        let (principal, workspace) = (Some(actor.principal()), Some(grant.workspace()));
        let (subject, data) = (AnyId::Membership(id), event.data.clone());
        tx.record(grant, event);
        self.audit_keys(tx, principal, workspace, action, subject, data, keys).await
    }
}

pub(super) fn too_many_memberships(path: &str) -> Error {
    let message =
        format!("{MAX_MEMBERSHIPS} workspaces are the most that one person can be in: leave one first");
    Error::Refused(vec![Problem::new(ProblemCode::LimitReached, path, message)])
}
