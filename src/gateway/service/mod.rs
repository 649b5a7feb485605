//! What callers ask of the gateway.
mod budget;
mod content;
mod embed;
mod guardrail;
mod log;
mod route;

pub use guardrail::{NewGuardrailPolicy, Tried};
pub use route::ProviderView;

use super::{
    Workflows,
    budget::{Caller, Ledger},
    builtin,
    cache::{Answer, Answers},
    call::{Call, drive},
    guard::Policies,
    health,
    held::{Held, HeldOf},
    log::CallLog,
    model::{ChatEvent, ChatRequest, Completion, FailureKind, FinishReason, Usage},
    provider::{Provider, open_provider},
    providers::{Known, Providers},
    record::{LlmCall, LlmCallStatus, Record},
};
use crate::{
    account::AccountService,
    config::{GatewayConfig, Prices, ProviderConfig, ProviderKind, Retry, Route},
    db::Db,
    event::{Bus, Log, Signal},
    shared::{
        Ambient, Error, Result, TraceId,
        actor::{Actor, Write},
        id::WorkspaceId,
    },
};
use chrono::TimeDelta;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const DEFAULT_ROUTE: &str = "default";

/// A provider that cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("gateway.providers.{name}: {problem}")]
pub struct ProviderError {
    name: String,
    problem: String,
}

/// Of which the gateway is made.
#[derive(Debug)]
pub struct Parts {
    pub db: Db,
    pub events: Log,
    pub bus: Bus,
    pub ambient: Ambient,
    pub account: AccountService,
    pub workflows: Arc<dyn Workflows>,
}

/// The door to every model.
#[derive(Clone, Debug)]
pub struct Gateway {
    db: Db,
    events: Log,
    bus: Bus,
    ambient: Ambient,
    account: AccountService,
    workflows: Arc<dyn Workflows>,
    providers: Providers,
    prices: Arc<Prices>,
    /// Of the configuration.
    routes: Arc<BTreeMap<String, Arc<Route>>>,
    held: HeldOf,
    answers: Answers,
    policies: Policies,
    log: CallLog,
    ledger: Ledger,
    /// How long contents of calls are kept.
    keep_contents: TimeDelta,
}

impl Gateway {
    /// An error names the provider that cannot be used, and why.
    pub fn new(config: &GatewayConfig, parts: Parts) -> Result<Self, ProviderError> {
        let Parts { db, events, bus, ambient, account, workflows } = parts;
        let open = |(name, settings): (&String, &ProviderConfig)| {
            let opened = open_provider(settings, &config.builtin);
            let opened = opened.map_err(|problem| ProviderError { name: name.clone(), problem })?;
            let (kind, max_concurrent) = (settings.kind, settings.max_concurrent);
            Ok((name.clone(), Known { provider: opened, kind, max_concurrent }))
        };
        let providers = config.providers.iter().map(open).collect::<Result<Vec<_>, ProviderError>>()?;
        let routes = config.routes.iter().map(|(name, route)| (name.clone(), Arc::new(route.clone())));
        let prices = Arc::new(config.prices.clone());
        let ledger = Ledger::new(db.clone(), events.clone(), ambient.clone(), prices.clone());
        let policies = Policies::new(config, ambient.clock.clone());
        Ok(Self {
            policies,
            providers: Providers::new(providers, Duration::from_millis(config.patience_milliseconds)),
            prices,
            routes: Arc::new(routes.collect()),
            held: HeldOf::new(),
            answers: Answers::new(config.cache_bytes, ambient.clock.clone()),
            log: CallLog::default(),
            db,
            events,
            bus,
            ambient,
            account,
            workflows,
            ledger,
            keep_contents: TimeDelta::days(config.content_days.into()),
        })
    }

    /// The same, with these providers in the place of configured ones of their names.
    pub fn with_providers(self, own: impl IntoIterator<Item = (String, Arc<dyn Provider>)>) -> Self {
        let mut all: BTreeMap<_, _> =
            self.providers.iter().map(|(name, known)| (name.to_owned(), known.clone())).collect();
        for (name, provider) in own {
            if let Some(known) = all.get_mut(&name) {
                known.provider = provider;
            }
        }
        Self { providers: Providers::new(all, self.providers.patience()), ..self }
    }

    /// The same, with this provider alone behind the default route, asked once a call.
    pub fn answered_by(self, provider: Arc<dyn Provider>) -> Self {
        let retry = Retry { rounds: 1, ..Retry::default() };
        let route = Arc::new(Route { retry, ..Route::to("own", builtin::MODEL) });
        let known = Known { provider, kind: ProviderKind::Builtin, max_concurrent: None };
        Self {
            providers: Providers::new([("own".to_owned(), known)], self.providers.patience()),
            routes: Arc::new([(DEFAULT_ROUTE.to_owned(), route)].into()),
            ..self
        }
    }

    /// Starts an answer. The stream ends with exactly one terminal event; dropping it ends the call. However it ends,
    /// it is in the usage log.
    ///
    /// `Refused` at `route` where no route has this name, and where its texts, its tools or its schema are no call's.
    pub async fn chat(&self, actor: &Actor, request: ChatRequest) -> Result<BoxStream<'static, ChatEvent>> {
        actor.may::<Write>(request.workspace)?;
        let held = self.held(request.workspace).await?;
        let route = self.known_route(&held, &request.route)?;
        request.check()?;
        let trace = actor.trace().unwrap_or_else(|| TraceId::random(&self.ambient.random));
        let caller = Caller {
            workspace: request.workspace,
            principal: actor.principal(),
            key: actor.key(),
            workflow: request.workflow,
        };
        let call = self.begun(&caller, trace, &route, &request);
        let place = self.answers.place(&route, &request, held.version);
        if let Some(answer) = place.as_ref().and_then(|place| place.find()) {
            return Ok(again(&answer, self.record(LlmCall { cache_hit: true, ..call }, "chat")));
        }
        let call = Call {
            caller,
            trace,
            ledger: self.ledger.clone(),
            routes: self.routes_of(held.clone()),
            providers: self.providers.of(request.workspace),
            policies: self.policies.clone(),
            own: held.policies.clone(),
            route,
            request: Arc::new(request),
            random: self.ambient.random.clone(),
            record: self.record(call, "chat"),
            place,
            keeps: held.keeps_contents.then_some(held.version),
        };
        Ok(drive(call).boxed())
    }

    /// A call that begins now.
    fn begun(&self, caller: &Caller, trace: TraceId, route: &Route, request: &ChatRequest) -> LlmCall {
        LlmCall {
            id: self.ambient.ids.next(),
            workspace: request.workspace,
            principal: caller.principal,
            origin: request.origin.clone(),
            workflow: request.workflow,
            trace: Some(trace),
            route: request.route.clone(),
            model_requested: route.targets.first().map(|target| target.model.clone()),
            model_used: None,
            status: LlmCallStatus::Running,
            finish_reason: None,
            cache_hit: false,
            usage: Usage::default(),
            cost: None,
            time_to_first_token: None,
            duration: Duration::ZERO,
            attempts: vec![],
            guardrails: vec![],
            started_at: self.ambient.now(),
        }
    }

    fn record(&self, call: LlmCall, operation: &'static str) -> Record {
        Record::begin(call, operation, self.prices.clone(), Arc::new(self.log.clone()))
    }

    pub(super) fn known_route(&self, held: &Held, name: &str) -> Result<Arc<Route>> {
        self.route(held, name).ok_or_else(|| {
            let names: Vec<_> = self.routes.keys().chain(held.routes.keys()).map(String::as_str).collect();
            Error::invalid("route", format!("there is no such route: {} is possible", names.join(", ")))
        })
    }

    /// The whole answer at once. `Unavailable` where the provider failed, which a retry may mend. What a guardrail blocks
    /// is an answer that was refused: without a word, for CONTENT_POLICY.
    pub async fn complete(&self, actor: &Actor, request: ChatRequest) -> Result<Completion> {
        let mut events = self.chat(actor, request).await?;
        let (mut text, mut quotes, mut tools) = (String::new(), vec![], vec![]);
        while let Some(event) = events.next().await {
            match event {
                ChatEvent::Delta { text: more } => text.push_str(&more),
                ChatEvent::Citation(quote) => quotes.push(quote),
                ChatEvent::Tool(tool) => tools.push(tool),
                ChatEvent::Finished { reason, usage } => {
                    return Ok(Completion { text, quotes, tools, reason, usage });
                }
                // No second try would do better than the first.
                ChatEvent::Failed(failure) if failure.kind == FailureKind::ContentPolicy => {
                    let (reason, usage) = (FinishReason::ContentPolicy, Usage::default());
                    return Ok(Completion { text, quotes, tools: vec![], reason, usage });
                }
                ChatEvent::Failed(failure) if failure.kind == FailureKind::Guardrail => {
                    let (reason, usage) = (FinishReason::ContentPolicy, Usage::default());
                    return Ok(Completion {
                        text: String::new(),
                        quotes: vec![],
                        tools: vec![],
                        reason,
                        usage,
                    });
                }
                ChatEvent::Failed(failure) => return Err(failure.into()),
            }
        }
        Err(FailureKind::CutOff.plain().into())
    }

    /// Looks after the providers, until `stop`.
    pub async fn watch_providers(self, stop: CancellationToken) {
        health::watch(self.providers, self.ambient.clock, stop).await;
    }

    /// Hears from other processes what holds no more, until `stop`.
    pub async fn listen(self, stop: CancellationToken) {
        let mut heard = self.bus.subscribe(route::TOPIC).await;
        loop {
            let signal = tokio::select! {
                () = stop.cancelled() => return,
                signal = heard.next() => signal,
            };
            let workspace = match signal {
                Signal::Message(bytes) => Uuid::from_slice(&bytes).ok(),
                Signal::Lost => None,
            };
            match workspace {
                Some(workspace) => self.forget_held(WorkspaceId::from_uuid(workspace)),
                None => self.held.forget_all(),
            }
        }
    }
}

/// What was answered before, at once.
fn again(answer: &Answer, mut record: Record) -> BoxStream<'static, ChatEvent> {
    let (reason, usage) = (FinishReason::EndOfTurn, Usage::default());
    record.begun();
    record.end(LlmCallStatus::Completed, Some(reason));
    let events = answer.events.clone().into_iter().chain([ChatEvent::Finished { reason, usage }]);
    stream::iter(events).boxed()
}
