//! One transaction: what calls gave, all that follows from it, and the events of both.
use super::{
    super::{
        event::{Aside, Snapshot, What},
        model::{ApprovalStatus, Run, RunError, RunStatus, StepError, StepStatus},
        planner::{self, Call, Definition, Ended, History, Kind, Outcome, Round, Transition, Verdict, Write},
        store::{self, ApprovalRow, AttemptRow, Lease, StepRow},
    },
    Called, Executor,
    call::step_error,
    lost,
};
use crate::{
    event::Tx,
    memory::{MemoryScope, NewMemory},
    shared::{
        Error, Result,
        actor::{self, Actor, Grant},
        id::{MemoryId, StepRunId},
    },
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

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
    Calls { calls: Vec<(usize, i32, Call, Actor)>, revision: i64, wake_at: Option<DateTime<Utc>> },
}

/// Why a transaction was begun anew.
#[derive(Default)]
struct Learnt {
    /// Memories that were refused: their writing may have begun.
    refused: BTreeMap<usize, StepError>,
    /// Into which scopes the run writes: memory is taken before the run is.
    writes: Vec<MemoryScope>,
}

/// What a round left to be written down.
struct Change<'c> {
    lease: &'c Lease,
    definition: &'c Definition,
    grant: Grant<actor::Write>,
    rows: Vec<StepRow>,
    history: History,
    transitions: Vec<Transition>,
    now: DateTime<Utc>,
}

impl Executor {
    pub(super) async fn record(
        &self,
        lease: &Lease,
        definition: &Definition,
        came: Done<'_>,
    ) -> Result<Recorded> {
        let mut learnt = Learnt::default();
        let read: BTreeSet<_> = came.called.iter().flat_map(|called| &called.sources).copied().collect();
        let read: Vec<_> = read.into_iter().collect();
        loop {
            // The rights of this moment: who lost them has nothing more done.
            let actor = self.account.actor_for(lease.principal).await?;
            let allowed = actor.may::<actor::Write>(lease.workspace).is_ok();
            let mut tx = self.log.begin().await?;
            if allowed {
                let reads = !read.is_empty();
                self.memory.reserve_in(&tx, &actor, lease.workspace, reads, &learnt.writes).await?;
            }
            let Some((run, revision)) = store::lock(&tx, lease, self.lease_end()).await? else {
                lost(lease);
                return Ok(Recorded::Over);
            };
            if !allowed {
                self.end_without_rights(tx, lease, run).await?;
                return Ok(Recorded::Over);
            }
            let rows = store::leased_steps(&tx, lease).await?;
            let mut change = Change {
                lease,
                definition,
                grant: Grant::upkeep(lease.workspace, lease.principal),
                history: rows.iter().map(|row| row.state.clone()).collect(),
                rows,
                transitions: vec![],
                now: self.ambient.now(),
            };
            let there: BTreeSet<_> = match read.as_slice() {
                [] => BTreeSet::new(),
                read => self.memory.find_many_in(&tx, &actor, read).await?.into_keys().collect(),
            };
            let outcomes = change.outcomes(&came, &there);
            let verdict = self.advance(&mut tx, &mut change, &run, &actor, outcomes, &mut learnt).await?;
            let Some(verdict) = verdict else { continue };
            store::insert_sources(&tx, lease, &there.into_iter().collect::<Vec<_>>()).await?;
            let aside = self.write_steps(&mut tx, &change).await?;
            let wake_at = self.write_run(&mut tx, &change, run, verdict, aside).await?;
            tx.commit().await?;
            let calls = change.calls(&actor);
            let busy = change.history.iter().any(|state| state.status == StepStatus::Running);
            return Ok(if busy { Recorded::Calls { calls, revision, wake_at } } else { Recorded::Over });
        }
    }

    /// Plans, and writes the memories that the plan asks for; `None` where the transaction is to be begun anew with
    /// what was learnt.
    async fn advance(
        &self,
        tx: &mut Tx,
        change: &mut Change<'_>,
        run: &Run,
        actor: &Actor,
        mut outcomes: Vec<Outcome>,
        learnt: &mut Learnt,
    ) -> Result<Option<Verdict>> {
        loop {
            let slots = self.settings.parallel_steps;
            let Round { transitions, verdict } = planner::round(
                change.definition,
                &run.input,
                &mut change.history,
                std::mem::take(&mut outcomes),
                change.now,
                slots,
            );
            if !matches!(verdict, Verdict::Failed { .. }) {
                for Transition { place, attempt, kind } in &transitions {
                    let Kind::Written(write) = kind else { continue };
                    if !learnt.writes.contains(&write.scope) {
                        learnt.writes = change.definition.written_scopes();
                        return Ok(None);
                    }
                    let result = match learnt.refused.get(place) {
                        Some(error) => Ended::Failed(error.clone()),
                        None => match self.remember(tx, change, actor, *place, write).await {
                            Ok(output) => Ended::Completed(output),
                            Err(error @ (Error::Internal(_) | Error::Unavailable(_))) => return Err(error),
                            Err(error) => {
                                learnt.refused.insert(*place, step_error(error));
                                return Ok(None);
                            }
                        },
                    };
                    outcomes.push(Outcome { place: *place, attempt: *attempt, result });
                }
            }
            change.transitions.extend(transitions);
            if outcomes.is_empty() {
                return Ok(Some(verdict));
            }
        }
    }

    /// In the recording transaction, so exactly once; its name tells where it came from.
    async fn remember(
        &self,
        tx: &mut Tx,
        change: &Change<'_>,
        actor: &Actor,
        place: usize,
        write: &Write,
    ) -> Result<Value> {
        let Lease { workspace, run, .. } = change.lease;
        let mut new = NewMemory::new(*workspace, write.scope, write.kind, &write.text);
        new.item.external_id = Some(format!("{run}/{}", change.definition.steps()[place].key));
        let memory = self.memory.remember_in(tx, actor, new).await?;
        Ok(json!({ "memoryId": memory.id }))
    }

    /// The steps, their attempts and approvals as they stand now, and what happened to them; gives what is not told yet.
    async fn write_steps(&self, tx: &mut Tx, change: &Change<'_>) -> Result<Aside> {
        let Change { lease, rows, now, .. } = change;
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
                _ => change.what(*place, *attempt, kind).inspect(|_| {
                    told.insert(*place);
                }),
            };
            if let Some(what) = what {
                tx.record(&change.grant, what.record(lease.run)?);
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
            let closed = store::close_approvals(tx, &change.asking(steps), status).await?;
            aside.approvals.extend(closed.into_iter().map(|approval| (approval, status)));
        }
        Ok(aside)
    }

    /// The run as it stands now; gives when something in it is due.
    async fn write_run(
        &self,
        tx: &mut Tx,
        change: &Change<'_>,
        mut run: Run,
        verdict: Verdict,
        mut aside: Aside,
    ) -> Result<Option<DateTime<Utc>>> {
        let Change { lease, grant, now, .. } = change;
        if let Verdict::Going { calling, .. } = verdict {
            let status = if calling { RunStatus::Running } else { RunStatus::Waiting };
            aside.run = (run.status != status).then_some(status);
            run.status = status;
        }
        // Before the run's end, after which nobody listens.
        if !aside.is_empty() {
            tx.record(grant, aside.changed(lease.run)?);
        }
        match verdict {
            Verdict::Going { calling: true, wake_at } => {
                // Due all the time, so that another worker takes it up when this one's lease ends.
                store::touch(tx, lease, &run, Some(*now), Some(self.lease_end()), *now).await?;
                return Ok(wake_at);
            }
            Verdict::Going { calling: false, wake_at } => {
                store::touch(tx, lease, &run, wake_at, None, *now).await?;
                return Ok(wake_at);
            }
            Verdict::Completed { output } => {
                (run.status, run.output) = (RunStatus::Completed, Some(output));
                tx.record(grant, What::RunCompleted { status: run.status }.record(lease.run)?);
            }
            Verdict::Failed { place, error } => {
                run.status = RunStatus::Failed;
                let step_key = Some(change.definition.steps()[place].key.clone());
                run.error = Some(RunError { code: error.code, message: error.message, step_key });
                tx.record(grant, What::RunFailed { status: run.status }.record(lease.run)?);
            }
        }
        store::touch(tx, lease, &run, None, None, *now).await?;
        Ok(None)
    }

    async fn end_without_rights(&self, mut tx: Tx, lease: &Lease, mut run: Run) -> Result<()> {
        let message = "who started the run may not change the workspace any more";
        let error = StepError::new("FORBIDDEN", message);
        run.status = RunStatus::Failed;
        run.error = Some(RunError { code: error.code.clone(), message: message.to_owned(), step_key: None });
        let aside = store::cancel_steps(&tx, &run, &error, self.ambient.now()).await?;
        store::end_run(&tx, &run).await?;
        let grant = Grant::upkeep(lease.workspace, lease.principal);
        tx.record(&grant, aside.changed(lease.run)?);
        tx.record(&grant, What::RunFailed { status: run.status }.record(lease.run)?);
        tx.commit().await
    }
}

impl Change<'_> {
    /// What came, and what was lost: with an earlier worker, or as a memory that it says is not `there` any more.
    fn outcomes(&self, came: &Done<'_>, there: &BTreeSet<MemoryId>) -> Vec<Outcome> {
        let known = |place: usize, attempt: i32| {
            came.under_way.get(&place) == Some(&attempt)
                || came.called.iter().any(|c| c.outcome.place == place && c.outcome.attempt == attempt)
        };
        let lost = self.history.iter().enumerate().filter_map(|(place, state)| {
            let running = state.status == StepStatus::Running;
            (running && !known(place, state.attempts)).then_some(Outcome {
                place,
                attempt: state.attempts,
                result: Ended::Lost,
            })
        });
        let outcome = |called: &Called| {
            let forgotten = called.sources.iter().any(|memory| !there.contains(memory));
            let outcome = called.outcome.clone();
            if forgotten { Outcome { result: Ended::Lost, ..outcome } } else { outcome }
        };
        lost.chain(came.called.iter().map(outcome)).collect()
    }

    fn what(&self, place: usize, attempt: i32, kind: &Kind) -> Option<What> {
        let step = |status| Snapshot {
            id: self.rows[place].id,
            key: self.definition.steps()[place].key.clone(),
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

    /// The calls of this change that are still wanted at its end.
    fn calls(&self, actor: &Actor) -> Vec<(usize, i32, Call, Actor)> {
        let wanted = |transition: &&Transition| {
            let state = &self.history[transition.place];
            state.status == StepStatus::Running && state.attempts == transition.attempt
        };
        let call = |transition: &Transition| match &transition.kind {
            Kind::Called(call) => Some((transition.place, transition.attempt, call.clone(), actor.clone())),
            _ => None,
        };
        self.transitions.iter().filter(wanted).filter_map(call).collect()
    }

    /// Of these steps, those that ask somebody.
    fn asking(&self, steps: Vec<StepRunId>) -> Vec<StepRunId> {
        let asks = |step: &StepRunId| {
            let place = self.rows.iter().position(|row| row.id == *step);
            place.is_some_and(|place| self.definition.steps()[place].action.is_approval())
        };
        steps.into_iter().filter(asks).collect()
    }
}
