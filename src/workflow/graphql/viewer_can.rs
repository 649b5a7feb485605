//! What the caller may do, told by the policies that the use cases check by. Costs no statement.
use crate::{
    shared::{actor::Actor, id::WorkspaceId},
    workflow::policy,
};
use async_graphql::SimpleObject;

/// What the caller may do with a workflow: true where the mutation of that name is not refused with FORBIDDEN. Rights
/// alone: a draft with problems cannot be published all the same.
#[derive(SimpleObject, Debug)]
pub struct WorkflowViewerCan {
    /// Change its name and its draft.
    update_workflow: bool,
    /// Make its draft a version.
    publish_workflow: bool,
    /// Start a run of it.
    start_run: bool,
}

impl WorkflowViewerCan {
    pub fn of(actor: &Actor, workspace: WorkspaceId) -> Self {
        Self {
            update_workflow: actor.may::<policy::UpdateWorkflow>(workspace).is_ok(),
            publish_workflow: actor.may::<policy::PublishWorkflow>(workspace).is_ok(),
            start_run: actor.may::<policy::StartRun>(workspace).is_ok(),
        }
    }
}

/// What the caller may do with a run: true where the mutation of that name is not refused with FORBIDDEN. Rights alone:
/// one that has ended cannot be cancelled all the same.
#[derive(SimpleObject, Debug)]
pub struct RunViewerCan {
    /// End it.
    cancel_run: bool,
}

impl RunViewerCan {
    pub fn of(actor: &Actor, workspace: WorkspaceId) -> Self {
        Self { cancel_run: actor.may::<policy::CancelRun>(workspace).is_ok() }
    }
}

/// What the caller may do with an approval: true where the mutation of that name is not refused with FORBIDDEN. Rights
/// alone: what somebody has decided stays decided.
#[derive(SimpleObject, Debug)]
pub struct ApprovalViewerCan {
    /// Answer it.
    decide_approval: bool,
}

impl ApprovalViewerCan {
    pub fn of(actor: &Actor, workspace: WorkspaceId) -> Self {
        Self { decide_approval: actor.may::<policy::DecideApproval>(workspace).is_ok() }
    }
}
