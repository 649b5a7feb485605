//! Runs: started, decided upon, cancelled. What happens in between is the executor's.
use super::{NO_RUN, NO_WORKFLOW, WorkflowService};
use crate::{
    db::idempotency::{self, Claimed, Key},
    event::Tx,
    shared::{
        Error, Problems, Result,
        actor::{Actor, Grant, Principal, Read},
        id::RunId,
        text,
    },
    workflow::{
        event::{Snapshot, What},
        model::{
            Approval, ApprovalStatus, Decision, MAX_COMMENT, MAX_INPUT, NewRun, Run, RunError, RunStatus,
            StepError, StepStatus, Workflow,
        },
        policy,
        scope::{size_of, unstorable},
        store,
    },
};
use serde_json::{Value, json};

const NO_APPROVAL: Error = Error::NotFound("approval");

fn check_input(input: &Value) -> Result<()> {
    let size = size_of(input);
    if size > MAX_INPUT {
        return Err(Error::invalid("input", format!("{size} bytes: at most {MAX_INPUT} are possible")));
    }
    if let Some(message) = unstorable(input) {
        return Err(Error::invalid("input", message));
    }
    if !input.is_object() {
        return Err(Error::invalid("input", "an object is expected, such as {\"topic\": \"this week\"}"));
    }
    Ok(())
}

impl WorkflowService {
    /// A run of a published version, carried out as the actor.
    pub async fn start(&self, actor: &Actor, new: NewRun, key: Option<String>) -> Result<Run> {
        let key = key.map(|key| Key::new("startRun", key, &new)).transpose()?;
        check_input(&new.input)?;
        let mut tx = self.log.begin().await?;
        let (workflow, grant) = store::find_workflow(&tx, &actor.scope::<policy::StartRun>(), new.workflow)
            .await?
            .ok_or(NO_WORKFLOW)?;
        let claim = match idempotency::claim(&tx, &self.ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => {
                return Ok(store::find_run(&tx, &actor.scope::<Read>(), id).await?.ok_or(NO_RUN)?.0);
            }
            Claimed::New(claim) => claim,
        };
        let run = self.insert_run(&mut tx, actor, &grant, &workflow, new).await?;
        claim.keep(&tx, &run.id).await?;
        tx.commit().await?;
        self.hint.send_replace(());
        Ok(run)
    }

    /// As [`Self::start`], for whoever commits it with more: a worker finds the run by looking.
    pub async fn begin_run(&self, actor: &Actor, new: NewRun) -> Result<(Tx, Run)> {
        check_input(&new.input)?;
        let mut tx = self.log.begin().await?;
        let (workflow, grant) = store::find_workflow(&tx, &actor.scope::<policy::StartRun>(), new.workflow)
            .await?
            .ok_or(NO_WORKFLOW)?;
        let run = self.insert_run(&mut tx, actor, &grant, &workflow, new).await?;
        Ok((tx, run))
    }

    async fn insert_run(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        grant: &Grant<policy::StartRun>,
        workflow: &Workflow,
        new: NewRun,
    ) -> Result<Run> {
        let plan =
            store::find_plan(tx, grant, workflow, new.version).await?.ok_or_else(|| match new.version {
                Some(number) => Error::invalid("version", format!("there is no version {number}")),
                None => {
                    Error::conflict("workflowId", "the workflow has no published version: publish it first")
                }
            })?;
        let run = Run {
            id: self.ambient.ids.next(),
            workspace: workflow.workspace,
            workflow: workflow.id,
            version: plan.version.id,
            status: RunStatus::Queued,
            principal: actor.principal(),
            key: actor.key(),
            trace: actor.trace(),
            input: new.input,
            output: None,
            error: None,
            created_at: self.ambient.now(),
        };
        let steps: Vec<_> =
            plan.graph.steps.into_iter().map(|step| (self.ambient.ids.next(), step.key)).collect();
        store::insert_run(tx, grant, &run, &steps).await?;
        let steps = steps.into_iter().map(|(id, _)| id).collect();
        tx.record(grant, What::RunCreated { status: run.status, steps }.record(run.id)?);
        Ok(run)
    }

    /// Answers an approval that a run waits for. The same decision again, by the same principal, changes nothing.
    pub async fn decide(&self, actor: &Actor, decision: Decision) -> Result<Approval> {
        let mut problems = Problems::default();
        text::bounded(&mut problems, "comment", decision.comment.as_deref().unwrap_or_default(), MAX_COMMENT);
        if decision.form.as_ref().map_or(0, size_of) > MAX_INPUT {
            problems.invalid("form", format!("at most {MAX_INPUT} bytes are possible"));
        }
        if let Some(message) = decision.form.as_ref().and_then(unstorable) {
            problems.invalid("form", message);
        }
        problems.finish()?;
        let mut tx = self.log.begin().await?;
        let scope = actor.scope::<policy::DecideApproval>();
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
        let snapshot = Snapshot { id: step.id, key: step.key, status: StepStatus::Completed, attempt: 1 };
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
        let (seen, grant) =
            store::find_run(&tx, &actor.scope::<policy::CancelRun>(), id).await?.ok_or(NO_RUN)?;
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
        let aside = store::cancel_steps(&tx, &run, &error, now).await?;
        store::end_run(&tx, &run).await?;
        tx.record(&grant, aside.changed(id)?);
        tx.record(&grant, What::RunCancelled { status: run.status }.record(id)?);
        tx.commit().await?;
        self.hint.send_replace(());
        Ok(run)
    }
}

fn principal_text(principal: Principal) -> String {
    match principal {
        Principal::User(id) => id.to_string(),
        Principal::Service(id) => id.to_string(),
    }
}
