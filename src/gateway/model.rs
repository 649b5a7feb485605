use crate::shared::id::WorkspaceId;
use chrono::{DateTime, Utc};

/// Characters of all texts of one request together.
pub const MAX_INPUT: usize = 400_000;
/// Characters of one answer; a provider that says more is cut off.
pub const MAX_OUTPUT: usize = 100_000;

/// What a model is asked. The caller has done its own recall: nothing but this reaches a provider.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    pub workspace: WorkspaceId,
    /// The name of a route, as in `[gateway.routes.default]`.
    pub route: String,
    pub task: Task,
    /// Instructions that come before the conversation; may be empty.
    pub system: String,
    /// The conversation, oldest first; the last one is to be answered.
    pub messages: Vec<ChatMessage>,
    /// What the answer may quote, best first.
    pub sources: Vec<GroundingSource>,
}

/// What kind of answer is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// The next thing a coach says.
    Coach { topic: Option<String>, goal: Option<String> },
    /// An answer to a prompt.
    Complete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    User,
    Assistant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    pub speaker: Speaker,
    pub text: String,
}

/// A text that an answer may quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroundingSource {
    /// The caller's name for it; a [`Quote`] gives it back.
    pub id: String,
    pub text: String,
    /// Who said it, where that is known.
    pub speaker: Option<String>,
    pub occurred_at: Option<DateTime<Utc>>,
}

/// A part of a source that the answer quotes word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub source: String,
    /// Offsets into the source's text, in UTF-16 code units.
    pub start: usize,
    pub end: usize,
}

/// What a caller hears: deltas and citations (one comes before the words that it stands for, so that an answer which
/// breaks off in the midst of a quote still tells whose words they are), then exactly one of `Finished` and `Failed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatEvent {
    Delta { text: String },
    Citation(Quote),
    Finished { reason: FinishReason, usage: Usage },
    Failed(Failure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    EndOfTurn,
    /// The answer reached its greatest length.
    Length,
    ContentPolicy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub reason: FailureReason,
    /// For a log and for whoever asked: nothing of the provider's own words.
    pub message: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReason {
    Provider,
    Timeout,
    ContentPolicy,
}

/// Tokens, as the provider counted them, or by [`estimate_tokens`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub input_tokens: u32,
    pub output_tokens: u32,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub text: String,
    pub quotes: Vec<Quote>,
    pub reason: FinishReason,
    pub usage: Usage,
}

impl ChatEvent {
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Failed(_))
    }
}

impl ChatMessage {
    pub fn user(text: impl Into<String>) -> Self {
        Self { speaker: Speaker::User, text: text.into() }
    }

    pub fn assistant(text: impl Into<String>) -> Self {
        Self { speaker: Speaker::Assistant, text: text.into() }
    }
}

impl ChatRequest {
    /// One prompt, one answer: what a workflow's `llm` step asks.
    pub fn prompt(workspace: WorkspaceId, route: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self {
            workspace,
            route: route.into(),
            task: Task::Complete,
            system: String::new(),
            messages: vec![ChatMessage::user(prompt)],
            sources: vec![],
        }
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let messages = self.messages.iter().map(|message| message.text.as_str());
        let sources = self.sources.iter().map(|source| source.text.as_str());
        [self.system.as_str()].into_iter().chain(messages).chain(sources)
    }
}

/// A count of tokens where no tokenizer is at hand: one for each four characters, and one for what remains.
/// English text has 4 to 4.5 characters a token with today's tokenizers, so this errs on the high side.
pub fn estimate_tokens(text: &str) -> u32 {
    u32::try_from(text.chars().count().div_ceil(4)).unwrap_or(u32::MAX)
}
