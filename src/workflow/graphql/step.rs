use super::{
    super::model,
    loader::{PageOf, WorkflowLoader},
    run::{Run, private},
};
use crate::{
    graphql_kit::{ApiError, Connection, ContextExt, DateTime, Json, connection, page_request},
    shared::{Error, Page, actor::Principal, id::StepRunId},
};
use async_graphql::{Context, Enum, Object, SimpleObject};

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

#[derive(Clone, Debug)]
pub struct StepRun {
    pub(super) step: model::StepRun,
    /// Whose run it is, where that is known already.
    pub(super) owner: Option<Principal>,
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

    /// The run that it is a step of.
    async fn run(&self, ctx: &Context<'_>) -> Result<Run, ApiError> {
        let found = ctx.load::<_, WorkflowLoader>(self.step.run).await?;
        Ok(Run::new(found.ok_or(Error::NotFound("run"))?, None))
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
        let request = page_request(ctx, self.step.id, first, after, last, before)?;
        let page = ctx.load::<_, WorkflowLoader>(PageOf { of: self.step.id, request }).await?.transpose()?;
        Ok(connection(self.step.id, page.unwrap_or_else(|| Page::empty(Some(0))), StepAttempt::from))
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
    /// CONTENT_POLICY, OUTPUT_TOO_LARGE, OUTPUT_NOT_STORABLE, APPROVAL_EXPIRED, CANCELLED never. New ones may come.
    code: String,
    /// In plain words.
    message: String,
}

impl From<model::StepError> for StepError {
    fn from(error: model::StepError) -> Self {
        Self { code: error.code, message: error.message }
    }
}
