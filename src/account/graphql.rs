use super::{AccountService, model};
use crate::{
    db::idempotency,
    graphql_kit::{ApiError, Connection, ContextExt, Cursor, UserError, connection, page_request, payload},
    memory::WorkspaceMemories,
    shared::{
        actor::{self, Actor},
        id::{UserId, WorkspaceId},
    },
};
use async_graphql::{
    Context, Enum, InputObject, MergedObject, Object, Request, SimpleObject,
    connection::EmptyFields,
    dataloader::{DataLoader, Loader},
};
use serde::Serialize;
use std::collections::HashMap;

#[derive(Default, Debug)]
pub struct AccountQuery;

#[Object]
impl AccountQuery {
    /// The person who asks, and the way to everything of theirs.
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

/// A person, as they see themselves.
#[derive(Clone, Copy, Debug)]
pub struct Viewer {
    pub id: UserId,
}

#[Object]
impl Viewer {
    /// Stable for ever.
    pub async fn id(&self) -> UserId {
        self.id
    }

    /// The name that others see.
    async fn display_name(&self, ctx: &Context<'_>) -> Result<String, ApiError> {
        Ok(ctx.service::<AccountService>()?.get_user(ctx.actor()?).await?.display_name)
    }

    /// The workspaces of the person, with the role in each, oldest first.
    async fn memberships(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Membership, EmptyFields>, ApiError> {
        let request = page_request(ctx, first, after, last, before)?;
        let page = ctx.service::<AccountService>()?.list_memberships(ctx.actor()?, &request).await?;
        Ok(connection(page, Membership))
    }
}

/// What a member may do in a workspace; each role may do what the ones below it may.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
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

/// A person's place in a workspace.
#[derive(Debug)]
pub struct Membership(model::Membership);

#[Object]
impl Membership {
    /// What the person may do there.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// The workspace.
    async fn workspace(&self) -> Workspace {
        Workspace::new(self.0.workspace)
    }
}

/// The tenant: what a team shares and what each member keeps there. Loaded only as far as it is asked for.
#[derive(MergedObject, Debug)]
pub struct Workspace(WorkspaceFields, WorkspaceMemories);

impl Workspace {
    pub fn new(id: WorkspaceId) -> Self {
        Self(WorkspaceFields { id, cursor: None }, WorkspaceMemories { workspace: id })
    }

    /// For `Node`.
    pub async fn id(&self) -> WorkspaceId {
        self.0.id
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
#[derive(Debug)]
pub struct WorkspaceFields {
    id: WorkspaceId,
    cursor: Option<Cursor>,
}

impl WorkspaceFields {
    async fn load(&self, ctx: &Context<'_>) -> Result<model::Workspace, ApiError> {
        let found = ctx.load::<_, WorkspaceLoader>(self.id).await?;
        found.ok_or_else(|| crate::shared::Error::NotFound("workspace").into())
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

    /// The place in the workspace's event log at which this answer was read: subscribe from it and miss nothing.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<Cursor, ApiError> {
        match self.cursor {
            Some(cursor) => Ok(cursor),
            None => Ok(Cursor(ctx.service::<AccountService>()?.head(ctx.actor()?, self.id).await?)),
        }
    }
}

#[derive(Default, Debug)]
pub struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Makes a workspace; the caller becomes its owner.
    async fn create_workspace(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateWorkspaceInput,
    ) -> Result<CreateWorkspacePayload, ApiError> {
        let accounts = ctx.service::<AccountService>()?;
        let actor = ctx.actor()?;
        let outcome = async {
            let key = input.idempotency_key.clone();
            let key = key.map(|key| idempotency::Key::new("createWorkspace", key, &input)).transpose()?;
            accounts.create_workspace(actor, &input.name, input.slug.as_deref(), key).await
        };
        let (id, user_errors) = payload(outcome.await)?;
        // The actor of this request was made before the workspace was: look with the rights it has now.
        let workspace = id.map(Workspace::new);
        Ok(CreateWorkspacePayload { workspace, user_errors })
    }
}

/// A new workspace.
#[derive(InputObject, Serialize, Debug)]
pub struct CreateWorkspaceInput {
    /// What people call it, at most 100 characters.
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

/// Puts the slice's batching loaders into a request.
pub fn request_data(request: Request, accounts: &AccountService, actor: &Actor) -> Request {
    let loader = WorkspaceLoader { accounts: accounts.clone(), actor: actor.clone() };
    request.data(DataLoader::new(loader, tokio::spawn))
}

/// One per request: it carries the request's actor.
#[derive(Debug)]
pub struct WorkspaceLoader {
    accounts: AccountService,
    actor: Actor,
}

impl Loader<WorkspaceId> for WorkspaceLoader {
    type Value = model::Workspace;
    type Error = ApiError;

    async fn load(&self, ids: &[WorkspaceId]) -> Result<HashMap<WorkspaceId, Self::Value>, ApiError> {
        Ok(self.accounts.find_workspaces(&self.actor, ids).await?)
    }
}
