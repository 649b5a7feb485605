use super::{
    super::{WorkflowService, model},
    definition::{Workflow, WorkflowVersion},
    loader::{PageOf, WorkflowLoader},
    step::StepRun,
    viewer_can::RunViewerCan,
};
use crate::{
    event,
    graphql_kit::{ApiError, Connection, ContextExt, Cursor, DateTime, Json, connection, page_request},
    shared::{Error, Page, actor::Principal, id::RunId},
};
use async_graphql::{Context, Enum, Object, SimpleObject};
use serde_json::Value;

/// Where a run is in its life. New values may come: treat an unknown one as RUNNING.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunStatus {
    /// Not begun yet.
    Queued,
    /// Something is being done.
    Running,
    /// For a person, a time, or the next attempt.
    Waiting,
    /// Held back on request. Not used yet.
    Paused,
    /// Being ended on request. Not used yet: a cancellation is immediate.
    Cancelling,
    /// Being undone after a failure. Not used yet.
    Compensating,
    /// All steps are done or skipped.
    Completed,
    /// A step failed for good; `error` tells which.
    Failed,
    /// Ended on request.
    Cancelled,
    /// It took longer than it may. Not used yet.
    TimedOut,
}

impl RunStatus {
    /// `None` for what no run is in yet.
    pub(super) fn stored(self) -> Option<model::RunStatus> {
        match self {
            Self::Queued => Some(model::RunStatus::Queued),
            Self::Running => Some(model::RunStatus::Running),
            Self::Waiting => Some(model::RunStatus::Waiting),
            Self::Completed => Some(model::RunStatus::Completed),
            Self::Failed => Some(model::RunStatus::Failed),
            Self::Cancelled => Some(model::RunStatus::Cancelled),
            Self::Paused | Self::Cancelling | Self::Compensating | Self::TimedOut => None,
        }
    }
}

impl From<model::RunStatus> for RunStatus {
    fn from(status: model::RunStatus) -> Self {
        match status {
            model::RunStatus::Queued => Self::Queued,
            model::RunStatus::Running => Self::Running,
            model::RunStatus::Waiting => Self::Waiting,
            model::RunStatus::Completed => Self::Completed,
            model::RunStatus::Failed => Self::Failed,
            model::RunStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// What a run sees may be its starter's alone: nobody else is shown inputs and outputs.
pub(super) fn private(
    ctx: &Context<'_>,
    owner: Principal,
    value: Option<Value>,
) -> Result<Option<Json>, ApiError> {
    let own = ctx.actor()?.principal() == owner;
    Ok(value.filter(|value| own && !value.is_null()).map(Json))
}

#[derive(Clone, Debug)]
pub struct Run {
    run: model::Run,
    /// Read before the run was.
    cursor: Option<event::Cursor>,
}

impl Run {
    pub fn new(run: model::Run, cursor: Option<event::Cursor>) -> Self {
        Self { run, cursor }
    }

    /// `None` where the actor may not see it. Where the cursor is wanted, it is read before what is shown.
    pub async fn visible(ctx: &Context<'_>, id: RunId) -> Result<Option<Self>, ApiError> {
        let Some(mut run) = ctx.load::<_, WorkflowLoader>(id).await? else { return Ok(None) };
        let mut cursor = None;
        if ctx.look_ahead().field("cursor").exists() {
            let workflows = ctx.service::<WorkflowService>()?;
            cursor = Some(workflows.head(ctx.actor()?, run.workspace).await?);
            let Some(again) = ctx.load::<_, WorkflowLoader>(id).await? else { return Ok(None) };
            run = again;
        }
        Ok(Some(Self { run, cursor }))
    }
}

/// A version of a workflow being carried out: as whoever started it, step by step, across restarts.
#[Object]
impl Run {
    /// Stable for ever.
    pub async fn id(&self) -> RunId {
        self.run.id
    }

    /// Where it is in its life.
    async fn status(&self) -> RunStatus {
        self.run.status.into()
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<RunViewerCan, ApiError> {
        Ok(RunViewerCan::of(ctx.actor()?, self.run.workspace))
    }

    /// The workflow.
    async fn workflow(&self, ctx: &Context<'_>) -> Result<Workflow, ApiError> {
        let found = ctx.load::<_, WorkflowLoader>(self.run.workflow).await?;
        Ok(found.ok_or(Error::NotFound("workflow"))?.into())
    }

    /// The version that it started with, and keeps.
    async fn version(&self, ctx: &Context<'_>) -> Result<WorkflowVersion, ApiError> {
        let found = ctx.load::<_, WorkflowLoader>(self.run.version).await?;
        Ok(found.ok_or(Error::NotFound("workflow version"))?.into())
    }

    /// What it was started with; null for everybody but its starter.
    async fn input(&self, ctx: &Context<'_>) -> Result<Option<Json>, ApiError> {
        private(ctx, self.run.principal, Some(self.run.input.clone()))
    }

    /// By key, the outputs of the steps that no other comes after. Null before it is completed, once a memory that it
    /// read was forgotten, and for everybody but its starter.
    async fn output(&self, ctx: &Context<'_>) -> Result<Option<Json>, ApiError> {
        private(ctx, self.run.principal, self.run.output.clone())
    }

    /// Why it did not complete.
    async fn error(&self) -> Option<RunError> {
        let error = self.run.error.clone()?;
        Some(RunError { code: error.code, message: error.message, step_key: error.step_key })
    }

    /// The run that this one repeats from a step on. A run cannot be repeated yet: always null.
    async fn rerun_of(&self) -> Option<Run> {
        None
    }

    /// A place in the workspace's event log at which this answer was true or not yet: pass it to `runEvents` as
    /// `after`, and no event is missed.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<Cursor, ApiError> {
        match self.cursor {
            Some(cursor) => Ok(Cursor(cursor)),
            // Shown in the answer to a change: its beginning is never too late.
            None => {
                let workflows = ctx.service::<WorkflowService>()?;
                Ok(Cursor(workflows.origin(ctx.actor()?, &self.run).await?))
            }
        }
    }

    /// Its steps, in the order in which the graph lists them.
    async fn steps(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<StepRun>, ApiError> {
        let request = page_request(ctx, self.run.id, first, after, last, before)?;
        let page = ctx.load::<_, WorkflowLoader>(PageOf { of: self.run.id, request }).await?.transpose()?;
        let page = page.unwrap_or_else(|| Page::empty(Some(0)));
        Ok(connection(self.run.id, page, |step| StepRun { step, owner: Some(self.run.principal) }))
    }

    /// When it was started.
    async fn created_at(&self) -> DateTime {
        DateTime(self.run.created_at)
    }
}

/// Why a run did not complete.
#[derive(SimpleObject, Debug)]
pub struct RunError {
    /// What kind of error it is: the failed step's, CANCELLED, FORBIDDEN where its starter, or the publisher of its
    /// version, lost the right to go on, or WORKER_LOST where its servers ended again and again.
    code: String,
    /// In plain words.
    message: String,
    /// The key of the step that failed, where one did.
    step_key: Option<String>,
}
