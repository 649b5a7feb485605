//! What the worker that holds a run's lease reads and writes of it, in a transaction that has taken the run by
//! [`super::lock`].
use super::{
    super::{
        graph::ExpiryOutcome,
        model::{ApprovalStatus, Run, StepError, StepStatus},
        planner::{Question, StepState},
    },
    Lease, json, small, typed,
};
use crate::{
    db::{self, Source},
    memory::Remembered,
    shared::{
        Result,
        id::{ApprovalId, StepRunId},
    },
};
use chrono::{DateTime, Utc};
use entity::{approval, run, run_source, step_attempt, step_run};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set,
    prelude::Json,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

/// A step as its worker sees it.
#[derive(Clone, Debug)]
pub(in super::super) struct StepRow {
    pub(in super::super) id: StepRunId,
    pub(in super::super) state: StepState,
}

/// In the graph's order.
pub(in super::super) async fn leased_steps(tx: &impl Source, lease: &Lease) -> Result<Vec<StepRow>> {
    let rows = step_run::Entity::rows()
        .filter(step_run::Column::RunId.eq(lease.run.uuid()))
        .order_by_asc(step_run::Column::Place)
        .all(tx.connection())
        .await?;
    let step = |row: step_run::Model| {
        let state = StepState {
            status: StepStatus::from_name(&row.status)?,
            attempts: small(row.attempts)?,
            failures: small(row.failures)?,
            output: row.output,
            error: row.error.map(typed).transpose()?,
            wake_at: row.wake_at,
        };
        Ok(StepRow { id: StepRunId::from_uuid(row.id), state })
    };
    rows.into_iter().map(step).collect()
}

pub(in super::super) async fn save_step(tx: &impl Source, id: StepRunId, state: &StepState) -> Result<()> {
    let row = step_run::ActiveModel {
        id: Set(id.uuid()),
        status: Set(state.status.name().to_owned()),
        attempts: Set(state.attempts.into()),
        failures: Set(state.failures.into()),
        output: Set(state.output.clone()),
        error: Set(state.error.as_ref().map(json).transpose()?),
        wake_at: Set(state.wake_at),
        ..Default::default()
    };
    step_run::Entity::update(row).exec(tx.connection()).await?;
    Ok(())
}

#[derive(Clone, Debug)]
pub(in super::super) struct AttemptRow {
    pub(in super::super) id: Uuid,
    pub(in super::super) step: StepRunId,
    pub(in super::super) number: i32,
    pub(in super::super) started_at: DateTime<Utc>,
    pub(in super::super) finished_at: Option<DateTime<Utc>>,
    pub(in super::super) error: Option<StepError>,
}

pub(in super::super) async fn insert_attempts(
    tx: &impl Source,
    lease: &Lease,
    attempts: Vec<AttemptRow>,
) -> Result<()> {
    if attempts.is_empty() {
        return Ok(());
    }
    let row = |attempt: AttemptRow| {
        Ok(step_attempt::ActiveModel {
            id: Set(attempt.id),
            workspace_id: Set(lease.workspace.uuid()),
            step_run_id: Set(attempt.step.uuid()),
            number: Set(attempt.number.into()),
            started_at: Set(attempt.started_at),
            finished_at: Set(attempt.finished_at),
            error: Set(attempt.error.as_ref().map(json).transpose()?),
        })
    };
    let rows = attempts.into_iter().map(row).collect::<Result<Vec<_>>>()?;
    step_attempt::Entity::insert_many(rows).exec_without_returning(tx.connection()).await?;
    Ok(())
}

pub(in super::super) async fn finish_attempt(
    tx: &impl Source,
    step: StepRunId,
    number: i32,
    at: DateTime<Utc>,
    error: Option<&StepError>,
) -> Result<()> {
    step_attempt::Entity::update_many()
        .col_expr(step_attempt::Column::FinishedAt, Expr::value(at))
        .col_expr(step_attempt::Column::Error, Expr::value(error.map(json).transpose()?))
        .filter(step_attempt::Column::StepRunId.eq(step.uuid()))
        .filter(step_attempt::Column::Number.eq(i64::from(number)))
        .filter(step_attempt::Column::FinishedAt.is_null())
        .exec(tx.connection())
        .await?;
    Ok(())
}

#[derive(Debug)]
pub(in super::super) struct ApprovalRow<'q> {
    pub(in super::super) id: ApprovalId,
    pub(in super::super) step: StepRunId,
    pub(in super::super) question: &'q Question,
}

pub(in super::super) async fn insert_approval(
    tx: &impl Source,
    lease: &Lease,
    approval: ApprovalRow<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = approval::Model {
        id: approval.id.uuid(),
        workspace_id: lease.workspace.uuid(),
        run_id: lease.run.uuid(),
        step_run_id: approval.step.uuid(),
        title: approval.question.title.clone(),
        form: approval.question.form.clone(),
        status: ApprovalStatus::Pending.name().to_owned(),
        on_expiry: expiry_name(approval.question.on_expiry).to_owned(),
        expires_at: approval.question.expires_at,
        decided_by_kind: None,
        decided_by: None,
        comment: None,
        answer: None,
        created_at: now,
    };
    db::insert(tx, row).await
}

fn expiry_name(outcome: ExpiryOutcome) -> &'static str {
    match outcome {
        ExpiryOutcome::Approve => "APPROVE",
        ExpiryOutcome::Reject => "REJECT",
        ExpiryOutcome::Fail => "FAIL",
    }
}

/// Ends the open approvals of these steps; tells which.
pub(in super::super) async fn close_approvals(
    tx: &impl Source,
    steps: &[StepRunId],
    status: ApprovalStatus,
) -> Result<Vec<ApprovalId>> {
    if steps.is_empty() {
        return Ok(vec![]);
    }
    let closed = approval::Entity::update_many()
        .col_expr(approval::Column::Status, Expr::value(status.name()))
        .filter(approval::Column::StepRunId.is_in(steps.iter().map(|step| step.uuid())))
        .filter(approval::Column::Status.eq(ApprovalStatus::Pending.name()))
        .exec_with_returning(tx.connection())
        .await?;
    Ok(closed.into_iter().map(|row| ApprovalId::from_uuid(row.id)).collect())
}

/// What the run has read.
pub(in super::super) async fn insert_sources(
    tx: &impl Source,
    lease: &Lease,
    read: &[Remembered],
) -> Result<()> {
    if read.is_empty() {
        return Ok(());
    }
    let rows = read.iter().map(|from| run_source::ActiveModel {
        run_id: Set(lease.run.uuid()),
        memory_id: Set(from.uuid()),
        workspace_id: Set(lease.workspace.uuid()),
    });
    let known = [run_source::Column::RunId, run_source::Column::MemoryId];
    run_source::Entity::insert_many(rows)
        .on_conflict(OnConflict::columns(known).do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

/// How the run stands now. Without a call under way the lease ends here.
pub(in super::super) async fn touch(
    tx: &impl Source,
    lease: &Lease,
    run: &Run,
    wake_at: Option<DateTime<Utc>>,
    lease_until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    let output: Option<Json> = run.output.clone();
    let error: Option<Json> = run.error.as_ref().map(json).transpose()?;
    let update = run::Entity::update_many()
        .col_expr(run::Column::Status, Expr::value(run.status.name()))
        .col_expr(run::Column::Output, Expr::value(output))
        .col_expr(run::Column::Error, Expr::value(error))
        .col_expr(run::Column::WakeAt, Expr::value(wake_at))
        .col_expr(run::Column::LeaseUntil, Expr::value(lease_until))
        .col_expr(run::Column::Takeovers, Expr::value(0_i64))
        .col_expr(run::Column::UpdatedAt, Expr::value(now))
        .filter(run::Column::Id.eq(lease.run.uuid()));
    update.exec(tx.connection()).await?;
    Ok(())
}
