//! Answers that come one after the other over HTTP, in the form that the client accepts. A stream that ends without its
//! form's end was cut: the client connects again.
use super::{
    Public,
    call::{Answers, Next},
    multipart,
    rights::Rights,
    seats::Seat,
    sse,
};
use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use std::time::Duration;
use tokio::time::timeout;
use tracing::{Instrument, Span};

/// How a form is written.
#[derive(Clone, Copy)]
pub(super) struct Wire {
    pub content_type: &'static str,
    pub beginning: &'static str,
    pub part: fn(&Next) -> serde_json::Result<String>,
    pub sign_of_life: &'static str,
    pub end: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    EventStream,
    Multipart,
}

impl Form {
    /// `None` where the client takes single answers only.
    pub(super) fn accepted(accept: &str) -> Option<Self> {
        let accept = accept.to_ascii_lowercase();
        let ranges = || accept.split(',').map(str::trim);
        if ranges().any(|range| range.starts_with("text/event-stream")) {
            Some(Self::EventStream)
        } else if ranges()
            .any(|range| range.starts_with("multipart/mixed") && range.contains("subscriptionspec"))
        {
            Some(Self::Multipart)
        } else {
            None
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::EventStream => "sse",
            Self::Multipart => "multipart",
        }
    }

    pub(super) fn respond(
        self,
        mut answers: Answers,
        public: Public,
        rights: Rights,
        seat: Option<Seat>,
    ) -> Response {
        let wire = match self {
            Self::EventStream => sse::WIRE,
            Self::Multipart => multipart::WIRE,
        };
        let silence = public.heartbeat;
        // Its parts are made when they are wanted, long after this request's own time.
        let span = Span::current();
        let parts = async_stream::stream! {
            let _seat = seat;
            yield Ok(wire.beginning.to_owned());
            loop {
                match timeout(silence, answers.next()).instrument(span.clone()).await {
                    Ok(Some(answer)) => yield (wire.part)(&answer),
                    Ok(None) => break,
                    Err(_) => yield Ok(wire.sign_of_life.to_owned()),
                }
            }
            yield Ok(wire.end.to_owned());
        };
        let body = Body::from_stream(parts.take_until(Box::pin(until_cut(public, rights))));
        ([(header::CONTENT_TYPE, wire.content_type)], body).into_response()
    }
}

/// The server stops, or the credential is not valid any more.
async fn until_cut(public: Public, rights: Rights) {
    let recheck = Duration::from_secs(public.sockets.recheck_seconds);
    tokio::select! {
        () = public.stop.cancelled() => {}
        () = rights.watch(&public.door, recheck) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn the_form_of_a_stream_is_negotiated() {
        for (accept, form) in [
            ("", None),
            ("*/*", None),
            ("application/json", None),
            ("multipart/mixed", None),
            ("multipart/mixed;deferSpec=20220824, application/json", None),
            ("text/event-stream", Some(Form::EventStream)),
            (
                "application/json, Text/Event-Stream, multipart/mixed;subscriptionSpec=1.0",
                Some(Form::EventStream),
            ),
            ("multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json", Some(Form::Multipart)),
            ("application/json, multipart/mixed;subscriptionSpec=\"1.0\"", Some(Form::Multipart)),
        ] {
            assert_eq!(Form::accepted(accept), form, "{accept}");
        }
    }
}
