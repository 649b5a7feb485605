//! What a run's stream tells: what was true when it happened, without contents. An output is read from its step,
//! which never changes once it is completed, so that forgetting reaches it.
use super::model::{RunStatus, StepError, StepStatus};
use crate::{
    event::{Change, Cursor, Event, NewEvent},
    shared::{
        Error, Result,
        id::{AnyId, ApprovalId, RunId, StepRunId, WorkflowId},
    },
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub(super) const WORKFLOW_CREATED: &str = "WORKFLOW_CREATED";
pub(super) const WORKFLOW_UPDATED: &str = "WORKFLOW_UPDATED";
pub(super) const WORKFLOW_PUBLISHED: &str = "WORKFLOW_PUBLISHED";
/// What the run derived from a forgotten memory is gone.
pub(super) const RUN_ERASED: &str = "RUN_ERASED";

#[derive(Clone, Debug)]
pub struct RunEvent {
    pub cursor: Cursor,
    pub at: DateTime<Utc>,
    pub run: RunId,
    pub what: What,
}

/// A step as it stood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    pub id: StepRunId,
    pub key: String,
    pub status: StepStatus,
    pub attempt: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum What {
    RunCreated { status: RunStatus },
    StepStarted { step: Snapshot },
    StepWaiting { step: Snapshot, until: DateTime<Utc> },
    StepCompleted { step: Snapshot },
    StepSkipped { step: Snapshot },
    StepRetryScheduled { step: Snapshot, error: StepError, at: DateTime<Utc> },
    StepFailed { step: Snapshot, error: StepError },
    ApprovalRequested { approval: ApprovalId },
    ApprovalDecided { approval: ApprovalId, approved: bool },
    RunCompleted { status: RunStatus },
    RunFailed { status: RunStatus },
    RunCancelled { status: RunStatus },
}

impl What {
    fn kind(&self) -> &'static str {
        match self {
            Self::RunCreated { .. } => "RUN_CREATED",
            Self::StepStarted { .. } => "STEP_STARTED",
            Self::StepWaiting { .. } => "STEP_WAITING",
            Self::StepCompleted { .. } => "STEP_COMPLETED",
            Self::StepSkipped { .. } => "STEP_SKIPPED",
            Self::StepRetryScheduled { .. } => "STEP_RETRY_SCHEDULED",
            Self::StepFailed { .. } => "STEP_FAILED",
            Self::ApprovalRequested { .. } => "APPROVAL_REQUESTED",
            Self::ApprovalDecided { .. } => "APPROVAL_DECIDED",
            Self::RunCompleted { .. } => "RUN_COMPLETED",
            Self::RunFailed { .. } => "RUN_FAILED",
            Self::RunCancelled { .. } => "RUN_CANCELLED",
        }
    }

    /// Nothing comes after it.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::RunCompleted { .. } | Self::RunFailed { .. } | Self::RunCancelled { .. })
    }

    pub fn record(&self, run: RunId) -> Result<NewEvent> {
        let data = serde_json::to_value(self).map_err(Error::internal)?;
        Ok(NewEvent { kind: self.kind(), subject: run.uuid(), owner: None, data })
    }
}

impl RunEvent {
    /// `None` for what a later version records, as servers of two versions may share a database.
    pub fn of(event: Event) -> Option<Self> {
        let (cursor, at, run) = (event.cursor(), event.at, RunId::from_uuid(event.subject));
        let what = serde_json::from_value(event.data).ok()?;
        Some(Self { cursor, at, run, what })
    }
}

/// What an event did to a workflow, a run or something of a run; `None` where it is none of theirs.
pub fn change(event: &Event) -> Option<Change> {
    let workflow = AnyId::Workflow(WorkflowId::from_uuid(event.subject));
    let run = AnyId::Run(RunId::from_uuid(event.subject));
    match event.kind.as_str() {
        WORKFLOW_CREATED => return Some(Change::created(workflow)),
        WORKFLOW_UPDATED | WORKFLOW_PUBLISHED => return Some(Change::updated(workflow)),
        RUN_ERASED => return Some(Change::updated(run)),
        _ => {}
    }
    Some(match serde_json::from_value(event.data.clone()).ok()? {
        What::RunCreated { .. } => Change::created(run),
        What::StepStarted { step }
        | What::StepWaiting { step, .. }
        | What::StepCompleted { step }
        | What::StepSkipped { step }
        | What::StepRetryScheduled { step, .. }
        | What::StepFailed { step, .. } => Change::updated(AnyId::StepRun(step.id)),
        What::ApprovalRequested { approval } => Change::created(AnyId::Approval(approval)),
        What::ApprovalDecided { approval, .. } => Change::updated(AnyId::Approval(approval)),
        What::RunCompleted { .. } | What::RunFailed { .. } | What::RunCancelled { .. } => {
            Change::updated(run)
        }
    })
}
