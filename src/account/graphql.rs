//! People and workspaces; [`viewer_can`] tells rights, [`guest`] shows invitations and service accounts, [`key`] API keys and the audit trail.
mod guest;
mod key;
mod loader;
mod member;
mod viewer_can;

pub use guest::{Invitation, ServiceAccount};
pub use key::{ApiKey, AuditEntry};
pub use loader::AccountLoader;
pub use member::Membership;

use super::{AccountService, model};
use crate::{
    coaching::WorkspaceSessions,
    db::idempotency,
    gateway::{WorkspaceBudgets, WorkspaceCalls, WorkspaceRoutes},
    graphql_kit::{
        ApiError, Connection, ContextExt, Cursor, Shown, UserError, connection, edited, page_request, patch,
        payload, wants_cursor,
    },
    memory::{WorkspaceFiles, WorkspaceMemories},
    shared::{
        Error, Page,
        actor::{self, Principal},
        id::{UserId, WorkspaceId},
    },
    trusted::WorkspaceDocuments,
    workflow::WorkspaceWorkflows,
};
use async_graphql::{Context, Enum, InputObject, MaybeUndefined, MergedObject, Object, SimpleObject};
use serde::Serialize;
use viewer_can::{ViewerViewerCan, WorkspaceViewerCan};

#[derive(Default, Debug)]
pub struct AccountQuery;

#[Object]
impl AccountQuery {
    /// The person who asks, and the way to everything of theirs; null for a service account.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Option<Viewer>, ApiError> {
        Ok(ctx.actor()?.user().ok().map(|id| Viewer { id }))
    }

    /// A workspace that the caller is a member of; null otherwise.
    async fn workspace(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The workspace's id.")] id: WorkspaceId,
    ) -> Result<Option<Workspace>, ApiError> {
        Workspace::visible(ctx, id).await
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Viewer {
    pub id: UserId,
}

impl Viewer {
    /// `None` for who shares no workspace with the actor.
    pub async fn find(ctx: &Context<'_>, id: UserId) -> Result<Option<Self>, ApiError> {
        Ok(ctx.load::<_, AccountLoader>(id).await?.map(|_| Self { id }))
    }
}

/// A person. Of others one sees what belongs to workspaces that one shares with them.
#[Object]
impl Viewer {
    /// Stable for ever.
    pub async fn id(&self) -> UserId {
        self.id
    }

    /// The name that others see.
    async fn display_name(&self, ctx: &Context<'_>) -> Result<String, ApiError> {
        let found = ctx.load::<_, AccountLoader>(self.id).await?;
        Ok(found.ok_or(Error::NotFound("person"))?.display_name)
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<ViewerViewerCan, ApiError> {
        Ok(ViewerViewerCan::of(ctx.actor()?, self))
    }

    /// The workspaces of the person, with the role in each, oldest first.
    async fn memberships(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Membership>, ApiError> {
        let request = page_request(ctx, self.id, first, after, last, before)?;
        let page = ctx.load::<_, AccountLoader>((self.id, request)).await?.transpose()?;
        Ok(connection(self.id, page.unwrap_or_else(|| Page::empty(Some(0))), Membership))
    }

    /// The person's own API keys, newest first, those no longer in force included; null for anybody else.
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<ApiKey>>, ApiError> {
        let actor = ctx.actor()?;
        if actor.principal() != Principal::User(self.id) {
            return Ok(None);
        }
        let request = page_request(ctx, self.id, first, after, last, before)?;
        let page = ctx.service::<AccountService>()?.list_own_api_keys(actor, &request).await?;
        Ok(Some(connection(self.id, page, ApiKey)))
    }
}

/// What a member may do in a workspace; each role may do what the ones below it may.
#[derive(Enum, Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "actor::Role")]
pub enum Role {
    /// Everything, including other owners.
    Owner,
    /// People, keys and settings.
    Admin,
    /// Content: memories, sessions, workflows.
    Member,
    /// Look, but change nothing.
    Viewer,
}

/// The tenant: what a team shares and what each member keeps there. Loaded only as far as it is asked for.
#[derive(MergedObject, Clone, Debug)]
pub struct Workspace(
    WorkspaceFields,
    WorkspaceMemories,
    WorkspaceCalls,
    WorkspaceRoutes,
    WorkspaceBudgets,
    WorkspaceSessions,
    WorkspaceWorkflows,
    member::WorkspacePeople,
    key::WorkspaceSecurity,
    WorkspaceDocuments,
    WorkspaceFiles,
);

impl Workspace {
    pub fn new(id: WorkspaceId) -> Self {
        Self(
            WorkspaceFields { id, cursor: None, loaded: None },
            WorkspaceMemories { workspace: id },
            WorkspaceCalls { workspace: id },
            WorkspaceRoutes { workspace: id },
            WorkspaceBudgets { workspace: id },
            WorkspaceSessions { workspace: id },
            WorkspaceWorkflows { workspace: id },
            member::WorkspacePeople(id),
            key::WorkspaceSecurity(id),
            WorkspaceDocuments { workspace: id },
            WorkspaceFiles { workspace: id },
        )
    }

    /// One that was loaded already.
    fn of(loaded: model::Workspace) -> Self {
        let mut workspace = Self::new(loaded.id);
        workspace.0.loaded = Some(loaded);
        workspace
    }

    fn read_at(mut self, cursor: Option<Cursor>) -> Self {
        self.0.cursor = cursor;
        self
    }

    /// For `Node`.
    pub async fn id(&self, _: &Context<'_>) -> Result<WorkspaceId, ApiError> {
        Ok(self.0.id)
    }

    /// `None` where the actor is no member. The cursor, where selected, is read first: so what is read after it
    /// is never older, and a subscription from it has no gap.
    pub async fn visible(ctx: &Context<'_>, id: WorkspaceId) -> Result<Option<Self>, ApiError> {
        let actor = ctx.actor()?;
        if actor.role(id).is_none() {
            return Ok(None);
        }
        let mut workspace = Self::new(id);
        if ctx.look_ahead().field("cursor").exists() {
            workspace.0.cursor = Some(Cursor(ctx.service::<AccountService>()?.head(actor, id).await?));
        }
        Ok(Some(workspace))
    }
}

/// The workspace itself.
#[derive(Clone, Debug)]
pub struct WorkspaceFields {
    id: WorkspaceId,
    cursor: Option<Cursor>,
    loaded: Option<model::Workspace>,
}

impl WorkspaceFields {
    async fn load(&self, ctx: &Context<'_>) -> Result<model::Workspace, ApiError> {
        if let Some(loaded) = &self.loaded {
            return Ok(loaded.clone());
        }
        let found = ctx.load::<_, AccountLoader>(self.id).await?;
        found.ok_or_else(|| Error::NotFound("workspace").into())
    }
}

#[Object]
impl WorkspaceFields {
    /// Stable for ever.
    async fn id(&self) -> WorkspaceId {
        self.id
    }

    /// What people call it.
    async fn name(&self, ctx: &Context<'_>) -> Result<String, ApiError> {
        Ok(self.load(ctx).await?.name)
    }

    /// Its short name in addresses, unique.
    async fn slug(&self, ctx: &Context<'_>) -> Result<String, ApiError> {
        Ok(self.load(ctx).await?.slug)
    }

    /// From 1, one more with each change: name it as `expectedVersion`.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32, ApiError> {
        Ok(self.load(ctx).await?.version)
    }

    /// What the caller may do in it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<WorkspaceViewerCan, ApiError> {
        Ok(WorkspaceViewerCan::of(ctx.actor()?, self))
    }

    /// The place in the workspace's event log at which this answer was read: subscribe from it and miss nothing.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<Cursor, ApiError> {
        match self.cursor {
            Some(cursor) => Ok(cursor),
            None => Ok(Cursor(ctx.service::<AccountService>()?.head(ctx.actor()?, self.id).await?)),
        }
    }
}

/// Changes of people, workspaces and credentials.
#[derive(MergedObject, Default, Debug)]
pub struct AccountMutation(WorkspaceMutation, member::MemberMutation, guest::GuestMutation, key::KeyMutation);

#[derive(Default, Debug)]
pub struct WorkspaceMutation;

#[Object]
impl WorkspaceMutation {
    /// Makes a workspace; the caller becomes its owner.
    async fn create_workspace(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateWorkspaceInput,
    ) -> Result<CreateWorkspacePayload, ApiError> {
        let accounts = ctx.service::<AccountService>()?;
        let actor = ctx.actor()?;
        let outcome = async {
            let key = idempotency("createWorkspace", input.idempotency_key.as_ref(), &input)?;
            let new = model::NewWorkspace { name: input.name, slug: input.slug };
            accounts.create_workspace(actor, new, key).await
        };
        let (made, user_errors) = payload(outcome.await)?;
        Ok(CreateWorkspacePayload { workspace: made.map(Workspace::of), user_errors })
    }

    /// Changes what people call a workspace. Takes an ADMIN. Its slug stays.
    async fn update_workspace(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change; what is left out stays.")] input: UpdateWorkspaceInput,
    ) -> Result<UpdateWorkspacePayload, ApiError> {
        let update = model::WorkspaceUpdate {
            workspace: input.workspace_id,
            expected_version: input.expected_version,
            name: patch(input.name, |name| name),
        };
        let (accounts, actor) = (ctx.service::<AccountService>()?, ctx.actor()?);
        let cursor = if wants_cursor(ctx, &["workspace", "current"]) {
            Some(Cursor(accounts.head(actor, input.workspace_id).await?))
        } else {
            None
        };
        let outcome = accounts.update_workspace(actor, update).await;
        let Shown { result, current, user_errors } = edited(outcome)?;
        let of = |loaded| Workspace::of(loaded).read_at(cursor);
        let (workspace, current) = (result.map(of), current.map(of));
        Ok(UpdateWorkspacePayload { workspace, current, user_errors })
    }
}

/// The key of a request that may be repeated; `input` is what was asked, the key aside.
fn idempotency(
    operation: &'static str,
    key: Option<&String>,
    input: &impl Serialize,
) -> Result<Option<idempotency::Key>, Error> {
    key.map(|key| idempotency::Key::new(operation, key.clone(), input)).transpose()
}

/// A new workspace.
#[derive(InputObject, Serialize, Debug)]
pub struct CreateWorkspaceInput {
    /// What people call it, at most 200 characters.
    name: String,
    /// Its short name in addresses: a–z, 0–9 and hyphens, at most 50; made from the name if left out.
    slug: Option<String>,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// What came of `createWorkspace`.
#[derive(SimpleObject, Debug)]
pub struct CreateWorkspacePayload {
    /// The new workspace; null where `userErrors` says why not.
    workspace: Option<Workspace>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// A workspace to be changed.
#[derive(InputObject, Debug)]
pub struct UpdateWorkspaceInput {
    /// The workspace.
    workspace_id: WorkspaceId,
    /// The `version` that the change was made from: it is refused with CONFLICT where that is not the version any more.
    /// Whatever the version, if left out.
    expected_version: Option<i32>,
    /// What people shall call it, at most 200 characters.
    name: MaybeUndefined<String>,
}

/// What came of `updateWorkspace`.
#[derive(SimpleObject, Debug)]
pub struct UpdateWorkspacePayload {
    /// The workspace as it is now; null where `userErrors` says why not.
    workspace: Option<Workspace>,
    /// Only with CONFLICT on `expectedVersion`, when nothing was changed: the workspace as it is, with its version, to
    /// show beside the change that was not made.
    current: Option<Workspace>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
