//! The policies that hold for a call: the operator's, by configuration, and the workspace's own.
//!
//! The operator's come first and see the texts as they are, so that no policy of a workspace takes anything from what
//! they find: it can only add.
use super::super::{
    guardrail::{Guardrail, OnError, Policy, Stage},
    store,
};
use crate::{
    config::{GatewayConfig, Route},
    db::Db,
    shared::{
        Clock, Result,
        actor::{Grant, Read},
        id::WorkspaceId,
    },
};
use chrono::{DateTime, Utc};
use quick_cache::sync::Cache;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// How long what was read of a workspace is taken for true: what another server changed holds here after that.
const FRESH: Duration = Duration::from_secs(2);
/// Workspaces of which it is known.
const KNOWN: usize = 10_000;
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
type Own = Arc<[(Vec<String>, Arc<Layer>)]>;

#[derive(Clone, Debug)]
pub struct Policies(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Clock,
    configured: BTreeMap<String, Arc<Layer>>,
    /// Names of policies by the routes that the operator has configured.
    by_route: BTreeMap<String, Vec<String>>,
    /// Providers that what may not leave goes to.
    internal: BTreeSet<String>,
    /// Take care of placeholders that texts have of their own, where another stage masks.
    plain: [Arc<Guardrail>; 2],
    own: Cache<WorkspaceId, (Instant, Own)>,
}

impl Policies {
    pub fn new(config: &GatewayConfig, db: Db, clock: Clock) -> Self {
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
            own: Cache::new(KNOWN),
            db,
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

    /// What holds for a call on this route, in the order in which it sees the texts. An error where that cannot be
    /// known: then nothing may pass.
    pub async fn of(&self, grant: &Grant<Read>, name: &str, route: &Route) -> Result<Vec<Arc<Layer>>> {
        let own = self.own(grant).await?;
        let own = own.iter().filter(|(routes, _)| routes.is_empty() || routes.iter().any(|it| it == name));
        Ok(self.configured(name, route).into_iter().chain(own.map(|(_, layer)| Arc::clone(layer))).collect())
    }

    /// The operator's: those of the route as configured, and those that the route at hand names beside them.
    fn configured(&self, name: &str, route: &Route) -> Vec<Arc<Layer>> {
        let by_route = &self.0.by_route;
        let configured = by_route.get(name).or_else(|| by_route.get(STANDARD));
        let mut layers: Vec<Arc<Layer>> = vec![];
        for name in configured.into_iter().flatten().chain(&route.guardrails) {
            if let Some(layer) = self.0.configured.get(name)
                && !layers.iter().any(|known| Arc::ptr_eq(known, layer))
            {
                layers.push(Arc::clone(layer));
            }
        }
        layers
    }

    async fn own(&self, grant: &Grant<Read>) -> Result<Own> {
        let workspace = grant.workspace();
        let known = self.0.own.get(&workspace);
        if let Some((read, own)) = &known
            && read.elapsed() < FRESH
        {
            return Ok(Arc::clone(own));
        }
        let now = Instant::now();
        match self.read(grant).await {
            Ok(own) => {
                self.0.own.insert(workspace, (now, Arc::clone(&own)));
                Ok(own)
            }
            Err(error) => match known {
                // Better an older policy than none.
                Some((_, own)) => {
                    tracing::warn!(%workspace, %error, "guardrails could not be read anew; the known ones hold on");
                    Ok(own)
                }
                None => Err(error),
            },
        }
    }

    async fn read(&self, grant: &Grant<Read>) -> Result<Own> {
        let policies = store::list_guardrail_policies(&self.0.db, grant).await?;
        let layer = |it: &GuardrailPolicy| Arc::new(Layer::of_valid(&it.name, &it.policy, &self.0.clock));
        Ok(policies.iter().map(|it| (it.routes.clone(), layer(it))).collect())
    }

    /// They were changed: the next call reads them anew.
    pub fn changed(&self, workspace: WorkspaceId) {
        self.0.own.remove(&workspace);
    }
}
