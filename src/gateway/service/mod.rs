//! What callers ask of the gateway.
mod guardrail;
mod log;

pub use guardrail::{NewGuardrailPolicy, Tried};
pub use log::UsagePeriod;

use super::{
    builtin,
    call::{Call, drive},
    guard::Policies,
    log::CallLog,
    model::{ChatEvent, ChatRequest, Completion, FailureKind, FinishReason, MAX_INPUT, Usage},
    provider::{self, Provider},
    providers::Providers,
    record::{LlmCall, LlmCallStatus, Record},
};
use crate::{
    account::AccountService,
    config::{GatewayConfig, Prices, ProviderConfig, Route},
    db::Db,
    event,
    shared::{
        Ambient, Error, Result,
        actor::{Actor, Read, Write},
    },
};
use futures_util::{StreamExt, stream::BoxStream};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

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
    pub log: event::Log,
    pub ambient: Ambient,
    pub account: AccountService,
}

/// The door to every model.
#[derive(Clone, Debug)]
pub struct Gateway {
    db: Db,
    event_log: event::Log,
    ambient: Ambient,
    account: AccountService,
    providers: Providers,
    prices: Arc<Prices>,
    routes: Arc<BTreeMap<String, Arc<Route>>>,
    policies: Policies,
    log: CallLog,
}

impl Gateway {
    /// An error names the provider that cannot be used, and why.
    pub fn new(config: &GatewayConfig, parts: Parts) -> Result<Self, ProviderError> {
        let Parts { db, log, ambient, account } = parts;
        let open = |(name, settings): (&String, &ProviderConfig)| {
            let opened = provider::open(settings, &config.builtin);
            let opened = opened.map_err(|problem| ProviderError { name: name.clone(), problem })?;
            Ok((name.clone(), opened))
        };
        let providers = config.providers.iter().map(open).collect::<Result<Vec<_>, ProviderError>>()?;
        let routes = config.routes.iter().map(|(name, route)| (name.clone(), Arc::new(route.clone())));
        let policies = Policies::new(config, db.clone(), ambient.clock.clone());
        Ok(Self {
            db,
            event_log: log,
            ambient,
            account,
            policies,
            providers: Providers::new(providers),
            prices: Arc::new(config.prices.clone()),
            routes: Arc::new(routes.collect()),
            log: CallLog::default(),
        })
    }

    /// The same, with this provider alone behind the default route.
    pub fn answered_by(self, provider: Arc<dyn Provider>) -> Self {
        let route = Arc::new(Route::to("own", builtin::MODEL));
        Self {
            providers: Providers::new([("own".to_owned(), provider)]),
            routes: Arc::new([(DEFAULT_ROUTE.to_owned(), route)].into()),
            ..self
        }
    }

    /// The same, with these providers in the place of those that are configured under their names.
    pub fn with_providers(self, providers: impl IntoIterator<Item = (String, Arc<dyn Provider>)>) -> Self {
        Self { providers: self.providers.with(providers), ..self }
    }

    /// Starts an answer. The stream ends with exactly one terminal event; dropping it ends the call. However it ends,
    /// it is in the usage log.
    ///
    /// `Refused` at `route` where no route has this name, and where the texts are longer than a call may be.
    pub fn chat(&self, actor: &Actor, request: ChatRequest) -> Result<BoxStream<'static, ChatEvent>> {
        actor.may::<Write>(request.workspace)?;
        let grant = actor.may::<Read>(request.workspace)?;
        let route = self.route(&request.route)?;
        let length: usize = request.texts().map(|text| text.chars().count()).sum();
        if length > MAX_INPUT {
            return Err(Error::invalid(
                "prompt",
                format!("{length} characters: at most {MAX_INPUT} are possible"),
            ));
        }
        let call = LlmCall {
            id: self.ambient.ids.next(),
            workspace: request.workspace,
            principal: actor.principal(),
            origin: request.origin.clone(),
            route: request.route.clone(),
            model_requested: route.targets.first().map(|target| target.model.clone()),
            model_used: None,
            status: LlmCallStatus::Running,
            finish_reason: None,
            usage: Usage::default(),
            cost: None,
            time_to_first_token: None,
            duration: Duration::ZERO,
            attempts: vec![],
            guardrails: vec![],
            started_at: self.ambient.now(),
        };
        let call = Call {
            providers: self.providers.clone(),
            policies: self.policies.clone(),
            grant,
            route: route.clone(),
            request: Arc::new(request),
            random: self.ambient.random.clone(),
            record: Record::begin(call, self.prices.clone(), Arc::new(self.log.clone())),
        };
        Ok(drive(call).boxed())
    }

    fn route(&self, name: &str) -> Result<&Arc<Route>> {
        self.routes.get(name).ok_or_else(|| {
            let names: Vec<_> = self.routes.keys().map(String::as_str).collect();
            Error::invalid("route", format!("there is no such route: {} is possible", names.join(", ")))
        })
    }

    /// The whole answer at once. `Unavailable` where the provider failed, which a retry may mend. What a guardrail blocks
    /// is an answer that was refused: without a word, for CONTENT_POLICY.
    pub async fn complete(&self, actor: &Actor, request: ChatRequest) -> Result<Completion> {
        let mut events = self.chat(actor, request)?;
        let (mut text, mut quotes) = (String::new(), vec![]);
        while let Some(event) = events.next().await {
            match event {
                ChatEvent::Delta { text: more } => text.push_str(&more),
                ChatEvent::Citation(quote) => quotes.push(quote),
                ChatEvent::Tool(_) => {}
                ChatEvent::Finished { reason, usage } => {
                    return Ok(Completion { text, quotes, reason, usage });
                }
                ChatEvent::Failed(failure) if failure.kind == FailureKind::Guardrail => {
                    let (reason, usage) = (FinishReason::ContentPolicy, Usage::default());
                    return Ok(Completion { text: String::new(), quotes: vec![], reason, usage });
                }
                ChatEvent::Failed(failure) => return Err(failure.into()),
            }
        }
        Err(FailureKind::CutOff.plain().into())
    }
}
