use super::{
    event::{RunEvent, What},
    graph,
    model::{
        Approval, ApprovalStatus, Decision, Draft, MAX_COMMENT, MAX_INPUT, MAX_NAME, NewRun, NewWorkflow,
        Plan, Run, RunError, RunFilter, RunStatus, StepAttempt, StepError, StepRun, StepStatus, Version,
        Workflow, is_slug, slug_from,
    },
    scope::size_of,
    store, validate,
};
use crate::{
    db::{
        Db,
        idempotency::{self, Claimed, Key},
    },
    event::{Cursor, Log, Tx},
    memory::{Derived, Erased},
    shared::{
        Ambient, Error, Page, PageRequest, Problem, Problems, Result,
        actor::{Actor, Grant, Principal, Read, Write},
        id::{ApprovalId, MemoryId, RunId, StepRunId, WorkflowId, WorkflowVersionId, WorkspaceId},
        text,
    },
};
use futures_util::{Stream, StreamExt};
use serde_json::json;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::watch;
use uuid::Uuid;

/// Tries at a free slug made from a name.
const SLUGS: u32 = 100;

#[derive(Clone, Debug)]
pub struct WorkflowService {
    db: Db,
    log: Log,
    ambient: Ambient,
    /// Changes when a run became due here.
    hint: Arc<watch::Sender<()>>,
}

const NO_WORKFLOW: Error = Error::NotFound("workflow");
const NO_RUN: Error = Error::NotFound("run");
const NO_APPROVAL: Error = Error::NotFound("approval");

impl WorkflowService {
    pub fn new(db: Db, log: Log, ambient: Ambient) -> Self {
        Self { db, log, ambient, hint: Arc::new(watch::Sender::new(())) }
    }

    /// Changes when a run became due in this process; a worker in another one finds it by looking.
    pub(super) fn hint(&self) -> watch::Receiver<()> {
        self.hint.subscribe()
    }

    /// A new workflow with a draft. A graph that could not run is stored all the same, with what is wrong with it;
    /// only what is too large is refused.
    pub async fn create(&self, actor: &Actor, new: NewWorkflow, key: Option<String>) -> Result<Workflow> {
        let grant = actor.may::<Write>(new.workspace)?;
        let key = key.map(|key| Key::new("createWorkflow", key, &new)).transpose()?;
        let mut problems = Problems::default();
        let name = text::required(&mut problems, "name", &new.name, MAX_NAME);
        if new.slug.as_deref().is_some_and(|slug| !is_slug(slug)) {
            problems.invalid("slug", "a–z, 0–9 and hyphens between them, at most 50 characters");
        }
        validate::check_bounds(&mut problems, &new.graph, new.input_schema.as_ref());
        problems.finish()?;
        // Compiling takes a moment: before the transaction, for there is one writer.
        let found = validate::problems(&new.graph, new.input_schema.as_ref());

        let mut tx = self.log.begin().await?;
        let claim = match idempotency::claim(&tx, &self.ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => {
                let found = store::find_workflow(&tx, &actor.scope::<Read>(), id).await?;
                return Ok(found.ok_or(NO_WORKFLOW)?.0);
            }
            Claimed::New(claim) => claim,
        };
        let slug = match new.slug {
            Some(slug) if store::slug_is_taken(&tx, &grant, &slug).await? => {
                return Err(Error::conflict(
                    "slug",
                    "another workflow has this slug: choose a different one",
                ));
            }
            Some(slug) => slug,
            None => {
                let base = Some(slug_from(&name)).filter(|slug| !slug.is_empty());
                let base = base.unwrap_or_else(|| "workflow".to_owned());
                let mut slug = base.clone();
                let mut number = 1;
                while store::slug_is_taken(&tx, &grant, &slug).await? {
                    number += 1;
                    if number > SLUGS {
                        return Err(Error::conflict("slug", "many workflows have this name: choose a slug"));
                    }
                    slug = format!("{}-{number}", base.get(..40).unwrap_or(&base));
                }
                slug
            }
        };
        let draft = Draft { graph: new.graph, input_schema: new.input_schema, problems: found, version: 1 };
        let workflow = Workflow {
            id: self.ambient.ids.next(),
            workspace: new.workspace,
            name,
            slug,
            draft,
            published: None,
            created_at: self.ambient.now(),
        };
        store::insert_workflow(&tx, &grant, &workflow).await?;
        claim.keep(&tx, &workflow.id).await?;
        tx.record(&grant, told("WORKFLOW_CREATED", workflow.id.uuid()));
        tx.commit().await?;
        Ok(workflow)
    }

    /// Makes the draft a version that runs can use; a draft that is published already gives the same version again.
    pub async fn publish(&self, actor: &Actor, id: WorkflowId) -> Result<Version> {
        let mut tx = self.log.begin().await?;
        let (workflow, grant) =
            store::find_workflow(&tx, &actor.scope::<Write>(), id).await?.ok_or(NO_WORKFLOW)?;
        if !workflow.draft.problems.is_empty() {
            let problems = workflow.draft.problems.iter();
            return Err(Error::Refused(problems.map(|p| Problem::invalid(&p.path, &p.message)).collect()));
        }
        let now = self.ambient.now();
        let last = store::lock_for_publishing(&tx, &grant, id, now).await?;
        let Draft { graph, input_schema, .. } = workflow.draft.clone();
        let checksum = graph::checksum(&graph, input_schema.as_ref()).map_err(Error::internal)?;
        let published = store::find_plan(&tx, &grant, &workflow, (last > 0).then_some(last)).await?;
        if let Some(plan) = published
            && plan.version.checksum == checksum
        {
            return Ok(plan.version);
        }
        let version = Version {
            id: self.ambient.ids.next(),
            workflow: id,
            number: last + 1,
            checksum,
            published_at: now,
        };
        store::insert_version(&tx, &grant, &Plan { version: version.clone(), graph, input_schema }).await?;
        tx.record(&grant, told("WORKFLOW_PUBLISHED", id.uuid()));
        tx.commit().await?;
        Ok(version)
    }

    /// A run of a published version, carried out as the actor.
    pub async fn start(&self, actor: &Actor, new: NewRun, key: Option<String>) -> Result<Run> {
        let key = key.map(|key| Key::new("startRun", key, &new)).transpose()?;
        let size = size_of(&new.input);
        if size > MAX_INPUT {
            return Err(Error::invalid("input", format!("{size} bytes: at most {MAX_INPUT} are possible")));
        }
        if !new.input.is_object() {
            return Err(Error::invalid("input", "an object is expected, such as {\"topic\": \"this week\"}"));
        }
        let mut tx = self.log.begin().await?;
        let (workflow, grant) =
            store::find_workflow(&tx, &actor.scope::<Write>(), new.workflow).await?.ok_or(NO_WORKFLOW)?;
        let claim = match idempotency::claim(&tx, &self.ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => {
                return Ok(store::find_run(&tx, &actor.scope::<Read>(), id).await?.ok_or(NO_RUN)?.0);
            }
            Claimed::New(claim) => claim,
        };
        let plan = store::find_plan(&tx, &grant, &workflow, new.version).await?.ok_or_else(|| {
            match new.version {
                Some(number) => Error::invalid("version", format!("there is no version {number}")),
                None => {
                    Error::conflict("workflowId", "the workflow has no published version: publish it first")
                }
            }
        })?;
        let run = Run {
            id: self.ambient.ids.next(),
            workspace: workflow.workspace,
            workflow: workflow.id,
            version: plan.version.id,
            status: RunStatus::Queued,
            principal: actor.principal(),
            input: new.input,
            output: None,
            error: None,
            created_at: self.ambient.now(),
        };
        let steps: Vec<_> =
            plan.graph.steps.into_iter().map(|step| (self.ambient.ids.next(), step.key)).collect();
        store::insert_run(&tx, &grant, &run, &steps).await?;
        claim.keep(&tx, &run.id).await?;
        tx.record(&grant, What::RunCreated { status: run.status }.record(run.id)?);
        tx.commit().await?;
        self.hint.send_replace(());
        Ok(run)
    }

    /// Answers an approval that a run waits for. The same decision again, by the same principal, changes nothing.
    pub async fn decide(&self, actor: &Actor, decision: Decision) -> Result<Approval> {
        let mut problems = Problems::default();
        text::bounded(&mut problems, "comment", decision.comment.as_deref().unwrap_or_default(), MAX_COMMENT);
        if decision.form.as_ref().map_or(0, size_of) > MAX_INPUT {
            problems.invalid("form", format!("at most {MAX_INPUT} bytes are possible"));
        }
        problems.finish()?;
        let mut tx = self.log.begin().await?;
        let scope = actor.scope::<Write>();
        let (seen, grant) = store::find_approval(&tx, &scope, decision.approval).await?.ok_or(NO_APPROVAL)?;
        let now = self.ambient.now();
        let live = store::lock_live(&tx, &grant, seen.run, now).await?;
        // Another may have decided before the run was ours.
        let (approval, _) = store::find_approval(&tx, &scope, seen.id).await?.ok_or(NO_APPROVAL)?;
        let status = if decision.approve { ApprovalStatus::Approved } else { ApprovalStatus::Rejected };
        if approval.status == status && approval.decided_by == Some(actor.principal()) {
            return Ok(approval);
        }
        let open = approval.status == ApprovalStatus::Pending
            && live.is_some()
            && approval.expires_at.is_none_or(|at| now < at);
        if !open {
            let message = match approval.status {
                ApprovalStatus::Approved | ApprovalStatus::Rejected => "somebody has decided already",
                ApprovalStatus::Pending | ApprovalStatus::Expired => "the time to decide is over",
                ApprovalStatus::Cancelled => "the run has ended",
            };
            return Err(Error::conflict("approvalId", message));
        }
        let output = json!({
            "approved": decision.approve,
            "comment": decision.comment,
            "form": decision.form,
            "decidedBy": principal_text(actor.principal()),
        });
        store::decide(&tx, &grant, &approval, &decision, &output, now).await?;
        let step = store::find_steps(&tx, &actor.scope::<Read>(), &[approval.step]).await?;
        let step =
            step.into_values().next().ok_or_else(|| Error::internal("an approval without its step"))?;
        let snapshot =
            super::event::Snapshot { id: step.id, key: step.key, status: StepStatus::Completed, attempt: 1 };
        let told = What::ApprovalDecided { approval: approval.id, approved: decision.approve };
        tx.record(&grant, told.record(approval.run)?);
        tx.record(&grant, What::StepCompleted { step: snapshot }.record(approval.run)?);
        tx.commit().await?;
        self.hint.send_replace(());
        Ok(Approval {
            status,
            decided_by: Some(actor.principal()),
            comment: decision.comment,
            answer: decision.form,
            ..approval
        })
    }

    /// Ends a run that is still going; one that has ended stays as it is.
    pub async fn cancel(&self, actor: &Actor, id: RunId, reason: Option<String>) -> Result<Run> {
        let mut problems = Problems::default();
        text::bounded(&mut problems, "reason", reason.as_deref().unwrap_or_default(), MAX_COMMENT);
        problems.finish()?;
        let mut tx = self.log.begin().await?;
        let (seen, grant) = store::find_run(&tx, &actor.scope::<Write>(), id).await?.ok_or(NO_RUN)?;
        let now = self.ambient.now();
        let Some(mut run) = store::lock_live(&tx, &grant, id, now).await? else {
            return match seen.status {
                RunStatus::Cancelled => Ok(seen),
                _ => Err(Error::conflict("runId", "the run has ended already")),
            };
        };
        run.status = RunStatus::Cancelled;
        let error = StepError::new("CANCELLED", "the run was cancelled");
        let message =
            reason.filter(|reason| !reason.trim().is_empty()).unwrap_or_else(|| error.message.clone());
        run.error = Some(RunError { code: error.code.clone(), message, step_key: None });
        store::cancel_steps(&tx, &run, &error, now).await?;
        store::end_run(&tx, &run).await?;
        tx.record(&grant, What::RunCancelled { status: run.status }.record(id)?);
        tx.commit().await?;
        self.hint.send_replace(());
        Ok(run)
    }

    pub async fn find_workflows(
        &self,
        actor: &Actor,
        ids: &[WorkflowId],
    ) -> Result<HashMap<WorkflowId, Workflow>> {
        actor.key_allows::<Read>()?;
        store::find_workflows(&self.db, &actor.scope(), ids).await
    }

    pub async fn find_versions(
        &self,
        actor: &Actor,
        ids: &[WorkflowVersionId],
    ) -> Result<HashMap<WorkflowVersionId, Version>> {
        actor.key_allows::<Read>()?;
        store::find_versions(&self.db, &actor.scope(), ids).await
    }

    pub async fn find_runs(&self, actor: &Actor, ids: &[RunId]) -> Result<HashMap<RunId, Run>> {
        actor.key_allows::<Read>()?;
        store::find_runs(&self.db, &actor.scope(), ids).await
    }

    pub async fn find_steps(&self, actor: &Actor, ids: &[StepRunId]) -> Result<HashMap<StepRunId, StepRun>> {
        actor.key_allows::<Read>()?;
        store::find_steps(&self.db, &actor.scope(), ids).await
    }

    pub async fn find_approvals(
        &self,
        actor: &Actor,
        ids: &[ApprovalId],
    ) -> Result<HashMap<ApprovalId, Approval>> {
        actor.key_allows::<Read>()?;
        store::find_approvals(&self.db, &actor.scope(), ids).await
    }

    /// Newest first.
    pub async fn list_workflows(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        request: &PageRequest,
    ) -> Result<Page<Workflow>> {
        store::list_workflows(&self.db, &actor.may::<Read>(workspace)?, request).await
    }

    /// Newest first.
    pub async fn list_runs(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        filter: &RunFilter,
        request: &PageRequest,
    ) -> Result<Page<Run>> {
        store::list_runs(&self.db, &actor.may::<Read>(workspace)?, filter, request).await
    }

    /// The steps of each run in the graph's order, in one statement.
    pub async fn list_steps(
        &self,
        actor: &Actor,
        runs: &[RunId],
        request: &PageRequest,
    ) -> Result<HashMap<Uuid, Page<StepRun>>> {
        actor.key_allows::<Read>()?;
        store::list_steps(&self.db, &actor.scope(), runs, request).await
    }

    /// The attempts of each step, the first one first, in one statement.
    pub async fn list_attempts(
        &self,
        actor: &Actor,
        steps: &[StepRunId],
        request: &PageRequest,
    ) -> Result<HashMap<Uuid, Page<StepAttempt>>> {
        actor.key_allows::<Read>()?;
        store::list_attempts(&self.db, &actor.scope(), steps, request).await
    }

    /// The end of the workspace's log, to subscribe from. Read it before what it is to stand beside.
    pub async fn head(&self, actor: &Actor, workspace: WorkspaceId) -> Result<Cursor> {
        let grant = actor.may::<Read>(workspace)?;
        Ok(Cursor::new(workspace, self.log.head(&self.db, grant.workspace()).await?))
    }

    /// The place of the run's first event: nothing of the run lies before it.
    pub async fn origin(&self, actor: &Actor, run: &Run) -> Result<Cursor> {
        let grant = actor.may::<Read>(run.workspace)?;
        let first = self.log.list(&grant, Some(run.id.uuid()), 0).await?.into_iter().next();
        Ok(Cursor::new(run.workspace, first.map_or(0, |event| event.position)))
    }

    /// What happened in a run after `after`, then what happens; ends with the run.
    pub async fn follow(
        &self,
        actor: &Actor,
        id: RunId,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<RunEvent>> + Send + use<>> {
        let (run, grant) = store::find_run(&self.db, &actor.scope::<Read>(), id).await?.ok_or(NO_RUN)?;
        let begin = self.log.begin_after(&grant, after.as_ref()).await?;
        let (log, ended) = (self.log.clone(), !run.status.is_live());
        Ok(async_stream::try_stream! {
            // Of a run that has ended all is in the log, and a cursor behind its end has nothing more to wait for.
            if ended && log.list(&grant, Some(id.uuid()), begin).await?.is_empty() {
                return;
            }
            let mut events = std::pin::pin!(log.follow(grant, Some(id.uuid()), begin));
            while let Some(event) = events.next().await {
                let event = RunEvent::try_from(event?)?;
                let last = event.what.is_last();
                yield event;
                if last {
                    return;
                }
            }
        })
    }
}

fn told(kind: &'static str, subject: Uuid) -> crate::event::NewEvent {
    crate::event::NewEvent { kind, subject, owner: None, data: json!({}) }
}

fn principal_text(principal: Principal) -> String {
    match principal {
        Principal::User(id) => id.to_string(),
        Principal::Service(id) => id.to_string(),
    }
}

/// What a run derived from a memory goes with it.
#[async_trait::async_trait]
impl Derived for WorkflowService {
    async fn erase(&self, tx: &mut Tx, grant: &Grant<Write>, memory: MemoryId) -> Result<Vec<Erased>> {
        let count = store::erase_derived(tx, grant, memory).await?;
        Ok(if count == 0 { vec![] } else { vec![Erased { kind: "STEP_OUTPUT".to_owned(), count }] })
    }
}
