//! What the planner is told, and what it says.
use super::super::{
    graph::ExpiryOutcome,
    model::{StepError, StepStatus},
};
use crate::memory::{MemoryKind, MemoryScope};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// What is recorded of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepState {
    pub status: StepStatus,
    /// Attempts begun; the last one is under way while the step is RUNNING or WAITING.
    pub attempts: i32,
    /// Attempts that failed by themselves.
    pub failures: i32,
    pub output: Option<Value>,
    pub error: Option<StepError>,
    /// When a wait ends, an approval expires, the next attempt begins.
    pub wake_at: Option<DateTime<Utc>>,
}

impl Default for StepState {
    fn default() -> Self {
        Self {
            status: StepStatus::Pending,
            attempts: 0,
            failures: 0,
            output: None,
            error: None,
            wake_at: None,
        }
    }
}

/// The steps' states, in the order of the graph.
pub type History = Vec<StepState>;

/// What came of a step's attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub place: usize,
    pub attempt: i32,
    pub result: Ended,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    Completed(Value),
    Failed(StepError),
    /// Whoever did it is gone; nobody knows how far it came.
    Lost,
}

/// One change of one step, to be recorded in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    pub place: usize,
    pub attempt: i32,
    pub kind: Kind,
}

impl Transition {
    /// What came of the attempt.
    pub fn came(&self, result: Ended) -> Outcome {
        Outcome { place: self.place, attempt: self.attempt, result }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Skipped,
    /// An attempt begins; what it does follows.
    Started,
    /// To be done outside of any transaction; the outcome comes later.
    Called(Call),
    /// To be done in the recording transaction; the outcome is fed back in it.
    Written(Write),
    Waiting {
        until: DateTime<Utc>,
    },
    Asked(Question),
    Completed {
        output: Value,
    },
    RetryScheduled {
        at: DateTime<Utc>,
        error: StepError,
    },
    Lost,
    Failed {
        error: StepError,
    },
    Cancelled,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    Llm { route: String, prompt: String, output_schema: Option<Value>, tools: Vec<String> },
    Recall { query: String, limit: i32 },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub kind: MemoryKind,
    pub scope: MemoryScope,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub title: String,
    pub form: Option<Value>,
    pub expires_at: Option<DateTime<Utc>>,
    pub on_expiry: ExpiryOutcome,
}

/// How the run stands after a round.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// `wake_at`: when the next wait, expiry or retry is due, where one is.
    Going {
        calling: bool,
        wake_at: Option<DateTime<Utc>>,
    },
    Completed {
        output: Value,
    },
    Failed {
        place: usize,
        error: StepError,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    pub transitions: Vec<Transition>,
    pub verdict: Verdict,
}
