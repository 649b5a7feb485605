//! Connections, each with its bounds. There are so many at once. One is given up once its client sends no request, or
//! does not read: otherwise a descriptor, an answer or a stream would be kept for it as long as the network holds the
//! line.
use axum::{Router, body::Body, serve::Listener};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// Of a request's head: the longest address that hyper takes, and headers.
const HEAD_BYTES: usize = 80 * 1024;
/// Files that the process opens beside connections, at most.
const OTHER_FILES: usize = 256;

/// What a client may take its time for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From connecting to the whole head of the first request.
    pub head: Duration,
    /// From an answer to the whole head of the next request.
    pub idle: Duration,
    /// How long a client may take none of what is written to it.
    pub writing: Duration,
}

pub(super) struct Listening {
    tcp: TcpListener,
    patience: Patience,
    room: Arc<Semaphore>,
}

impl Listening {
    /// With so many connections at once, or as many as the process may open.
    pub(super) fn new(tcp: TcpListener, patience: Patience, most: usize) -> Self {
        let files = open_files().map_or(most, |files| files - OTHER_FILES.min(files / 4));
        Self { tcp, patience, room: Arc::new(Semaphore::new(most.min(files).max(1))) }
    }

    /// Until `stop`, and then until what has begun has ended.
    pub(super) async fn serve(mut self, router: Router, stop: CancellationToken) {
        let connections = TaskTracker::new();
        loop {
            let connection = tokio::select! {
                connection = self.accept() => connection,
                () = stop.cancelled() => break,
            };
            connections.spawn(serve_one(connection, self.patience, router.clone(), stop.clone()));
        }
        // Who connects now is refused, and goes elsewhere.
        drop(self);
        connections.close();
        connections.wait().await;
    }

    /// As soon as there is room for one.
    async fn accept(&mut self) -> Connection {
        // Never closed: without a permit nobody is turned away.
        let room = self.room.clone().acquire_owned().await.ok();
        let (tcp, _): (_, SocketAddr) = Listener::accept(&mut self.tcp).await;
        // What is written is whole: the system need not wait for more before it sends the rest of it.
        let _ = tcp.set_nodelay(true);
        Connection { tcp, patience: self.patience.writing, late: None, _room: room }
    }
}

/// Until the client or a timer ends it, or it becomes a WebSocket.
async fn serve_one(connection: Connection, patience: Patience, router: Router, stop: CancellationToken) {
    let heard = Arc::new(Notify::new());
    let hears = heard.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        hears.notify_one();
        router.clone().oneshot(request.map(Body::new))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.idle).max_buf_size(HEAD_BYTES);
    let mut served = pin!(http.serve_connection(TokioIo::new(connection), service).with_upgrades());
    let mut late = pin!(sleep(patience.head));
    let (mut silent, mut stopping) = (true, false);
    loop {
        tokio::select! {
            ended = served.as_mut() => {
                if let Err(error) = ended {
                    tracing::trace!(%error, "a connection broke");
                }
                return;
            }
            () = heard.notified(), if silent => silent = false,
            () = late.as_mut(), if silent => return,
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                served.as_mut().graceful_shutdown();
            }
        }
    }
}

/// How many files the process may have open, where the system tells.
fn open_files() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

pub(super) struct Connection {
    tcp: TcpStream,
    patience: Duration,
    /// While it takes nothing.
    late: Option<Pin<Box<Sleep>>>,
    /// Also as a WebSocket.
    _room: Option<OwnedSemaphorePermit>,
}

impl Connection {
    /// What came of writing, or an error where it has waited for too long.
    fn patiently<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.late = None;
            return written;
        }
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        ready!(late.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.patiently(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(cx, parts);
        self.patiently(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
