//! For the operator alone: whether the server lives, whether it takes work, and its counters.
use super::listen::{Listening, Patience};
use crate::{services::Services, telemetry::Metrics};
use axum::{Router, extract::State, http::StatusCode, http::header, response::IntoResponse, routing::get};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long the database may take before the server counts as not ready, and an operator to read an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// From connecting, and from one answer, to the next request.
const HEAD: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(75);
/// An operator's, at once.
const CONNECTIONS: usize = 256;

/// How often what was measured is folded.
const TIDY: Duration = Duration::from_secs(5);

/// The operator's listener, which servers and workers have alike.
#[derive(Clone, Debug)]
pub struct Admin {
    services: Services,
    metrics: Metrics,
    stop: CancellationToken,
}

impl Admin {
    /// Counts from here on. `stop` makes it tell at once that the process is not ready any more.
    pub fn new(services: Services, stop: CancellationToken) -> Self {
        Self { services, metrics: Metrics::install(), stop }
    }

    /// Until `ended`, which comes after all else has ended: the operator sees the draining.
    pub async fn serve(self, listener: TcpListener, ended: CancellationToken) {
        let metrics = self.metrics.clone();
        let router = Router::new()
            .route("/health/live", get(async || "live\n"))
            .route("/health/ready", get(ready))
            .route("/metrics", get(render))
            .with_state(self);
        let tidy = async {
            let mut every = tokio::time::interval(TIDY);
            loop {
                tokio::select! { _ = every.tick() => metrics.tidy(), () = ended.cancelled() => break }
            }
        };
        let patience = Patience { head: HEAD, idle: IDLE, writing: PATIENCE };
        let listening = Listening::new(listener, patience, CONNECTIONS);
        tokio::join!(listening.serve(router, ended.clone()), tidy);
    }
}

async fn ready(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    if admin.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match tokio::time::timeout(PATIENCE, admin.services.db.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready\n"),
        Ok(Err(error)) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "not ready: the database does not answer"
            );
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database answers too slowly\n"),
    }
}

async fn render(State(admin): State<Admin>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], admin.metrics.render())
}
