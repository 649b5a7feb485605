//! `node` and `nodes`: whatever has an id, by its id alone.
use crate::{
    account::{ApiKey, AuditEntry, Invitation, Membership, ServiceAccount, Viewer, Workspace},
    coaching::{ActionItem, CoachingLoader, CoachingSession, Goal, Message, Turn},
    gateway::{BudgetNode, CallLoader, LlmCallNode, RouteNode},
    graphql_kit::{ApiError, ContextExt},
    memory::{
        DocumentLoader, MemoryLoader,
        graphql::{Document, DocumentChunk, ErasureReceipt, Memory},
    },
    shared::{Error, id::AnyId},
    workflow::{Approval, Run, StepRun, Workflow, WorkflowLoader, WorkflowVersion},
};
use async_graphql::{Context, ID, Interface, Object};

/// Anything with an id of its own, which a client may load again by it.
#[derive(Interface, Clone)]
#[graphql(field(name = "id", ty = "ID", desc = "Stable for ever; its prefix is its type."))]
pub enum Node {
    Viewer(Viewer),
    Workspace(Workspace),
    Membership(Membership),
    Invitation(Invitation),
    ServiceAccount(ServiceAccount),
    ApiKey(ApiKey),
    AuditEntry(AuditEntry),
    Memory(Memory),
    Document(Document),
    DocumentChunk(DocumentChunk),
    ErasureReceipt(ErasureReceipt),
    Goal(Goal),
    ActionItem(ActionItem),
    CoachingSession(CoachingSession),
    Turn(Turn),
    Message(Message),
    Workflow(Workflow),
    WorkflowVersion(WorkflowVersion),
    Run(Run),
    StepRun(StepRun),
    Approval(Approval),
    LlmCall(LlmCallNode),
    Route(RouteNode),
    Budget(BudgetNode),
}

impl Node {
    /// `None` where there is none, or the caller may not see it.
    async fn find(ctx: &Context<'_>, id: AnyId) -> Result<Option<Self>, ApiError> {
        Ok(match id {
            AnyId::User(id) => Viewer::find(ctx, id).await?.map(Self::Viewer),
            AnyId::Workspace(id) => Workspace::visible(ctx, id).await?.map(Self::Workspace),
            AnyId::Membership(id) => Membership::find(ctx, id).await?.map(Self::Membership),
            AnyId::Invitation(id) => Invitation::find(ctx, id).await?.map(Self::Invitation),
            AnyId::ServiceAccount(id) => ServiceAccount::find(ctx, id).await?.map(Self::ServiceAccount),
            AnyId::ApiKey(id) => ApiKey::find(ctx, id).await?.map(Self::ApiKey),
            AnyId::AuditEntry(id) => AuditEntry::find(ctx, id).await?.map(Self::AuditEntry),
            AnyId::Memory(id) => ctx.load::<_, MemoryLoader>(id).await?.map(Self::Memory),
            AnyId::Document(id) => ctx.load::<_, DocumentLoader>(id).await?.map(Self::Document),
            AnyId::DocumentChunk(id) => ctx.load::<_, DocumentLoader>(id).await?.map(Self::DocumentChunk),
            AnyId::ErasureReceipt(id) => ctx.load::<_, MemoryLoader>(id).await?.map(Self::ErasureReceipt),
            AnyId::Goal(id) => ctx.load::<_, CoachingLoader>(id).await?.map(Self::Goal),
            AnyId::ActionItem(id) => ctx.load::<_, CoachingLoader>(id).await?.map(Self::ActionItem),
            AnyId::CoachingSession(id) => CoachingSession::visible(ctx, id).await?.map(Self::CoachingSession),
            AnyId::Turn(id) => ctx.load::<_, CoachingLoader>(id).await?.map(Self::Turn),
            AnyId::Message(id) => {
                ctx.load::<_, CoachingLoader>(id).await?.map(|found| Self::Message(found.into()))
            }
            AnyId::Workflow(id) => {
                ctx.load::<_, WorkflowLoader>(id).await?.map(|found| Self::Workflow(found.into()))
            }
            AnyId::WorkflowVersion(id) => {
                ctx.load::<_, WorkflowLoader>(id).await?.map(|found| Self::WorkflowVersion(found.into()))
            }
            AnyId::Run(id) => Run::visible(ctx, id).await?.map(Self::Run),
            AnyId::StepRun(id) => {
                ctx.load::<_, WorkflowLoader>(id).await?.map(|found| Self::StepRun(found.into()))
            }
            AnyId::Approval(id) => {
                ctx.load::<_, WorkflowLoader>(id).await?.map(|found| Self::Approval(found.into()))
            }
            AnyId::LlmCall(id) => ctx.load::<_, CallLoader>(id).await?.map(Self::LlmCall),
            AnyId::Route(id) => ctx.load::<_, CallLoader>(id).await?.map(Self::Route),
            AnyId::Budget(id) => ctx.load::<_, CallLoader>(id).await?.map(Self::Budget),
        })
    }

    /// What the caller may not see is as if it were not there.
    pub(super) async fn visible(ctx: &Context<'_>, id: AnyId) -> Result<Option<Self>, ApiError> {
        match Self::find(ctx, id).await {
            Err(error) if error.is_hidden() => Ok(None),
            found => found,
        }
    }
}

/// Ids in one call of `nodes`.
const MAX_NODES: usize = 100;

#[derive(Default, Debug)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Anything by its id; null where there is none, or the caller may not see it.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, with the prefix of its type.")] id: ID,
    ) -> Result<Option<Node>, ApiError> {
        ctx.actor()?;
        Node::visible(ctx, id.parse()?).await
    }

    /// As `node`, for up to 100 ids at once, in their order.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids, each with the prefix of its type.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>, ApiError> {
        if ids.len() > MAX_NODES {
            return Err(
                Error::BadInput(format!("{} ids: at most {MAX_NODES} are possible", ids.len())).into()
            );
        }
        ctx.actor()?;
        let found = ids.iter().map(async |id| Node::visible(ctx, id.parse()?).await);
        futures_util::future::try_join_all(found).await
    }
}
