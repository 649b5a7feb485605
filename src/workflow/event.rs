//! What a run's stream tells: what was true when it happened, without contents. An output is read from its step,
//! which never changes once it is completed, so that forgetting reaches it.
use super::model::{ApprovalStatus, RunStatus, StepError, StepStatus, Version};
use crate::{
    event::{Change, Cursor, Event, NewEvent},
    shared::{
        Error, Result,
        id::{AnyId, ApprovalId, RunId, StepRunId, WorkflowId, WorkflowVersionId},
    },
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

const WORKFLOW_CREATED: &str = "WORKFLOW_CREATED";
const WORKFLOW_UPDATED: &str = "WORKFLOW_UPDATED";
const WORKFLOW_PUBLISHED: &str = "WORKFLOW_PUBLISHED";
/// The first of a run.
pub(super) const RUN_CREATED: &str = "RUN_CREATED";
const RUN_CHANGED: &str = "RUN_CHANGED";
const RUN_ERASED: &str = "RUN_ERASED";

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
    RunCreated {
        status: RunStatus,
        #[serde(default)]
        steps: Vec<StepRunId>,
    },
    StepStarted {
        step: Snapshot,
    },
    StepWaiting {
        step: Snapshot,
        until: DateTime<Utc>,
    },
    StepToolStarted {
        step: Snapshot,
        tool: String,
    },
    StepToolCompleted {
        step: Snapshot,
        tool: String,
        succeeded: bool,
    },
    StepCompleted {
        step: Snapshot,
    },
    StepSkipped {
        step: Snapshot,
    },
    StepRetryScheduled {
        step: Snapshot,
        error: StepError,
        at: DateTime<Utc>,
    },
    StepFailed {
        step: Snapshot,
        error: StepError,
    },
    ApprovalRequested {
        approval: ApprovalId,
    },
    ApprovalDecided {
        approval: ApprovalId,
        approved: bool,
    },
    RunCompleted {
        status: RunStatus,
    },
    RunFailed {
        status: RunStatus,
    },
    RunCancelled {
        status: RunStatus,
    },
}

impl What {
    fn kind(&self) -> &'static str {
        match self {
            Self::RunCreated { .. } => RUN_CREATED,
            Self::StepStarted { .. } => "STEP_STARTED",
            Self::StepWaiting { .. } => "STEP_WAITING",
            Self::StepToolStarted { .. } => "STEP_TOOL_STARTED",
            Self::StepToolCompleted { .. } => "STEP_TOOL_COMPLETED",
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
        Ok(NewEvent::new(self.kind(), run.uuid(), data))
    }
}

impl RunEvent {
    /// `None` for what a later version records, as servers of two versions may share a database.
    pub fn of(event: &Event) -> Option<Self> {
        let (cursor, at, run) = (event.cursor(), event.at, RunId::from_uuid(event.subject));
        let what = What::deserialize(&event.data).ok()?;
        Some(Self { cursor, at, run, what })
    }
}

/// What else changed of a run, its steps and its approvals in a transaction, beside what its stream tells; and how it
/// stood then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Aside {
    pub run: Option<RunStatus>,
    pub steps: BTreeMap<StepRunId, StepStatus>,
    pub approvals: BTreeMap<ApprovalId, ApprovalStatus>,
}

impl Aside {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// That it changed.
    pub(super) fn changed(&self, run: RunId) -> Result<NewEvent> {
        self.record(RUN_CHANGED, run)
    }

    /// That what it derived from a forgotten memory is gone.
    pub(super) fn erased(&self, run: RunId) -> Result<NewEvent> {
        self.record(RUN_ERASED, run)
    }

    fn record(&self, kind: &'static str, run: RunId) -> Result<NewEvent> {
        Ok(NewEvent::new(kind, run.uuid(), serde_json::to_value(self).map_err(Error::internal)?))
    }

    fn changes(self, run: Option<AnyId>) -> Vec<Change> {
        let steps = self.steps.into_keys().map(AnyId::StepRun);
        let approvals = self.approvals.into_keys().map(AnyId::Approval);
        run.into_iter().chain(steps).chain(approvals).map(Change::updated).collect()
    }
}

pub(super) fn workflow_created(workflow: WorkflowId) -> NewEvent {
    NewEvent::new(WORKFLOW_CREATED, workflow.uuid(), json!({}))
}

pub(super) fn workflow_updated(workflow: WorkflowId) -> NewEvent {
    NewEvent::new(WORKFLOW_UPDATED, workflow.uuid(), json!({}))
}

pub(super) fn workflow_published(version: &Version) -> NewEvent {
    NewEvent::new(WORKFLOW_PUBLISHED, version.workflow.uuid(), json!({ "version": version.id }))
}

#[derive(Deserialize)]
struct Published {
    version: WorkflowVersionId,
}

/// What an event did to a workflow, a run or something of a run; nothing where it is none of theirs.
pub fn changes(event: &Event) -> Vec<Change> {
    let workflow = AnyId::Workflow(WorkflowId::from_uuid(event.subject));
    let run = AnyId::Run(RunId::from_uuid(event.subject));
    let aside = || Aside::deserialize(&event.data).unwrap_or_default();
    match event.kind.as_str() {
        WORKFLOW_CREATED => return vec![Change::created(workflow)],
        WORKFLOW_UPDATED => return vec![Change::updated(workflow)],
        WORKFLOW_PUBLISHED => {
            let version = Published::deserialize(&event.data).ok();
            let version = version.map(|told| Change::created(AnyId::WorkflowVersion(told.version)));
            return [Change::updated(workflow)].into_iter().chain(version).collect();
        }
        RUN_ERASED => return aside().changes(Some(run)),
        RUN_CHANGED => {
            let aside = aside();
            let run = aside.run.map(|_| run);
            return aside.changes(run);
        }
        _ => {}
    }
    match What::deserialize(&event.data) {
        Ok(What::RunCreated { steps, .. }) => {
            let steps = steps.into_iter().map(AnyId::StepRun);
            [run].into_iter().chain(steps).map(Change::created).collect()
        }
        Ok(
            What::StepStarted { step }
            | What::StepWaiting { step, .. }
            | What::StepCompleted { step }
            | What::StepSkipped { step }
            | What::StepRetryScheduled { step, .. }
            | What::StepFailed { step, .. },
        ) => vec![Change::updated(AnyId::StepRun(step.id))],
        Ok(What::ApprovalRequested { approval }) => vec![Change::created(AnyId::Approval(approval))],
        Ok(What::ApprovalDecided { approval, .. }) => vec![Change::updated(AnyId::Approval(approval))],
        Ok(What::RunCompleted { .. } | What::RunFailed { .. } | What::RunCancelled { .. }) => {
            vec![Change::updated(run)]
        }
        // The step is as it was.
        Ok(What::StepToolStarted { .. } | What::StepToolCompleted { .. }) | Err(_) => vec![],
    }
}
