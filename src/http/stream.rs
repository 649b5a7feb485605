//! Answers that come one after the other over HTTP: which form the client accepts, and when a stream is cut.
use super::{Public, door::Answers, multipart, rights::Rights, sse};
use axum::response::Response;
use std::time::Duration;

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

    pub(super) fn respond(self, answers: Answers, public: Public, rights: Rights) -> Response {
        let cut = Box::pin(until_cut(public, rights));
        match self {
            Self::EventStream => sse::respond(answers, cut),
            Self::Multipart => multipart::respond(answers, cut),
        }
    }
}

/// The server stops, or the credential is not valid any more. The stream then ends without saying that it is
/// complete, and the client connects again.
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
