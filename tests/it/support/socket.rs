//! A client of the protocol graphql-transport-ws.
use super::PATIENCE;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// One subscription, alone on its socket.
pub struct Subscription {
    socket: Socket,
}

impl Socket {
    /// Connected and acknowledged.
    pub async fn connect(url: &str, token: Option<&str>) -> Self {
        Self::connect_in(url, token, None).await
    }

    /// The same, in a trace.
    pub async fn connect_in(url: &str, token: Option<&str>, traceparent: Option<&str>) -> Self {
        let mut socket = Self::open_in(url, traceparent).await;
        let payload = token.map(|token| json!({ "authorization": format!("Bearer {token}") }));
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        let answer = socket.receive().await.expect("closed instead of connection_ack");
        assert_eq!(answer["type"], "connection_ack", "{answer}");
        socket
    }

    /// Connected, nothing said yet.
    pub async fn open(url: &str) -> Self {
        Self::open_in(url, None).await
    }

    async fn open_in(url: &str, traceparent: Option<&str>) -> Self {
        let mut request = url.replacen("http", "ws", 1).into_client_request().unwrap();
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
        if let Some(traceparent) = traceparent {
            request.headers_mut().insert("traceparent", traceparent.parse().unwrap());
        }
        Self(connect_async(request).await.unwrap().0)
    }

    pub async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Whatever text.
    pub async fn send_text(&mut self, text: String) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// Whatever frame; the server may have hung up meanwhile.
    pub async fn try_send(&mut self, message: Message) -> bool {
        matches!(timeout(PATIENCE, self.0.send(message)).await, Ok(Ok(())))
    }

    /// Until the server asks whether somebody is there.
    pub async fn pinged(&mut self) {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("the server did not ping") {
                Some(Ok(Message::Ping(_))) => return,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => panic!("closed instead of a ping"),
            }
        }
    }

    /// Whether the server took it; it may hang up meanwhile, or not read.
    pub async fn try_send_text(&mut self, text: String) -> bool {
        self.try_send(Message::text(text)).await
    }

    /// The next message; `None` once closed. Pings are answered below, and are no sign of progress.
    pub async fn receive(&mut self) -> Option<Value> {
        timeout(PATIENCE, self.heard()).await.expect("the server said nothing for too long")
    }

    async fn heard(&mut self) -> Option<Value> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if message["type"] != "ping" {
                        return Some(message);
                    }
                    self.send(json!({ "type": "pong" })).await;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(other)) => panic!("unexpected {other:?}"),
            }
        }
    }

    /// The code with which the server closes.
    pub async fn close_code(&mut self) -> u16 {
        self.closed().await.0
    }

    /// The code with which the server closes, and the reason; what comes before is passed over.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("the server did not close") {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (frame.code.into(), frame.reason.as_str().to_owned());
                }
                Some(Ok(Message::Close(None))) => return (1005, String::new()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return (1006, String::new()),
            }
        }
    }

    pub async fn subscribe(self, document: &str, variables: Value) -> Subscription {
        self.ask(json!({ "query": document, "variables": variables })).await
    }

    /// Any operation, as the whole of what is asked.
    pub async fn ask(mut self, payload: Value) -> Subscription {
        self.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        Subscription { socket: self }
    }
}

impl Subscription {
    /// Ends it, and returns once the server has.
    pub async fn end(mut self) {
        self.socket.send(json!({ "type": "complete", "id": "1" })).await;
        self.socket.send(json!({ "type": "ping" })).await;
        while self.socket.receive().await.expect("closed instead of a pong")["type"] != "pong" {}
    }

    /// The `data` of the next event; `None` when the server completed. An error fails the test.
    pub async fn next(&mut self) -> Option<Value> {
        let message = self.message().await?;
        assert!(message["type"] == "next" && message["payload"].get("errors").is_none(), "{message:#}");
        Some(message["payload"]["data"].clone())
    }

    /// The next event or the errors, in the form of an answer.
    pub async fn first_answer(&mut self) -> Value {
        let message = self.message().await.expect("completed at once");
        match message["type"].as_str() {
            Some("error") => json!({ "errors": message["payload"] }),
            _ => message["payload"].clone(),
        }
    }

    /// The code of the error that must come next.
    pub async fn error_code(&mut self) -> String {
        let message = self.message().await.expect("completed instead of an error");
        let payload = &message["payload"];
        let code =
            payload.pointer("/0/extensions/code").or_else(|| payload.pointer("/errors/0/extensions/code"));
        code.and_then(Value::as_str).unwrap_or_else(|| panic!("{message:#}")).to_owned()
    }

    /// The events of `field` until one satisfies `last`, which is among them.
    pub async fn until(&mut self, field: &str, last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut events = vec![];
        loop {
            let event =
                self.next().await.unwrap_or_else(|| panic!("completed after {events:#?}"))[field].clone();
            events.push(event.clone());
            if last(&event) {
                return events;
            }
        }
    }

    /// The code with which the server closes; what comes before is passed over.
    pub async fn close_code(mut self) -> u16 {
        self.socket.close_code().await
    }

    async fn message(&mut self) -> Option<Value> {
        let message = self.socket.receive().await?;
        (message["type"] != "complete").then_some(message)
    }
}
