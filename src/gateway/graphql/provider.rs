use crate::{
    config,
    gateway::{ProviderView, route},
    graphql_kit::DateTime,
};
use async_graphql::{Enum, SimpleObject};

/// Behind what models are.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "config::ProviderKind")]
pub enum ProviderKind {
    /// In this server: no network, no key.
    Builtin,
    /// Whoever speaks OpenAI's format.
    OpenaiCompatible,
    /// Anthropic.
    Anthropic,
    /// Google Gemini.
    Gemini,
    /// Ollama.
    Ollama,
}

/// How a provider was found when it was looked at last.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProviderHealth {
    /// It was not looked at yet.
    Unknown,
    /// It answered.
    Up,
    /// It did not answer, or not as it should.
    Down,
}

/// Whether calls pass to a model.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum CircuitState {
    /// They do.
    Closed,
    /// It failed again and again: none passes for a while.
    Open,
    /// One call passes, to find out whether it works again.
    HalfOpen,
}

impl From<route::CircuitState> for CircuitState {
    fn from(state: route::CircuitState) -> Self {
        match state {
            route::CircuitState::Closed => Self::Closed,
            route::CircuitState::Open { .. } => Self::Open,
            route::CircuitState::HalfOpen => Self::HalfOpen,
        }
    }
}

/// A provider of models, as the server's operator configured it.
#[derive(SimpleObject, Debug)]
pub struct Provider {
    /// By which targets name it.
    name: String,
    /// How it is spoken to.
    kind: ProviderKind,
    /// The models that it named when it was looked at last, at most 500; not all name theirs.
    models: Vec<String>,
    /// Whether it answered when it was looked at last.
    health: ProviderHealth,
    /// What was wrong, such as CONNECT, TIMEOUT, UNAUTHORIZED.
    problem: Option<String>,
    /// When it was looked at last; the server does so each minute, without being asked.
    checked_at: Option<DateTime>,
    /// The models there to which routes of the workspace lead, and whether calls pass to them; in the process that
    /// answers.
    circuits: Vec<ModelCircuit>,
}

/// Whether calls pass to a model.
#[derive(SimpleObject, Debug)]
pub struct ModelCircuit {
    /// The model's name.
    model: String,
    /// Whether they do.
    state: CircuitState,
    /// Calls of the workspace that are on their way to it.
    running: i32,
    /// Calls that it takes at once; null where that has no bound.
    max_concurrent: Option<i32>,
}

impl From<ProviderView> for Provider {
    fn from(view: ProviderView) -> Self {
        let circuit = |(model, standing): (String, route::Standing)| ModelCircuit {
            model,
            state: standing.circuit.into(),
            running: i32::try_from(standing.running).unwrap_or(i32::MAX),
            max_concurrent: standing.max_concurrent.map(|max| i32::try_from(max).unwrap_or(i32::MAX)),
        };
        let failure = view.health.as_ref().map(|health| health.failure);
        Self {
            name: view.name,
            kind: view.kind.into(),
            health: match failure {
                None => ProviderHealth::Unknown,
                Some(None) => ProviderHealth::Up,
                Some(Some(_)) => ProviderHealth::Down,
            },
            problem: failure.flatten().map(|failure| failure.kind.name().to_owned()),
            checked_at: view.health.as_ref().map(|health| DateTime(health.at)),
            models: view.health.map(|health| health.models).unwrap_or_default(),
            circuits: view.targets.into_iter().map(circuit).collect(),
        }
    }
}
