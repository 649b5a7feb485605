//! What a handler leaves of a request's body. On a connection that is kept the next request stands behind it: a small
//! rest is read and dropped, and otherwise the answer has to say that the connection ends with it.
use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::Request,
};
use futures_util::{StreamExt, stream};
use std::{
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;

/// A longer rest costs more than a new connection.
const BYTES: usize = 65_536;
/// For what is on its way.
const TIME: Duration = Duration::from_millis(250);

/// Of one request; nothing where it has no body.
pub(super) struct Unread(Option<Arc<Mutex<Rest>>>);

struct Rest {
    body: BodyDataStream,
    /// As the client announced it.
    length: u64,
    ended: bool,
}

impl Rest {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let part = self.body.poll_next_unpin(cx);
        self.ended = matches!(part, Poll::Ready(None));
        part
    }
}

fn lock(rest: &Mutex<Rest>) -> MutexGuard<'_, Rest> {
    rest.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Unread {
    /// Watches how much of the body is read by whoever gets the request next.
    pub(super) fn of(request: &mut Request) -> Self {
        if request.body().is_end_stream() {
            return Self(None);
        }
        let length = request.body().size_hint().lower();
        let body = std::mem::take(request.body_mut()).into_data_stream();
        let rest = Arc::new(Mutex::new(Rest { body, length, ended: false }));
        let shared = Arc::clone(&rest);
        *request.body_mut() = Body::from_stream(stream::poll_fn(move |cx| lock(&shared).poll(cx)));
        Self(Some(rest))
    }

    /// Clears it away, once there is an answer; whether another request can follow.
    pub(super) async fn cleared(self) -> bool {
        let Some(rest) = self.0 else { return true };
        let ended = lock(&rest).ended;
        if ended || lock(&rest).length > BYTES as u64 {
            return ended;
        }
        let read = async {
            let mut left = BYTES;
            while let Some(part) = poll_fn(|cx| lock(&rest).poll(cx)).await {
                left = left.checked_sub(part.ok()?.len())?;
            }
            Some(())
        };
        timeout(TIME, read).await.is_ok_and(|read| read.is_some())
    }
}
