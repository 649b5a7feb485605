//! Workflows, their versions, runs, and what is known of each step.
use super::{graph::Graph, validate::GraphProblem};
use crate::shared::{
    Error, Patch, Result, TraceId,
    actor::Principal,
    id::{
        ApiKeyId, ApprovalId, RunId, ServiceAccountId, StepRunId, UserId, WorkflowId, WorkflowVersionId,
        WorkspaceId,
    },
    stored,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Characters.
pub const MAX_NAME: usize = 100;
pub const MAX_SLUG: usize = 50;
pub const MAX_COMMENT: usize = 2_000;
/// Bytes of a run's input, of an approval's answer.
pub const MAX_INPUT: usize = 65_536;

stored! {
    RunStatus {
        Queued = "QUEUED",
        Running = "RUNNING",
        Waiting = "WAITING",
        Completed = "COMPLETED",
        Failed = "FAILED",
        Cancelled = "CANCELLED",
    }
}

impl RunStatus {
    pub const LIVE: [Self; 3] = [Self::Queued, Self::Running, Self::Waiting];

    pub fn is_live(self) -> bool {
        Self::LIVE.contains(&self)
    }
}

stored! {
    StepStatus {
        Pending = "PENDING",
        Running = "RUNNING",
        Waiting = "WAITING",
        RetryScheduled = "RETRY_SCHEDULED",
        Completed = "COMPLETED",
        Failed = "FAILED",
        Skipped = "SKIPPED",
        Cancelled = "CANCELLED",
    }
}

impl StepStatus {
    /// Nothing more happens to the step.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Skipped | Self::Cancelled)
    }
}

stored! {
    ApprovalStatus {
        Pending = "PENDING",
        Approved = "APPROVED",
        Rejected = "REJECTED",
        Expired = "EXPIRED",
        Cancelled = "CANCELLED",
    }
}

/// Why a step failed. The codes are the product's own; the text is for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepError {
    pub code: String,
    pub message: String,
    /// Whether another attempt may do better.
    #[serde(default)]
    pub retryable: bool,
}

impl StepError {
    /// One that another attempt would meet again.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), retryable: false }
    }

    pub fn passing(code: &str, message: impl Into<String>) -> Self {
        Self { retryable: true, ..Self::new(code, message) }
    }
}

#[derive(Clone, Debug)]
pub struct Workflow {
    pub id: WorkflowId,
    pub workspace: WorkspaceId,
    pub name: String,
    /// Unique in the workspace.
    pub slug: String,
    pub draft: Draft,
    pub published: Option<WorkflowVersionId>,
    /// From 1, one more with each change of name or draft.
    pub version: i32,
    pub client_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
}

/// What is being worked on, but for what is drawn of it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub problems: Vec<GraphProblem>,
    /// From 1, one more with each change.
    pub version: i32,
}

/// A workflow with what its draft does, which only those need who change or publish it.
#[derive(Clone, Debug)]
pub struct Drawn {
    pub workflow: Workflow,
    pub graph: Graph,
    pub input_schema: Option<Value>,
}

impl Drawn {
    /// Whether both would be published as the same version.
    pub fn does_as(&self, other: &Self) -> bool {
        self.graph == other.graph && self.input_schema == other.input_schema
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct NewWorkflow {
    pub workspace: WorkspaceId,
    pub name: String,
    pub slug: Option<String>,
    pub graph: Graph,
    pub input_schema: Option<Value>,
    /// Left out where there is none: the hash of a request is that of an older version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

#[derive(Clone, Debug)]
pub struct WorkflowUpdate {
    pub workflow: WorkflowId,
    pub expected_version: Option<i32>,
    pub name: Patch<String>,
    pub graph: Patch<Graph>,
    pub input_schema: Patch<Value>,
}

/// Never changes.
#[derive(Clone, Debug)]
pub struct Version {
    pub id: WorkflowVersionId,
    pub workflow: WorkflowId,
    /// From 1, in the order of publication.
    pub number: i32,
    pub checksum: String,
    pub published_at: DateTime<Utc>,
}

/// What a version does.
#[derive(Clone, Debug)]
pub struct Plan {
    pub version: Version,
    /// A person or a service account.
    pub publisher: Uuid,
    pub graph: Graph,
    pub input_schema: Option<Value>,
}

#[derive(Clone, Debug, Serialize)]
pub struct NewRun {
    pub workflow: WorkflowId,
    /// The published one where not given.
    pub version: Option<i32>,
    pub input: Value,
}

#[derive(Clone, Debug)]
pub struct Run {
    pub id: RunId,
    pub workspace: WorkspaceId,
    pub workflow: WorkflowId,
    pub version: WorkflowVersionId,
    pub status: RunStatus,
    /// Who started it: each step is done as this principal, with the rights of that moment.
    pub principal: Principal,
    /// The key that it was started with.
    pub key: Option<ApiKeyId>,
    /// The trace of the request that started it.
    pub trace: Option<TraceId>,
    pub input: Value,
    pub output: Option<Value>,
    pub error: Option<RunError>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunError {
    pub code: String,
    pub message: String,
    pub step_key: Option<String>,
}

#[derive(Clone, Debug)]
pub struct StepRun {
    pub id: StepRunId,
    pub run: RunId,
    /// In the graph, from 0.
    pub place: i32,
    pub key: String,
    pub status: StepStatus,
    pub output: Option<Value>,
}

#[derive(Clone, Debug)]
pub struct StepAttempt {
    /// From 1.
    pub number: i32,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub error: Option<StepError>,
}

#[derive(Clone, Debug)]
pub struct Approval {
    pub id: ApprovalId,
    pub workspace: WorkspaceId,
    pub run: RunId,
    pub step: StepRunId,
    pub title: String,
    pub form: Option<Value>,
    pub status: ApprovalStatus,
    pub expires_at: Option<DateTime<Utc>>,
    pub decided_by: Option<Principal>,
    pub comment: Option<String>,
    pub answer: Option<Value>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Decision {
    pub approval: ApprovalId,
    pub approve: bool,
    pub comment: Option<String>,
    pub form: Option<Value>,
}

#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    pub status: Option<Vec<RunStatus>>,
    pub workflow: Option<WorkflowId>,
}

/// How a principal is stored: which kind, and its id.
pub fn principal_of(kind: &str, id: Uuid) -> Result<Principal> {
    match kind {
        "USER" => Ok(Principal::User(UserId::from_uuid(id))),
        "SERVICE" => Ok(Principal::Service(ServiceAccountId::from_uuid(id))),
        _ => Err(Error::internal(format!("unknown principal: {kind}"))),
    }
}

pub fn principal_kind(principal: Principal) -> &'static str {
    match principal {
        Principal::User(_) => "USER",
        Principal::Service(_) => "SERVICE",
    }
}

/// a–z, 0–9 and hyphens, made from any name; empty where nothing of it can be kept.
pub fn slug_from(name: &str) -> String {
    let mut slug = String::new();
    for char in name.chars().flat_map(char::to_lowercase) {
        if char.is_ascii_alphanumeric() {
            slug.push(char);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(MAX_SLUG);
    slug.trim_end_matches('-').to_owned()
}

pub fn is_slug(slug: &str) -> bool {
    !slug.is_empty()
        && slug.len() <= MAX_SLUG
        && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !slug.starts_with('-')
        && !slug.ends_with('-')
}
