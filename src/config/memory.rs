//! What memory goes by, as it is configured.
use super::{ConfigError, GatewayConfig};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryConfig {
    /// What the copies of the index may take of this process's memory.
    pub index_bytes: usize,
    /// Texts that one part of a `forgetAbout` reads.
    pub forget_about_texts: usize,
    pub rerank: RerankConfig,
    pub embedding: EmbeddingConfig,
}

/// A model that puts the best hits of a recall in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RerankConfig {
    /// Empty where none does.
    pub route: String,
    /// How many it puts in order.
    pub hits: usize,
}

/// A model of a provider whose vectors tell meaning, beside the embedded one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingConfig {
    /// Empty where there is none.
    pub route: String,
    /// How long a recall waits for the vector of its query.
    pub query_milliseconds: u64,
    /// Of a text that is sent.
    pub characters: usize,
    /// Texts of one call.
    pub batch: usize,
}

/// Hits that a model can put in order: each is told with up to a thousand characters.
const MAX_RERANKED: usize = 50;
/// The longest that a recall may be made to wait.
const MAX_WAIT: u64 = 60_000;
/// Characters of the longest text of memory.
const MAX_CHARACTERS: usize = 10_000;
/// Texts of one call: their vectors fit into what is read of an answer.
const MAX_BATCH: usize = 128;
/// Characters of all texts of one call, which is what a request to a model may have.
const MAX_TOGETHER: usize = 400_000;

impl EmbeddingConfig {
    pub fn patience(&self) -> Duration {
        Duration::from_millis(self.query_milliseconds)
    }

    fn check(&self, gateway: &GatewayConfig) -> Result<(), ConfigError> {
        let Self { route, query_milliseconds, characters, batch } = self;
        let problem = |message: String| Err(ConfigError(format!("memory.embedding.{message}")));
        if !(1..=MAX_WAIT).contains(query_milliseconds) {
            return problem(format!(
                "query_milliseconds: {query_milliseconds} is not between 1 and {MAX_WAIT}"
            ));
        }
        if !(100..=MAX_CHARACTERS).contains(characters) {
            return problem(format!("characters: {characters} is not between 100 and {MAX_CHARACTERS}"));
        }
        if !(1..=MAX_BATCH).contains(batch) {
            return problem(format!("batch: {batch} is not between 1 and {MAX_BATCH}"));
        }
        if batch * characters > MAX_TOGETHER {
            return problem(format!(
                "batch: {batch} texts of {characters} characters are more than {MAX_TOGETHER}"
            ));
        }
        if route.is_empty() {
            return Ok(());
        }
        let Some(settings) = gateway.routes.get(route) else {
            return problem(format!("route: there is no route {route:?} in gateway.routes"));
        };
        let Some(target) = settings.only_target() else {
            return problem(format!(
                "route: {route:?} needs one target and no fallbacks: vectors of two models cannot be compared"
            ));
        };
        if !gateway.kind(&target.provider).is_some_and(|kind| kind.has_embeddings()) {
            return problem(format!(
                "route: the provider {:?} has no embeddings: openai-compatible, ollama and gemini have",
                target.provider
            ));
        }
        Ok(())
    }
}

impl MemoryConfig {
    pub(super) fn check(&self, gateway: &GatewayConfig) -> Result<(), ConfigError> {
        if self.forget_about_texts == 0 {
            return Err(ConfigError(
                "memory.forget_about_texts: one text at least has to be read".to_owned(),
            ));
        }
        let RerankConfig { route, hits } = &self.rerank;
        if !(2..=MAX_RERANKED).contains(hits) {
            return Err(ConfigError(format!(
                "memory.rerank.hits: {hits} is not between 2 and {MAX_RERANKED}"
            )));
        }
        if !route.is_empty() && !gateway.routes.contains_key(route) {
            return Err(ConfigError(format!(
                "memory.rerank.route: there is no route {route:?} in gateway.routes"
            )));
        }
        self.embedding.check(gateway)
    }
}
