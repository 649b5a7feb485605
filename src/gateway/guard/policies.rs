//! The policies that hold for a call: the operator's, by configuration, and the workspace's own.
//!
//! The operator's come first and see the texts as they are, so that no policy of a workspace takes anything from what
//! they find: it can only add.
use super::super::guardrail::{Guardrail, OnError, Policy, Stage};
use crate::{
    config::{GatewayConfig, Route},
    shared::{Clock, id::WorkspaceId},
};
use chrono::{DateTime, Utc};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The route whose policies hold on routes that the operator has not configured.
const STANDARD: &str = super::super::DEFAULT_ROUTE;

/// A workspace's own policy.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardrailPolicy {
    pub workspace: WorkspaceId,
    /// Unique in the workspace.
    pub name: String,
    /// On which it holds; empty: on all.
    pub routes: Vec<String>,
    pub policy: Policy,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
}

/// A policy, ready to run.
#[derive(Debug)]
pub struct Layer {
    pub name: String,
    /// All of it, on a text as it is.
    pub whole: Arc<Guardrail>,
    /// What finds and changes nothing.
    pub watching: Option<Arc<Guardrail>>,
    /// What masks, where it is the first to do so, and where another one did before.
    pub masking: Option<[Arc<Guardrail>; 2]>,
}

impl Layer {
    fn of_valid(name: &str, policy: &Policy, clock: &Clock) -> Self {
        let ready = |policy: Policy| Guardrail::of_valid(policy, clock.clone());
        let (watching, masking) = policy.split();
        Self {
            name: name.to_owned(),
            whole: Arc::new(ready(policy.clone())),
            watching: (!watching.rules.is_empty()).then(|| Arc::new(ready(watching))),
            masking: (!masking.rules.is_empty()).then(|| {
                let later = ready(masking.clone()).after_another();
                [Arc::new(ready(masking)), Arc::new(later)]
            }),
        }
    }

    pub fn stage(&self) -> Stage {
        self.whole.policy().stage
    }
}

/// What the workspace added, by the routes on which it holds.
pub type Own = Arc<[(Vec<String>, Arc<Layer>)]>;

#[derive(Clone, Debug)]
pub struct Policies(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    configured: BTreeMap<String, Arc<Layer>>,
    /// Names of policies by the routes that the operator has configured.
    by_route: BTreeMap<String, Vec<String>>,
    /// Providers that what may not leave goes to.
    internal: BTreeSet<String>,
    /// Take care of placeholders that texts have of their own, where another stage masks.
    plain: [Arc<Guardrail>; 2],
}

impl Policies {
    pub fn new(config: &GatewayConfig, clock: Clock) -> Self {
        let layer = |(name, policy): (&String, &Policy)| {
            (name.clone(), Arc::new(Layer::of_valid(name, policy, &clock)))
        };
        let internal = config.providers.iter().filter(|(_, provider)| provider.is_internal());
        let plain = [Stage::Input, Stage::Retrieval].map(|stage| {
            let policy = Policy { stage, rules: vec![], on_error: OnError::FailClosed };
            Arc::new(Guardrail::of_valid(policy, clock.clone()))
        });
        let routes = config.routes.iter();
        Self(Arc::new(Inner {
            configured: config.guardrails.iter().map(layer).collect(),
            by_route: routes.map(|(name, route)| (name.clone(), route.guardrails.clone())).collect(),
            internal: internal.map(|(name, _)| name.clone()).collect(),
            plain,
            clock,
        }))
    }

    /// Whether the provider is one of the operator's own.
    pub fn is_internal(&self, provider: &str) -> bool {
        self.0.internal.contains(provider)
    }

    /// Of INPUT and RETRIEVAL.
    pub fn plain(&self) -> &[Arc<Guardrail>; 2] {
        &self.0.plain
    }

    /// What holds for a call that has to do with these routes, each by its name, in the order in which it sees the
    /// texts: all that holds on any of them.
    pub fn of(&self, own: &Own, routes: &[(&str, &Route)]) -> Vec<Arc<Layer>> {
        let holds =
            |on: &[String]| on.is_empty() || routes.iter().any(|(name, _)| on.iter().any(|it| it == name));
        let own = own.iter().filter(|(on, _)| holds(on)).map(|(_, layer)| layer);
        let configured = routes.iter().flat_map(|(name, route)| self.configured(name, route));
        let mut layers: Vec<Arc<Layer>> = vec![];
        for layer in configured.chain(own) {
            if !layers.iter().any(|known| Arc::ptr_eq(known, layer)) {
                layers.push(Arc::clone(layer));
            }
        }
        layers
    }

    /// The operator's: those of the route as configured, and those that the route at hand names beside them.
    fn configured<'l>(&'l self, name: &str, route: &'l Route) -> impl Iterator<Item = &'l Arc<Layer>> {
        let by_route = &self.0.by_route;
        let configured = by_route.get(name).or_else(|| by_route.get(STANDARD));
        let names = configured.into_iter().flatten().chain(&route.guardrails);
        names.filter_map(|name| self.0.configured.get(name))
    }

    /// A workspace's own policies, ready to run.
    pub fn ready(&self, policies: &[GuardrailPolicy]) -> Own {
        let layer = |it: &GuardrailPolicy| Arc::new(Layer::of_valid(&it.name, &it.policy, &self.0.clock));
        policies.iter().map(|it| (it.routes.clone(), layer(it))).collect()
    }
}
