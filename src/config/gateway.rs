//! What calls of models go by, as it is configured: providers, prices, routes, guardrails.
use super::{
    ConfigError,
    guardrail::Policy,
    route::{Route, route_name_problem},
};
use crate::shared::amount::Amount;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize, Serializer};
use std::{collections::BTreeMap, net::IpAddr};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    pub builtin: BuiltinConfig,
    /// Answers that this process keeps in memory for routes with a cache.
    pub cache_bytes: u64,
    /// A target that was silent for less than this before a call gave it up is not taken to have failed.
    pub patience_milliseconds: u64,
    /// How long contents of calls are kept, where a workspace wants it.
    pub content_days: u32,
    /// By name.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// By the model's name.
    pub prices: Prices,
    /// By name.
    pub routes: BTreeMap<String, Route>,
    /// Policies by name; routes name them.
    pub guardrails: BTreeMap<String, Policy>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuiltinConfig {
    pub pace_milliseconds: u64,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    pub kind: ProviderKind,
    /// With the path before `/chat/completions` and the like; empty: the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The environment variable that holds its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "mask")]
    pub api_key: Option<String>,
    /// Calls at once from this process to each of its models; others wait, or go to the next target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrent: Option<u32>,
    /// Whether it may be in a private network, there also without TLS.
    #[serde(default)]
    pub allow_private: bool,
    /// Whether it gets what may not leave for outside; where nothing is said: the built-in one, and those on loopback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal: Option<bool>,
    /// Whether its models go on from a last message of their own, in which another one's answer broke off, and repeat
    /// nothing of it.
    #[serde(default)]
    pub prefill: bool,
    /// Whether it is told the greatest length of an answer as `max_completion_tokens`, which OpenAI's reasoning models
    /// take, and not as `max_tokens`, which others take; where nothing is said: OpenAI itself is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    Builtin,
    OpenaiCompatible,
    Anthropic,
    Gemini,
    Ollama,
}

impl ProviderKind {
    /// Whether servers of this kind make vectors of texts.
    pub fn has_embeddings(self) -> bool {
        match self {
            Self::OpenaiCompatible | Self::Ollama | Self::Gemini => true,
            Self::Builtin | Self::Anthropic => false,
        }
    }
}

/// What a model costs, for a million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    pub input: Amount,
    pub output: Amount,
    /// Of tokens read from the provider's cache; as `input` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<Amount>,
    /// Three letters by ISO 4217.
    pub currency: String,
    /// When it was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<NaiveDate>,
}

/// Prices by the model's name.
pub type Prices = BTreeMap<String, Price>;

fn mask<S: Serializer>(_: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("***")
}

impl std::fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderConfig")
            .field("kind", &self.kind)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl ProviderConfig {
    /// Whether what may not leave for outside goes to it.
    pub fn is_internal(&self) -> bool {
        self.internal.unwrap_or_else(|| match (self.kind, &self.base_url) {
            (ProviderKind::Builtin, _) | (ProviderKind::Ollama, None) => true,
            (_, base) => base.as_deref().is_some_and(is_loopback),
        })
    }
}

impl ProviderConfig {
    pub fn takes_completion_tokens(&self) -> bool {
        self.max_completion_tokens.unwrap_or(self.base_url.is_none())
    }
}

fn is_loopback(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl GatewayConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=36_500).contains(&self.content_days) {
            return Err(ConfigError("gateway.content_days: between 1 and 36500".to_owned()));
        }
        for (name, policy) in &self.guardrails {
            policy.validate().map_err(|error| ConfigError(format!("gateway.guardrails.{name}.{error}")))?;
        }
        for (name, route) in &self.routes {
            let unknown = route.guardrails.iter().find(|named| !self.guardrails.contains_key(*named));
            if let Some(unknown) = unknown {
                let message = format!("gateway.routes.{name}.guardrails: there is no guardrail {unknown:?}");
                return Err(ConfigError(message));
            }
        }
        for (name, provider) in &self.providers {
            if provider.max_concurrent == Some(0) {
                return Err(ConfigError(format!("gateway.providers.{name}.max_concurrent: at least 1")));
            }
        }
        for (name, route) in &self.routes {
            if let Some(message) = route_name_problem(name) {
                return Err(ConfigError(format!("gateway.routes.{name}: {message}")));
            }
            if let Some((path, message)) = route.problems(|provider| self.kind(provider)).into_iter().next() {
                return Err(ConfigError(format!("gateway.routes.{name}.{path}: {message}")));
            }
        }
        for (model, price) in &self.prices {
            if price.currency.len() != 3 || !price.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
                return Err(ConfigError(format!(
                    "gateway.prices.{model}.currency: three letters, such as USD"
                )));
            }
            if price.cached_input.is_some_and(|cached| cached > price.input) {
                return Err(ConfigError(format!("gateway.prices.{model}.cached_input: more than input")));
            }
        }
        Ok(())
    }

    pub(super) fn kind(&self, provider: &str) -> Option<ProviderKind> {
        Some(self.providers.get(provider)?.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_leave_goes_to_the_builtin_provider_to_loopback_and_where_the_operator_says() {
        let provider = |toml: &str| toml::from_str::<ProviderConfig>(toml).unwrap().is_internal();
        assert!(provider("kind = 'builtin'"));
        assert!(provider("kind = 'ollama'"));
        assert!(provider("kind = 'openai-compatible'\nbase_url = 'http://127.0.0.1:8099/v1'"));
        assert!(provider("kind = 'openai-compatible'\nbase_url = 'http://[::1]:8099/v1'"));
        assert!(provider(
            "kind = 'openai-compatible'\nbase_url = 'https://models.corp.example/v1'\ninternal = true"
        ));
        assert!(!provider("kind = 'openai-compatible'"));
        assert!(!provider("kind = 'ollama'\nbase_url = 'http://10.0.0.1:11434'"));
        assert!(!provider("kind = 'openai-compatible'\nbase_url = 'http://127.0.0.1.example.org/v1'"));
        assert!(!provider(
            "kind = 'openai-compatible'\nbase_url = 'http://127.0.0.1:1/v1'\ninternal = false"
        ));
    }
}
