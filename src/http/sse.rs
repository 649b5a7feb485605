//! GraphQL over Server-Sent Events, by the protocol graphql-sse with a connection for each operation: `next` events,
//! then `complete`, with `null` as data, for browsers drop events without any. A stream that ends without `complete` was cut: the client connects again.
use super::{Public, door::Answers, rights::Rights};
use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures_util::{StreamExt, stream};
use std::time::Duration;

/// Proxies hang up on connections that are silent for longer than this.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

pub(super) fn stream(answers: Answers, public: Public, rights: Rights) -> Response {
    let events = answers
        .map(|response| Event::default().event("next").json_data(response))
        .chain(stream::once(async { Ok(Event::default().event("complete").data("null")) }));
    let cut = async move {
        let recheck = Duration::from_secs(public.sockets.recheck_seconds);
        tokio::select! {
            () = public.stop.cancelled() => {}
            () = rights.watch(&public.door, recheck) => {}
        }
    };
    Sse::new(events.take_until(Box::pin(cut)))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}
