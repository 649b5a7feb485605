//! A call for vectors: the way is that of any call, the answer comes at once.
use super::{Call, Drive, failed};
use crate::gateway::{
    embedding::Embedded,
    model::{Failure, FailureKind, FinishReason, Usage},
    provider::{EmbedCall, Embeddings},
    record::LlmCallStatus,
};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// One vector for each source of the request that its provider may see.
pub(in crate::gateway) async fn embed(call: Call) -> Result<Embedded, Failure> {
    let mut drive = Drive::begin(call).await?;
    let embedded = drive.embed().await;
    drive.guard.note();
    match &embedded {
        Ok(_) => drive.record.end(LlmCallStatus::Completed, Some(FinishReason::EndOfTurn)),
        Err(failure) => drive.record.end(failed(failure.kind, false), None),
    }
    embedded
}

impl Drive {
    async fn embed(&mut self) -> Result<Embedded, Failure> {
        let count = self.guard.request(true).sources.len();
        loop {
            let (target, (provider, admitted)) = self.next_target().await?;
            self.record.cover(&[&target], 0).await.map_err(FailureKind::plain)?;
            let internal = self.guard.is_internal(&target.provider);
            if !internal {
                self.guard.note_kept();
            }
            let sources = &self.guard.request(internal).sources;
            let places: Vec<usize> = sources.iter().filter_map(|source| source.id.parse().ok()).collect();
            let texts: Vec<_> = sources.iter().map(|source| source.text.clone()).collect();
            if texts.is_empty() {
                return Ok(Embedded { vectors: vec![None; count] });
            }
            self.record.attempt(&target, self.input_tokens, 0);
            let traceparent = self.trace.traceparent(&self.random);
            let call = EmbedCall { model: target.model.clone(), texts, traceparent };
            let within = Duration::from_millis(self.route.timeouts.first_token_milliseconds);
            let due = self.deadline.min(Instant::now() + within);
            let answer = timeout_at(due, provider.embed(call)).await;
            match answer.unwrap_or(Err(FailureKind::Timeout.plain())) {
                Ok(embeddings) => {
                    admitted.succeeded();
                    self.record.begun();
                    let usage = embeddings.input_tokens.map_or_else(
                        || self.record.estimate(),
                        |input_tokens| Usage { input_tokens, ..Usage::default() },
                    );
                    self.record.attempt_ended(LlmCallStatus::Completed, None, usage);
                    return Ok(placed(embeddings, &places, count));
                }
                Err(failure) => {
                    admitted.failed(failure);
                    let used = self.record.used(failure);
                    self.record.attempt_ended(LlmCallStatus::Failed, Some(failure), used);
                    if Instant::now() >= self.deadline {
                        return Err(failure);
                    }
                    self.journey.failed(failure);
                }
            }
        }
    }
}

/// Each vector at the place of its text.
fn placed(embeddings: Embeddings, places: &[usize], count: usize) -> Embedded {
    let mut vectors = vec![None; count];
    for (place, vector) in places.iter().zip(embeddings.vectors) {
        if let Some(at) = vectors.get_mut(*place) {
            *at = Some(vector);
        }
    }
    Embedded { vectors }
}
