//! The wire formats behind which there are models.
mod anthropic;
mod egress;
mod gemini;
mod http;
mod ollama;
mod openai;
mod prompt;
mod quotes;

use super::{
    builtin::Builtin,
    model::{ChatRequest, Failure, FailureKind, FinishReason, Quote, ToolUse, Usage},
};
use crate::config::{BuiltinConfig, ProviderConfig, ProviderKind};
use futures_util::{FutureExt, future::BoxFuture, stream::BoxStream};
use http::Endpoint;
use quotes::Quoting;
use secrecy::SecretString;
use std::{env, fmt, sync::Arc, time::Duration};

/// A wire format behind which there are models. A new kind of provider implements this, nothing else.
pub trait Provider: Send + Sync + fmt::Debug {
    /// Streams the answer. Dropping the stream ends the work for it, upstream too.
    fn chat(&self, call: ModelCall) -> ProviderStream;

    /// Whether it goes on exactly where the call's `prefill` ends, without being asked to: what it says then repeats
    /// nothing.
    fn continues(&self, _call: &ModelCall) -> bool {
        false
    }

    /// One vector for each text, all of one length.
    fn embed(&self, _call: EmbedCall) -> BoxFuture<'static, Result<Embeddings, Failure>> {
        async { Err(FailureKind::Rejected.plain()) }.boxed()
    }

    /// The names of its models, as far as it tells. Also how its health is looked at: cheap, and free of charge.
    fn models(&self) -> BoxFuture<'static, Result<Vec<String>, Failure>> {
        async { Ok(vec![]) }.boxed()
    }
}

/// One call of one model.
#[derive(Clone, Debug)]
pub struct ModelCall {
    pub model: String,
    pub request: Arc<ChatRequest>,
    /// What another model has said of the answer already: this one goes on after it, and does not repeat it.
    pub prefill: Arc<str>,
    pub max_output_tokens: u32,
    /// The header for whoever is asked by HTTP, of this attempt alone.
    pub traceparent: String,
}

/// One call for vectors.
#[derive(Clone, Debug)]
pub struct EmbedCall {
    pub model: String,
    pub texts: Vec<String>,
    /// As in [`ModelCall`].
    pub traceparent: String,
}

/// Numbers of the longest vector that is taken.
pub const MAX_DIMENSIONS: usize = 4_096;

pub type ProviderStream = BoxStream<'static, Result<ProviderEvent, Failure>>;

/// What a provider says. `Finished` or an error is its last word; what follows is not read.
#[derive(Clone, Debug, PartialEq)]
pub enum ProviderEvent {
    Delta { text: String },
    Citation(Quote),
    Tool(ToolUse),
    Finished { reason: FinishReason, usage: Option<Usage> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    pub vectors: Vec<Vec<f32>>,
    /// As the provider counted them, where it does.
    pub input_tokens: Option<u32>,
}

impl Embeddings {
    /// As many as there were texts, of one length, and of numbers that can be reckoned with.
    fn checked(vectors: Vec<Vec<f32>>, count: usize, input_tokens: Option<u32>) -> Result<Self, Failure> {
        let length = vectors.first().map_or(0, Vec::len);
        let is_well =
            |vector: &Vec<f32>| vector.len() == length && vector.iter().all(|number| number.is_finite());
        let fits = vectors.len() == count && (count == 0 || (1..=MAX_DIMENSIONS).contains(&length));
        if !fits || !vectors.iter().all(is_well) {
            return Err(FailureKind::Malformed.plain());
        }
        Ok(Self { vectors, input_tokens })
    }
}

/// The provider that a configuration tells of; an error says what is wrong with it.
pub fn open_provider(config: &ProviderConfig, builtin: &BuiltinConfig) -> Result<Arc<dyn Provider>, String> {
    let key = key(config)?;
    let endpoint = |standard: &str| Endpoint::new(config, key, standard);
    Ok(match config.kind {
        ProviderKind::Builtin => Arc::new(Builtin::new(Duration::from_millis(builtin.pace_milliseconds))),
        ProviderKind::OpenaiCompatible => {
            let endpoint = endpoint("https://api.openai.com/v1")?;
            let most = if config.takes_completion_tokens() { "max_completion_tokens" } else { "max_tokens" };
            Arc::new(Quoting(openai::OpenAi { endpoint, most }))
        }
        ProviderKind::Anthropic => {
            Arc::new(Quoting(anthropic::Anthropic(endpoint("https://api.anthropic.com/v1")?)))
        }
        ProviderKind::Gemini => {
            Arc::new(Quoting(gemini::Gemini(endpoint("https://generativelanguage.googleapis.com/v1beta")?)))
        }
        ProviderKind::Ollama => Arc::new(Quoting(ollama::Ollama(endpoint("http://127.0.0.1:11434")?))),
    })
}

fn key(config: &ProviderConfig) -> Result<Option<SecretString>, String> {
    match (&config.api_key, &config.api_key_env) {
        (Some(_), Some(_)) => Err("api_key and api_key_env: set one of them".into()),
        (Some(key), None) => Ok(Some(key.as_str().into())),
        (None, Some(name)) => match env::var(name) {
            Ok(key) if !key.is_empty() => Ok(Some(key.into())),
            _ => Err(format!("api_key_env: the environment variable {name} is not set")),
        },
        (None, None) => Ok(None),
    }
}
