//! What calls gave and all that follows from it: planned for the run as it stands, then written down with its events
//! in one transaction that holds the plan against the run once more.
use super::{
    super::{
        event::{Aside, Snapshot, What},
        graph::Step,
        model::{ApprovalStatus, Run, RunError, RunStatus, StepError, StepStatus},
        planner::{self, Ended, History, Kind, Round, Transition, Verdict, Write},
        store::{self, ApprovalRow, AttemptRow, Lease},
    },
    Called, Executor, Published,
    call::step_error,
    lost,
    plan::{Change, Due, Refused, outcomes},
};
use crate::{
    event::Tx,
    memory::NewMemory,
    shared::{
        Error, Result,
        actor::{self, Actor, Grant},
        id::StepRunId,
    },
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What came since the last record.
pub(super) struct Done<'d> {
    pub(super) called: Vec<Called>,
    /// Places and attempts of the calls that this worker waits for. Any other that is recorded as running was lost
    /// with its worker.
    pub(super) under_way: &'d BTreeMap<usize, i32>,
}

pub(super) enum Recorded {
    /// The run has ended, waits, or belongs to somebody else.
    Over,
    /// These calls are to be made; `wake_at` is when something else of the run is due.
    Calls { calls: Vec<Due>, revision: i64, wake_at: Option<DateTime<Utc>> },
}

/// What became of a plan in its transaction.
enum Written {
    /// Committed; `more` where writing a memory made something else due.
    Down {
        revision: i64,
        wake_at: Option<DateTime<Utc>>,
        more: bool,
    },
    /// The run is not as it was planned for.
    Stale,
    Lost,
}

impl Executor {
    /// Plans, and writes the plan down, until nothing is due but calls.
    pub(super) async fn record(
        &self,
        lease: &Lease,
        version: &Arc<Published>,
        came: Done<'_>,
    ) -> Result<Recorded> {
        let Done { mut called, under_way } = came;
        let (mut under_way, mut calls, mut refused) = (under_way.clone(), vec![], Refused::new());
        loop {
            // The rights of this moment: who lost them has nothing more done.
            let actor = match self.acting(lease, version).await? {
                Ok(actor) => actor,
                Err(message) => {
                    self.end_at_once(lease, StepError::new("FORBIDDEN", message)).await?;
                    return Ok(Recorded::Over);
                }
            };
            let Some((run, revision)) = store::look(&self.db, lease).await? else {
                lost(lease);
                return Ok(Recorded::Over);
            };
            let read: BTreeSet<_> = called.iter().flat_map(|called| &called.sources).copied().collect();
            let read: Vec<_> = read.into_iter().collect();
            let there = self.there(&self.db, &actor, &read).await?;
            let rows = store::leased_steps(&self.db, lease).await?;
            let history: History = rows.iter().map(|row| row.state.clone()).collect();
            let outcomes = outcomes(&history, &called, &under_way, &there);
            let planned = self.plan(version, &run, history, outcomes, refused.clone()).await?;
            let mut change = Change { rows, ..planned };
            let mut tx = self.log.begin().await?;
            let writes = change.written_scopes();
            self.memory.reserve_in(&tx, &actor, lease.workspace, !read.is_empty(), &writes).await?;
            let written = match store::lock(&tx, lease, self.lease_end()).await? {
                None => Written::Lost,
                Some((_, now)) if now != revision => Written::Stale,
                Some(_) if self.there(&tx, &actor, &read).await? != there => Written::Stale,
                Some((run, _)) => {
                    match self.remember_all(&mut tx, lease, version, &mut change, &actor, &run.input).await? {
                        Err((place, error)) => {
                            refused.insert(place, error);
                            Written::Stale
                        }
                        Ok(more) => {
                            store::insert_sources(&tx, lease, &there.iter().copied().collect::<Vec<_>>())
                                .await?;
                            let wake_at = self.write(tx, lease, version, &change, run, more).await?;
                            Written::Down { revision, wake_at, more }
                        }
                    }
                }
            };
            let (revision, wake_at, more) = match written {
                Written::Lost => {
                    lost(lease);
                    return Ok(Recorded::Over);
                }
                Written::Stale => continue,
                Written::Down { revision, wake_at, more } => (revision, wake_at, more),
            };
            called.clear();
            for call in change.calls(&actor) {
                under_way.insert(call.place, call.attempt);
                calls.push(call);
            }
            if more {
                continue;
            }
            let busy = change.history.iter().any(|state| state.status == StepStatus::Running);
            return Ok(if busy { Recorded::Calls { calls, revision, wake_at } } else { Recorded::Over });
        }
    }

    /// Writes the memories that the plan asks for, and takes in what comes of it. Tells whether anything else may be due
    /// then; or which step cannot have its memory.
    async fn remember_all(
        &self,
        tx: &mut Tx,
        lease: &Lease,
        version: &Published,
        change: &mut Change,
        actor: &Actor,
        input: &Value,
    ) -> Result<Result<bool, (usize, StepError)>> {
        let mut outcomes = vec![];
        for transition in &change.transitions {
            let Kind::Written(write) = &transition.kind else { continue };
            if !change.is_wanted(transition) {
                continue;
            }
            let key = &version.definition.steps()[transition.place].key;
            match self.remember(tx, lease, key, actor, write).await {
                Ok(output) => outcomes.push(transition.came(Ended::Completed(output))),
                Err(error @ (Error::Internal(_) | Error::Unavailable(_))) => return Err(error),
                Err(error) => return Ok(Err((transition.place, step_error(error)))),
            }
        }
        if outcomes.is_empty() {
            return Ok(Ok(false));
        }
        let Round { transitions, verdict } =
            planner::settle(&version.definition, input, &mut change.history, outcomes, change.now);
        change.transitions.extend(transitions);
        change.verdict = verdict;
        Ok(Ok(matches!(change.verdict, Verdict::Going { .. })))
    }

    /// In the recording transaction, so exactly once; its name tells where it came from.
    async fn remember(
        &self,
        tx: &mut Tx,
        lease: &Lease,
        key: &str,
        actor: &Actor,
        write: &Write,
    ) -> Result<Value> {
        let Lease { workspace, run, .. } = lease;
        let mut new = NewMemory::new(*workspace, write.scope, write.kind, &write.text);
        new.item.external_id = Some(format!("{run}/{key}"));
        new.run = Some(*run);
        let memory = self.memory.remember_in(tx, actor, new).await?;
        Ok(json!({ "memoryId": memory.id }))
    }

    /// All of it, with its events; gives when something in the run is due.
    async fn write(
        &self,
        mut tx: Tx,
        lease: &Lease,
        version: &Published,
        change: &Change,
        run: Run,
        more: bool,
    ) -> Result<Option<DateTime<Utc>>> {
        let record = Record { lease, steps: version.definition.steps(), change };
        let aside = self.write_steps(&mut tx, record).await?;
        let wake_at = self.write_run(&mut tx, record, run, aside, more).await?;
        tx.commit().await?;
        Ok(wake_at)
    }

    /// The steps, their attempts and approvals as they stand now, and what happened to them; gives what is not told yet.
    async fn write_steps(&self, tx: &mut Tx, record: Record<'_>) -> Result<Aside> {
        let Record { lease, change, .. } = record;
        let (Change { rows, now, .. }, grant) = (change, record.grant());
        let mut begun: BTreeMap<(usize, i32), AttemptRow> = BTreeMap::new();
        let (mut touched, mut told) = (BTreeSet::new(), BTreeSet::new());
        let (mut expired, mut cancelled) = (vec![], vec![]);
        let mut asked = vec![];
        for Transition { place, attempt, kind } in &change.transitions {
            touched.insert(*place);
            let step = rows[*place].id;
            let error = match kind {
                Kind::Started => {
                    let row = AttemptRow {
                        id: self.ambient.ids.uuid(),
                        step,
                        number: *attempt,
                        started_at: *now,
                        finished_at: None,
                        error: None,
                    };
                    begun.insert((*place, *attempt), row);
                    None
                }
                Kind::Asked(question) => {
                    let row = ApprovalRow { id: self.ambient.ids.next(), step, question };
                    let what = What::ApprovalRequested { approval: row.id };
                    asked.push((row, what));
                    None
                }
                Kind::Completed { .. } => {
                    expired.push(step);
                    Some(None)
                }
                Kind::Failed { error } => {
                    expired.push(step);
                    Some(Some(error.clone()))
                }
                Kind::RetryScheduled { error, .. } => Some(Some(error.clone())),
                Kind::Lost => {
                    let message = "its server ended, or a memory that it read was forgotten; it is done anew";
                    Some(Some(StepError::new("WORKER_LOST", message)))
                }
                Kind::Cancelled => {
                    cancelled.push(step);
                    Some(Some(StepError::new("CANCELLED", "the run ended before this was done")))
                }
                Kind::Skipped | Kind::Called(_) | Kind::Written(_) | Kind::Waiting { .. } => None,
            };
            if let Some(error) = error {
                match begun.get_mut(&(*place, *attempt)) {
                    Some(row) => (row.finished_at, row.error) = (Some(*now), error),
                    None if *attempt > 0 => {
                        store::finish_attempt(tx, step, *attempt, *now, error.as_ref()).await?;
                    }
                    None => {}
                }
            }
            let what = match asked.last() {
                Some((_, what)) if matches!(kind, Kind::Asked(_)) => Some(what.clone()),
                _ => record.what(*place, *attempt, kind).inspect(|_| {
                    told.insert(*place);
                }),
            };
            if let Some(what) = what {
                tx.record(&grant, what.record(lease.run)?);
            }
        }
        let mut aside = Aside::default();
        for place in touched {
            store::save_step(tx, rows[place].id, &change.history[place]).await?;
            if !told.contains(&place) {
                aside.steps.insert(rows[place].id, change.history[place].status);
            }
        }
        store::insert_attempts(tx, lease, begun.into_values().collect()).await?;
        for (row, _) in asked {
            store::insert_approval(tx, lease, row, *now).await?;
        }
        let closing = [(expired, ApprovalStatus::Expired), (cancelled, ApprovalStatus::Cancelled)];
        for (steps, status) in closing {
            let closed = store::close_approvals(tx, &record.asking(steps), status).await?;
            aside.approvals.extend(closed.into_iter().map(|approval| (approval, status)));
        }
        Ok(aside)
    }

    /// The run as it stands now; gives when something in it is due.
    async fn write_run(
        &self,
        tx: &mut Tx,
        record: Record<'_>,
        mut run: Run,
        mut aside: Aside,
        more: bool,
    ) -> Result<Option<DateTime<Utc>>> {
        let Record { lease, change, .. } = record;
        let (Change { now, verdict, .. }, grant) = (change, record.grant());
        if let Verdict::Going { calling, .. } = verdict {
            let status = if *calling || more { RunStatus::Running } else { RunStatus::Waiting };
            aside.run = (run.status != status).then_some(status);
            run.status = status;
        }
        // Before the run's end, after which nobody listens.
        if !aside.is_empty() {
            tx.record(&grant, aside.changed(lease.run)?);
        }
        match verdict {
            Verdict::Going { calling, wake_at } if *calling || more => {
                // Due all the time, so that another worker takes it up when this one's lease ends.
                store::touch(tx, lease, &run, Some(*now), Some(self.lease_end()), *now).await?;
                return Ok(*wake_at);
            }
            Verdict::Going { wake_at, .. } => {
                store::touch(tx, lease, &run, *wake_at, None, *now).await?;
                return Ok(*wake_at);
            }
            Verdict::Completed { output } => {
                (run.status, run.output) = (RunStatus::Completed, Some(output.clone()));
                tx.record(&grant, What::RunCompleted { status: run.status }.record(lease.run)?);
            }
            Verdict::Failed { place, error } => {
                run.status = RunStatus::Failed;
                let step_key = Some(record.steps[*place].key.clone());
                let (code, message) = (error.code.clone(), error.message.clone());
                run.error = Some(RunError { code, message, step_key });
                tx.record(&grant, What::RunFailed { status: run.status }.record(lease.run)?);
            }
        }
        store::touch(tx, lease, &run, None, None, *now).await?;
        Ok(None)
    }

    /// Fails the run as it stands: nothing more of it is done.
    pub(super) async fn end_at_once(&self, lease: &Lease, error: StepError) -> Result<()> {
        let mut tx = self.log.begin().await?;
        let Some((mut run, _)) = store::lock(&tx, lease, self.lease_end()).await? else {
            lost(lease);
            return Ok(());
        };
        run.status = RunStatus::Failed;
        run.error =
            Some(RunError { code: error.code.clone(), message: error.message.clone(), step_key: None });
        let aside = store::cancel_steps(&tx, &run, &error, self.ambient.now()).await?;
        store::end_run(&tx, &run).await?;
        let grant = Grant::upkeep(lease.workspace, lease.principal);
        tx.record(&grant, aside.changed(lease.run)?);
        tx.record(&grant, What::RunFailed { status: run.status }.record(lease.run)?);
        tx.commit().await
    }
}

/// A change, to be written down.
#[derive(Clone, Copy)]
struct Record<'r> {
    lease: &'r Lease,
    steps: &'r [Step],
    change: &'r Change,
}

impl Record<'_> {
    fn grant(&self) -> Grant<actor::Write> {
        Grant::upkeep(self.lease.workspace, self.lease.principal)
    }

    fn what(&self, place: usize, attempt: i32, kind: &Kind) -> Option<What> {
        let step = |status| Snapshot {
            id: self.change.rows[place].id,
            key: self.steps[place].key.clone(),
            status,
            attempt,
        };
        match kind {
            Kind::Started => Some(What::StepStarted { step: step(StepStatus::Running) }),
            Kind::Waiting { until } => {
                Some(What::StepWaiting { step: step(StepStatus::Waiting), until: *until })
            }
            Kind::Completed { .. } => Some(What::StepCompleted { step: step(StepStatus::Completed) }),
            Kind::Skipped => Some(What::StepSkipped { step: step(StepStatus::Skipped) }),
            Kind::RetryScheduled { at, error } => Some(What::StepRetryScheduled {
                step: step(StepStatus::RetryScheduled),
                error: error.clone(),
                at: *at,
            }),
            Kind::Failed { error } => {
                Some(What::StepFailed { step: step(StepStatus::Failed), error: error.clone() })
            }
            Kind::Asked(_) | Kind::Called(_) | Kind::Written(_) | Kind::Lost | Kind::Cancelled => None,
        }
    }

    /// Of these steps, those that ask somebody.
    fn asking(&self, steps: Vec<StepRunId>) -> Vec<StepRunId> {
        let asks = |step: &StepRunId| {
            let place = self.change.rows.iter().position(|row| row.id == *step);
            place.is_some_and(|place| self.steps[place].action.is_approval())
        };
        steps.into_iter().filter(asks).collect()
    }
}
