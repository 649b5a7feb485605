//! What a run has to do next, as it stands: nothing is written. Expressions and templates take their time, outside of
//! any transaction and of the threads that serve.
use super::{
    super::{
        model::{Run, StepError, StepStatus},
        planner::{self, Call, Ended, History, Kind, Outcome, Round, Transition, Verdict},
        store::{Lease, StepRow},
    },
    Called, Executor, Published,
};
use crate::{
    db::Source,
    memory::{MemoryScope, Remembered},
    shared::{
        Error, Result,
        actor::{self, Actor},
        id::StepRunId,
    },
};
use chrono::{DateTime, Utc};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What was planned for a run as it stood; to be written down while it still stands so.
pub(super) struct Change {
    pub(super) rows: Vec<StepRow>,
    pub(super) history: History,
    pub(super) transitions: Vec<Transition>,
    pub(super) verdict: Verdict,
    pub(super) now: DateTime<Utc>,
}

/// A call that is to be made.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) place: usize,
    pub(super) attempt: i32,
    pub(super) step: StepRunId,
    pub(super) call: Call,
    pub(super) actor: Actor,
}

/// A step's memory cannot be written: known before the plan is made anew.
pub(super) type Refused = BTreeMap<usize, StepError>;

impl Executor {
    /// Who started the run, with no more than who published its version may; or what both lack.
    pub(super) async fn acting(
        &self,
        lease: &Lease,
        version: &Published,
    ) -> Result<Result<Actor, &'static str>> {
        let acts = |actor: Actor| actor.with_key(lease.key).with_trace(lease.trace);
        let starter = acts(self.account.actor_for(lease.principal).await?);
        if starter.may::<actor::Write>(lease.workspace).is_err() {
            return Ok(Err("who started the run may not change the workspace any more"));
        }
        if lease.principal.uuid() == version.publisher {
            return Ok(Ok(starter));
        }
        let publisher = self.account.actor_with(version.publisher).await?;
        if publisher.may::<actor::Write>(lease.workspace).is_err() {
            return Ok(Err(
                "who published this version may not change the workspace any more: publish it anew",
            ));
        }
        let role = starter.role(lease.workspace).min(publisher.role(lease.workspace));
        let roles = role.map(|role| (lease.workspace, role)).into_iter().collect();
        Ok(Ok(acts(Actor::new(lease.principal, roles, starter.limit()))))
    }

    /// Of what was read, what exists and that the actor may see.
    pub(super) async fn there(
        &self,
        source: &impl Source,
        actor: &Actor,
        read: &[Remembered],
    ) -> Result<BTreeSet<Remembered>> {
        match read {
            [] => Ok(BTreeSet::new()),
            read => Ok(self.memory.find_remembered_in(source, actor, read).await?.into_iter().collect()),
        }
    }

    pub(super) async fn plan(
        &self,
        version: &Arc<Published>,
        run: &Run,
        mut history: History,
        mut outcomes: Vec<Outcome>,
        refused: Refused,
    ) -> Result<Change> {
        let (version, input, now) = (version.clone(), run.input.clone(), self.ambient.now());
        let slots = self.settings.parallel_steps;
        let plan = move || {
            let mut all = vec![];
            loop {
                let come = std::mem::take(&mut outcomes);
                let Round { transitions, verdict } =
                    planner::round(&version.definition, &input, &mut history, come, now, slots);
                if !matches!(verdict, Verdict::Failed { .. }) {
                    outcomes.extend(transitions.iter().filter_map(|transition| {
                        let error = refused.get(&transition.place)?.clone();
                        let asked = matches!(transition.kind, Kind::Written(_));
                        asked.then(|| transition.came(Ended::Failed(error)))
                    }));
                }
                all.extend(transitions);
                if outcomes.is_empty() {
                    return Change { rows: vec![], history, transitions: all, verdict, now };
                }
            }
        };
        tokio::task::spawn_blocking(plan).await.map_err(Error::internal)
    }
}

/// What came, and what was lost: with an earlier worker, or as a memory that it says is not `there` any more.
pub(super) fn outcomes(
    history: &History,
    called: &[Called],
    under_way: &BTreeMap<usize, i32>,
    there: &BTreeSet<Remembered>,
) -> Vec<Outcome> {
    let known = |place: usize, attempt: i32| {
        under_way.get(&place) == Some(&attempt)
            || called.iter().any(|c| c.outcome.place == place && c.outcome.attempt == attempt)
    };
    let lost = history.iter().enumerate().filter_map(|(place, state)| {
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
    lost.chain(called.iter().map(outcome)).collect()
}

impl Change {
    /// Whether a transition's attempt is under way at the end of it all.
    pub(super) fn is_wanted(&self, transition: &Transition) -> bool {
        let state = &self.history[transition.place];
        state.status == StepStatus::Running && state.attempts == transition.attempt
    }

    /// The scopes of the memories that are to be written.
    pub(super) fn written_scopes(&self) -> Vec<MemoryScope> {
        let wanted = self.transitions.iter().filter(|transition| self.is_wanted(transition));
        let scope = |transition: &Transition| match &transition.kind {
            Kind::Written(write) => Some(write.scope),
            _ => None,
        };
        wanted.filter_map(scope).collect()
    }

    /// The calls that are still wanted at its end.
    pub(super) fn calls(&self, actor: &Actor) -> Vec<Due> {
        let wanted = self.transitions.iter().filter(|transition| self.is_wanted(transition));
        let call = |transition: &Transition| match &transition.kind {
            Kind::Called(call) => Some(Due {
                place: transition.place,
                attempt: transition.attempt,
                step: self.rows[transition.place].id,
                call: call.clone(),
                actor: actor.clone(),
            }),
            _ => None,
        };
        wanted.filter_map(call).collect()
    }
}
