//! Every model call goes through here: who asks is checked, the route is looked up by name, the provider behind it
//! streams its answer, and each stream ends with exactly one terminal event.
//!
//! The path of a call: [`Gateway::chat`] (service) → the route of its name that holds in the workspace ([`held`]) → an
//! answer from memory ([`cache`]), or [`call`], which goes along the route's targets to a [`Provider`] and its stream,
//! and closes it where the provider forgets to. As it comes, the product has one route, `default`, and behind it
//! [`Builtin`]: a coach without network and without a model.
mod answering;
mod budget;
mod builtin;
mod cache;
mod call;
mod content;
mod contradicting;
mod embedding;
mod event;
mod form;
mod graphql;
mod guard;
mod guardrail;
mod health;
mod held;
mod log;
mod model;
mod named;
mod ordering;
mod period;
pub mod policy;
mod port;
mod price;
mod provider;
mod providers;
mod record;
mod route;
mod schema;
mod service;
mod size;
mod store;
mod telemetry;
mod tool;

pub use answering::{Answered, AnsweredQuote};
pub use budget::{Budget, BudgetAction, BudgetScope, BudgetUse, NewBudget};
pub use builtin::{Builtin, digest};
pub use content::KeptContent;
pub use contradicting::{Contradicted, ContradictedBy};
pub use embedding::{
    EmbedError, EmbedPurpose, EmbedRequest, EmbedText, Embedded, EmbeddingModel, MAX_EMBEDDED,
};
pub use event::changes;
pub use form::read_form;
pub use graphql::{
    BudgetMutation, BudgetNode, CallLoader, CallSubscription, ContentMutation, GuardrailMutation,
    GuardrailQuery, LlmCallNode, RouteMutation, RouteNode, RouteQuery, WorkspaceBudgets, WorkspaceCalls,
    WorkspaceRoutes,
};
pub use guard::{GuardrailPolicy, GuardrailUse};
pub use guardrail::{
    Action, Check, Checking, Decision, Fault, Finding, Guardrail, Kind, Masks, OnError, Policy, Rule, Shape,
    Span, Stage, Unmasking,
};
pub use model::{
    ChatEvent, ChatMessage, ChatRequest, Completion, Egress, Failure, FailureKind, FinishReason,
    GroundingSource, Quote, Speaker, Task, ToolSpec, ToolUse, Usage,
};
pub use named::{NamedRoute, NewRoute};
pub use ordering::Ordered;
pub use period::UsagePeriod;
pub use port::Workflows;
pub use price::Cost;
pub use provider::{
    EmbedCall, Embeddings, MAX_DIMENSIONS, ModelCall, Provider, ProviderEvent, ProviderStream, open_provider,
};
pub use providers::Providers;
pub use record::{Attempt, LlmCall, LlmCallStatus, Origin};
pub use schema::Schema;
pub use service::{DEFAULT_ROUTE, Gateway, NewGuardrailPolicy, Parts, ProviderError, ProviderView, Tried};
pub use size::estimate_tokens;
pub use tool::{Asking, Done, TOOL_ROUNDS, TOOLS_AT_ONCE, Told, Tool, Tools, Used};
