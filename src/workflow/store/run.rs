use super::{
    super::{
        event::Aside,
        model::{
            self, Approval, ApprovalStatus, Decision, Run, RunFilter, RunStatus, StepAttempt, StepRun,
            StepStatus, principal_kind, principal_of,
        },
    },
    json, small, typed,
};
use crate::{
    db::{
        self, Source,
        page::{self, Keyset},
    },
    memory::Remembered,
    shared::{
        Error, Page, PageRequest, Result, TraceId,
        actor::{AtLeast, Grant, Read, Scope, Write},
        id::{ApiKeyId, ApprovalId, RunId, StepRunId, WorkflowId, WorkflowVersionId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::{approval, run, run_source, step_attempt, step_run};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Set,
    prelude::Json, sea_query::Expr,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// A run with its steps, due at once.
pub(in super::super) async fn insert_run(
    tx: &impl Source,
    _: &Grant<Write>,
    run: &Run,
    steps: &[(StepRunId, String)],
) -> Result<()> {
    let row = run::Model {
        id: run.id.uuid(),
        workspace_id: run.workspace.uuid(),
        workflow_id: run.workflow.uuid(),
        version_id: run.version.uuid(),
        status: run.status.name().to_owned(),
        principal_kind: principal_kind(run.principal).to_owned(),
        principal_id: run.principal.uuid(),
        api_key_id: run.key.map(|key| key.uuid()),
        trace_id: run.trace.map(TraceId::uuid),
        input: run.input.clone(),
        output: None,
        error: None,
        wake_at: Some(run.created_at),
        lease_token: 0,
        lease_owner: None,
        lease_until: None,
        takeovers: 0,
        revision: 0,
        created_at: run.created_at,
        updated_at: run.created_at,
    };
    db::insert(tx, row).await?;
    let rows = (0_i64..).zip(steps).map(|(place, (id, key))| step_run::ActiveModel {
        id: Set(id.uuid()),
        workspace_id: Set(run.workspace.uuid()),
        run_id: Set(run.id.uuid()),
        place: Set(place),
        key: Set(key.clone()),
        status: Set(StepStatus::Pending.name().to_owned()),
        attempts: Set(0),
        failures: Set(0),
        output: Set(None),
        error: Set(None),
        wake_at: Set(None),
    });
    step_run::Entity::insert_many(rows).exec_without_returning(tx.connection()).await?;
    Ok(())
}

/// The run, and the grant for the workspace that it lies in: `Forbidden` where the actor may only see it.
pub(in super::super) async fn find_run<A>(
    source: &impl Source,
    scope: &Scope<A>,
    id: RunId,
) -> Result<Option<(Run, Grant<A>)>> {
    let select = run::Entity::rows()
        .filter(run::Column::Id.eq(id.uuid()))
        .filter(run::Column::WorkspaceId.is_in(scope.workspaces()));
    let Some(row) = db::one::<run::Shown>(source, select).await? else { return Ok(None) };
    let grant = scope.grant(row.workspace_id)?;
    Ok(Some((run_of(row)?, grant)))
}

pub(in super::super) async fn find_runs(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[RunId],
) -> Result<HashMap<RunId, Run>> {
    let select = run::Entity::rows()
        .filter(db::among(run::Column::WorkspaceId, scope.workspaces()))
        .filter(run::Column::Id.is_in(ids.iter().map(|id| id.uuid())));
    let rows = db::all(source, select).await?;
    rows.into_iter().map(|row| run_of(row).map(|run| (run.id, run))).collect()
}

/// Newest first.
pub(in super::super) async fn list_runs(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    filter: &RunFilter,
    request: &PageRequest,
) -> Result<Page<Run>> {
    let mut select = run::Entity::rows().filter(run::Column::WorkspaceId.eq(grant.workspace().uuid()));
    if let Some(status) = &filter.status {
        select = select.filter(db::named(run::Column::Status, status.iter().map(|status| status.name())));
    }
    if let Some(workflow) = filter.workflow {
        select = select.filter(run::Column::WorkflowId.eq(workflow.uuid()));
    }
    let order = Keyset::newest_first(run::Column::CreatedAt, run::Column::Id);
    page::list(source, select, &order, request).await?.try_map(run_of)
}

/// The steps of each run, in the graph's order.
pub(in super::super) async fn list_steps(
    source: &impl Source,
    scope: &Scope<Read>,
    runs: &[RunId],
    request: &PageRequest,
) -> Result<HashMap<Uuid, Page<StepRun>>> {
    let runs: Vec<Uuid> = runs.iter().map(|run| run.uuid()).collect();
    let theirs = db::among(step_run::Column::WorkspaceId, scope.workspaces());
    let select = step_run::Entity::rows().filter(theirs);
    let order = Keyset::oldest_first(step_run::Column::Place, step_run::Column::Id);
    let pages = page::list_by(source, select, step_run::Column::RunId, &runs, &order, request).await?;
    pages.into_iter().map(|(run, page)| Ok((run, page.try_map(step_of)?))).collect()
}

/// The steps of each run that have these keys.
pub(in super::super) async fn find_steps(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[StepRunId],
) -> Result<HashMap<StepRunId, StepRun>> {
    let select = step_run::Entity::rows()
        .filter(db::among(step_run::Column::WorkspaceId, scope.workspaces()))
        .filter(step_run::Column::Id.is_in(ids.iter().map(|id| id.uuid())));
    let rows = db::all(source, select).await?;
    rows.into_iter().map(|row| step_of(row).map(|step| (step.id, step))).collect()
}

/// The attempts of each step, the first one first.
pub(in super::super) async fn list_attempts(
    source: &impl Source,
    scope: &Scope<Read>,
    steps: &[StepRunId],
    request: &PageRequest,
) -> Result<HashMap<Uuid, Page<StepAttempt>>> {
    let steps: Vec<Uuid> = steps.iter().map(|step| step.uuid()).collect();
    let theirs = db::among(step_attempt::Column::WorkspaceId, scope.workspaces());
    let select = step_attempt::Entity::rows().filter(theirs);
    let order = Keyset::oldest_first(step_attempt::Column::Number, step_attempt::Column::Id);
    let pages =
        page::list_by(source, select, step_attempt::Column::StepRunId, &steps, &order, request).await?;
    pages.into_iter().map(|(step, page)| Ok((step, page.try_map(attempt_of)?))).collect()
}

/// Takes the run's row until the transaction ends and tells its worker that something changed; `None` where the
/// run has ended. Everybody who writes to a run takes this row first, so that no two deadlock.
pub(in super::super) async fn lock_live(
    tx: &impl Source,
    grant: &Grant<Write>,
    id: RunId,
    now: DateTime<Utc>,
) -> Result<Option<Run>> {
    let rows = run::Entity::update_many()
        .col_expr(run::Column::Revision, Expr::col(run::Column::Revision).add(1))
        .col_expr(run::Column::UpdatedAt, Expr::value(now))
        .filter(run::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(run::Column::Id.eq(id.uuid()))
        .filter(run::Column::Status.is_in(RunStatus::LIVE.map(RunStatus::name)))
        .exec_with_returning(tx.connection())
        .await?;
    rows.into_iter().next().map(|row| run_of(row.into())).transpose()
}

/// Records a decision on an approval that is still open; the step is completed with `output`, and the run due.
pub(in super::super) async fn decide(
    tx: &impl Source,
    grant: &Grant<Write>,
    approval: &Approval,
    decision: &Decision,
    output: &Json,
    now: DateTime<Utc>,
) -> Result<()> {
    let status = if decision.approve { ApprovalStatus::Approved } else { ApprovalStatus::Rejected };
    let decided = approval::ActiveModel {
        id: Set(approval.id.uuid()),
        status: Set(status.name().to_owned()),
        decided_by_kind: Set(Some(principal_kind(grant.principal()).to_owned())),
        decided_by: Set(Some(grant.principal().uuid())),
        comment: Set(decision.comment.clone()),
        answer: Set(decision.form.clone()),
        ..Default::default()
    };
    decided.update(tx.connection()).await?;
    let step = step_run::ActiveModel {
        id: Set(approval.step.uuid()),
        status: Set(StepStatus::Completed.name().to_owned()),
        output: Set(Some(output.clone())),
        wake_at: Set(None),
        ..Default::default()
    };
    step.update(tx.connection()).await?;
    end_attempts(tx, &[approval.step.uuid()], now, None).await?;
    let due =
        run::ActiveModel { id: Set(approval.run.uuid()), wake_at: Set(Some(now)), ..Default::default() };
    due.update(tx.connection()).await?;
    Ok(())
}

/// Ends the attempts under way of these steps.
async fn end_attempts(
    tx: &impl Source,
    steps: &[Uuid],
    now: DateTime<Utc>,
    error: Option<Json>,
) -> Result<()> {
    let mut update = step_attempt::Entity::update_many()
        .col_expr(step_attempt::Column::FinishedAt, Expr::value(now))
        .filter(step_attempt::Column::StepRunId.is_in(steps.iter().copied()))
        .filter(step_attempt::Column::FinishedAt.is_null());
    if let Some(error) = error {
        update = update.col_expr(step_attempt::Column::Error, Expr::value(error));
    }
    update.exec(tx.connection()).await?;
    Ok(())
}

/// Cancels every step that is not settled, and every open approval; tells which.
pub(in super::super) async fn cancel_steps(
    tx: &impl Source,
    run: &Run,
    error: &model::StepError,
    now: DateTime<Utc>,
) -> Result<Aside> {
    let settled = [StepStatus::Completed, StepStatus::Failed, StepStatus::Skipped, StepStatus::Cancelled];
    let rows = step_run::Entity::update_many()
        .col_expr(step_run::Column::Status, Expr::value(StepStatus::Cancelled.name()))
        .col_expr(step_run::Column::WakeAt, Expr::value(None::<DateTime<Utc>>))
        .filter(step_run::Column::RunId.eq(run.id.uuid()))
        .filter(step_run::Column::Status.is_not_in(settled.map(StepStatus::name)))
        .exec_with_returning(tx.connection())
        .await?;
    let mut aside = Aside::default();
    aside.steps.extend(rows.iter().map(|row| (StepRunId::from_uuid(row.id), StepStatus::Cancelled)));
    let begun: Vec<Uuid> = rows.into_iter().filter(|row| row.attempts > 0).map(|row| row.id).collect();
    if !begun.is_empty() {
        end_attempts(tx, &begun, now, Some(json(error)?)).await?;
    }
    let rows = approval::Entity::update_many()
        .col_expr(approval::Column::Status, Expr::value(ApprovalStatus::Cancelled.name()))
        .filter(approval::Column::RunId.eq(run.id.uuid()))
        .filter(approval::Column::Status.eq(ApprovalStatus::Pending.name()))
        .exec_with_returning(tx.connection())
        .await?;
    aside.approvals.extend(rows.iter().map(|row| (ApprovalId::from_uuid(row.id), ApprovalStatus::Cancelled)));
    Ok(aside)
}

/// Ends the run and takes it from whoever has it: what a worker still brings is refused by the token.
pub(in super::super) async fn end_run(tx: &impl Source, run: &Run) -> Result<()> {
    run::Entity::update_many()
        .col_expr(run::Column::Status, Expr::value(run.status.name()))
        .col_expr(run::Column::Error, Expr::value(run.error.as_ref().map(json).transpose()?))
        .col_expr(run::Column::WakeAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(run::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>))
        .col_expr(run::Column::LeaseToken, Expr::col(run::Column::LeaseToken).add(1))
        .filter(run::Column::Id.eq(run.id.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Runs that read any of these.
pub(in super::super) async fn runs_that_read(
    tx: &impl Source,
    grant: &Grant<Write>,
    read: &[Remembered],
) -> Result<Vec<RunId>> {
    let mut runs = BTreeSet::new();
    for read in read.chunks(1000) {
        let rows: Vec<Uuid> = run_source::Entity::find()
            .select_only()
            .column(run_source::Column::RunId)
            .filter(run_source::Column::WorkspaceId.eq(grant.workspace().uuid()))
            .filter(run_source::Column::MemoryId.is_in(read.iter().map(|read| read.uuid())))
            .into_tuple()
            .all(tx.connection())
            .await?;
        runs.extend(rows);
    }
    Ok(runs.into_iter().map(RunId::from_uuid).collect())
}

/// Empties what runs derived from memories and documents: the outputs of all steps, as each may have gone into the next, and the
/// rendered titles. Errors tell no values. A run that is still going is taken from its worker, whose calls under way
/// know the memory: the next worker makes them anew. Gives the runs with what changed of each, and the number of steps.
pub(in super::super) async fn erase_derived(
    tx: &impl Source,
    grant: &Grant<Write>,
    from: &[Remembered],
) -> Result<(BTreeMap<RunId, Aside>, u64)> {
    let runs: Vec<Uuid> = runs_that_read(tx, grant, from).await?.into_iter().map(RunId::uuid).collect();
    if runs.is_empty() {
        return Ok((BTreeMap::new(), 0));
    }
    if !tx.is_sqlite() {
        // In one order, so that no two forgettings deadlock.
        let ordered = run::Entity::rows().filter(run::Column::Id.is_in(runs.iter().copied()));
        ordered.order_by_asc(run::Column::Id).lock_exclusive().all(tx.connection()).await?;
    }
    run::Entity::update_many()
        .col_expr(run::Column::LeaseToken, Expr::col(run::Column::LeaseToken).add(1))
        .col_expr(run::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>))
        .filter(run::Column::Id.is_in(runs.iter().copied()))
        .filter(run::Column::Status.is_in(RunStatus::LIVE.map(RunStatus::name)))
        .exec(tx.connection())
        .await?;
    run::Entity::update_many()
        .col_expr(run::Column::Output, Expr::value(None::<Json>))
        .filter(run::Column::Id.is_in(runs.iter().copied()))
        .exec(tx.connection())
        .await?;
    let mut changed: BTreeMap<_, _> =
        runs.iter().map(|run| (RunId::from_uuid(*run), Aside::default())).collect();
    let steps = step_run::Entity::update_many()
        .col_expr(step_run::Column::Output, Expr::value(None::<Json>))
        .filter(step_run::Column::RunId.is_in(runs.iter().copied()))
        .filter(step_run::Column::Output.is_not_null())
        .exec_with_returning(tx.connection())
        .await?;
    for step in &steps {
        let of_run = changed.entry(RunId::from_uuid(step.run_id)).or_default();
        of_run.steps.insert(StepRunId::from_uuid(step.id), StepStatus::from_name(&step.status)?);
    }
    let approvals = approval::Entity::update_many()
        .col_expr(approval::Column::Title, Expr::value("(forgotten)"))
        .filter(approval::Column::RunId.is_in(runs.iter().copied()))
        .exec_with_returning(tx.connection())
        .await?;
    for approval in &approvals {
        let of_run = changed.entry(RunId::from_uuid(approval.run_id)).or_default();
        let status = ApprovalStatus::from_name(&approval.status)?;
        of_run.approvals.insert(ApprovalId::from_uuid(approval.id), status);
    }
    Ok((changed, u64::try_from(steps.len()).map_err(Error::internal)?))
}

pub(super) fn run_of(row: run::Shown) -> Result<Run> {
    Ok(Run {
        id: RunId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        workflow: WorkflowId::from_uuid(row.workflow_id),
        version: WorkflowVersionId::from_uuid(row.version_id),
        status: RunStatus::from_name(&row.status)?,
        principal: principal_of(&row.principal_kind, row.principal_id)?,
        key: row.api_key_id.map(ApiKeyId::from_uuid),
        trace: row.trace_id.map(TraceId::from_uuid),
        input: row.input,
        output: row.output,
        error: row.error.map(typed).transpose()?,
        created_at: row.created_at,
    })
}

fn step_of(row: step_run::Shown) -> Result<StepRun> {
    Ok(StepRun {
        id: StepRunId::from_uuid(row.id),
        run: RunId::from_uuid(row.run_id),
        place: small(row.place)?,
        key: row.key,
        status: StepStatus::from_name(&row.status)?,
        output: row.output,
    })
}

fn attempt_of(row: step_attempt::Model) -> Result<StepAttempt> {
    Ok(StepAttempt {
        number: small(row.number)?,
        started_at: row.started_at,
        finished_at: row.finished_at,
        error: row.error.map(typed).transpose()?,
    })
}
