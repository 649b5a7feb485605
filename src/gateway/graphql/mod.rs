//! What clients see of the gateway.
mod call;
mod guardrail;
mod usage;

pub use call::{LlmCall as LlmCallNode, WorkspaceCalls};
pub use guardrail::{GuardrailMutation, GuardrailQuery};

use super::{Gateway, GuardrailPolicy};
use crate::{
    graphql_kit::{Loaded, Loader},
    shared::{
        actor::Actor,
        id::{LlmCallId, WorkspaceId},
    },
};
use async_graphql::Request;
use call::LlmCall;
use std::{collections::HashMap, sync::Arc};

/// Loads calls by id, as far as the actor may see them.
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

/// Policies of workspaces that the actor administers.
impl Loader<WorkspaceId> for CallLoader {
    type Value = Vec<GuardrailPolicy>;

    async fn load(&self, ids: &[WorkspaceId]) -> Loaded<HashMap<WorkspaceId, Self::Value>> {
        Ok(self.gateway.find_guardrail_policies(&self.actor, ids).await?)
    }
}

/// Puts the loader that asks for the actor into a request.
pub fn request_data(request: Request, gateway: &Gateway, actor: &Actor) -> Request {
    request.data(Arc::new(CallLoader { gateway: gateway.clone(), actor: actor.clone() }))
}
