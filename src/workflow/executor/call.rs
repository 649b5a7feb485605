use super::{
    super::{
        event::Snapshot,
        model::StepError,
        planner::{Call, Ended, Outcome},
        store::Lease,
    },
    Called, Executor,
};
use crate::{
    gateway::{
        ChatMessage, ChatRequest, Completion, FinishReason, Origin, Schema, Speaker, TOOL_ROUNDS,
        TOOLS_AT_ONCE, Told, Tools, Usage,
    },
    memory::{Item, RecallRequest, Remembered},
    shared::{Error, Result, actor::Actor},
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::spawn_blocking;

/// For what, and as whom, a call is made.
#[derive(Clone, Debug)]
pub(super) struct Within {
    pub(super) lease: Lease,
    pub(super) step: Snapshot,
    pub(super) actor: Actor,
}

/// What a step gives, and what it read of memory.
type Given = (Value, Vec<Remembered>);

impl Executor {
    /// Makes one call, as the actor. What it gives is recorded by whoever drives the run.
    pub(super) async fn call(
        self,
        within: Within,
        place: usize,
        call: Call,
        limit: Option<TimeDelta>,
    ) -> Called {
        let limit = limit.and_then(|limit| limit.to_std().ok());
        let limit = limit.unwrap_or(Duration::from_secs(self.settings.call_timeout_seconds));
        let attempt = within.step.attempt;
        let made = async {
            match call {
                Call::Recall { query, limit } => self.recall(&within, query, limit).await,
                Call::Llm { route, prompt, output_schema, tools } => {
                    let Lease { workspace, run, workflow, .. } = within.lease;
                    let request = ChatRequest {
                        output_schema,
                        origin: Some(Origin::Step { run, key: within.step.key.clone() }),
                        workflow: Some(workflow),
                        ..ChatRequest::prompt(workspace, route, prompt)
                    };
                    self.llm(&within, request, &self.tools.named(&tools)).await
                }
            }
        };
        let (result, sources) = match tokio::time::timeout(limit, made).await {
            Ok(Ok((output, sources))) => (Ended::Completed(output), sources),
            Ok(Err(error)) => (Ended::Failed(error), vec![]),
            Err(_) => {
                let message = format!("no answer within {} s", limit.as_secs_f64());
                (Ended::Failed(StepError::passing("TIMEOUT", message)), vec![])
            }
        };
        Called { outcome: Outcome { place, attempt, result }, sources }
    }

    async fn recall(&self, within: &Within, query: String, limit: i32) -> Result<Given, StepError> {
        let limit = usize::try_from(limit).unwrap_or_default();
        let Lease { workspace, run, workflow, .. } = within.lease;
        let request = RecallRequest {
            origin: Some(Origin::Step { run, key: within.step.key.clone() }),
            workflow: Some(workflow),
            ..RecallRequest::new(workspace, query, limit)
        };
        let recall = self.memory.recall(&within.actor, &request).await;
        let hits = recall.map_err(step_error)?.hits;
        let memories: Vec<Value> = hits.iter().map(|hit| told(&hit.item, hit.score)).collect();
        let sources = hits.iter().map(|hit| hit.item.remembered()).collect();
        Ok((json!({ "memories": memories }), sources))
    }

    /// Asks a model, and has done for it what it asks for, until it answers.
    async fn llm(
        &self,
        within: &Within,
        mut request: ChatRequest,
        tools: &Tools,
    ) -> Result<Given, StepError> {
        let form = form(request.output_schema.as_ref()).await?;
        let (mut used, mut told) = (Usage::default(), vec![]);
        for round in 0..=TOOL_ROUNDS {
            // Once there were enough, it has to do without.
            request.tools = if round < TOOL_ROUNDS { tools.specs() } else { vec![] };
            let answer = self.gateway.complete(&within.actor, request.clone()).await.map_err(step_error)?;
            used = used.saturating_add(answer.usage);
            if answer.reason != FinishReason::ToolUse || answer.tools.is_empty() {
                let read = told.iter().filter_map(|told: &Told| Remembered::of(told.of)).collect();
                return Ok((output(answer, used, form).await?, read));
            }
            let asked: Vec<_> = answer.tools.into_iter().take(TOOLS_AT_ONCE).collect();
            let speaker = Speaker::Assistant { tools: asked.clone() };
            request.messages.push(ChatMessage { speaker, text: answer.text });
            for asked in asked {
                let speaker = Speaker::Tool { id: asked.id.clone() };
                let came = self.use_tool(within, tools, told.clone(), asked).await;
                let (text, read) = came.map_err(step_error)?;
                request.messages.push(ChatMessage { speaker, text });
                told.extend(read);
            }
        }
        Err(StepError::passing(
            "INVALID_OUTPUT",
            "the model asks for tools again and again, and does not answer",
        ))
    }
}

/// What a step tells of something found. A chunk's `kind` is null; it has a `title` and a `documentId`.
fn told(item: &Item, score: f64) -> Value {
    match item {
        Item::Memory(memory) => json!({
            "id": memory.id,
            "text": memory.content.text,
            "kind": memory.content.kind,
            "occurredAt": memory.content.occurred_at,
            "speaker": memory.content.speaker,
            "score": score,
        }),
        Item::Chunk(chunk, document) => json!({
            "id": chunk.id,
            "text": chunk.text,
            "kind": null,
            "occurredAt": null,
            "speaker": null,
            "score": score,
            "title": document.title,
            "documentId": document.id,
        }),
    }
}

/// What the answer has to fit. Reading it and holding an answer against it takes a moment: not where others wait.
async fn form(schema: Option<&Value>) -> Result<Option<Schema>, StepError> {
    let Some(schema) = schema.cloned() else { return Ok(None) };
    let read = spawn_blocking(move || Schema::read(&schema)).await;
    let read = read.map_err(|panic| step_error(Error::internal(panic)))?;
    // Of a version that was published when more was taken.
    read.map(Some)
        .map_err(|problem| StepError::new("INVALID_SCHEMA", format!("the step's output schema: {problem}")))
}

async fn output(answer: Completion, used: Usage, form: Option<Schema>) -> Result<Value, StepError> {
    if answer.reason == FinishReason::ContentPolicy {
        let message = "the rules of the model or of a guardrail do not allow an answer";
        return Err(StepError::new("CONTENT_POLICY", message));
    }
    let mut output = json!({
        "text": answer.text,
        "finishReason": answer.reason.name(),
        "usage": { "inputTokens": used.input_tokens, "outputTokens": used.output_tokens },
    });
    if let Some(form) = form {
        let formed = spawn_blocking(move || formed(&answer.text, &form)).await;
        output["json"] = formed.map_err(|panic| step_error(Error::internal(panic)))??;
    }
    Ok(output)
}

/// An answer that does not fit is a matter of chance: another attempt may do better. Not a word of it is told.
fn formed(text: &str, form: &Schema) -> Result<Value, StepError> {
    let invalid = |message: &str| StepError::passing("INVALID_OUTPUT", message);
    let value = serde_json::from_str(text);
    let value = value.map_err(|_| invalid("the model did not answer in JSON, as the step asks"))?;
    if !form.fits(&value) {
        return Err(invalid("the model's answer does not fit the step's output schema"));
    }
    Ok(value)
}

/// What a step tells of an error, and whether another attempt may do better.
pub(super) fn step_error(error: Error) -> StepError {
    let message = error.to_string();
    match error {
        Error::NotFound(_) => StepError::new("NOT_FOUND", message),
        Error::Forbidden(_) | Error::Unauthenticated(_) => StepError::new("FORBIDDEN", message),
        Error::Refused(_) | Error::BadInput(_) | Error::InvalidCursor(_) | Error::ResyncRequired => {
            StepError::new("INVALID", message)
        }
        Error::BudgetExceeded => StepError::new("BUDGET_EXCEEDED", message),
        Error::RateLimited { .. } => StepError::passing("RATE_LIMITED", message),
        Error::Unavailable(_) => StepError::passing("UNAVAILABLE", message),
        Error::Internal(source) => {
            tracing::error!(source = source.as_ref(), "a step failed");
            StepError::passing("INTERNAL", message)
        }
    }
}
