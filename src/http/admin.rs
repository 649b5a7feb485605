//! For the operator alone: whether the server lives, whether it takes work, and its counters.
use crate::{services::Services, telemetry::Metrics};
use axum::{Router, extract::State, http::StatusCode, http::header, response::IntoResponse, routing::get};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the database may take before the server counts as not ready.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Admin {
    services: Services,
    metrics: Metrics,
    stop: CancellationToken,
}

pub(super) fn router(services: Services, metrics: Metrics, stop: CancellationToken) -> Router {
    Router::new()
        .route("/health/live", get(async || "live\n"))
        .route("/health/ready", get(ready))
        .route("/metrics", get(render))
        .with_state(Admin { services, metrics, stop })
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
