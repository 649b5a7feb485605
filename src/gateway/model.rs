use super::{embedding::EmbedPurpose, record::Origin, schema::Schema};
use crate::shared::{
    Error, Problems,
    id::{WorkflowId, WorkspaceId},
    stored,
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::time::Duration;

/// Characters of all texts of one request together.
pub const MAX_INPUT: usize = 400_000;
/// Characters of one answer; a provider that says more is cut off.
pub const MAX_OUTPUT: usize = 100_000;

/// Tools that one request offers, and that one answer asks for.
pub const MAX_TOOLS: usize = 64;
/// Bytes of what a tool is called, and of what is said about it.
pub(super) const MAX_TOOL_NAME: usize = 64;
const MAX_DESCRIPTION: usize = 8 << 10;

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
    /// What the model may ask for instead of an answer; empty: nothing.
    pub tools: Vec<ToolSpec>,
    /// The JSON schema that the answer has to fit; `None` where it is free text.
    pub output_schema: Option<Value>,
    /// How long the answer may be; as the route says where nothing is said.
    pub max_output_tokens: Option<u32>,
    /// What it is asked for.
    pub origin: Option<Origin>,
    /// The workflow that asks: its budgets hold, too.
    pub workflow: Option<WorkflowId>,
}

/// A tool that a model may ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolSpec {
    /// Letters, digits and `_`, at most 64: what all providers take.
    pub name: String,
    /// For the model: what it does, and when to use it.
    pub description: String,
    /// The JSON schema of its arguments, an object.
    pub parameters: Value,
}

impl ToolSpec {
    /// An error says why no provider would take it.
    pub fn check(&self) -> Result<(), String> {
        if !is_tool_name(&self.name) {
            return Err("a tool's name has 1 to 64 letters, digits, _ and -".to_owned());
        }
        let bytes = self.description.len();
        if bytes > MAX_DESCRIPTION {
            return Err(format!(
                "a tool's description has {bytes} bytes: at most {MAX_DESCRIPTION} are possible"
            ));
        }
        Schema::check_bounds(&self.parameters).map_err(|problem| format!("a tool's parameters: {problem}"))
    }
}

/// What all providers take for the name of a tool.
pub(super) fn is_tool_name(name: &str) -> bool {
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'-');
    (1..=MAX_TOOL_NAME).contains(&name.len()) && name.bytes().all(is_letter)
}

/// A model asks for a tool. Its arguments are the model's words: not checked yet.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolUse {
    /// The provider's name for this use; its result goes back under it.
    pub id: String,
    pub name: String,
    pub arguments: Value,
}

/// What kind of answer is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// The next thing a coach says.
    Coach { topic: Option<String>, goal: Option<String> },
    /// An answer to a prompt.
    Complete,
    /// An answer to the last message from the sources alone, in the form of [`Answered`](super::Answered).
    Answer,
    /// The order of the sources by how well they answer the last message, in the form of [`Ordered`](super::Ordered). Their ids
    /// are numbers, by which the answer names them.
    Order,
    /// Which of the sources cannot hold beside the first, in the form of [`Contradicted`](super::Contradicted). Their ids are
    /// numbers, by which the answer names them.
    Contradict,
    /// A vector for each source: what [`EmbedRequest`](super::EmbedRequest) is on its way.
    Embed(EmbedPurpose),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Speaker {
    User,
    /// What the model said before, and the tools that it asked for.
    Assistant {
        tools: Vec<ToolUse>,
    },
    /// The result of the [`ToolUse`] of this id.
    Tool {
        id: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
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
    pub egress: Egress,
}

stored! {
    /// Where something may go.
    #[derive(Default)]
    Egress {
        /// To every provider.
        #[default]
        Allowed = "ALLOWED",
        /// To providers that the operator marked as internal.
        InternalOnly = "INTERNAL_ONLY",
    }
}

/// A part of a source that the answer quotes word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub source: String,
    /// Offsets into the source's text, in UTF-16 code units.
    pub start: usize,
    pub end: usize,
}

/// What a caller hears: deltas and citations, then exactly one of `Finished` and `Failed`. A citation comes before the words
/// that it stands for where the provider gives it (an answer that breaks off in the midst of a quote still tells whose words
/// they are), and right after them where it is found in the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatEvent {
    Delta { text: String },
    Citation(Quote),
    Tool(ToolUse),
    Finished { reason: FinishReason, usage: Usage },
    Failed(Failure),
}

stored! {
    /// Why an answer ended.
    FinishReason {
        EndOfTurn = "END_OF_TURN",
        /// The answer reached its greatest length.
        Length = "LENGTH",
        ContentPolicy = "CONTENT_POLICY",
        /// The model waits for the results of the tools that it asked for.
        ToolUse = "TOOL_USE",
    }
}

/// Why a provider gave no answer, or not all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.kind.text())]
pub struct Failure {
    pub kind: FailureKind,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
}

stored! {
    /// What went wrong with a provider, or kept a call from one.
    FailureKind {
        Connect = "CONNECT",
        Timeout = "TIMEOUT",
        RateLimited = "RATE_LIMITED",
        Provider = "PROVIDER",
        Unauthorized = "UNAUTHORIZED",
        Rejected = "REJECTED",
        ContextWindow = "CONTEXT_WINDOW",
        ContentPolicy = "CONTENT_POLICY",
        Malformed = "MALFORMED",
        TooLong = "TOO_LONG",
        CutOff = "CUT_OFF",
        Budget = "BUDGET_EXCEEDED",
        NoPrice = "NO_PRICE",
        BudgetUnknown = "BUDGET_UNKNOWN",
        Guardrail = "GUARDRAIL",
        Unchecked = "UNCHECKED",
    }
}

impl FailureKind {
    /// For a log and for whoever asked: nothing of the provider's own words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Connect => "the provider cannot be reached",
            Self::Timeout => "the provider took too long",
            Self::RateLimited => "the provider takes no more requests for now",
            Self::Provider => "the provider has a fault of its own",
            Self::Unauthorized => "the provider refuses the credential",
            Self::Rejected => "the provider refuses the request",
            Self::ContextWindow => "the texts are longer than the model's context",
            Self::ContentPolicy => "the provider's rules do not allow an answer",
            Self::Malformed => "the provider's answer cannot be read",
            Self::TooLong => "the provider's answer is too long",
            Self::CutOff => "the provider stopped in the middle of its answer",
            Self::Budget => "the budget is used up",
            Self::NoPrice => {
                "a budget blocks what it cannot count, and a model of this route has no price in its currency"
            }
            Self::BudgetUnknown => "what is left of the budget cannot be read now: try again in a moment",
            Self::Guardrail => "a guardrail does not let this pass",
            Self::Unchecked => "what guardrails hold could not be found out",
        }
    }

    pub const fn plain(self) -> Failure {
        Failure { kind: self, retry_after: None }
    }

    /// Whether a provider that failed so before it said anything may have read the request, and bills it.
    pub(super) const fn was_carried_out(self) -> bool {
        match self {
            Self::Timeout | Self::Malformed | Self::TooLong | Self::CutOff => true,
            Self::Connect
            | Self::RateLimited
            | Self::Provider
            | Self::Unauthorized
            | Self::Rejected
            | Self::ContextWindow
            | Self::ContentPolicy
            | Self::Budget
            | Self::NoPrice
            | Self::BudgetUnknown
            | Self::Guardrail
            | Self::Unchecked => false,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::RateLimited => {
                Self::RateLimited { retry_after: failure.retry_after.unwrap_or(Duration::from_secs(1)) }
            }
            FailureKind::ContextWindow => Self::invalid("prompt", failure.to_string()),
            FailureKind::Budget => Self::BudgetExceeded,
            FailureKind::NoPrice => Self::invalid("route", failure.to_string()),
            kind => Self::Unavailable(kind.text()),
        }
    }
}

/// Tokens, as the provider counted them, or by [`super::estimate_tokens`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All that went in, the cached ones included.
    pub input_tokens: u32,
    /// Of these, read from the provider's cache.
    pub cached_input_tokens: u32,
    /// All that came out, a model's thinking included.
    pub output_tokens: u32,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    pub text: String,
    pub quotes: Vec<Quote>,
    /// What the model waits for, where it ended with [`FinishReason::ToolUse`].
    pub tools: Vec<ToolUse>,
    pub reason: FinishReason,
    pub usage: Usage,
}

impl Usage {
    pub fn saturating_add(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_input_tokens: self.cached_input_tokens.saturating_add(other.cached_input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }
}

/// Characters of the texts and the names in a JSON value, and one for each value.
pub(super) fn text_in(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.iter().map(text_in).sum(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| name.chars().count() + text_in(field)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
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
        Self { speaker: Speaker::Assistant { tools: vec![] }, text: text.into() }
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
            tools: vec![],
            output_schema: None,
            max_output_tokens: None,
            origin: None,
            workflow: None,
        }
    }

    /// What is wrong with its texts, its tools and its schema, each with its place; quick.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut problems = Problems::default();
        let length: usize = self.words().map(|text| text.chars().count()).sum();
        let length = self.asked().map(|tool| text_in(&tool.arguments)).fold(length, usize::saturating_add);
        if length > MAX_INPUT {
            problems.invalid("prompt", format!("{length} characters: at most {MAX_INPUT} are possible"));
        }
        if self.tools.len() > MAX_TOOLS {
            problems.invalid("tools", format!("at most {MAX_TOOLS} tools are possible"));
        }
        for (place, tool) in self.tools.iter().enumerate().take(MAX_TOOLS) {
            if let Err(problem) = tool.check() {
                problems.invalid(format!("tools.{place}"), problem);
            }
        }
        if let Some(Err(problem)) = self.output_schema.as_ref().map(Schema::check_bounds) {
            problems.invalid("outputSchema", problem);
        }
        problems.finish()
    }

    /// What people and documents say in it.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let about = match &self.task {
            Task::Coach { topic, goal } => [topic.as_deref(), goal.as_deref()],
            Task::Answer | Task::Complete | Task::Order | Task::Contradict | Task::Embed(_) => [None, None],
        };
        let messages = self.messages.iter().map(|message| message.text.as_str());
        let sources = self.sources.iter();
        let sources =
            sources.flat_map(|source| [Some(source.text.as_str()), source.speaker.as_deref()]).flatten();
        [self.system.as_str()].into_iter().chain(about.into_iter().flatten()).chain(messages).chain(sources)
    }

    /// The tools that a model asked for in it.
    pub(super) fn asked(&self) -> impl Iterator<Item = &ToolUse> {
        self.messages.iter().flat_map(|message| match &message.speaker {
            Speaker::Assistant { tools } => tools.as_slice(),
            Speaker::User | Speaker::Tool { .. } => &[],
        })
    }
}
