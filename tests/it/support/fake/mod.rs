//! A provider of models that says what a test tells it to, in the wire formats of real ones, by HTTP on loopback. It
//! keeps what it was asked, and notices when whoever asked goes away.
mod format;
mod script;

pub use format::{COUNTED, Format};
pub use script::{Embeds, Piece, Reason, Refusal, Script};

use super::PATIENCE;
use async_stream::stream;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Response, StatusCode, header},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};

/// Answers each model's calls by a script of its own, made for the request; other models answer `fine`.
pub struct Fake {
    pub format: Format,
    pub address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

type Answers = Arc<dyn Fn(&Value) -> Script + Send + Sync>;
type Vectors = Arc<dyn Fn(&[String]) -> Embeds + Send + Sync>;

struct Shared {
    format: Format,
    scripts: Mutex<HashMap<String, Answers>>,
    vectors: Mutex<HashMap<String, Vectors>>,
    asked: Mutex<Vec<Asked>>,
    count: watch::Sender<usize>,
}

/// One request that came.
#[derive(Clone)]
pub struct Asked {
    pub path: String,
    pub model: String,
    pub headers: HeaderMap,
    pub body: Value,
    pub at: Instant,
    /// Bytes of the answer that were taken so far.
    sent: Arc<AtomicUsize>,
    end: watch::Receiver<Option<End>>,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The script was played.
    Played,
    /// Whoever asked went away before.
    LeftAlone,
}

impl Fake {
    pub async fn start(format: Format) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            format,
            scripts: Mutex::default(),
            vectors: Mutex::default(),
            asked: Mutex::default(),
            count: watch::Sender::new(0),
        });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { format, address, shared, server }
    }

    /// As one of `[gateway.providers]`.
    pub fn settings(&self, name: &str) -> String {
        let (kind, base) = (self.format.kind(), self.base_url());
        format!("[gateway.providers.{name}]\nkind = '{kind}'\nbase_url = '{base}'\n")
    }

    pub fn base_url(&self) -> String {
        format!("http://{}{}", self.address, self.format.base_path())
    }

    /// From now on this model answers so.
    pub fn says(&self, model: &str, script: Script) {
        self.answers(model, move |_| script.clone());
    }

    /// From now on this model answers by what it is asked.
    pub fn answers(&self, model: &str, answers: impl Fn(&Value) -> Script + Send + Sync + 'static) {
        self.shared.scripts.lock().unwrap().insert(model.to_owned(), Arc::new(answers));
    }

    /// From now on this model has such vectors; others have the number of bytes, and 1.
    pub fn embeds(&self, model: &str, embeds: impl Fn(&[String]) -> Embeds + Send + Sync + 'static) {
        self.shared.vectors.lock().unwrap().insert(model.to_owned(), Arc::new(embeds));
    }

    /// All texts that vectors of this model were asked of, in order.
    pub fn embedded(&self, model: &str) -> Vec<String> {
        let texts = |asked: &Asked| self.format.texts(&asked.path, &asked.body).unwrap_or_default();
        self.asked(model).iter().flat_map(texts).collect()
    }

    /// One after the other; the last again and again.
    pub fn says_in_turn(&self, model: &str, scripts: Vec<Script>) {
        let next = AtomicUsize::new(0);
        self.answers(model, move |_| {
            let turn = next.fetch_add(1, Ordering::SeqCst);
            scripts[turn.min(scripts.len() - 1)].clone()
        });
    }

    /// What was asked of this model, in order.
    pub fn asked(&self, model: &str) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().iter().filter(|asked| asked.model == model).cloned().collect()
    }

    /// What was asked of any model; whether the provider is well is asked without one.
    pub fn all_asked(&self) -> Vec<Asked> {
        let asked = self.shared.asked.lock().unwrap();
        asked.iter().filter(|asked| !asked.model.is_empty()).cloned().collect()
    }

    /// The first request of this model, once it comes.
    pub async fn first_asked(&self, model: &str) -> Asked {
        let mut count = self.shared.count.subscribe();
        loop {
            if let Some(asked) = self.asked(model).into_iter().next() {
                return asked;
            }
            timeout(PATIENCE, count.changed()).await.expect("nobody asks").unwrap();
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Asked {
    /// Once it has.
    pub async fn ended(&self) -> End {
        let mut end = self.end.clone();
        let ended = timeout(PATIENCE, end.wait_for(Option::is_some)).await;
        ended.expect("whoever asked is still there, and the script is not played").unwrap().unwrap()
    }

    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let path = parts.uri.path_and_query().unwrap().to_string();
    let model = shared.format.model(&path, &body);
    let (told, end) = watch::channel(None);
    let asked = Asked {
        path: path.clone(),
        model: model.clone(),
        headers: parts.headers,
        body: body.clone(),
        at: Instant::now(),
        sent: Arc::default(),
        end,
    };
    let sent = asked.sent.clone();
    shared.asked.lock().unwrap().push(asked);
    shared.count.send_modify(|count| *count += 1);
    if let Some(texts) = shared.format.texts(&path, &body) {
        let embeds = shared.vectors.lock().unwrap().get(&model).cloned();
        let plain = |texts: &[String]| {
            Embeds::Vectors(texts.iter().map(|text| vec![text.len() as f64, 1.0]).collect())
        };
        return match embeds.map_or_else(|| plain(&texts), |embeds| embeds(&texts)) {
            Embeds::Vectors(vectors) => {
                whole(StatusCode::OK, &HeaderMap::new(), shared.format.embedded(&vectors).to_string())
            }
            Embeds::Raw(body) => whole(StatusCode::OK, &HeaderMap::new(), body),
            Embeds::Refusal(Refusal { status, headers, body }) => whole(status, &headers, body),
            Embeds::Hang => std::future::pending().await,
        };
    }
    if let Some(answer) = shared.format.whole(&path) {
        return whole(StatusCode::OK, &HeaderMap::new(), answer.to_string());
    }
    let answers = shared.scripts.lock().unwrap().get(&model).cloned();
    match answers.map_or_else(|| Script::answer(["fine"]), |answers| answers(&body)) {
        Script::Refusal(Refusal { status, headers, body }) => whole(status, &headers, body),
        Script::Stream(pieces) => {
            let body = Body::from_stream(played(shared.format, model, pieces, sent, Watch(told)));
            let kind = shared.format.media_type();
            Response::builder().header(header::CONTENT_TYPE, kind).body(body).unwrap()
        }
    }
}

fn whole(status: StatusCode, headers: &HeaderMap, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().extend(headers.clone());
    response.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    response
}

/// Tells when an answer is dropped before its end.
struct Watch(watch::Sender<Option<End>>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.send_if_modified(|end| end.is_none() && end.replace(End::LeftAlone).is_none());
    }
}

fn played(
    format: Format,
    model: String,
    pieces: Vec<Piece>,
    sent: Arc<AtomicUsize>,
    watch: Watch,
) -> impl futures_util::Stream<Item = Result<Bytes, io::Error>> {
    stream! {
        let mut writer = format.writer(&model);
        yield Ok(Bytes::from(writer.begin()));
        for piece in pieces {
            match piece {
                Piece::Cut => {
                    watch.0.send_replace(Some(End::Played));
                    // What was said before is sent on when the stream has nothing at once, and would be lost otherwise.
                    tokio::task::yield_now().await;
                    // The connection is closed without the end that its format has.
                    yield Err(io::Error::other("cut"));
                    return;
                }
                Piece::Hang => std::future::pending().await,
                Piece::Flood { piece, times } => {
                    let bytes = Bytes::from(writer.write(&piece));
                    for _ in 0..times {
                        sent.fetch_add(bytes.len(), Ordering::SeqCst);
                        yield Ok(bytes.clone());
                    }
                }
                piece => {
                    let bytes = writer.write(&piece);
                    sent.fetch_add(bytes.len(), Ordering::SeqCst);
                    yield Ok(Bytes::from(bytes));
                }
            }
        }
        watch.0.send_replace(Some(End::Played));
    }
}

/// What all formats say of an error.
fn error(kind: &str, message: &str) -> Value {
    json!({ "type": kind, "message": message })
}
