use super::{
    super::{WorkflowService, model},
    definition::{Workflow, WorkflowVersion},
    loader::{PageOf, WorkflowLoader},
};
use crate::{
    account::Viewer,
    event,
    graphql_kit::{ApiError, Connection, ContextExt, Cursor, DateTime, Json, connection, page_request},
    shared::{
        Error, Page,
        actor::Principal,
        id::{ApprovalId, RunId, StepRunId},
    },
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

/// Where a step is in its life. New values may come: treat an unknown one as RUNNING.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepStatus {
    /// Not begun: steps before it are not done, or all hands are busy.
    Pending,
    /// About to begin. Not used yet.
    Ready,
    /// Being done.
    Running,
    /// For a person or a time.
    Waiting,
    /// An attempt failed; the next one comes later.
    RetryScheduled,
    /// Done; it has an output.
    Completed,
    /// Failed for good.
    Failed,
    /// Its `when` gave false.
    Skipped,
    /// The run ended before it did.
    Cancelled,
    /// Undone. Not used yet.
    Compensated,
    /// Put aside for somebody to look at. Not used yet.
    DeadLettered,
}

impl From<model::StepStatus> for StepStatus {
    fn from(status: model::StepStatus) -> Self {
        match status {
            model::StepStatus::Pending => Self::Pending,
            model::StepStatus::Running => Self::Running,
            model::StepStatus::Waiting => Self::Waiting,
            model::StepStatus::RetryScheduled => Self::RetryScheduled,
            model::StepStatus::Completed => Self::Completed,
            model::StepStatus::Failed => Self::Failed,
            model::StepStatus::Skipped => Self::Skipped,
            model::StepStatus::Cancelled => Self::Cancelled,
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
        let request = page_request(ctx, first, after, last, before)?;
        let page = ctx.load::<_, WorkflowLoader>(PageOf { of: self.run.id, request }).await?;
        let page = page.unwrap_or_else(|| Page::empty(Some(0)));
        Ok(connection(page, |step| StepRun { step, owner: Some(self.run.principal) }))
    }

    /// When it was started.
    async fn created_at(&self) -> DateTime {
        DateTime(self.run.created_at)
    }
}

/// Why a run did not complete.
#[derive(SimpleObject, Debug)]
pub struct RunError {
    /// What kind of error it is: the failed step's, CANCELLED, or FORBIDDEN where its starter lost the right to go on.
    code: String,
    /// In plain words.
    message: String,
    /// The key of the step that failed, where one did.
    step_key: Option<String>,
}

#[derive(Clone, Debug)]
pub struct StepRun {
    step: model::StepRun,
    /// Whose run it is, where that is known already.
    owner: Option<Principal>,
}

impl From<model::StepRun> for StepRun {
    fn from(step: model::StepRun) -> Self {
        Self { step, owner: None }
    }
}

/// A step of a run.
#[Object]
impl StepRun {
    /// Stable for ever.
    pub async fn id(&self) -> StepRunId {
        self.step.id
    }

    /// As the graph names it.
    async fn key(&self) -> &str {
        &self.step.key
    }

    /// Where it is in its life.
    async fn status(&self) -> StepStatus {
        self.step.status.into()
    }

    /// What it gave, by its action. Null before it is completed, once a memory that the run read was forgotten, and
    /// for everybody but the run's starter.
    async fn output(&self, ctx: &Context<'_>) -> Result<Option<Json>, ApiError> {
        let owner = match self.owner {
            Some(owner) => owner,
            None => {
                let run = ctx.load::<_, WorkflowLoader>(self.step.run).await?;
                run.ok_or(Error::NotFound("run"))?.principal
            }
        };
        private(ctx, owner, self.step.output.clone())
    }

    /// Its attempts, the first one first.
    async fn attempts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<StepAttempt>, ApiError> {
        let request = page_request(ctx, first, after, last, before)?;
        let page = ctx.load::<_, WorkflowLoader>(PageOf { of: self.step.id, request }).await?;
        Ok(connection(page.unwrap_or_else(|| Page::empty(Some(0))), StepAttempt::from))
    }
}

/// One attempt of a step.
#[derive(SimpleObject, Debug)]
pub struct StepAttempt {
    /// From 1.
    number: i32,
    /// When it began.
    started_at: DateTime,
    /// When it ended; null while it is under way.
    finished_at: Option<DateTime>,
    /// Why it failed; null where it did not.
    error: Option<StepError>,
}

impl From<model::StepAttempt> for StepAttempt {
    fn from(attempt: model::StepAttempt) -> Self {
        Self {
            number: attempt.number,
            started_at: DateTime(attempt.started_at),
            finished_at: attempt.finished_at.map(DateTime),
            error: attempt.error.map(StepError::from),
        }
    }
}

/// Why a step, or an attempt of it, failed.
#[derive(SimpleObject, Clone, Debug)]
pub struct StepError {
    /// What kind it is: TIMEOUT, UNAVAILABLE, RATE_LIMITED, INVALID_OUTPUT and INTERNAL are tried again where the
    /// step's `retry` allows it; WORKER_LOST always; TEMPLATE_FAILED, EXPRESSION_FAILED, INVALID, FORBIDDEN,
    /// CONTENT_POLICY, OUTPUT_TOO_LARGE, APPROVAL_EXPIRED, CANCELLED never. New ones may come.
    code: String,
    /// In plain words.
    message: String,
}

impl From<model::StepError> for StepError {
    fn from(error: model::StepError) -> Self {
        Self { code: error.code, message: error.message }
    }
}

/// Where an approval is in its life.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::ApprovalStatus")]
pub enum ApprovalStatus {
    /// Nobody has decided yet.
    Pending,
    /// Somebody approved.
    Approved,
    /// Somebody rejected.
    Rejected,
    /// Nobody decided in time; the graph says what then.
    Expired,
    /// The run ended before anybody decided.
    Cancelled,
}

#[derive(Clone, Debug)]
pub struct Approval(model::Approval);

impl From<model::Approval> for Approval {
    fn from(approval: model::Approval) -> Self {
        Self(approval)
    }
}

/// A question that a run asks a person. Every member of the workspace can see it and, unless only a viewer, decide.
#[Object]
impl Approval {
    /// Stable for ever.
    pub async fn id(&self) -> ApprovalId {
        self.0.id
    }

    /// What is asked.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// What to fill in, as the graph gives it.
    async fn form(&self) -> Option<Json> {
        self.0.form.clone().map(Json)
    }

    /// Where it is in its life.
    async fn status(&self) -> ApprovalStatus {
        self.0.status.into()
    }

    /// Who decided; null where nobody has, or a service account did.
    async fn decided_by(&self) -> Option<Viewer> {
        match self.0.decided_by {
            Some(Principal::User(id)) => Some(Viewer { id }),
            Some(Principal::Service(_)) | None => None,
        }
    }

    /// What whoever decided said.
    async fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }

    /// When it is too late to decide; null where it never is.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// The run that asks.
    async fn run(&self, ctx: &Context<'_>) -> Result<Run, ApiError> {
        let found = ctx.load::<_, WorkflowLoader>(self.0.run).await?;
        Ok(Run::new(found.ok_or(Error::NotFound("run"))?, None))
    }

    /// When it was asked.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}
