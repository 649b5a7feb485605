use super::Ended;
use crate::{
    config::Route,
    gateway::{
        model::{ChatEvent, FailureKind},
        provider::{ProviderEvent, ProviderStream},
        route::Seam,
    },
};
use futures_util::StreamExt;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// One provider's stream, with its time limits, joined to what was said before.
pub(super) struct Attempt {
    answer: ProviderStream,
    seam: Seam,
    /// Until when the next word has to come.
    due: Instant,
    between: Duration,
    deadline: Instant,
    /// What comes after the text that the seam still held back.
    after: Option<Ended>,
}

pub(super) enum Step {
    Event(ChatEvent),
    /// Something came, of which nothing is to be told.
    Quiet,
    Ended(Ended),
}

impl Attempt {
    pub(super) fn new(answer: ProviderStream, route: &Route, deadline: Instant, seam: Seam) -> Self {
        let first = Duration::from_millis(route.timeouts.first_token_milliseconds);
        Self {
            answer,
            seam,
            due: Instant::now() + first,
            between: Duration::from_millis(route.timeouts.between_tokens_milliseconds),
            deadline,
            after: None,
        }
    }

    pub(super) async fn next(&mut self) -> Step {
        if let Some(ended) = self.after.take() {
            return Step::Ended(ended);
        }
        let event = match timeout_at(self.due.min(self.deadline), self.answer.next()).await {
            Err(_) => return self.end(Ended::Failed(FailureKind::Timeout.plain())),
            Ok(None) => return self.end(Ended::Failed(FailureKind::CutOff.plain())),
            Ok(Some(Err(failure))) => return self.end(Ended::Failed(failure)),
            Ok(Some(Ok(event))) => event,
        };
        self.due = Instant::now() + self.between;
        match event {
            ProviderEvent::Delta { text } => match self.seam.pass(text) {
                text if text.is_empty() => Step::Quiet,
                text => Step::Event(ChatEvent::Delta { text }),
            },
            ProviderEvent::Citation(quote) => Step::Event(ChatEvent::Citation(quote)),
            ProviderEvent::Tool(tool) => Step::Event(ChatEvent::Tool(tool)),
            ProviderEvent::Finished { reason, usage } => self.end(Ended::Finished(reason, usage)),
        }
    }

    /// What the seam held back comes before the end. Of an attempt that broke off it may be half a repetition, and the
    /// next one goes on from before it.
    fn end(&mut self, ended: Ended) -> Step {
        if matches!(ended, Ended::Failed(_)) {
            return Step::Ended(ended);
        }
        match self.seam.finish() {
            text if text.is_empty() => Step::Ended(ended),
            text => {
                self.after = Some(ended);
                Step::Event(ChatEvent::Delta { text })
            }
        }
    }
}
