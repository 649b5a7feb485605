//! Workflows and runs; [`input`] takes graphs in, [`run`], [`step`] and [`approval`] show runs, [`event`] streams what happens in them, [`viewer_can`] tells rights.
mod approval;
mod definition;
mod event;
mod input;
mod loader;
mod run;
mod step;
mod viewer_can;

pub use approval::Approval;
pub use definition::{Workflow, WorkflowVersion};
pub use event::WorkflowSubscription;
pub use loader::WorkflowLoader;
pub use run::Run;
pub use step::StepRun;

use super::{WorkflowService, graph::Graph, model};
use crate::{
    graphql_kit::{
        ApiError, Connection, ContextExt, Json, Shown, UserError, connection, each_once, each_shows, edited,
        page_request, patch, payload,
    },
    shared::id::{ApprovalId, RunId, WorkflowId, WorkspaceId},
};
use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use input::WorkflowGraphInput;
use run::RunStatus;

/// The part of `Workspace` that this slice gives.
#[derive(Clone, Debug)]
pub struct WorkspaceWorkflows {
    pub workspace: WorkspaceId,
}

#[Object]
impl WorkspaceWorkflows {
    /// The workspace's workflows, newest first.
    async fn workflows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Workflow>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let workflows = ctx.service::<WorkflowService>()?;
        let page = workflows.list_workflows(ctx.actor()?, self.workspace, &request).await?;
        Ok(connection(self.workspace, page, Workflow::from))
    }

    /// The workspace's runs, newest first.
    async fn runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that fit.")] filter: Option<RunFilter>,
    ) -> Result<Connection<Run>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let (workflows, actor) = (ctx.service::<WorkflowService>()?, ctx.actor()?);
        let wanted = each_shows(ctx, "cursor");
        let head = if wanted { Some(workflows.head(actor, self.workspace).await?) } else { None };
        let filter = filter.map(model::RunFilter::from).unwrap_or_default();
        let page = workflows.list_runs(actor, self.workspace, &filter, &request).await?;
        Ok(connection(self.workspace, page, |run| Run::new(run, head)))
    }
}

/// Which runs are wanted; what is left out wants all.
#[derive(InputObject, Debug)]
pub struct RunFilter {
    /// In one of these states.
    status: Option<Vec<RunStatus>>,
    /// Of this workflow, whatever the version.
    workflow_id: Option<WorkflowId>,
}

impl From<RunFilter> for model::RunFilter {
    fn from(filter: RunFilter) -> Self {
        let status = |status: Vec<RunStatus>| status.into_iter().filter_map(RunStatus::stored).collect();
        Self { status: filter.status.map(status).map(each_once), workflow: filter.workflow_id }
    }
}

#[derive(Default, Debug)]
pub struct WorkflowMutation;

#[Object]
impl WorkflowMutation {
    /// Makes a workflow with a draft. A graph that could not run is kept as a draft all the same:
    /// `workflow.draft.problems` tells what is wrong with it.
    async fn create_workflow(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateWorkflowInput,
    ) -> Result<CreateWorkflowPayload, ApiError> {
        let (workflows, actor) = (ctx.service::<WorkflowService>()?, ctx.actor()?);
        let key = input.idempotency_key.clone();
        let (workflow, user_errors) = payload(workflows.create(actor, input.into(), key).await)?;
        Ok(CreateWorkflowPayload { workflow: workflow.map(Workflow::from), user_errors })
    }

    /// Changes the name or the draft of a workflow. A graph that could not run is kept as a draft all the same:
    /// `workflow.draft.problems` tells what is wrong with it. Runs keep their versions, and its slug stays.
    async fn update_workflow(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change; what is left out stays.")] input: UpdateWorkflowInput,
    ) -> Result<UpdateWorkflowPayload, ApiError> {
        let outcome = ctx.service::<WorkflowService>()?.update(ctx.actor()?, input.into()).await;
        let Shown { result, current, user_errors } = edited(outcome)?;
        let (workflow, current) = (result.map(Workflow::from), current.map(Workflow::from));
        Ok(UpdateWorkflowPayload { workflow, current, user_errors })
    }

    /// Makes the draft a version that never changes and that runs use from now on; they may do no more than who published
    /// it. A draft that the caller has published already gives the same version again. One with problems is refused, each
    /// problem under its path.
    async fn publish_workflow(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to publish.")] input: PublishWorkflowInput,
    ) -> Result<PublishWorkflowPayload, ApiError> {
        let (workflows, actor) = (ctx.service::<WorkflowService>()?, ctx.actor()?);
        let outcome = workflows.publish(actor, input.workflow_id, input.expected_version).await;
        let Shown { result, current, user_errors } = edited(outcome)?;
        let (version, current) = (result.map(WorkflowVersion::from), current.map(Workflow::from));
        Ok(PublishWorkflowPayload { version, current, user_errors })
    }

    /// Starts a run of a published version. It is carried out as the caller, with the rights that the caller has at
    /// each step.
    async fn start_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to start.")] input: StartRunInput,
    ) -> Result<StartRunPayload, ApiError> {
        let (workflows, actor) = (ctx.service::<WorkflowService>()?, ctx.actor()?);
        let new = model::NewRun {
            workflow: input.workflow_id,
            version: input.version,
            input: input.input.map_or_else(|| serde_json::json!({}), |input| input.0),
        };
        let (run, user_errors) = payload(workflows.start(actor, new, input.idempotency_key).await)?;
        Ok(StartRunPayload { run: run.map(|run| Run::new(run, None)), user_errors })
    }

    /// Answers an approval that a run waits for; the run goes on at once.
    async fn decide_approval(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was decided.")] input: DecideApprovalInput,
    ) -> Result<DecideApprovalPayload, ApiError> {
        let (workflows, actor) = (ctx.service::<WorkflowService>()?, ctx.actor()?);
        let decision = model::Decision {
            approval: input.approval_id,
            approve: input.decision == ApprovalDecision::Approve,
            comment: input.comment,
            form: input.form.map(|form| form.0),
        };
        let (approval, user_errors) = payload(workflows.decide(actor, decision).await)?;
        Ok(DecideApprovalPayload { approval: approval.map(Approval::from), user_errors })
    }

    /// Ends a run that is still going: what runs is stopped, what waits is cancelled. To cancel again changes
    /// nothing.
    async fn cancel_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to cancel.")] input: CancelRunInput,
    ) -> Result<CancelRunPayload, ApiError> {
        let (workflows, actor) = (ctx.service::<WorkflowService>()?, ctx.actor()?);
        let (run, user_errors) = payload(workflows.cancel(actor, input.run_id, input.reason).await)?;
        Ok(CancelRunPayload { run: run.map(|run| Run::new(run, None)), user_errors })
    }
}

/// A new workflow.
#[derive(InputObject, Debug)]
pub struct CreateWorkflowInput {
    /// The workspace that it lies in.
    workspace_id: WorkspaceId,
    /// What people call it, at most 100 characters.
    name: String,
    /// Its short name in addresses, unique in the workspace: a–z, 0–9 and hyphens, at most 50; made from the name if
    /// left out.
    slug: Option<String>,
    /// Its steps.
    graph: WorkflowGraphInput,
    /// A JSON schema that tells what a run's input looks like: templates are checked against its properties, inputs not yet.
    input_schema: Option<Json>,
    /// A UUID of the client's own, for what it creates offline: the same one again is the same workflow, for ever.
    client_id: Option<ID>,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    idempotency_key: Option<String>,
}

impl From<CreateWorkflowInput> for model::NewWorkflow {
    fn from(input: CreateWorkflowInput) -> Self {
        Self {
            workspace: input.workspace_id,
            name: input.name,
            slug: input.slug,
            graph: input.graph.into(),
            input_schema: input.input_schema.map(|schema| schema.0),
            client_id: input.client_id.map(|id| id.0),
        }
    }
}

/// What came of `createWorkflow`.
#[derive(SimpleObject, Debug)]
pub struct CreateWorkflowPayload {
    /// The new workflow; null where `userErrors` says why not.
    workflow: Option<Workflow>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// A workflow to be changed.
#[derive(InputObject, Debug)]
pub struct UpdateWorkflowInput {
    /// The workflow.
    workflow_id: WorkflowId,
    /// The `version` that the change was made from: it is refused with CONFLICT where that is not the version any more.
    /// Whatever the version, if left out.
    expected_version: Option<i32>,
    /// What people shall call it, at most 100 characters.
    name: MaybeUndefined<String>,
    /// Its steps, all of them.
    graph: MaybeUndefined<WorkflowGraphInput>,
    /// A JSON schema that tells what a run's input looks like; null for none.
    input_schema: MaybeUndefined<Json>,
}

impl From<UpdateWorkflowInput> for model::WorkflowUpdate {
    fn from(input: UpdateWorkflowInput) -> Self {
        Self {
            workflow: input.workflow_id,
            expected_version: input.expected_version,
            name: patch(input.name, |name| name),
            graph: patch(input.graph, Graph::from),
            input_schema: patch(input.input_schema, |schema| schema.0),
        }
    }
}

/// What came of `updateWorkflow`.
#[derive(SimpleObject, Debug)]
pub struct UpdateWorkflowPayload {
    /// The workflow as it is now; null where `userErrors` says why not.
    workflow: Option<Workflow>,
    /// Only with CONFLICT on `expectedVersion`, when nothing was changed: the workflow as it is, with its version, to
    /// show beside the change that was not made.
    current: Option<Workflow>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// What to publish.
#[derive(InputObject, Debug)]
pub struct PublishWorkflowInput {
    /// The workflow whose draft is published.
    workflow_id: WorkflowId,
    /// The workflow's `version` that was looked at: with another one by now, nothing is published, with CONFLICT. Whatever
    /// the version, if left out.
    expected_version: Option<i32>,
}

/// What came of `publishWorkflow`.
#[derive(SimpleObject, Debug)]
pub struct PublishWorkflowPayload {
    /// The published version; null where `userErrors` says why not.
    version: Option<WorkflowVersion>,
    /// Only with CONFLICT on `expectedVersion`, when nothing was published: the workflow as it is, with its version.
    current: Option<Workflow>,
    /// What keeps the draft from being published, each under the path of `createWorkflow`'s input.
    user_errors: Vec<UserError>,
}

/// A run to start.
#[derive(InputObject, Debug)]
pub struct StartRunInput {
    /// The workflow to run.
    workflow_id: WorkflowId,
    /// The number of the version to run; the one published last if left out.
    version: Option<i32>,
    /// What steps see as `input`: an object of at most 64 KB, empty if left out.
    input: Option<Json>,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    idempotency_key: Option<String>,
}

/// What came of `startRun`.
#[derive(SimpleObject, Debug)]
pub struct StartRunPayload {
    /// The new run; null where `userErrors` says why not.
    run: Option<Run>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// What was decided about an approval.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ApprovalDecision {
    /// Go on.
    Approve,
    /// Do not: the steps after it see `approved: false`.
    Reject,
}

/// A decision.
#[derive(InputObject, Debug)]
pub struct DecideApprovalInput {
    /// The approval that is decided.
    approval_id: ApprovalId,
    /// What was decided.
    decision: ApprovalDecision,
    /// Why, at most 2,000 characters. The steps after it see it.
    comment: Option<String>,
    /// The answers to the approval's form, at most 64 KB. The steps after it see them.
    form: Option<Json>,
}

/// What came of `decideApproval`.
#[derive(SimpleObject, Debug)]
pub struct DecideApprovalPayload {
    /// The decided approval; null where `userErrors` says why not.
    approval: Option<Approval>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// A run to cancel.
#[derive(InputObject, Debug)]
pub struct CancelRunInput {
    /// The run to end.
    run_id: RunId,
    /// Why, at most 2,000 characters; kept in the run's `error`.
    reason: Option<String>,
}

/// What came of `cancelRun`.
#[derive(SimpleObject, Debug)]
pub struct CancelRunPayload {
    /// The cancelled run; null where `userErrors` says why not.
    run: Option<Run>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
