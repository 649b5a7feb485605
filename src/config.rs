//! What can be configured. Defaults stand in `config.default.toml`; `aifirst.toml`, then the environment, override
//! them. What is unknown or impossible stops the start and says where it stands.
mod auth;
mod gateway;
pub mod guardrail;
mod memory;
mod route;

use chrono::TimeDelta;
use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap, io::ErrorKind, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration,
};

pub use auth::{AuthConfig, JwtAlgorithm, JwtConfig, JwtKeyConfig};
pub use gateway::{BuiltinConfig, GatewayConfig, Price, Prices, ProviderConfig, ProviderKind};
pub use memory::{EmbeddingConfig, MemoryConfig, RerankConfig};
pub use route::{Fallbacks, Order, Retry, Route, StreamFailure, Target, Timeouts, route_name_problem};

const DEFAULTS: &str = include_str!("../config.default.toml");
const PREFIX: &str = "AIFIRST_";
const NAMES_FILE: &str = "AIFIRST_CONFIG";
/// Beside where the server is started.
const FILE: &str = "aifirst.toml";
/// Operations in one POST.
const MAX_BATCH: usize = 10;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub mode: Mode,
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub serve: ServeConfig,
    pub database: DatabaseConfig,
    pub events: EventsConfig,
    pub auth: AuthConfig,
    pub gateway: GatewayConfig,
    pub memory: MemoryConfig,
    pub coaching: CoachingConfig,
    pub workflow: WorkflowConfig,
    pub documents: DocumentsReading,
    pub log: LogConfig,
    pub http: HttpConfig,
    pub graphql: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Development,
    Production,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServeConfig {
    pub work: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    pub url: String,
    pub readers: u32,
    pub connections: u32,
    pub acquire_timeout_seconds: u64,
    pub idle_transaction_seconds: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsConfig {
    pub url: String,
    /// How long the log is kept; zero: for ever.
    pub retention_days: u32,
}

impl EventsConfig {
    /// How long the log is kept; for ever where there is none.
    pub fn retention(&self) -> Option<TimeDelta> {
        (self.retention_days > 0).then(|| TimeDelta::days(self.retention_days.into()))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowConfig {
    pub runs: usize,
    pub parallel_steps: usize,
    pub lease_seconds: u32,
    pub heartbeat_milliseconds: u64,
    pub poll_milliseconds: u64,
    pub call_timeout_seconds: u64,
}

/// How files are read that become documents.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentsReading {
    /// At once.
    pub readers: usize,
    pub seconds: u32,
    pub memory_bytes: u64,
    pub lease_seconds: u32,
    /// What reads them; empty: this program.
    pub program: PathBuf,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    pub allowed_hosts: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub max_connections: usize,
    pub head_seconds: u64,
    pub idle_seconds: u64,
    pub body_bytes: usize,
    /// Coming in at once.
    pub files: usize,
    pub request_timeout_seconds: u64,
    pub heartbeat_seconds: u64,
    pub cost_per_minute: NonZeroU32,
    /// At most [`MAX_BATCH`]; zero takes no batches.
    pub batch: usize,
    /// Empty: GraphiQL comes from the network.
    pub graphiql_folder: PathBuf,
    pub socket: SocketConfig,
    pub documents: DocumentsConfig,
}

/// Trusted documents, and those that clients register in passing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentsConfig {
    pub mode: DocumentMode,
    /// Files whose documents anybody may run.
    pub manifests: Vec<PathBuf>,
    /// Text of registered documents in memory.
    pub cache_bytes: u64,
    /// How long a registered document is taken from memory before it is looked at again.
    pub recheck_seconds: u32,
    /// Text of documents registered in passing; zero takes none.
    pub automatic_bytes: u64,
}

/// What becomes of a document that was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentMode {
    /// It runs.
    Off,
    /// It runs, and is counted and told in the log.
    Log,
    /// It is refused.
    Only,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SocketConfig {
    pub message_bytes: usize,
    pub operations: usize,
    pub per_actor: usize,
    pub init_seconds: u64,
    pub ping_seconds: u64,
    pub recheck_seconds: u64,
    pub write_seconds: u64,
    pub restart_spread_millis: u64,
}

/// What a document may be at most. Counts are taken after the expansion of fragments.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Length of the text in UTF-8.
    pub document_bytes: usize,
    /// Lexical tokens; blanks and comments count.
    pub tokens: usize,
    /// Nesting of anything that the grammar lets nest, within one definition.
    pub syntax_nesting: usize,
    /// Fields below each other. The usual introspection query has 15.
    pub depth: u64,
    /// Selection sets below each other: fields and fragments. Below async-graphql's own limit of 32.
    pub nesting: u64,
    /// Fields, fragment spreads and inline fragments.
    pub selections: u64,
    pub aliases: u64,
    pub directives: u64,
    pub root_fields: u64,
    /// Objects that may be fetched, by page sizes.
    pub cost: u64,
    /// Text of the documents that are kept.
    pub cache_bytes: u64,
    /// Cost of a field by its coordinate (`Workspace.recall`) where it is more than the one object, and of each item of an
    /// input's list.
    pub weights: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoachingConfig {
    pub lease_milliseconds: u32,
    pub turn_timeout_seconds: u32,
    pub concurrent_turns: usize,
    pub tools: Vec<String>,
}

/// What a model can be given to use.
pub const TOOLS: [&str; 4] = ["recall", "remember", "create_action_item", "start_workflow"];

impl CoachingConfig {
    /// How long a worker is taken to be alive after it last said so.
    pub fn lease(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.lease_milliseconds.into())
    }

    /// How often a worker says that it is alive.
    pub fn renewal(&self) -> Duration {
        Duration::from_millis(self.lease_milliseconds.into()) / 3
    }

    pub fn turn_timeout(&self) -> Duration {
        Duration::from_secs(self.turn_timeout_seconds.into())
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Auto,
    Pretty,
    Json,
}

/// What is wrong with the configuration, and where.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
    /// Defaults, file and environment.
    pub fn load() -> Result<Self, ConfigError> {
        let environment = Env::prefixed(PREFIX)
            // AIFIRST_CONFIG names the file, AIFIRST_API_KEY is a client's; AIFIRST_TEST_… and AIFIRST_CACHE_… belong
            // to the scripts.
            .filter(|key| {
                key != "config" && key != "api_key" && !key.starts_with("test_") && !key.starts_with("cache_")
            })
            .split("__");
        Self::read(Self::with_file()?.merge(environment))
    }

    /// The defaults, and the file over them: the one that is named must be there.
    fn with_file() -> Result<Figment, ConfigError> {
        let named = std::env::var_os(NAMES_FILE);
        let file = named.as_ref().map_or_else(|| PathBuf::from(FILE), PathBuf::from);
        match std::fs::metadata(&file) {
            Ok(_) => Ok(Self::defaults().merge(Toml::file_exact(file))),
            Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => Ok(Self::defaults()),
            Err(error) => {
                let (name, file) = (if named.is_some() { NAMES_FILE } else { FILE }, file.display());
                Err(ConfigError(format!("{name}: the file {file} cannot be read: {error}")))
            }
        }
    }

    fn defaults() -> Figment {
        Figment::from(Toml::string(DEFAULTS))
    }

    /// The defaults with `toml` over them, whatever file and environment say.
    pub fn with(toml: &str) -> Result<Self, ConfigError> {
        Self::read(Self::defaults().merge(Toml::string(toml)))
    }

    fn read(figment: Figment) -> Result<Self, ConfigError> {
        let config: Self = figment.extract().map_err(|errors| ConfigError(tell(errors)))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.http.batch > MAX_BATCH {
            return Err(ConfigError(format!("http.batch: {} is more than {MAX_BATCH}", self.http.batch)));
        }
        let url = self.database_url();
        if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(ConfigError("database.url: must begin with sqlite:// or postgres://".into()));
        }
        for (name, value) in [("readers", self.database.readers), ("connections", self.database.connections)]
        {
            if value == 0 || value > 1000 {
                return Err(ConfigError(format!("database.{name}: {value} is not between 1 and 1000")));
            }
        }
        if let Some(unknown) = self.coaching.tools.iter().find(|tool| !TOOLS.contains(&tool.as_str())) {
            let known = TOOLS.join(", ");
            return Err(ConfigError(format!(
                "coaching.tools: there is no tool {unknown:?}: {known} are possible"
            )));
        }
        let workflow = &self.workflow;
        if workflow.runs == 0 || workflow.parallel_steps == 0 || workflow.poll_milliseconds == 0 {
            return Err(ConfigError("workflow: runs, parallel_steps, poll_milliseconds: at least 1".into()));
        }
        if workflow.heartbeat_milliseconds.saturating_mul(2) > u64::from(workflow.lease_seconds) * 1000 {
            let message = "workflow.heartbeat_milliseconds: at most half of workflow.lease_seconds";
            return Err(ConfigError(message.into()));
        }
        let documents = &self.documents;
        if documents.readers == 0 || documents.seconds == 0 || documents.lease_seconds == 0 {
            return Err(ConfigError("documents: readers, seconds, lease_seconds: at least 1".into()));
        }
        let http = &self.http;
        if http.max_connections == 0 || http.max_connections > 1_000_000 {
            let count = http.max_connections;
            return Err(ConfigError(format!("http.max_connections: {count} is not between 1 and 1000000")));
        }
        let seconds = [
            ("head_seconds", http.head_seconds),
            ("idle_seconds", http.idle_seconds),
            ("request_timeout_seconds", http.request_timeout_seconds),
            ("heartbeat_seconds", http.heartbeat_seconds),
            ("socket.init_seconds", http.socket.init_seconds),
            ("socket.ping_seconds", http.socket.ping_seconds),
            ("socket.recheck_seconds", http.socket.recheck_seconds),
            ("socket.write_seconds", http.socket.write_seconds),
        ];
        for (name, value) in seconds {
            if value == 0 || value > 3600 {
                return Err(ConfigError(format!("http.{name}: {value} is not between 1 and 3600")));
            }
        }
        if !http.graphiql_folder.as_os_str().is_empty() && !http.graphiql_folder.is_dir() {
            let folder = http.graphiql_folder.display();
            return Err(ConfigError(format!(
                "http.graphiql_folder: {folder} is no folder: scripts/graphiql fills one"
            )));
        }
        self.memory.check(&self.gateway)?;
        if self.coaching.lease_milliseconds < 500 {
            return Err(ConfigError(
                "coaching.lease_milliseconds: at least 500, or workers lose their turns".into(),
            ));
        }
        if !(1..=10_000).contains(&self.coaching.concurrent_turns) {
            let count = self.coaching.concurrent_turns;
            return Err(ConfigError(format!(
                "coaching.concurrent_turns: {count} is not between 1 and 10000"
            )));
        }
        if !self.events.url.is_empty() && !self.events.url.starts_with("nats://") {
            return Err(ConfigError("events.url: must begin with nats://, or be empty".into()));
        }
        if self.events.retention_days > 36_500 {
            let days = self.events.retention_days;
            return Err(ConfigError(format!(
                "events.retention_days: {days} is more than 36500; 0 keeps all"
            )));
        }
        tracing_subscriber::EnvFilter::try_new(&self.log.filter)
            .map_err(|error| ConfigError(format!("log.filter: {error}")))?;
        self.gateway.check()?;
        self.auth.check(self.mode)
    }

    /// Where the database is.
    pub fn database_url(&self) -> String {
        if self.database.url.is_empty() {
            format!("sqlite://{}", self.data_dir.join("aifirst.db").display())
        } else {
            self.database.url.clone()
        }
    }

    /// Whether the database is a file of this machine, which one process holds.
    pub fn is_sqlite(&self) -> bool {
        self.database_url().starts_with("sqlite:")
    }

    /// In force, as TOML, secrets masked.
    pub fn masked(&self) -> Result<String, ConfigError> {
        let mut shown = self.clone();
        shown.database.url = without_password(&shown.database.url);
        shown.events.url = without_password(&shown.events.url);
        toml::to_string_pretty(&shown).map_err(|error| ConfigError(error.to_string()))
    }
}

/// `postgres://user:secret@host/db` without the secret.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((credentials, place)) => {
            let user = credentials.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{place}")
        }
        None => url.to_owned(),
    }
}

/// One line a problem: where, and what.
fn tell(errors: figment::Error) -> String {
    let lines = errors.into_iter().map(|error| {
        let place = error.metadata.as_ref().map_or(String::new(), |from| match &from.source {
            Some(source) => format!(" (in {source})"),
            None => format!(" (in {})", from.name),
        });
        let key = error.path.join(".");
        let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
        format!("{key}{}{place}", error.kind)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_complete_and_valid() {
        assert_eq!(Config::with("").unwrap().listen.port(), 8080);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place() {
        let error = Config::with("[database]\nurll = 'x'").unwrap_err().to_string();
        assert!(error.contains("urll") && error.contains("database"), "{error}");
    }

    #[test]
    fn a_bad_value_is_named_with_its_place() {
        let error = Config::with("listen = 'nowhere'").unwrap_err().to_string();
        assert!(error.contains("listen"), "{error}");
        assert!(
            Config::with("[database]\nurl = 'mysql://x'").unwrap_err().to_string().contains("database.url")
        );
    }

    #[test]
    fn passwords_are_masked() {
        let config = Config::with("[database]\nurl = 'postgres://ana:secret@host/db'").unwrap();
        assert!(!config.masked().unwrap().contains("secret"));
    }
}
