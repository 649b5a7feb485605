//! Vectors of texts, from the model of a route.
use super::Gateway;
use crate::{
    config::{Fallbacks, Order, Route},
    gateway::{
        budget::Caller,
        call::{Call, embed},
        embedding::{EmbedError, EmbedRequest, Embedded, EmbeddingModel},
    },
    shared::{
        Error, Result, TraceId,
        actor::{Actor, Grant, Read, Write},
        id::WorkspaceId,
    },
};
use futures_util::FutureExt;
use std::sync::Arc;

impl Gateway {
    /// The model behind a route, as it holds in the workspace. Vectors of two models cannot be compared: so there has to be
    /// one alone.
    pub async fn embedding_model(&self, workspace: WorkspaceId, route: &str) -> Result<EmbeddingModel> {
        let held = self.held(workspace).await?;
        let found = self.known_route(&held, route)?;
        let target = found.only_target().ok_or_else(|| {
            let message = "a route for embeddings has one target and no fallbacks: vectors of two models cannot be \
                           compared";
            Error::invalid("route", message)
        })?;
        let model = EmbeddingModel { provider: target.provider.clone(), model: target.model.clone() };
        self.check_embedding_model(&model)?;
        Ok(model)
    }

    /// Whether what may not leave for outside goes to the provider of this model.
    pub fn is_internal(&self, model: &EmbeddingModel) -> bool {
        self.policies.is_internal(&model.provider)
    }

    /// Vectors for whoever asks. As any call it is held against budgets and guardrails, and logged; its texts are not kept.
    pub async fn embed(&self, actor: &Actor, request: EmbedRequest) -> Result<Embedded, EmbedError> {
        let grant = actor.may::<Read>(request.workspace)?;
        let caller = Caller {
            workspace: grant.workspace(),
            principal: grant.principal(),
            key: actor.key(),
            workflow: None,
        };
        self.embed_for(caller, actor.trace(), request).await
    }

    /// The same for the product's own upkeep of what is kept, at the cost of the grant's principal.
    pub async fn embed_kept(
        &self,
        grant: &Grant<Write>,
        request: EmbedRequest,
    ) -> Result<Embedded, EmbedError> {
        if request.workspace != grant.workspace() {
            return Err(Error::NotFound("workspace").into());
        }
        let (workspace, principal) = (grant.workspace(), grant.principal());
        self.embed_for(Caller { workspace, principal, key: None, workflow: None }, None, request).await
    }

    async fn embed_for(
        &self,
        caller: Caller,
        trace: Option<TraceId>,
        request: EmbedRequest,
    ) -> Result<Embedded, EmbedError> {
        request.check()?;
        self.check_embedding_model(&request.model)?;
        let held = self.held(request.workspace).await?;
        let named = self.known_route(&held, &request.route)?;
        let route = Arc::new(Route {
            targets: vec![request.model.target()],
            order: Order::default(),
            fallbacks: Fallbacks::default(),
            hedge_milliseconds: None,
            ..Route::clone(&named)
        });
        let trace = trace.unwrap_or_else(|| TraceId::random(&self.ambient.random));
        let request = request.into_chat();
        let record = self.record(self.begun(&caller, trace, &route, &request), "embeddings");
        let call = Call {
            caller,
            trace,
            ledger: self.ledger.clone(),
            // A cheaper route has another model, whose vectors are of no use.
            routes: Arc::new(|_| None),
            providers: self.providers.of(request.workspace),
            policies: self.policies.clone(),
            own: held.policies.clone(),
            route,
            request: Arc::new(request),
            random: self.ambient.random.clone(),
            record,
            place: None,
            keeps: None,
        };
        // On the heap: what a recall awaits would be too deep for the compiler otherwise.
        Ok(embed(call).boxed().await?)
    }

    fn check_embedding_model(&self, model: &EmbeddingModel) -> Result<()> {
        let EmbeddingModel { provider, .. } = model;
        let known = self.providers.get(provider);
        let known = known.ok_or_else(|| {
            Error::invalid("route", format!("the provider {provider:?} is not configured (any more)"))
        })?;
        if !known.kind.has_embeddings() {
            let message = format!(
                "the provider {provider:?} has no embeddings: openai-compatible, ollama and gemini have"
            );
            return Err(Error::invalid("route", message));
        }
        if provider.contains('/') {
            let message =
                format!("the provider {provider:?} needs a name without / to be asked for embeddings");
            return Err(Error::invalid("route", message));
        }
        Ok(())
    }
}
