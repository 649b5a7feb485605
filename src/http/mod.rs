//! The front door. `/graphql` takes GraphQL over HTTP, WebSocket and Server-Sent Events; health and metrics have a listener of
//! their own.
//!
//! `/uploads` takes files that a mutation gave leave for ([`file`]).
//!
//! A request's way: [`guard`] (id, Host, Origin, panics) → CORS → compression → [`request`] (with files: [`upload`]), [`socket`] or
//! [`stream`] (what the transport demands) → [`door`] (who asks, the document pipeline, execution) → [`answer`] (masking, form).
mod admin;
mod admitted;
mod answer;
mod call;
mod document;
mod door;
mod file;
mod graphiql;
mod guard;
mod listen;
mod log;
mod multipart;
mod rate;
mod request;
mod rights;
mod seats;
mod socket;
mod sse;
mod stream;
mod unread;
mod upload;

use crate::{
    config::{Config, Mode, SocketConfig},
    graphql::{Schema, pipeline::Pipeline},
    services::Services,
};
pub use admin::Admin;
use axum::{
    Router,
    http::StatusCode,
    middleware,
    routing::{any, get, put},
};
use door::FrontDoor;
use file::Incoming;
use guard::Guard;
use listen::{Listening, Patience};
use seats::Seats;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::compression::{
    CompressionLayer,
    predicate::{DefaultPredicate, NotForContentType, Predicate},
};

/// What the handlers of the public listener share.
#[derive(Clone)]
struct Public {
    door: FrontDoor,
    guard: Guard,
    body_bytes: usize,
    incoming: Incoming,
    /// Operations in one POST; zero takes no batches.
    batch: usize,
    timeout: Duration,
    /// In development.
    graphiql: Option<Graphiql>,
    /// Takes a GET of anybody.
    development: bool,
    /// How long a stream may be silent.
    heartbeat: Duration,
    sockets: Arc<SocketConfig>,
    seats: Seats,
    /// Places for sockets of which nobody knows yet whose they are.
    unknown: Arc<Semaphore>,
    /// Sockets and mutations: what outlives a request's connection.
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Clone)]
struct Graphiql {
    /// Where the page's files lie, if not in the network.
    folder: Option<PathBuf>,
}

/// How often what is not needed any more is forgotten.
const TIDY: Duration = Duration::from_secs(5);

/// The public listener's routes, ready to serve.
pub struct Server {
    router: Router,
    door: FrontDoor,
    tasks: TaskTracker,
    patience: Patience,
    connections: usize,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

impl Server {
    /// `stop` tells the sockets to connect elsewhere.
    pub fn new(
        config: &Config,
        schema: Schema,
        pipeline: Pipeline,
        services: Services,
        stop: &CancellationToken,
    ) -> Self {
        let tasks = TaskTracker::new();
        let guard = Guard::new(config, services.ambient.clone());
        let public = Public {
            door: FrontDoor::new(config, schema, pipeline, services, tasks.clone()),
            guard: guard.clone(),
            body_bytes: config.http.body_bytes,
            incoming: Incoming::new(config.http.files, config.data_dir.clone()),
            batch: config.http.batch,
            timeout: request::BODY_TIMEOUT,
            graphiql: (config.mode == Mode::Development).then(|| {
                let folder = &config.http.graphiql_folder;
                Graphiql { folder: (!folder.as_os_str().is_empty()).then(|| folder.clone()) }
            }),
            development: config.mode == Mode::Development,
            heartbeat: Duration::from_secs(config.http.heartbeat_seconds),
            sockets: Arc::new(config.http.socket.clone()),
            seats: Seats::new(config.http.socket.per_actor),
            unknown: Arc::new(Semaphore::new(socket::UNKNOWN)),
            tasks: tasks.clone(),
            stop: stop.clone(),
        };
        // A part of a stream must not wait in the compressor for the next one.
        let compressible = DefaultPredicate::new().and(NotForContentType::const_new("multipart/mixed"));
        let door = public.door.clone();
        let router = Router::new()
            .route("/graphql", any(request::graphql))
            .route("/uploads/{id}", put(file::receive))
            .route("/graphiql/{*name}", get(graphiql::file))
            .fallback(async || (StatusCode::NOT_FOUND, "there is nothing here: the API is at /graphql\n"))
            .with_state(public)
            // Together, the outermost first: each `layer` of its own puts a request into one more box.
            .layer((
                middleware::from_fn_with_state(guard.clone(), guard::watch),
                guard.cors(),
                CompressionLayer::new().compress_when(compressible),
            ));
        let patience = Patience {
            head: Duration::from_secs(config.http.head_seconds),
            idle: Duration::from_secs(config.http.idle_seconds),
            writing: Duration::from_secs(config.http.socket.write_seconds),
        };
        Self { router, door, tasks, patience, connections: config.http.max_connections }
    }

    /// Until `stop`, and then until what has begun has ended. The caller bounds that time.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let tidy = async {
            let mut every = tokio::time::interval(TIDY);
            loop {
                every.tick().await;
                self.door.tidy();
            }
        };
        tokio::select! {
            () = Listening::new(listener, self.patience, self.connections).serve(self.router, stop) => {}
            () = tidy => {}
        }
        self.tasks.close();
        self.tasks.wait().await;
    }
}
