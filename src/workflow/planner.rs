//! What is to be done next in a run: `(definition, history, outcomes, now) → transitions`, without a clock, a
//! database or a network of its own. Whoever carries a run out feeds it what happened and records what it says; the
//! same history gives the same plan, wherever it is made.
//!
//! Rules:
//! - a step is due when all its `after` are COMPLETED or SKIPPED; a skipped step's output is null;
//! - `when` that gives `false` skips the step, and it alone: what comes after it may ask for its output;
//! - a step that fails for good fails the run: what runs or waits is CANCELLED;
//! - an attempt whose worker was lost is begun anew and counts no failure;
//! - the run's output holds the outputs of the steps that no other comes after, by key.
mod history;

use super::{
    expression::Expression,
    graph::{Action, ExpiryOutcome, Graph, Step, Wait},
    model::{StepError, StepStatus},
    scope::{Scope, count_of, size_of, unstorable},
    template,
};
use crate::shared::moment;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

pub use history::{
    Call, Ended, History, Kind, Outcome, Question, Round, StepState, Transition, Verdict, Write,
};

/// Bytes of texts and number of values, of one step's output and of all outputs of a run.
const MAX_OUTPUT: usize = 262_144;
const MAX_OUTPUTS: usize = 2_097_152;
/// Values, each list and object and what is in it: what expressions and templates of the steps that come after have to
/// go through, whatever it weighs.
const MAX_VALUES: usize = 16_384;
const MAX_ALL_VALUES: usize = 65_536;
/// Attempts begun, lost ones included: a step that takes its worker down each time must end.
const MAX_STARTS: i32 = 250;

/// A version's graph, ready to plan with.
#[derive(Debug)]
pub struct Definition {
    graph: Graph,
    /// By place: who comes before.
    after: Vec<Vec<usize>>,
    ancestors: Vec<BTreeSet<usize>>,
}

impl Definition {
    pub fn new(graph: Graph) -> Self {
        let place = |key: &String| graph.steps.iter().position(|step| step.key == *key);
        let after = graph.steps.iter().map(|step| step.after.iter().filter_map(place).collect()).collect();
        let ancestors = graph.ancestors();
        Self { graph, after, ancestors }
    }

    pub fn steps(&self) -> &[Step] {
        &self.graph.steps
    }

    fn scope(&self, place: usize, input: &Value, history: &History) -> Scope {
        let outputs = self.ancestors[place].iter().map(|before| {
            let output = history[*before].output.clone().unwrap_or(Value::Null);
            (self.graph.steps[*before].key.as_str(), output)
        });
        Scope::new(input, outputs)
    }

    fn output(&self, history: &History) -> Value {
        let leaves: BTreeSet<&str> = self.graph.leaves().collect();
        let outputs: Map<String, Value> = self
            .graph
            .steps
            .iter()
            .zip(history)
            .filter(|(step, _)| leaves.contains(step.key.as_str()))
            .map(|(step, state)| (step.key.clone(), state.output.clone().unwrap_or(Value::Null)))
            .collect();
        Value::Object(outputs)
    }
}

/// Takes the outcomes in, then does all that is due now: at most `slots` calls are under way at once. `history` is
/// brought to the state after the round.
pub fn round(
    definition: &Definition,
    input: &Value,
    history: &mut History,
    outcomes: Vec<Outcome>,
    now: DateTime<Utc>,
    slots: usize,
) -> Round {
    let mut planner = Planner { definition, input, history, now, slots, transitions: vec![], failed: None };
    for outcome in outcomes {
        planner.settle(outcome);
    }
    while planner.failed.is_none() && planner.advance() {}
    let verdict = planner.verdict();
    Round { transitions: planner.transitions, verdict }
}

/// Takes outcomes in, and does nothing that is due: that takes as long as expressions and templates take.
pub fn settle(
    definition: &Definition,
    input: &Value,
    history: &mut History,
    outcomes: Vec<Outcome>,
    now: DateTime<Utc>,
) -> Round {
    let mut planner =
        Planner { definition, input, history, now, slots: 0, transitions: vec![], failed: None };
    for outcome in outcomes {
        planner.settle(outcome);
    }
    let verdict = planner.verdict();
    Round { transitions: planner.transitions, verdict }
}

struct Planner<'r> {
    definition: &'r Definition,
    input: &'r Value,
    history: &'r mut History,
    now: DateTime<Utc>,
    slots: usize,
    transitions: Vec<Transition>,
    failed: Option<(usize, StepError)>,
}

impl Planner<'_> {
    fn record(&mut self, place: usize, kind: Kind) {
        let state = &mut self.history[place];
        match &kind {
            Kind::Skipped => state.status = StepStatus::Skipped,
            Kind::Started => {
                state.attempts += 1;
                (state.status, state.wake_at) = (StepStatus::Running, None);
            }
            Kind::Called(_) | Kind::Written(_) => {}
            Kind::Waiting { until } => {
                (state.status, state.wake_at) = (StepStatus::Waiting, Some(*until));
            }
            Kind::Asked(question) => {
                (state.status, state.wake_at) = (StepStatus::Waiting, question.expires_at);
            }
            Kind::Completed { output } => {
                (state.status, state.wake_at, state.error) = (StepStatus::Completed, None, None);
                state.output = Some(output.clone());
            }
            Kind::RetryScheduled { at, error } => {
                state.failures += 1;
                (state.status, state.wake_at) = (StepStatus::RetryScheduled, Some(*at));
                state.error = Some(error.clone());
            }
            Kind::Lost => (state.status, state.wake_at) = (StepStatus::Pending, None),
            Kind::Failed { error } => {
                state.failures += 1;
                (state.status, state.wake_at) = (StepStatus::Failed, None);
                state.error = Some(error.clone());
            }
            Kind::Cancelled => (state.status, state.wake_at) = (StepStatus::Cancelled, None),
        }
        let attempt = state.attempts;
        self.transitions.push(Transition { place, attempt, kind });
    }

    fn fail(&mut self, place: usize, error: StepError) {
        self.record(place, Kind::Failed { error: error.clone() });
        if self.failed.is_none() {
            self.failed = Some((place, error));
        }
    }

    /// An outcome of an attempt that is not under way is too late: somebody else has recorded it.
    fn settle(&mut self, outcome: Outcome) {
        let Outcome { place, attempt, result } = outcome;
        let under_way = self.history.get(place).is_some_and(|state| {
            matches!(state.status, StepStatus::Running | StepStatus::Waiting) && state.attempts == attempt
        });
        if !under_way {
            return;
        }
        match result {
            Ended::Completed(output) => self.complete(place, output),
            Ended::Lost if attempt < MAX_STARTS => self.record(place, Kind::Lost),
            Ended::Lost => {
                let message = format!("{MAX_STARTS} workers were lost while they did this step");
                self.fail(place, StepError::new("WORKER_LOST", message));
            }
            Ended::Failed(error) => {
                let retry = &self.definition.graph.steps[place].retry;
                let final_code = !error.retryable || retry.non_retryable.contains(&error.code);
                match retry.delay(self.history[place].failures + 1) {
                    Some(delay) if !final_code => {
                        let at = self.now + delay;
                        self.record(place, Kind::RetryScheduled { at, error });
                    }
                    _ => self.fail(place, error),
                }
            }
        }
    }

    fn complete(&mut self, place: usize, output: Value) {
        if let Some(message) = self.too_large(&output) {
            return self.fail(place, StepError::new("OUTPUT_TOO_LARGE", message));
        }
        if let Some(message) = unstorable(&output) {
            return self.fail(place, StepError::new("OUTPUT_NOT_STORABLE", message));
        }
        self.record(place, Kind::Completed { output });
    }

    fn too_large(&self, output: &Value) -> Option<String> {
        let all = |measure: fn(&Value) -> usize| {
            let others = self.history.iter().filter_map(|state| state.output.as_ref()).map(measure);
            (measure(output), measure(output) + others.sum::<usize>())
        };
        let (size, sizes) = all(size_of);
        if size > MAX_OUTPUT || sizes > MAX_OUTPUTS {
            return Some(format!(
                "an output has at most {MAX_OUTPUT} bytes, all of a run at most {MAX_OUTPUTS}"
            ));
        }
        let (count, counts) = all(count_of);
        if count > MAX_VALUES || counts > MAX_ALL_VALUES {
            return Some(format!(
                "an output has at most {MAX_VALUES} values in its lists and objects, all of a run at most {MAX_ALL_VALUES}"
            ));
        }
        None
    }

    /// One pass over the steps in the graph's order; whether anything changed.
    fn advance(&mut self) -> bool {
        let before = self.transitions.len();
        for place in 0..self.definition.graph.steps.len() {
            if self.failed.is_some() {
                break;
            }
            let state = &self.history[place];
            let due = state.wake_at.is_some_and(|at| at <= self.now);
            match state.status {
                StepStatus::Pending if self.is_ready(place) => self.begin(place, state.attempts == 0),
                StepStatus::RetryScheduled if due => self.begin(place, false),
                StepStatus::Waiting if due => self.wake(place),
                _ => {}
            }
        }
        self.transitions.len() > before
    }

    fn is_ready(&self, place: usize) -> bool {
        self.definition.after[place]
            .iter()
            .all(|before| matches!(self.history[*before].status, StepStatus::Completed | StepStatus::Skipped))
    }

    fn begin(&mut self, place: usize, first: bool) {
        let definition = self.definition;
        let step = &definition.graph.steps[place];
        let calls = matches!(step.action, Action::Llm { .. } | Action::MemoryRecall { .. });
        let scope = definition.scope(place, self.input, self.history);
        if first && let Some(when) = &step.when {
            match Expression::compile(when).and_then(|when| when.test(&scope)) {
                Ok(true) => {}
                Ok(false) => return self.record(place, Kind::Skipped),
                Err(message) => {
                    let error = StepError::new("EXPRESSION_FAILED", format!("when: {message}"));
                    return self.fail(place, error);
                }
            }
        }
        if calls && self.calling() >= self.slots {
            return;
        }
        self.record(place, Kind::Started);
        let done = match &step.action {
            Action::Llm { route, prompt, output_schema, tools } => render(prompt, &scope).map(|prompt| {
                let (route, output_schema, tools) = (route.clone(), output_schema.clone(), tools.clone());
                Kind::Called(Call::Llm { route, prompt, output_schema, tools })
            }),
            Action::MemoryRecall { query, limit } => {
                render(query, &scope).map(|query| Kind::Called(Call::Recall { query, limit: *limit }))
            }
            Action::MemoryWrite { kind, text, scope: reach } => {
                render(text, &scope).map(|text| Kind::Written(Write { kind: *kind, scope: *reach, text }))
            }
            Action::Approval { title, form, expires_after, on_expiry } => {
                render(title, &scope).map(|title| {
                    let expires_at = expires_after.map(|after| self.now + after.0);
                    Kind::Asked(Question { title, form: form.clone(), expires_at, on_expiry: *on_expiry })
                })
            }
            Action::Transform { expression } => Expression::compile(expression)
                .and_then(|expression| expression.evaluate(&scope))
                .map(|output| Kind::Completed { output })
                .map_err(|message| StepError::new("EXPRESSION_FAILED", message)),
            Action::Wait(Wait::For(time)) => Ok(Kind::Waiting { until: self.now + time.0 }),
            Action::Wait(Wait::Until(until)) => render(until, &scope).and_then(|until| {
                let time = DateTime::parse_from_rfc3339(until.trim());
                let message = "until: not a time such as 2026-01-31T09:00:00Z";
                time.map(|time| Kind::Waiting { until: time.with_timezone(&Utc) })
                    .map_err(|_| StepError::new("INVALID_TIME", message))
            }),
        };
        match done {
            Ok(Kind::Completed { output }) => self.complete(place, output),
            Ok(kind) => self.record(place, kind),
            Err(error) => self.fail(place, error),
        }
    }

    fn wake(&mut self, place: usize) {
        let expired =
            |approved: bool| json!({"approved": approved, "comment": null, "form": null, "decidedBy": null});
        match &self.definition.graph.steps[place].action {
            Action::Approval { on_expiry: ExpiryOutcome::Approve, .. } => self.complete(place, expired(true)),
            Action::Approval { on_expiry: ExpiryOutcome::Reject, .. } => self.complete(place, expired(false)),
            Action::Approval { on_expiry: ExpiryOutcome::Fail, .. } => {
                self.fail(place, StepError::new("APPROVAL_EXPIRED", "nobody decided in time"));
            }
            _ => {
                let until = self.history[place].wake_at.map(moment::format);
                self.complete(place, json!({ "until": until }));
            }
        }
    }

    fn calling(&self) -> usize {
        let call = |(step, state): &(&Step, &StepState)| {
            state.status == StepStatus::Running
                && matches!(step.action, Action::Llm { .. } | Action::MemoryRecall { .. })
        };
        self.definition.graph.steps.iter().zip(self.history.iter()).filter(call).count()
    }

    fn verdict(&mut self) -> Verdict {
        if let Some((place, error)) = self.failed.take() {
            for other in 0..self.history.len() {
                if !self.history[other].status.is_settled() {
                    self.record(other, Kind::Cancelled);
                }
            }
            return Verdict::Failed { place, error };
        }
        if self.history.iter().all(|state| state.status.is_settled()) {
            return Verdict::Completed { output: self.definition.output(self.history) };
        }
        let calling = self.history.iter().any(|state| state.status == StepStatus::Running);
        Verdict::Going { calling, wake_at: self.history.iter().filter_map(|state| state.wake_at).min() }
    }
}

fn render(text: &str, scope: &Scope) -> Result<String, StepError> {
    template::render(text, scope).map_err(|message| StepError::new("TEMPLATE_FAILED", message))
}

#[cfg(test)]
mod tests;
