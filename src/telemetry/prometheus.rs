use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

/// Seconds. Reads take milliseconds, a model's reply many seconds.
const BUCKETS: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];

/// Tokens of a call, as OpenTelemetry divides them up to a million.
const TOKENS: [f64; 11] =
    [1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0];

/// The process's counters, in Prometheus' text form.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

static INSTALLED: OnceLock<Metrics> = OnceLock::new();

impl Metrics {
    /// Counts from the first call on.
    pub fn install() -> Self {
        let install = || {
            let builder = PrometheusBuilder::new();
            let tokens = Matcher::Full("gen_ai_client_token_usage".to_owned());
            let with_buckets = PrometheusBuilder::new()
                .set_buckets(&BUCKETS)
                .and_then(|builder| builder.set_buckets_for_metric(tokens, &TOKENS));
            let recorder = match with_buckets {
                Ok(with_buckets) => with_buckets,
                Err(_) => builder,
            }
            .build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another recorder of metrics was there first: /metrics stays empty");
            }
            describe();
            Self(handle)
        };
        INSTALLED.get_or_init(install).clone()
    }

    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds what was recorded since the last time; to be called every few seconds, or histograms grow.
    pub fn tidy(&self) {
        self.0.run_upkeep();
    }
}

/// Counts one of something as long as it lives.
#[derive(Debug)]
pub struct Running(&'static str);

impl Running {
    pub fn one(gauge: &'static str) -> Self {
        metrics::gauge!(gauge).increment(1);
        Self(gauge)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        metrics::gauge!(self.0).decrement(1);
    }
}

fn describe() {
    metrics::describe_counter!(
        "aifirst_operations_total",
        "GraphQL operations that ended, by type, transport and code"
    );
    metrics::describe_histogram!(
        "aifirst_operation_seconds",
        "Time from the request to its answer; streams are left out"
    );
    metrics::describe_gauge!("aifirst_operations_running", "GraphQL operations under way, streams included");
    metrics::describe_gauge!(
        "aifirst_mutations_running",
        "Mutations under way, whether or not their client still waits"
    );
    metrics::describe_counter!(
        "aifirst_untrusted_documents_total",
        "Documents that nobody registered, by whether they ran or were refused (http.documents.mode)"
    );
    metrics::describe_gauge!("aifirst_sockets", "Open WebSockets");
    metrics::describe_histogram!(
        "gen_ai_client_operation_duration_seconds",
        "Time from a call of a model to the end of its answer, all attempts together"
    );
    metrics::describe_histogram!(
        "gen_ai_client_token_usage",
        "Tokens of a call of a model, all attempts together, by whether they went in or came out"
    );
}
