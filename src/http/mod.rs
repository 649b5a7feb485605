//! HTTP: the public router and the admin router.
use crate::{
    app::Services,
    graphql::{self, Schema},
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, header::AUTHORIZATION},
    routing::{get, post},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
struct Front {
    schema: Schema,
    services: Services,
}

/// Serves both listeners until `stop`.
pub async fn serve(
    public: TcpListener,
    admin: TcpListener,
    schema: Schema,
    services: Services,
    stop: CancellationToken,
) {
    let front = Front { schema, services };
    let router = Router::new().route("/graphql", post(graphql)).with_state(front);
    let health =
        Router::new().route("/health/live", get(async || "ok")).route("/health/ready", get(async || "ok"));
    let serve = |listener, router, stop: CancellationToken| async move {
        let _ = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    };
    tokio::join!(serve(public, router, stop.clone()), serve(admin, health, stop));
}

async fn graphql(
    State(front): State<Front>,
    headers: HeaderMap,
    Json(request): Json<async_graphql::Request>,
) -> Json<async_graphql::Response> {
    let credential =
        headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let mut request = request;
    if let Some(credential) = credential
        && let Ok(actor) = front.services.account.authenticate(credential).await
    {
        request = graphql::request_data(request, &front.services, actor);
    }
    Json(front.schema.execute(request).await)
}
