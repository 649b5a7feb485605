use super::{
    super::{
        WorkflowService,
        event::{self, Snapshot, What},
    },
    approval::Approval,
    loader::WorkflowLoader,
    run::{Run, private},
    step::{StepError, StepStatus},
};
use crate::{
    graphql_kit::{ApiError, ContextExt, Cursor, DateTime, Json},
    shared::{Error, id::RunId},
};
use async_graphql::{Context, Interface, Object, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt};

#[derive(Default, Debug)]
pub struct WorkflowSubscription;

#[Subscription]
impl WorkflowSubscription {
    /// What happens in a run, in order, from `after` on: first what has happened, then what happens. Completes after
    /// the event that ends the run.
    async fn run_events<'c>(
        &self,
        ctx: &'c Context<'c>,
        #[graphql(desc = "The run to watch.")] run_id: RunId,
        #[graphql(desc = "Only what happened after this place; from the beginning if left out.")]
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<RunEvent, ApiError>> + use<'c>, ApiError> {
        let workflows = ctx.service::<WorkflowService>()?;
        let actor = ctx.actor()?;
        // What begins it has memory of its own, which goes again.
        let events = Box::pin(workflows.follow(actor, run_id, after.map(|cursor| cursor.0))).await?;
        Ok(events.then(move |event| async move { show(ctx, event?).await }))
    }
}

async fn show(ctx: &Context<'_>, event: event::RunEvent) -> Result<RunEvent, ApiError> {
    let (cursor, at) = (Cursor(event.cursor), DateTime(event.at));
    let run = async || {
        let run = ctx.load::<_, WorkflowLoader>(event.run).await?.ok_or(Error::NotFound("run"))?;
        // What is shown was read after the event.
        Ok::<_, ApiError>(Run::new(run, Some(event.cursor)))
    };
    let approval = async |id| {
        let approval = ctx.load::<_, WorkflowLoader>(id).await?.ok_or(Error::NotFound("approval"))?;
        Ok::<_, ApiError>(Approval::from(approval))
    };
    let snapshot = |step| StepSnapshot { step, run: event.run };
    Ok(match event.what {
        What::RunCreated { .. } => RunEvent::RunCreated(RunCreated { cursor, at, run: run().await? }),
        What::StepStarted { step } => RunEvent::StepStarted(StepStarted { cursor, at, step: snapshot(step) }),
        What::StepWaiting { step, until } => {
            RunEvent::StepWaiting(StepWaiting { cursor, at, step: snapshot(step), until: DateTime(until) })
        }
        What::StepToolStarted { step, tool } => {
            RunEvent::StepToolStarted(StepToolStarted { cursor, at, step: snapshot(step), tool })
        }
        What::StepToolCompleted { step, tool, succeeded } => RunEvent::StepToolCompleted(StepToolCompleted {
            cursor,
            at,
            step: snapshot(step),
            tool,
            succeeded,
        }),
        What::StepCompleted { step } => {
            RunEvent::StepCompleted(StepCompleted { cursor, at, step: snapshot(step) })
        }
        What::StepSkipped { step } => RunEvent::StepSkipped(StepSkipped { cursor, at, step: snapshot(step) }),
        What::StepRetryScheduled { step, error, at: next } => {
            RunEvent::StepRetryScheduled(StepRetryScheduled {
                cursor,
                at,
                step: snapshot(step),
                error: error.into(),
                next_attempt_at: DateTime(next),
            })
        }
        What::StepFailed { step, error } => {
            RunEvent::StepFailed(StepFailed { cursor, at, step: snapshot(step), error: error.into() })
        }
        What::ApprovalRequested { approval: id } => {
            RunEvent::ApprovalRequested(ApprovalRequested { cursor, at, approval: approval(id).await? })
        }
        What::ApprovalDecided { approval: id, approved } => {
            RunEvent::ApprovalDecided(ApprovalDecided { cursor, at, approval: approval(id).await?, approved })
        }
        What::RunCompleted { .. } => RunEvent::RunCompleted(RunCompleted { cursor, at, run: run().await? }),
        What::RunFailed { .. } => RunEvent::RunFailed(RunFailed { cursor, at, run: run().await? }),
        What::RunCancelled { .. } => RunEvent::RunCancelled(RunCancelled { cursor, at, run: run().await? }),
    })
}

/// Something that happened in a run. New types may come: pass over an unknown one, but keep its cursor.
#[derive(Interface, Debug)]
#[graphql(
    field(name = "cursor", ty = "&Cursor", desc = "Its place in the workspace's log: resume after it."),
    field(name = "at", ty = "&DateTime", desc = "When it happened.")
)]
pub enum RunEvent {
    RunCreated(RunCreated),
    StepStarted(StepStarted),
    StepWaiting(StepWaiting),
    StepToolStarted(StepToolStarted),
    StepToolCompleted(StepToolCompleted),
    StepCompleted(StepCompleted),
    StepSkipped(StepSkipped),
    StepRetryScheduled(StepRetryScheduled),
    StepFailed(StepFailed),
    ApprovalRequested(ApprovalRequested),
    ApprovalDecided(ApprovalDecided),
    RunCompleted(RunCompleted),
    RunFailed(RunFailed),
    RunCancelled(RunCancelled),
}

#[derive(Clone, Debug)]
pub struct StepSnapshot {
    step: Snapshot,
    run: RunId,
}

/// A step as it was when something happened.
#[Object]
impl StepSnapshot {
    /// As the graph names it.
    async fn key(&self) -> &str {
        &self.step.key
    }

    /// Where it was in its life.
    async fn status(&self) -> StepStatus {
        self.step.status.into()
    }

    /// Which attempt it was, from 1; 0 where none had begun.
    async fn attempt(&self) -> i32 {
        self.step.attempt
    }

    /// What it gave: only where it was completed, and only for the run's starter. Null once a memory that the run
    /// read was forgotten.
    async fn output(&self, ctx: &Context<'_>) -> Result<Option<Json>, ApiError> {
        if self.step.status != super::super::model::StepStatus::Completed {
            return Ok(None);
        }
        let run = ctx.load::<_, WorkflowLoader>(self.run).await?.ok_or(Error::NotFound("run"))?;
        let step = ctx.load::<_, WorkflowLoader>(self.step.id).await?.ok_or(Error::NotFound("step"))?;
        private(ctx, run.principal, step.output)
    }
}

/// A run was started.
#[derive(SimpleObject, Debug)]
pub struct RunCreated {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The run, as it is now.
    run: Run,
}

/// An attempt of a step began.
#[derive(SimpleObject, Debug)]
pub struct StepStarted {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The step as it was then.
    step: StepSnapshot,
}

/// A step waits for a time.
#[derive(SimpleObject, Debug)]
pub struct StepWaiting {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The step as it was then.
    step: StepSnapshot,
    /// When it goes on.
    until: DateTime,
}

/// The model that a step asks has something done, as whoever started the run.
#[derive(SimpleObject, Debug)]
pub struct StepToolStarted {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The step as it was then.
    step: StepSnapshot,
    /// The tool's name.
    tool: String,
}

/// A tool of a step is done. What it changed was committed together with this.
#[derive(SimpleObject, Debug)]
pub struct StepToolCompleted {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The step as it was then.
    step: StepSnapshot,
    /// The tool's name.
    tool: String,
    /// Whether it was done; else nothing was changed, and the model was told why.
    succeeded: bool,
}

/// A step is done.
#[derive(SimpleObject, Debug)]
pub struct StepCompleted {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The step as it was then.
    step: StepSnapshot,
}

/// A step was passed over: its `when` gave false.
#[derive(SimpleObject, Debug)]
pub struct StepSkipped {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The step as it was then.
    step: StepSnapshot,
}

/// An attempt of a step failed, and another one comes.
#[derive(SimpleObject, Debug)]
pub struct StepRetryScheduled {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The step as it was then.
    step: StepSnapshot,
    /// Why the attempt failed.
    error: StepError,
    /// When the next attempt begins.
    next_attempt_at: DateTime,
}

/// A step failed for good; the end of the run follows.
#[derive(SimpleObject, Debug)]
pub struct StepFailed {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The step as it was then.
    step: StepSnapshot,
    /// Why it failed.
    error: StepError,
}

/// The run asks a person and waits.
#[derive(SimpleObject, Debug)]
pub struct ApprovalRequested {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The question, as it stands now.
    approval: Approval,
}

/// A person decided.
#[derive(SimpleObject, Debug)]
pub struct ApprovalDecided {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The question.
    approval: Approval,
    /// Whether it was approved.
    approved: bool,
}

/// All steps are done or skipped: the run has ended.
#[derive(SimpleObject, Debug)]
pub struct RunCompleted {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The run.
    run: Run,
}

/// A step failed for good: the run has ended.
#[derive(SimpleObject, Debug)]
pub struct RunFailed {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The run, with its error.
    run: Run,
}

/// The run was ended on request.
#[derive(SimpleObject, Debug)]
pub struct RunCancelled {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it happened.
    at: DateTime,
    /// The run.
    run: Run,
}
