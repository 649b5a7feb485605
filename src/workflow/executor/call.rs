use super::{
    super::{
        model::StepError,
        planner::{Call, Ended, Outcome},
    },
    Called, Executor,
};
use crate::{
    gateway::{ChatRequest, FinishReason, Origin},
    memory::RecallRequest,
    shared::{
        Error, Result,
        actor::Actor,
        id::{MemoryId, WorkflowId, WorkspaceId},
    },
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::time::Duration;

/// For what a call is made.
#[derive(Clone, Debug)]
pub(super) struct Within {
    pub(super) workspace: WorkspaceId,
    pub(super) workflow: WorkflowId,
    pub(super) origin: Origin,
}

impl Executor {
    /// Makes one call, as the actor. What it gives is recorded by whoever drives the run.
    pub(super) async fn call(
        self,
        within: Within,
        place: usize,
        attempt: i32,
        call: Call,
        actor: Actor,
        limit: Option<TimeDelta>,
    ) -> Called {
        let limit = limit.and_then(|limit| limit.to_std().ok());
        let limit = limit.unwrap_or(Duration::from_secs(self.settings.call_timeout_seconds));
        let made = async {
            match call {
                Call::Recall { query, limit } => self.recall(&actor, within.workspace, query, limit).await,
                Call::Llm { route, prompt, output_schema } => self
                    .llm(&actor, within, route, prompt, output_schema)
                    .await
                    .map(|output| (output, vec![])),
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

    async fn recall(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        query: String,
        limit: i32,
    ) -> Result<(Value, Vec<MemoryId>), StepError> {
        let limit = usize::try_from(limit).unwrap_or_default();
        let recall = self.memory.recall(actor, &RecallRequest::new(workspace, query, limit)).await;
        let hits = recall.map_err(step_error)?.hits;
        let found: Vec<_> = hits.iter().filter_map(|hit| Some((hit, hit.item.memory()?))).collect();
        let memories: Vec<Value> = found
            .iter()
            .map(|(hit, memory)| {
                let content = &memory.content;
                json!({
                    "id": memory.id,
                    "text": content.text,
                    "kind": content.kind,
                    "occurredAt": content.occurred_at,
                    "speaker": content.speaker,
                    "score": hit.score,
                })
            })
            .collect();
        let sources = found.iter().map(|(_, memory)| memory.id).collect();
        Ok((json!({ "memories": memories }), sources))
    }

    async fn llm(
        &self,
        actor: &Actor,
        within: Within,
        route: String,
        prompt: String,
        output_schema: Option<Value>,
    ) -> Result<Value, StepError> {
        let request = ChatRequest {
            output_schema: output_schema.clone(),
            origin: Some(within.origin),
            workflow: Some(within.workflow),
            ..ChatRequest::prompt(within.workspace, route, prompt)
        };
        let completion = self.gateway.complete(actor, request).await.map_err(step_error)?;
        if completion.reason == FinishReason::ContentPolicy {
            return Err(StepError::new(
                "CONTENT_POLICY",
                "the rules of the model or of a guardrail do not allow an answer",
            ));
        }
        let mut output = json!({
            "text": completion.text,
            "finishReason": completion.reason.name(),
            "usage": {
                "inputTokens": completion.usage.input_tokens,
                "outputTokens": completion.usage.output_tokens,
            },
        });
        if output_schema.is_some() {
            let parsed = serde_json::from_str(&completion.text);
            let error =
                StepError::passing("INVALID_OUTPUT", "the model did not answer in JSON, as the step asks");
            output["json"] = parsed.map_err(|_| error)?;
        }
        Ok(output)
    }
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
