//! Graphs as clients write them.
use super::super::graph::{self, Action, Graph, Retry, Span, Step, Wait};
use crate::{
    graphql_kit::{Duration, Json},
    memory::graphql::{MemoryKind, MemoryScope},
};
use async_graphql::{Enum, InputObject, OneofObject};

/// The steps of a workflow, at most 100. Steps without a path between them run in parallel.
#[derive(InputObject, Debug)]
pub struct WorkflowGraphInput {
    /// In any order: `after` tells which comes before which.
    steps: Vec<StepInput>,
}

impl From<WorkflowGraphInput> for Graph {
    fn from(graph: WorkflowGraphInput) -> Self {
        Self { steps: graph.steps.into_iter().map(Step::from).collect() }
    }
}

/// A step of a workflow.
#[derive(InputObject, Debug)]
pub struct StepInput {
    /// How other steps name it: a letter or `_`, then letters, digits and `_`, at most 64; unique in the graph.
    key: String,
    /// The keys of the steps that come before it. It runs when all of them are COMPLETED or SKIPPED.
    #[graphql(default)]
    after: Vec<String>,
    /// A condition in CEL over `input` and `steps.<key>.output` of the steps before it, at most 2,000 bytes:
    /// `steps.ok.output.approved == true`. The step is SKIPPED where it gives false; a skipped step's output is null.
    when: Option<String>,
    /// What to do when it fails; one attempt alone if left out.
    retry: Option<RetryPolicyInput>,
    /// How long one attempt of an action that calls something may take, at most PT1H; PT2M if left out.
    timeout: Option<Duration>,
    /// What it does.
    action: StepActionInput,
}

impl From<StepInput> for Step {
    fn from(step: StepInput) -> Self {
        Self {
            key: step.key,
            after: step.after,
            when: step.when,
            retry: step.retry.map(Retry::from).unwrap_or_default(),
            timeout: step.timeout.map(span),
            action: step.action.into(),
        }
    }
}

fn span(duration: Duration) -> Span {
    Span(duration.0)
}

/// What to do when a step fails. An attempt that was lost with its server is always repeated and does not count.
#[derive(InputObject, Debug)]
pub struct RetryPolicyInput {
    /// Attempts in all, 1 to 20.
    #[graphql(default = 1)]
    max_attempts: i32,
    /// How long to wait before the second attempt, at most PT1H; PT1S if left out.
    initial_delay: Option<Duration>,
    /// What each wait is multiplied by to give the next, 1 to 10; 2 if left out.
    backoff: Option<f64>,
    /// The longest wait; PT1M if left out.
    max_delay: Option<Duration>,
    /// Error codes after which no other attempt is made, at most 20, such as TIMEOUT.
    non_retryable: Option<Vec<String>>,
}

impl From<RetryPolicyInput> for Retry {
    fn from(retry: RetryPolicyInput) -> Self {
        let usual = Self::default();
        Self {
            max_attempts: retry.max_attempts,
            initial_delay: retry.initial_delay.map_or(usual.initial_delay, span),
            backoff: retry.backoff.unwrap_or(usual.backoff),
            max_delay: retry.max_delay.map_or(usual.max_delay, span),
            non_retryable: retry.non_retryable.unwrap_or_default(),
        }
    }
}

/// What a step does: exactly one of these. Texts may hold `{{ … }}` (minijinja) over `input` and
/// `steps.<key>.output` of the steps before it; lists and objects are put in as JSON.
#[derive(OneofObject, Debug)]
pub enum StepActionInput {
    /// Asks a language model.
    Llm(LlmActionInput),
    /// Looks into the memory of whoever started the run, and into the workspace's.
    MemoryRecall(MemoryRecallActionInput),
    /// Writes a memory, as whoever started the run.
    MemoryWrite(MemoryWriteActionInput),
    /// Asks a person, and waits.
    Approval(ApprovalActionInput),
    /// Computes.
    Transform(TransformActionInput),
    /// Waits.
    Wait(WaitActionInput),
}

impl From<StepActionInput> for Action {
    fn from(action: StepActionInput) -> Self {
        match action {
            StepActionInput::Llm(llm) => {
                let output_schema = llm.output_schema.map(|schema| schema.0);
                Self::Llm { route: llm.route, prompt: llm.prompt, output_schema, tools: llm.tools }
            }
            StepActionInput::MemoryRecall(recall) => {
                Self::MemoryRecall { query: recall.query, limit: recall.limit }
            }
            StepActionInput::MemoryWrite(write) => {
                Self::MemoryWrite { kind: write.kind.into(), text: write.text, scope: write.scope.into() }
            }
            StepActionInput::Approval(approval) => Self::Approval {
                title: approval.title,
                form: approval.form.map(|form| form.0),
                expires_after: approval.expires_after.map(span),
                on_expiry: approval.on_expiry.into(),
            },
            StepActionInput::Transform(transform) => Self::Transform { expression: transform.expression },
            StepActionInput::Wait(WaitActionInput::For(time)) => Self::Wait(Wait::For(span(time))),
            StepActionInput::Wait(WaitActionInput::Until(until)) => Self::Wait(Wait::Until(until)),
        }
    }
}

/// Asks a language model. Output: `{text, finishReason, usage: {inputTokens, outputTokens}}`, with an `outputSchema`
/// also `json`.
#[derive(InputObject, Debug)]
pub struct LlmActionInput {
    /// Which route of the gateway is asked.
    #[graphql(default_with = "\"default\".to_owned()")]
    route: String,
    /// What is asked, a template of at most 20,000 characters.
    prompt: String,
    /// Set where the answer is to be JSON: a JSON schema of it, draft 06 or later. An answer that does not fit is a failed
    /// attempt. References lead to the schema itself alone, and what it asks is bounded.
    output_schema: Option<Json>,
    /// What the model may have done while it answers, as whoever started the run: recall, remember, create_action_item,
    /// start_workflow. Takes a model that knows tools. An attempt that is made anew may use them anew.
    #[graphql(default)]
    tools: Vec<String>,
}

/// Looks into memory. Output: `{memories: [{id, text, kind, occurredAt, speaker, score}]}`, the best first.
#[derive(InputObject, Debug)]
pub struct MemoryRecallActionInput {
    /// What to look for, a template.
    query: String,
    /// How many memories at most, 1 to 100.
    #[graphql(default = 10)]
    limit: i32,
}

/// Writes a memory, exactly once in a run. Output: `{memoryId}`.
#[derive(InputObject, Debug)]
pub struct MemoryWriteActionInput {
    /// What sort of memory it is.
    #[graphql(default_with = "MemoryKind::Note")]
    kind: MemoryKind,
    /// What to remember, a template.
    text: String,
    /// Who reads it: USER or WORKSPACE.
    #[graphql(default_with = "MemoryScope::Workspace")]
    scope: MemoryScope,
}

/// What happens to an approval that nobody decided in time.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "graph::ExpiryOutcome")]
pub enum ExpiryOutcome {
    /// As if approved.
    Approve,
    /// As if rejected.
    Reject,
    /// The step fails, and with it the run.
    Fail,
}

/// Asks a person, and waits. Output: `{approved, comment, form, decidedBy}`.
#[derive(InputObject, Debug)]
pub struct ApprovalActionInput {
    /// What is asked, a template of at most 500 characters. Every member of the workspace can read it.
    title: String,
    /// What the person is to fill in, as JSON that clients agree upon, at most 16 KB.
    form: Option<Json>,
    /// How long the person has; for ever if left out.
    expires_after: Option<Duration>,
    /// What happens then.
    #[graphql(default_with = "ExpiryOutcome::Reject")]
    on_expiry: ExpiryOutcome,
}

/// Computes. Its value is the output.
#[derive(InputObject, Debug)]
pub struct TransformActionInput {
    /// In CEL over `input` and `steps.<key>.output`, at most 2,000 bytes: `steps.a.output.memories.map(m, m.text)`.
    expression: String,
}

/// Waits: exactly one of these. Output: `{until}`.
#[derive(OneofObject, Debug)]
pub enum WaitActionInput {
    /// So long, at most P366D.
    For(Duration),
    /// Until a time by RFC 3339, or a template that gives one.
    Until(String),
}
