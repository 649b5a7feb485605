//! Who asks, and what they may do. A store takes a [`Grant`] or a [`Scope`], and only an [`Actor`] makes them:
//! a forgotten check does not compile, and a query can name no other workspace.
use super::{
    Error, Result, TraceId,
    id::{ApiKeyId, ServiceAccountId, UserId, WorkspaceId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fmt,
    marker::PhantomData,
    sync::{Arc, PoisonError, RwLock},
};
use uuid::Uuid;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    Viewer,
    Member,
    Admin,
    Owner,
}

/// What a credential is limited to, whatever the role of its bearer. Each includes the ones before it, save that
/// `Documents` is included by `Admin` alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum KeyScope {
    /// Registers trusted documents and reads the schema, nothing else: the key of a frontend's build.
    Documents,
    Read,
    Write,
    Admin,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Principal {
    User(UserId),
    Service(ServiceAccountId),
}

impl Principal {
    pub fn uuid(self) -> Uuid {
        match self {
            Self::User(id) => id.uuid(),
            Self::Service(id) => id.uuid(),
        }
    }
}

/// The id as clients see it, with the prefix of its type.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Service(id) => id.fmt(f),
        }
    }
}

/// First argument of every use case. Made by `account` from a credential, or from a run's principal by a worker;
/// a long-lived socket makes a new one when memberships change.
#[derive(Clone, Debug)]
pub struct Actor {
    principal: Principal,
    /// Shared by the clones of one request: what it gains in its course, its other parts have, too.
    roles: Arc<RwLock<HashMap<WorkspaceId, Role>>>,
    limit: KeyScope,
    confined_to: Option<WorkspaceId>,
    narrowed_to: Option<Arc<[WorkspaceId]>>,
    ends_at: Option<DateTime<Utc>>,
    key: Option<ApiKeyId>,
    trace: Option<TraceId>,
}

/// What a use case does, as policy sees it.
pub trait Action: Send + Sync + 'static {
    const NEEDS: Role;
    const KEY_SCOPE: KeyScope;

    /// Whether a credential of this scope may do it.
    fn allowed_by(limit: KeyScope) -> bool {
        limit >= Self::KEY_SCOPE
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident: $role:ident, $scope:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
        impl Action for $name {
            const NEEDS: Role = Role::$role;
            const KEY_SCOPE: KeyScope = KeyScope::$scope;
        }
    )* };
}

actions! {
    /// See what a member sees.
    Read: Viewer, Read;
    /// Change content: memories, sessions, workflows, runs.
    Write: Member, Write;
    /// Change people, keys and settings.
    Administer: Admin, Admin;
    /// Change owners, or end the workspace.
    Own: Owner, Admin;
}

/// Register trusted documents: they decide what may run at all, so it takes who may change settings.
#[derive(Clone, Copy, Debug)]
pub struct RegisterDocuments;
impl Action for RegisterDocuments {
    const NEEDS: Role = Role::Admin;
    const KEY_SCOPE: KeyScope = KeyScope::Documents;

    fn allowed_by(limit: KeyScope) -> bool {
        matches!(limit, KeyScope::Documents | KeyScope::Admin)
    }
}

/// Leave to do one action includes leave to do a lesser one.
pub trait AtLeast<A>: Action {}
impl<A: Action> AtLeast<A> for A {}
impl AtLeast<Read> for Write {}
impl AtLeast<Read> for Administer {}
impl AtLeast<Write> for Administer {}
impl AtLeast<Read> for Own {}
impl AtLeast<Write> for Own {}
impl AtLeast<Administer> for Own {}

/// Leave to do `A` in one workspace.
#[derive(Clone, Copy, Debug)]
pub struct Grant<A> {
    workspace: WorkspaceId,
    principal: Principal,
    action: PhantomData<A>,
}

/// Every workspace where the actor may do `A`: for what is asked by its id alone.
#[derive(Clone, Debug)]
pub struct Scope<A> {
    workspaces: Vec<WorkspaceId>,
    /// Where the actor may see, but not do `A`: to tell FORBIDDEN from NOT_FOUND.
    visible: Vec<WorkspaceId>,
    principal: Principal,
    action: PhantomData<A>,
}

impl Actor {
    pub fn new(principal: Principal, roles: HashMap<WorkspaceId, Role>, limit: KeyScope) -> Self {
        let roles = Arc::new(RwLock::new(roles));
        Self {
            principal,
            roles,
            limit,
            confined_to: None,
            narrowed_to: None,
            ends_at: None,
            key: None,
            trace: None,
        }
    }

    /// For a credential that opens one workspace alone, whatever else its bearer is a member of. The roles given
    /// to [`Self::new`] must be of that workspace.
    pub fn confined(self, to: Option<WorkspaceId>) -> Self {
        Self { confined_to: to, ..self }
    }

    /// The only workspace that the credential opens, where it is limited to one.
    pub fn confined_to(&self) -> Option<WorkspaceId> {
        self.confined_to
    }

    /// For a request that is trusted in these workspaces alone: elsewhere it has no role.
    pub fn narrowed(self, to: &[WorkspaceId]) -> Self {
        let roles = self.workspaces().into_iter().collect();
        Self { narrowed_to: Some(to.into()), ..self }.with_roles(roles)
    }

    /// The same with the roles of another moment, as far as credential and request reach.
    pub fn with_roles(&self, mut roles: HashMap<WorkspaceId, Role>) -> Self {
        roles.retain(|workspace, _| {
            self.confined_to.is_none_or(|only| only == *workspace)
                && self.narrowed_to.as_ref().is_none_or(|some| some.contains(workspace))
        });
        Self { roles: Arc::new(RwLock::new(roles)), ..self.clone() }
    }

    /// For what makes or joins a workspace that the actor is no member of yet.
    pub fn may_enter_others(&self) -> Result<()> {
        if self.confined_to.is_some() {
            return Err(Error::Forbidden(
                "this API key is limited to one workspace: it cannot make or join another",
            ));
        }
        if self.narrowed_to.is_some() {
            return Err(Error::Forbidden(
                "a document that a workspace registered cannot make or join another: the server's operator lists \
                 those that may in http.documents.manifests",
            ));
        }
        Ok(())
    }

    /// For who came with a key, or works for somebody who did.
    pub fn with_key(self, key: Option<ApiKeyId>) -> Self {
        Self { key, ..self }
    }

    /// The key that the actor, or who it works for, came with.
    pub fn key(&self) -> Option<ApiKeyId> {
        self.key
    }

    /// For what is done in a trace.
    pub fn with_trace(self, trace: Option<TraceId>) -> Self {
        Self { trace, ..self }
    }

    /// The trace of the request that the actor came with, or of the one that caused what it does.
    pub fn trace(&self) -> Option<TraceId> {
        self.trace
    }

    /// For a key that ends by itself.
    pub fn ending(self, at: Option<DateTime<Utc>>) -> Self {
        Self { ends_at: at, ..self }
    }

    /// When the key that the actor came with ends by itself.
    pub fn ends_at(&self) -> Option<DateTime<Utc>> {
        self.ends_at
    }

    /// The same with at most this scope, as for work that somebody else lets it do.
    pub fn limited(self, limit: KeyScope) -> Self {
        Self { limit: self.limit.min(limit), ..self }
    }

    /// A workspace that the actor made or joined just now, so that the rest of the request may show it.
    pub fn gain(&self, workspace: WorkspaceId, role: Role) {
        self.roles.write().unwrap_or_else(PoisonError::into_inner).insert(workspace, role);
    }

    pub fn principal(&self) -> Principal {
        self.principal
    }

    /// The user behind the credential; a service account has no person's things.
    pub fn user(&self) -> Result<UserId> {
        match self.principal {
            Principal::User(id) => Ok(id),
            Principal::Service(_) => {
                Err(Error::Forbidden("this is for people: a service account cannot do it"))
            }
        }
    }

    pub fn role(&self, workspace: WorkspaceId) -> Option<Role> {
        self.roles.read().unwrap_or_else(PoisonError::into_inner).get(&workspace).copied()
    }

    /// In the order of their ids.
    pub fn workspaces(&self) -> Vec<(WorkspaceId, Role)> {
        let roles = self.roles.read().unwrap_or_else(PoisonError::into_inner);
        let mut workspaces: Vec<_> = roles.iter().map(|(id, role)| (*id, *role)).collect();
        workspaces.sort_unstable();
        workspaces
    }

    pub fn limit(&self) -> KeyScope {
        self.limit
    }

    /// Whether the credential is good for registering trusted documents and nothing else.
    pub fn only_registers(&self) -> bool {
        self.limit == KeyScope::Documents
    }

    /// Whether there is something that `earlier` might do and this one may not.
    pub fn lacks_some_of(&self, earlier: &Self) -> bool {
        self.principal != earlier.principal
            || self.limit < earlier.limit
            || (self.confined_to.is_some() && self.confined_to != earlier.confined_to)
            || earlier.workspaces().into_iter().any(|(id, role)| self.role(id) < Some(role))
    }

    /// Whether the credential itself allows the action, wherever it is done.
    pub fn key_allows<A: Action>(&self) -> Result<()> {
        if !A::allowed_by(self.limit) {
            return Err(Error::Forbidden("this API key is limited: its scopes do not include this"));
        }
        Ok(())
    }

    /// `NotFound` where the actor is no member: that a workspace exists is not told to strangers.
    pub fn may<A: Action>(&self, workspace: WorkspaceId) -> Result<Grant<A>> {
        let role = self.role(workspace).ok_or(Error::NotFound("workspace"))?;
        if role < A::NEEDS {
            return Err(Error::Forbidden("your role in this workspace does not allow this"));
        }
        self.key_allows::<A>()?;
        Ok(Grant { workspace, principal: self.principal, action: PhantomData })
    }

    pub fn scope<A: Action>(&self) -> Scope<A> {
        let workspaces = self.workspaces().into_iter().map(|(id, _)| id);
        let (workspaces, visible) = workspaces.partition(|id| self.may::<A>(*id).is_ok());
        Scope { workspaces, visible, principal: self.principal, action: PhantomData }
    }
}

impl<A> Grant<A> {
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Whose USER-scoped rows this grant reaches.
    pub fn principal(&self) -> Principal {
        self.principal
    }

    /// A lesser grant for the same workspace and principal.
    pub fn lessen<B>(&self) -> Grant<B>
    where
        A: AtLeast<B>,
    {
        Grant { workspace: self.workspace, principal: self.principal, action: PhantomData }
    }
}

impl Grant<Write> {
    /// Leave for the product's own upkeep of a row that lies in `workspace`: to end what a lost worker began,
    /// even when its principal has lost the right to begin it. Not for anything that a request asks for.
    pub fn upkeep(workspace: WorkspaceId, principal: Principal) -> Self {
        Self { workspace, principal, action: PhantomData }
    }
}

impl<A> Scope<A> {
    /// Where rows may be looked up: all that the actor sees. [`Self::grant`] then tells whether `A` is allowed.
    pub fn workspaces(&self) -> impl Iterator<Item = Uuid> {
        self.workspaces.iter().chain(&self.visible).map(|id| id.uuid())
    }

    /// Those where `A` is allowed.
    pub fn allowed(&self) -> impl Iterator<Item = Uuid> {
        self.workspaces.iter().map(|id| id.uuid())
    }

    pub fn principal(&self) -> Principal {
        self.principal
    }

    /// The grant for a row that was found within this scope: `Forbidden` where the actor may only see it.
    pub fn grant(&self, workspace: Uuid) -> Result<Grant<A>> {
        let workspace = WorkspaceId::from_uuid(workspace);
        if self.workspaces.contains(&workspace) {
            Ok(Grant { workspace, principal: self.principal, action: PhantomData })
        } else if self.visible.contains(&workspace) {
            Err(Error::Forbidden("your role or your key does not allow this here"))
        } else {
            Err(Error::NotFound("workspace"))
        }
    }
}
