//! GraphQL over WebSocket: the protocol graphql-transport-ws.
//!
//! One task reads the socket; each operation is a task of its own that writes its answers itself, one after the other
//! with the others': a slow reader slows its operations, and of each no more than one answer waits, as text.
mod line;
mod message;

use super::{
    Public,
    answer::{MediaType, refuse},
    call::{Call, Caller},
    door::FrontDoor,
    rights::{Rights, RightsNow},
    seats::Seat,
};
use crate::{
    config::SocketConfig,
    graphql_kit::ErrorCode,
    shared::{Error, TraceId, json},
    telemetry::Running,
};
use axum::{
    extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    http::{HeaderValue, StatusCode, header},
    response::Response as HttpResponse,
};
use futures_util::{StreamExt, stream::SplitStream};
use line::Line;
use message::{Close, FromClient, PROTOCOL, ToClient, written, written_next};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::OwnedSemaphorePermit,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_tungstenite::tungstenite::{self, error::ProtocolError};
use tracing::Instrument;

/// Sockets before their `connection_init`, of this server.
pub(super) const UNKNOWN: usize = 1_024;
/// Characters of an operation's id, which the client chooses.
const ID_CHARS: usize = 128;
/// A close frame holds no more.
const REASON_BYTES: usize = 123;

/// `trace` is what the upgrade continues: then all that comes of the socket belongs to it.
pub(super) fn accept(
    upgrade: WebSocketUpgrade,
    public: Public,
    connection_id: String,
    trace: Option<TraceId>,
) -> HttpResponse {
    let upgrade = upgrade.protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        let message = "the WebSocket has to offer the protocol graphql-transport-ws";
        let mut response = refuse(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message)
            .made_public(&connection_id)
            .into_http(MediaType::Json);
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
        return response;
    }
    let Ok(place) = public.unknown.clone().try_acquire_owned() else {
        let message = "too many sockets wait for their connection_init: try again in a moment";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, message)
            .made_public(&connection_id)
            .into_http(MediaType::Json);
    };
    // The library breaks off in the middle of a message that is larger, and then the client may not hear why: up to
    // this a message is read whole, and refused with its close code.
    let readable = public.sockets.message_bytes * 4;
    let tasks = public.tasks.clone();
    upgrade
        .read_buffer_size(1_024)
        .write_buffer_size(4_096)
        .max_message_size(readable)
        .max_frame_size(readable)
        .on_upgrade(move |socket| {
            let span = tracing::error_span!("socket", connection_id);
            tasks.track_future(
                async move {
                    let _open = Running::one("aifirst_sockets");
                    Connection::new(socket, public, connection_id, trace, place).run().await;
                }
                .instrument(span),
            )
        })
}

/// What a client said of itself.
struct Initialised {
    /// `None` for an anonymous one.
    credential: Option<String>,
    rights: Rights,
    _seat: Seat,
}

struct Connection {
    incoming: SplitStream<WebSocket>,
    line: Arc<Line>,
    public: Public,
    config: Arc<SocketConfig>,
    connection_id: String,
    /// Of all operations; each begins one of its own where there is none.
    trace: Option<TraceId>,
    /// From `connection_init`.
    initialised: Option<Initialised>,
    /// Until `connection_init`.
    place: Option<OwnedSemaphorePermit>,
    running: JoinSet<()>,
}

/// The connection is over; with a frame to say so, if the client still listens.
struct Over(Option<(Close, String)>);

type Step = Result<(), Over>;

fn close(code: Close, reason: impl Into<String>) -> Over {
    Over(Some((code, reason.into())))
}

/// 4403 lets clients come back with another credential; they take 4401 as final.
fn forbidden(error: Error) -> Over {
    close(Close::Forbidden, error.to_string())
}

fn full() -> Over {
    close(Close::TryAgainLater, "You have as many sockets as you may: close some, or share one")
}

impl Connection {
    fn new(
        socket: WebSocket,
        public: Public,
        connection_id: String,
        trace: Option<TraceId>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let (outgoing, incoming) = socket.split();
        let config = Arc::clone(&public.sockets);
        Self {
            incoming,
            line: Arc::new(Line::new(outgoing, Duration::from_secs(config.write_seconds))),
            config,
            public,
            connection_id,
            trace,
            initialised: None,
            place: Some(place),
            running: JoinSet::new(),
        }
    }

    async fn run(mut self) {
        let Over(reason) = match self.converse().await {
            Err(over) => over,
            Ok(never) => match never {},
        };
        // Its operations end before the client may connect again.
        self.running.abort_all();
        let told = reason.is_some();
        if let Some((code, mut reason)) = reason {
            reason.truncate(reason.floor_char_boundary(REASON_BYTES));
            let frame = CloseFrame { code: code as u16, reason: reason.into() };
            let _ = self.line.send(Message::Close(Some(frame))).await;
        }
        // Until the closing handshake is done: a close frame that is cut off looks like a broken line.
        let rest = async {
            while let Some(Ok(message)) = self.incoming.next().await {
                // The answers to pings fill the memory of who does not send them on; after a close frame none is made.
                if !told && matches!(message, Message::Ping(_)) {
                    break;
                }
            }
        };
        let _ = timeout(Duration::from_secs(1), rest).await;
        while self.running.join_next().await.is_some() {}
    }

    async fn converse(&mut self) -> Result<std::convert::Infallible, Over> {
        let initialise_by = sleep(Duration::from_secs(self.config.init_seconds));
        tokio::pin!(initialise_by);
        let mut ping = ticks(self.config.ping_seconds);
        let mut recheck = ticks(self.config.recheck_seconds);
        let stop = self.public.stop.clone();
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Err(self.restart().await),
                () = &mut initialise_by, if self.initialised.is_none() => {
                    return Err(close(Close::InitialisationTimeout, "Connection initialisation timeout"));
                }
                message = self.incoming.next() => {
                    heard = Instant::now();
                    // What is awaited seldom has memory of its own, and only then: there are thousands of sockets.
                    Box::pin(self.received(message)).await?;
                }
                () = self.line.broken() => return Err(Over(None)),
                Some(_) = self.running.join_next(), if !self.running.is_empty() => {}
                _ = ping.tick() => {
                    if heard.elapsed() > ping.period() * 2 {
                        return Err(Over(None));
                    }
                    Box::pin(self.line.send(Message::Ping(Default::default()))).await?;
                }
                _ = recheck.tick() => Box::pin(self.recheck()).await?,
            }
        }
    }

    fn too_large(&self) -> Over {
        let limit = self.config.message_bytes;
        close(Close::TooLarge, format!("Messages have at most {limit} bytes: send large input by POST"))
    }

    /// What a client hears that breaks WebSocket itself.
    fn broken(&self, error: axum::Error) -> Over {
        match error.into_inner().downcast_ref() {
            Some(tungstenite::Error::Capacity(_)) => self.too_large(),
            Some(tungstenite::Error::Utf8(_)) => close(Close::NotText, "Messages are text in UTF-8"),
            // The line is gone, or the client has said goodbye.
            Some(tungstenite::Error::Protocol(
                ProtocolError::ResetWithoutClosingHandshake
                | ProtocolError::ReceivedAfterClosing
                | ProtocolError::SendAfterClosing,
            )) => Over(None),
            Some(tungstenite::Error::Protocol(error)) => close(Close::Protocol, error.to_string()),
            _ => Over(None),
        }
    }

    async fn received(&mut self, message: Option<Result<Message, axum::Error>>) -> Step {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            // The library has put its answer aside. Nothing more is read until the client has taken it.
            Some(Ok(Message::Ping(_))) => return self.line.flush().await,
            Some(Ok(Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Binary(_))) => return Err(close(Close::BadRequest, "Messages are text")),
            Some(Ok(Message::Close(_))) | None => return Err(Over(None)),
            Some(Err(error)) => return Err(self.broken(error)),
        };
        if text.len() > self.config.message_bytes {
            return Err(self.too_large());
        }
        if !json::is_bounded(text.as_bytes()) {
            let reason = format!("Messages have at most {} values: send fewer items in each", json::VALUES);
            return Err(close(Close::TooLarge, reason));
        }
        if !text.trim_start().starts_with('{') {
            let reason = format!("Not a message of {PROTOCOL}: messages are JSON objects");
            return Err(close(Close::BadRequest, reason));
        }
        let message: FromClient = serde_json::from_str(&text)
            .map_err(|error| close(Close::BadRequest, format!("Not a message of {PROTOCOL}: {error}")))?;
        match message {
            FromClient::ConnectionInit { payload } => self.initialise(payload.unwrap_or_default()).await,
            FromClient::Subscribe { id, payload } => self.subscribe(id, *payload).await,
            FromClient::Complete { id } => {
                self.line.abort(&id);
                Ok(())
            }
            FromClient::Ping { payload } => self.line.say(written(&ToClient::Pong { payload })).await,
            FromClient::Pong {} => Ok(()),
        }
    }

    async fn initialise(&mut self, payload: serde_json::Map<String, serde_json::Value>) -> Step {
        if self.initialised.is_some() {
            return Err(close(Close::TooManyInitialisations, "Too many initialisation requests"));
        }
        let given = payload.into_iter().find(|(key, _)| key.eq_ignore_ascii_case("authorization"));
        let credential = match given {
            None | Some((_, serde_json::Value::Null)) => None,
            Some((_, serde_json::Value::String(credential))) => Some(credential),
            Some(_) => return Err(close(Close::BadRequest, "authorization has to be a string: Bearer …")),
        };
        let rights = Rights::new(credential.clone());
        rights.recheck(&self.public.door).await.map_err(forbidden)?;
        let seat = self.public.seats.take(rights.principal()).ok_or_else(full)?;
        self.initialised = Some(Initialised { credential, rights, _seat: seat });
        self.place = None;
        self.line.say(written(&ToClient::ConnectionAck)).await
    }

    async fn recheck(&mut self) -> Step {
        let Some(Initialised { rights, .. }) = &self.initialised else { return Ok(()) };
        rights.recheck(&self.public.door).await.map_err(forbidden)
    }

    async fn subscribe(&mut self, id: String, call: Call) -> Step {
        let Some(Initialised { credential, rights, .. }) = &self.initialised else {
            return Err(close(Close::Unauthorized, "Unauthorized: connection_init comes first"));
        };
        if id.is_empty() || id.chars().count() > ID_CHARS {
            return Err(close(
                Close::BadRequest,
                format!("An operation's id has 1 to {ID_CHARS} characters"),
            ));
        }
        if self.line.carries(&id) {
            return Err(close(Close::DuplicateId, format!("Subscriber for {id} already exists")));
        }
        let request_id = self.public.guard.fresh_id();
        if self.line.operations() >= self.config.operations {
            let message = format!(
                "a socket carries {} operations at once: complete some first",
                self.config.operations
            );
            let answer = refuse(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, &message)
                .made_public(&request_id);
            return self.line.say(written(&ToClient::Error { id: &id, payload: answer.errors() })).await;
        }
        let trace = self.trace.unwrap_or_else(|| self.public.guard.fresh_trace());
        let span = tracing::error_span!("operation", request_id, trace_id = %trace);
        let caller = Caller {
            request_id,
            trace,
            credential: credential.clone(),
            transport: "websocket",
            read_only: false,
            after: None,
        };
        let asked = Asked { call, caller, rights: rights.now() };
        let (door, line) = (self.public.door.clone(), Arc::clone(&self.line));
        let (of, running) = (id.clone(), &mut self.running);
        self.line.begin(id, |serial| running.spawn(operate(door, asked, of, serial, line).instrument(span)));
        Ok(())
    }

    /// Clients come back spread over a while, not all at once.
    async fn restart(&mut self) -> Over {
        let spread = Duration::from_millis(self.config.restart_spread_millis);
        sleep(spread.mul_f64(self.public.door.services().ambient.random.fraction())).await;
        tracing::debug!(connection_id = self.connection_id, "told to connect again");
        close(Close::Restart, "Service restart: connect again and resume from your cursor")
    }
}

fn ticks(seconds: u64) -> tokio::time::Interval {
    let mut ticks = interval(Duration::from_secs(seconds));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // An interval's first tick is at once.
    ticks.reset();
    ticks
}

struct Asked {
    call: Call,
    caller: Caller,
    rights: RightsNow,
}

async fn operate(door: FrontDoor, asked: Asked, id: String, serial: u64, line: Arc<Line>) {
    // Not kept while the answers come.
    let begun = Box::pin(async { door.stream(asked.call, &asked.caller, asked.rights).await }).await;
    let last = match begun {
        Ok(answered) => {
            let mut answers = answered.into_stream();
            while let Some(answer) = answers.next().await {
                let text = written_next(&id, &answer);
                // Not held while the text waits.
                drop(answer);
                if line.say_of(&id, serial, text).await.is_err() {
                    return;
                }
            }
            written(&ToClient::Complete { id: &id })
        }
        Err(refused) => written(&ToClient::Error { id: &id, payload: refused.errors() }),
    };
    let _ = line.say_last_of(&id, serial, last).await;
}
