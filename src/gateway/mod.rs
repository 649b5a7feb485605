//! Every model call goes through here: who asks is checked, the route is looked up by name, the provider behind it
//! streams its answer, and each stream ends with exactly one terminal event.
//!
//! The path of a call: [`Gateway::chat`] (service) → the route's [`Provider`] → its stream, closed by the service
//! where the provider forgets to. There is one route, `default`, and behind it [`Builtin`]: a coach without network
//! and without a model.
mod builtin;
mod call;
mod graphql;
mod guard;
mod guardrail;
mod log;
mod model;
pub mod policy;
mod price;
mod provider;
mod providers;
mod record;
mod route;
mod schema;
mod service;
mod store;
mod tool;

pub use builtin::{Builtin, digest};
pub use graphql::{CallLoader, GuardrailMutation, GuardrailQuery, LlmCallNode, WorkspaceCalls, request_data};
pub use guard::{GuardrailPolicy, GuardrailUse};
pub use guardrail::{
    Action, Check, Checking, Decision, Fault, Finding, Guardrail, Kind, Masks, OnError, Policy, Rule, Shape,
    Span, Stage, Unmasking,
};
pub use model::{
    ChatEvent, ChatMessage, ChatRequest, Completion, Egress, Failure, FailureKind, FinishReason,
    GroundingSource, Quote, Speaker, Task, ToolSpec, ToolUse, Usage, estimate_tokens,
};
pub use price::Cost;
pub use provider::{Embeddings, ModelCall, Provider, ProviderEvent, ProviderStream};
pub use providers::Providers;
pub use record::{Attempt, LlmCall, LlmCallStatus, Origin};
pub use service::{DEFAULT_ROUTE, Gateway, NewGuardrailPolicy, Parts, ProviderError, Tried, UsagePeriod};
pub use tool::{Done, Tool, Tools};
