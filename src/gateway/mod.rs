//! Every model call goes through here: who asks is checked, the route is looked up by name, the provider behind it
//! streams its answer, and each stream ends with exactly one terminal event.
//!
//! The path of a call: [`Gateway::chat`] (service) → the route of its name that holds in the workspace ([`held`]) → an
//! answer from memory ([`cache`]), or [`call`], which goes along the route's targets to a [`Provider`] and its stream,
//! and closes it where the provider forgets to. As it comes, the product has one route, `default`, and behind it
//! [`Builtin`]: a coach without network and without a model.
mod budget;
mod builtin;
mod cache;
mod call;
mod event;
mod graphql;
mod guardrail;
mod health;
mod hedge;
mod held;
mod log;
mod model;
mod named;
mod period;
pub mod policy;
mod port;
mod price;
mod provider;
mod providers;
mod record;
mod route;
mod service;
mod store;
mod telemetry;

pub use budget::{Budget, BudgetAction, BudgetScope, BudgetUse, NewBudget};
pub use builtin::{Builtin, digest};
pub use event::changes;
pub use graphql::{
    BudgetMutation, BudgetNode, CallLoader, CallSubscription, LlmCallNode, RouteMutation, RouteNode,
    RouteQuery, WorkspaceBudgets, WorkspaceCalls, WorkspaceRoutes, request_data,
};
pub use guardrail::{
    Action, Check, Checking, Decision, Fault, Finding, Guardrail, Kind, LogEntry, Masks, OnError, Policy,
    Rule, Shape, Span, Stage, Unmasking,
};
pub use model::{
    ChatEvent, ChatMessage, ChatRequest, Completion, Failure, FailureKind, FinishReason, GroundingSource,
    Quote, Speaker, Task, ToolSpec, ToolUse, Usage, estimate_tokens,
};
pub use named::{NamedRoute, NewRoute};
pub use period::UsagePeriod;
pub use port::Workflows;
pub use price::Cost;
pub use provider::{Embeddings, ModelCall, Provider, ProviderEvent, ProviderStream};
pub use providers::Providers;
pub use record::{Attempt, LlmCall, LlmCallStatus, Origin};
pub use service::{DEFAULT_ROUTE, Gateway, Parts, ProviderError, ProviderView};
