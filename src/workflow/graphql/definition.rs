use super::{
    super::{model, validate},
    loader::WorkflowLoader,
    viewer_can::WorkflowViewerCan,
};
use crate::{
    graphql_kit::{ApiError, ContextExt, DateTime},
    shared::{
        Error,
        id::{WorkflowId, WorkflowVersionId},
    },
};
use async_graphql::{Context, ID, Object, SimpleObject};

#[derive(Clone, Debug)]
pub struct Workflow(model::Workflow);

impl From<model::Workflow> for Workflow {
    fn from(workflow: model::Workflow) -> Self {
        Self(workflow)
    }
}

/// A graph of steps that can be run again and again.
#[Object]
impl Workflow {
    /// Stable for ever.
    pub async fn id(&self) -> WorkflowId {
        self.0.id
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its short name in addresses, unique in the workspace.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// From 1, one more with each change of name or draft: name it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The id that the client gave it which made it; null where it gave none.
    async fn client_id(&self) -> Option<ID> {
        self.0.client_id.map(|id| ID(id.to_string()))
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<WorkflowViewerCan, ApiError> {
        Ok(WorkflowViewerCan::of(ctx.actor()?, self.0.workspace))
    }

    /// What is being worked on, and would be published next.
    async fn draft(&self) -> Option<WorkflowDraft> {
        let draft = &self.0.draft;
        let problems: Vec<_> = draft.problems.iter().cloned().map(GraphProblem::from).collect();
        Some(WorkflowDraft { valid: problems.is_empty(), problems, version: draft.version })
    }

    /// What new runs use; null before the first publication.
    async fn published_version(&self, ctx: &Context<'_>) -> Result<Option<WorkflowVersion>, ApiError> {
        let Some(id) = self.0.published else { return Ok(None) };
        Ok(ctx.load::<_, WorkflowLoader>(id).await?.map(WorkflowVersion))
    }
}

/// What is being worked on.
#[derive(SimpleObject, Debug)]
pub struct WorkflowDraft {
    /// Whether it can be published.
    valid: bool,
    /// What keeps it from being published, all at once.
    problems: Vec<GraphProblem>,
    /// From 1, one more with each change of the draft; the workflow has a version of its own.
    version: i32,
}

/// Something that keeps a draft from being published.
#[derive(SimpleObject, Debug)]
pub struct GraphProblem {
    /// Where it is, from the root of `createWorkflow`'s input: `graph.steps.2.when`.
    path: String,
    /// What kind it is: CYCLE, UNKNOWN_STEP, NOT_AN_ANCESTOR, UNKNOWN_INPUT, UNKNOWN_NAME, INVALID_EXPRESSION,
    /// INVALID_TEMPLATE, INVALID_KEY, DUPLICATE_KEY, DUPLICATE_STEP, INVALID_SCHEMA, INVALID_TIME, EMPTY, EMPTY_GRAPH,
    /// OUT_OF_RANGE. New ones may come.
    code: String,
    /// What is wrong, in plain words.
    message: String,
}

impl From<validate::GraphProblem> for GraphProblem {
    fn from(problem: validate::GraphProblem) -> Self {
        Self { path: problem.path, code: problem.code, message: problem.message }
    }
}

#[derive(Clone, Debug)]
pub struct WorkflowVersion(model::Version);

impl From<model::Version> for WorkflowVersion {
    fn from(version: model::Version) -> Self {
        Self(version)
    }
}

/// A published graph. It never changes: a run keeps the version that it started with.
#[Object]
impl WorkflowVersion {
    /// Stable for ever.
    pub async fn id(&self) -> WorkflowVersionId {
        self.0.id
    }

    /// From 1, in the order of publication.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// SHA-256 of graph and input schema in canonical JSON, in hexadecimal: equal where the version does the same.
    async fn checksum(&self) -> &str {
        &self.0.checksum
    }

    /// When it was published.
    async fn published_at(&self) -> DateTime {
        DateTime(self.0.published_at)
    }

    /// The workflow that it is a version of.
    async fn workflow(&self, ctx: &Context<'_>) -> Result<Workflow, ApiError> {
        let found = ctx.load::<_, WorkflowLoader>(self.0.workflow).await?;
        Ok(Workflow(found.ok_or(Error::NotFound("workflow"))?))
    }
}
