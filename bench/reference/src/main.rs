//! What the operations of `bench/run` cost at the least: axum, tokio-postgres, a few flat selects and JSON written by
//! hand. It checks the credential and whose the rows are, as every server has to, inside the statements themselves.
mod broadcast;
mod id;
mod json;
mod read;
mod send;
mod store;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use std::{env, sync::Arc};
use store::{Credential, Pool, Prepared};

type Outcome = Result<Vec<u8>, Refusal>;

pub enum Refusal {
    Unauthenticated,
    BadInput,
    Database(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for Refusal {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED.into_response(),
            Self::BadInput => StatusCode::BAD_REQUEST.into_response(),
            Self::Database(error) => {
                eprintln!("{error:?}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// Who asks, and with which variables.
pub struct Call<'a> {
    pub client: &'a Prepared,
    pub credential: Credential,
    pub variables: serde_json::Value,
}

macro_rules! operation {
    ($run:path) => {
        |State(pool): State<Arc<Pool>>, headers: HeaderMap, body: Bytes| async move {
            let Some(credential) = Credential::of(&headers) else {
                return Err(Refusal::Unauthenticated);
            };
            let variables = serde_json::from_slice(&body).map_err(|_| Refusal::BadInput)?;
            let client = pool.take().await;
            let call = Call { client: &client, credential, variables };
            let answer: Outcome = $run(&call).await;
            drop(call);
            pool.give(client);
            answer.map(|body| ([(header::CONTENT_TYPE, "application/json")], body))
        }
    };
}

#[tokio::main]
async fn main() {
    let url = env::var("DATABASE_URL").expect("DATABASE_URL");
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
    let pool = match Pool::connect(&url, 16).await {
        Ok(pool) => Arc::new(pool),
        Err(error) => {
            eprintln!("error: the database: {error:?}");
            std::process::exit(2);
        }
    };
    let operations = Router::new()
        .route("/pointRead", post(operation!(read::point)))
        .route("/nestedList", post(operation!(read::nested)))
        .route("/dashboard", post(operation!(read::dashboard)))
        .route("/mutation", post(operation!(send::message)))
        .with_state(pool);
    let topics = Router::new()
        .route("/events", get(broadcast::follow))
        .route("/start", post(broadcast::start))
        .with_state(Arc::default());
    let listener = match tokio::net::TcpListener::bind(&address).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("error: {address}: {error}");
            std::process::exit(2);
        }
    };
    println!("listening {}", listener.local_addr().expect("an address"));
    let app = operations.merge(topics);
    axum::serve(axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true))), app)
        .await
        .expect("serving");
}
