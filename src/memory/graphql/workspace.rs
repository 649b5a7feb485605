use super::{
    Memory, MemoryScope,
    answer::{Answer, AnswerInput},
    course::{ContradictionCheck, MemoryContradiction},
    embedding::MemoryEmbedding,
    entities::{Entity, EntityFilter},
    forgetting::MemoryExport,
    input::{MemoryFilter, RecallInput},
    load::Recalls,
    recall::RecallResult,
};
use crate::{
    gateway::Gateway,
    graphql_kit::{ApiError, Connection, ContextExt, connection, page_request},
    memory::{MemoryService, model},
    shared::{
        Error,
        id::{MemoryId, WorkspaceId},
    },
};
use async_graphql::{Context, Object};

/// The part of `Workspace` that this slice gives.
#[derive(Clone, Debug)]
pub struct WorkspaceMemories {
    pub workspace: WorkspaceId,
}

#[Object]
impl WorkspaceMemories {
    /// Finds what answers a query best among the caller's own memories and the workspace's: by its words, by its meaning,
    /// by its neighbours in its collection, and by the collection as a whole. English word forms are one word; words
    /// without content (the, what, I …) are passed over. Nothing in the query is an operator but quotation marks around a
    /// phrase.
    async fn recall(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to look for, and where.")] input: RecallInput,
    ) -> Result<RecallResult, ApiError> {
        let request = input.request(self.workspace)?;
        let (memories, actor) = (ctx.service::<MemoryService>()?, ctx.actor()?);
        // One request does not take the connections of all others.
        let _turn = ctx.service::<Recalls>()?.0.acquire().await.map_err(Error::internal)?;
        Ok(memories.recall(actor, &request).await?.into())
    }

    /// The caller's own memories that are in use, or the workspace's, to be kept elsewhere or imported again, in the order
    /// in which they were written.
    async fn memory_export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose: USER or WORKSPACE.", default_with = "MemoryScope::User")] scope: MemoryScope,
        #[graphql(desc = "The `next` of the part before.")] after: Option<MemoryId>,
    ) -> Result<MemoryExport, ApiError> {
        let memories = ctx.service::<MemoryService>()?;
        Ok(memories.export(ctx.actor()?, self.workspace, scope.into(), after).await?.into())
    }

    /// Answers a question from what is remembered: recalls as `recall` does, has a model answer, and holds each quote
    /// against its source. Where the evidence is not there, there is no answer. Without a model it quotes the passages
    /// that speak of what is asked. Costs a call of a model: a viewer of the workspace may not ask.
    async fn answer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is asked, and where to look.")] input: AnswerInput,
    ) -> Result<Answer, ApiError> {
        let request = input.request(self.workspace)?;
        let (memories, gateway, actor) =
            (ctx.service::<MemoryService>()?, ctx.service::<Gateway>()?, ctx.actor()?);
        let _turn = ctx.service::<Recalls>()?.0.acquire().await.map_err(Error::internal)?;
        Ok(memories.answer(gateway, actor, &request).await?.into())
    }

    /// Memories in use that cannot hold beside this one, as far as their words tell: a guess, for somebody to decide. See
    /// `supersedeMemory`.
    async fn contradictions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The memory.")] memory_id: MemoryId,
    ) -> Result<Vec<MemoryContradiction>, ApiError> {
        let memories = ctx.service::<MemoryService>()?;
        let _turn = ctx.service::<Recalls>()?.0.acquire().await.map_err(Error::internal)?;
        let found = memories.contradictions(ctx.actor()?, self.workspace, memory_id).await?;
        Ok(found.into_iter().map(MemoryContradiction::from).collect())
    }

    /// Like `contradictions`, with a model beside the rules, which also finds what other words say: a guess, for somebody to
    /// decide. A memory that may not leave is not told to a provider outside, which says nothing of it then. Costs a
    /// call of a model: a viewer of the workspace may not ask.
    async fn contradiction_check(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The memory.")] memory_id: MemoryId,
        #[graphql(desc = "The route to the model.")] route: String,
    ) -> Result<ContradictionCheck, ApiError> {
        let (memories, gateway, actor) =
            (ctx.service::<MemoryService>()?, ctx.service::<Gateway>()?, ctx.actor()?);
        let _turn = ctx.service::<Recalls>()?.0.acquire().await.map_err(Error::internal)?;
        let checked =
            memories.check_contradictions(gateway, actor, self.workspace, memory_id, &route).await?;
        Ok(checked.into())
    }

    /// By which model recall tells meaning, and how far another one is.
    async fn memory_embedding(&self, ctx: &Context<'_>) -> Result<MemoryEmbedding, ApiError> {
        let memories = ctx.service::<MemoryService>()?;
        Ok(memories.embedding_progress(ctx.actor()?, self.workspace).await?.into())
    }

    /// The people, projects and things that the caller's own memories and the workspace's name, most named first.
    async fn entities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that fit.")] filter: Option<EntityFilter>,
    ) -> Result<Connection<Entity>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let filter = filter.map(model::EntityFilter::from).unwrap_or_default().checked()?;
        let memories = ctx.service::<MemoryService>()?;
        let _turn = ctx.service::<Recalls>()?.0.acquire().await.map_err(Error::internal)?;
        let page = memories.entities(ctx.actor()?, self.workspace, &filter, &request).await?;
        Ok(connection(self.workspace, page, Entity::from))
    }

    /// The memories that the caller may see, newest first.
    async fn memories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that fit.")] filter: Option<MemoryFilter>,
    ) -> Result<Connection<Memory>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let filter = filter.map(model::MemoryFilter::from).unwrap_or_default();
        let memories = ctx.service::<MemoryService>()?;
        let page = memories.list(ctx.actor()?, self.workspace, &filter, &request).await?;
        Ok(connection(self.workspace, page, Memory))
    }
}
