//! What clients see of the gateway.
mod call;
mod event;
mod explain;
mod provider;
mod route;
mod route_input;
mod usage;

pub use call::{LlmCall as LlmCallNode, WorkspaceCalls};
pub use event::CallSubscription;
pub use route::{Route as RouteNode, RouteMutation, RouteQuery, WorkspaceRoutes};

use super::Gateway;
use crate::{
    graphql_kit::{Loaded, Loader},
    shared::{
        actor::Actor,
        id::{LlmCallId, RouteId},
    },
};
use async_graphql::Request;
use call::LlmCall;
use route::Route;
use std::{collections::HashMap, sync::Arc};

/// Loads calls and routes by id, as far as the actor may see them.
#[derive(Clone, Debug)]
pub struct CallLoader {
    gateway: Gateway,
    actor: Actor,
}

impl Loader<LlmCallId> for CallLoader {
    type Value = LlmCall;

    async fn load(&self, ids: &[LlmCallId]) -> Loaded<HashMap<LlmCallId, LlmCall>> {
        let found = self.gateway.find_calls(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, call)| (id, LlmCall(call))).collect())
    }
}

impl Loader<RouteId> for CallLoader {
    type Value = Route;

    async fn load(&self, ids: &[RouteId]) -> Loaded<HashMap<RouteId, Route>> {
        let found = self.gateway.find_routes(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, route)| (id, Route(route))).collect())
    }
}

/// Puts the loader that asks for the actor into a request.
pub fn request_data(request: Request, gateway: &Gateway, actor: &Actor) -> Request {
    request.data(Arc::new(CallLoader { gateway: gateway.clone(), actor: actor.clone() }))
}
