//! What every request meets first: its id, the Host and Origin rules, a net for panics; and the headers that every
//! answer carries.
use super::{
    answer::{MediaType, refuse},
    rate::{RATE_LIMIT, RATE_LIMIT_POLICY},
    unread::Unread,
};
use crate::{
    config::{Config, Mode},
    graphql_kit::ErrorCode,
    shared::{Ambient, TraceId},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The cursor after which an EventSource goes on.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A page of another site can send one of these only after asking, and is refused then.
const PREFLIGHT: [HeaderName; 2] = [
    HeaderName::from_static("graphql-require-preflight"),
    HeaderName::from_static("apollo-require-preflight"),
];

/// Whether the request has one of them; an empty one is none.
pub(super) fn has_preflight(headers: &HeaderMap) -> bool {
    PREFLIGHT.iter().any(|name| headers.get(name).is_some_and(|value| !value.is_empty()))
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What tracing software says beside it: of no use here, and taken so that it can be sent by a page.
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The trace that a request continues. As the standard wants it, what is not valid or there twice counts for nothing.
pub(super) fn continued_trace(headers: &HeaderMap) -> Option<TraceId> {
    let mut given = headers.get_all(TRACEPARENT).iter();
    let one = given.next().filter(|_| given.next().is_none())?;
    TraceId::continued(one.to_str().ok()?)
}

/// The request's id, on its extensions.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub String);

#[derive(Clone, Debug)]
pub(super) struct Guard(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    hosts: Vec<String>,
    origins: Vec<String>,
    /// Pages served by a developer's own machine may call.
    loopback_origins: bool,
    ambient: Ambient,
}

/// Of a request that nobody looks at any further.
type Refusal = (StatusCode, ErrorCode, &'static str);

impl Guard {
    pub(super) fn new(config: &Config, ambient: Ambient) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self(Arc::new(Rules {
            hosts: lower(&config.http.allowed_hosts),
            origins: lower(&config.http.allowed_origins),
            loopback_origins: config.mode == Mode::Development,
            ambient,
        }))
    }

    /// A foreign name that resolves to this server is how a web page reaches servers on a private network.
    fn allows_host(&self, authority: &str) -> bool {
        let authority = authority.to_ascii_lowercase();
        let name = host_name(&authority);
        is_loopback(name) || self.0.hosts.iter().any(|host| host == name || *host == authority)
    }

    /// Same origin, on the list, or in development from the developer's own machine.
    fn allows_origin(&self, origin: &str, host: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        let Some((_, authority)) = origin.split_once("://") else { return false };
        authority.eq_ignore_ascii_case(host)
            || self.0.origins.contains(&origin)
            || (self.0.loopback_origins && is_loopback(host_name(authority)))
    }

    fn refusal(&self, headers: &HeaderMap, authority: Option<&str>) -> Option<Refusal> {
        // Which of two counts would differ from one reader to the next.
        if [header::HOST, header::ORIGIN].iter().any(|name| headers.get_all(name).iter().nth(1).is_some()) {
            let message = "the request has the header Host or Origin twice: send each once";
            return Some((StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message));
        }
        let host =
            headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(authority).unwrap_or_default();
        if !self.allows_host(host) {
            return Some((
                StatusCode::MISDIRECTED_REQUEST,
                ErrorCode::Forbidden,
                "this server does not answer under that host name: its operator lists names in http.allowed_hosts",
            ));
        }
        let origin = headers.get(header::ORIGIN)?.to_str().unwrap_or_default();
        (!self.allows_origin(origin, host)).then_some((
            StatusCode::FORBIDDEN,
            ErrorCode::Forbidden,
            "pages of that origin may not call this server: its operator lists origins in http.allowed_origins",
        ))
    }

    fn request_id(&self, headers: &HeaderMap) -> String {
        let sane = |id: &&str| {
            (1..=64).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(sane);
        given.map_or_else(|| self.fresh_id(), str::to_owned)
    }

    pub(super) fn fresh_id(&self) -> String {
        self.0.ambient.ids.uuid().simple().to_string()
    }

    pub(super) fn fresh_trace(&self) -> TraceId {
        TraceId::random(&self.0.ambient.random)
    }

    pub(super) fn cors(&self) -> CorsLayer {
        let guard = self.clone();
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(move |origin, parts| {
                let host =
                    parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
                origin.to_str().is_ok_and(|origin| guard.allows_origin(origin, host))
            }))
            .allow_methods([Method::GET, Method::POST, Method::PUT])
            .allow_headers([
                header::ACCEPT,
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                LAST_EVENT_ID,
                REQUEST_ID,
                PREFLIGHT[0].clone(),
                PREFLIGHT[1].clone(),
                TRACEPARENT,
                TRACESTATE,
            ])
            .expose_headers([REQUEST_ID, header::RETRY_AFTER, RATE_LIMIT, RATE_LIMIT_POLICY])
            .max_age(Duration::from_secs(600))
    }
}

/// The outermost layer.
pub(super) async fn watch(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let id = guard.request_id(request.headers());
    let trace = continued_trace(request.headers()).unwrap_or_else(|| guard.fresh_trace());
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(trace);
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let unread = Unread::of(&mut request);
    let mut response = match guard.refusal(request.headers(), authority.as_deref()) {
        Some((status, code, message)) => {
            refuse(status, code, message).made_public(&id).into_http(MediaType::Json)
        }
        None => {
            // At any level: whatever is logged of a request names it.
            let span = tracing::error_span!("http", request_id = %id, trace_id = %trace);
            AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span).await.unwrap_or_else(|_| {
                refuse(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal, "internal error")
                    .made_public(&id)
                    .into_http(MediaType::Json)
            })
        }
    };
    let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    if !upgraded && !unread.cleared().await {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Without the port.
fn host_name(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => authority,
    }
}

fn is_loopback(name: &str) -> bool {
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(settings: &str) -> Guard {
        Guard::new(&Config::with(settings).unwrap(), Ambient::system())
    }

    #[test]
    fn hosts_are_those_of_this_machine_and_of_the_list() {
        let guard = guard("http.allowed_hosts = ['API.example.com']");
        for good in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:1",
            "[::1]:8080",
            "[::1]",
            "api.example.com:443",
            "API.EXAMPLE.COM",
        ] {
            assert!(guard.allows_host(good), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:80",
            "evil:8080",
            "::1",
            "localhost:80x",
        ] {
            assert!(!guard.allows_host(bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_panic_is_a_generic_error() {
        async fn panics() {
            panic!("secret");
        }
        let guard = guard("");
        let router = axum::Router::new()
            .route("/", axum::routing::get(panics))
            .layer(axum::middleware::from_fn_with_state(guard, watch));
        let request = Request::builder().uri("/").header("host", "localhost").body(axum::body::Body::empty());
        let response = tower::ServiceExt::oneshot(router, request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            body.contains("INTERNAL") && body.contains("requestId") && !body.contains("secret"),
            "{body}"
        );
    }

    #[test]
    fn origins_are_the_same_listed_or_the_developers_own() {
        let development = guard("http.allowed_origins = ['https://app.example.com']");
        let production = guard("mode = 'production'\nhttp.allowed_origins = ['https://app.example.com']");
        for guard in [&development, &production] {
            assert!(guard.allows_origin("https://app.example.com", "api.example.com"));
            assert!(guard.allows_origin("https://api.example.com", "api.example.com"));
            for bad in [
                "null",
                "",
                "https://example.com",
                "http://app.example.com",
                "https://app.example.com.evil.org",
            ] {
                assert!(!guard.allows_origin(bad, "api.example.com"), "{bad}");
            }
        }
        assert!(development.allows_origin("http://localhost:3000", "127.0.0.1:8080"));
        assert!(!production.allows_origin("http://localhost:3000", "api.example.com"));
    }
}
