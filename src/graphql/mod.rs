//! The one schema, assembled from the slices, and the way of a document through it.
mod change;
mod explain;
mod node;
pub mod pipeline;
mod share;
mod trusted;

use crate::{
    account::{AccountMutation, AccountQuery},
    coaching::{CoachingMutation, CoachingSubscription},
    gateway::{
        BudgetMutation, CallSubscription, ContentMutation, GuardrailMutation, GuardrailQuery, RouteMutation,
        RouteQuery,
    },
    graphql_kit::{ErrorCode, Tellings},
    memory::{self, DocumentMutation, MemoryMutation},
    services::Services,
    shared::actor::Actor,
    trusted::TrustedMutation,
    workflow::{WorkflowMutation, WorkflowSubscription},
};
use async_graphql::{
    MergedObject, MergedSubscription, Request, SDLExportOptions, Schema as BareSchema, ValidationMode,
};

/// Where every read begins.
#[derive(MergedObject, Default, Debug)]
pub struct Query(AccountQuery, GuardrailQuery, node::NodeQuery, change::ChangeQuery, RouteQuery);

/// Every change.
#[derive(MergedObject, Default, Debug)]
pub struct Mutation(
    AccountMutation,
    TrustedMutation,
    BudgetMutation,
    GuardrailMutation,
    ContentMutation,
    MemoryMutation,
    DocumentMutation,
    WorkflowMutation,
    CoachingMutation,
    RouteMutation,
);

/// What happens, as it happens.
#[derive(MergedSubscription, Default, Debug)]
pub struct Subscription(
    WorkflowSubscription,
    CoachingSubscription,
    change::ChangeSubscription,
    CallSubscription,
);

pub type Schema = BareSchema<Query, Mutation, Subscription>;

type Builder = async_graphql::SchemaBuilder<Query, Mutation, Subscription>;

/// The schema over the services.
pub fn schema(services: &Services) -> Schema {
    over(services, builder())
}

/// The same, whose executions tell what they do to [`crate::shared::explain`].
pub fn explaining_schema(services: &Services) -> Schema {
    over(services, builder().extension(explain::Explain))
}

fn over(services: &Services, builder: Builder) -> Schema {
    builder
        .data(services.account.clone())
        .data(services.gateway.clone())
        .data(services.trusted.clone())
        .data(services.memory.clone())
        .data(services.workflow.clone())
        .data(services.coaching.clone())
        .data(services.sync.clone())
        .data(share::Shares::default())
        .data(Tellings::default())
        .finish()
}

fn builder() -> Builder {
    BareSchema::build(Query::default(), Mutation::default(), Subscription::default())
        .register_output_type::<ErrorCode>()
        .disable_suggestions()
        // The document pipeline has validated.
        .validation_mode(ValidationMode::Fast)
}

/// The schema's text, as committed in `schema.graphql`.
pub fn sdl() -> String {
    let options =
        SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items().include_specified_by();
    builder().finish().sdl_with_options(options)
}

/// Puts who asks into a request, and what bounds it.
pub fn request_data(request: Request, actor: Actor) -> Request {
    memory::request_data(request).data(actor)
}
