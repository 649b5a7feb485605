//! A small client of the product's own API, over HTTP and WebSocket: what the commands that play a client use.
use crate::shared::http;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};

/// How long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// Of the GraphQL endpoint, http or https.
    url: String,
    token: String,
}

/// A subscription, alone on its socket; dropping it ends it.
#[derive(Debug)]
pub struct Subscription(WebSocketStream<MaybeTlsStream<TcpStream>>);

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the server cannot be reached: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the socket failed: {0}")]
    Socket(#[from] Box<tungstenite::Error>),
    #[error("the server refused: {0}")]
    Refused(String),
    #[error("the server said nothing for {} seconds", PATIENCE.as_secs())]
    Silent,
    #[error("the server's answer has no {0}")]
    Missing(String),
}

impl From<tungstenite::Error> for ClientError {
    fn from(error: tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}

impl Client {
    pub fn new(address: SocketAddr, token: String) -> Result<Self, ClientError> {
        Self::at(&format!("http://{address}/graphql"), token)
    }

    pub fn at(url: &str, token: String) -> Result<Self, ClientError> {
        Ok(Self { http: http::plain()?, url: url.to_owned(), token })
    }

    /// The `data` of a query or mutation; errors, `userErrors` among them, are `Refused`.
    pub async fn run(&self, document: &str, variables: Value) -> Result<Value, ClientError> {
        let body = json!({ "query": document, "variables": variables });
        let answer: Value =
            self.http.post(&self.url).bearer_auth(&self.token).json(&body).send().await?.json().await?;
        data(answer)
    }

    /// Starts a subscription by graphql-transport-ws.
    pub async fn subscribe(&self, document: &str, variables: Value) -> Result<Subscription, ClientError> {
        let mut request = self.url.replacen("http", "ws", 1).into_client_request()?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
        let mut subscription = Subscription(connect_async(request).await?.0);
        let authorization = format!("Bearer {}", self.token);
        subscription
            .send(json!({ "type": "connection_init", "payload": { "authorization": authorization } }))
            .await?;
        subscription.receive("connection_ack").await?;
        let payload = json!({ "query": document, "variables": variables });
        subscription.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await?;
        Ok(subscription)
    }
}

impl Subscription {
    /// The `data` of the next event; `None` when there will be no more.
    pub async fn next(&mut self) -> Result<Option<Value>, ClientError> {
        match self.receive("next").await? {
            Some(mut message) => data(message["payload"].take()).map(Some),
            None => Ok(None),
        }
    }

    async fn send(&mut self, message: Value) -> Result<(), ClientError> {
        Ok(self.0.send(Message::text(message.to_string())).await?)
    }

    /// The next message of that type; `None` when the server ends the stream.
    async fn receive(&mut self, wanted: &str) -> Result<Option<Value>, ClientError> {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.map_err(|_| ClientError::Silent)?;
            let text = match message {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(error.into()),
            };
            let message: Value =
                serde_json::from_str(&text).map_err(|_| ClientError::Refused(text.as_str().to_owned()))?;
            match message["type"].as_str() {
                Some("ping") => self.send(json!({ "type": "pong" })).await?,
                Some("complete") => return Ok(None),
                Some("error") => return Err(ClientError::Refused(message["payload"].to_string())),
                Some(found) if found == wanted => return Ok(Some(message)),
                _ => {}
            }
        }
    }
}

/// The data of an answer that has no error in it.
fn data(mut answer: Value) -> Result<Value, ClientError> {
    if let Some(errors) = answer.get("errors") {
        return Err(ClientError::Refused(errors.to_string()));
    }
    let data = answer["data"].take();
    let refused = data.as_object().into_iter().flat_map(|fields| fields.values());
    for payload in refused {
        if let Some(errors) = payload.get("userErrors").and_then(Value::as_array)
            && !errors.is_empty()
        {
            return Err(ClientError::Refused(Value::from(errors.clone()).to_string()));
        }
    }
    Ok(data)
}

/// The text at a JSON pointer.
pub fn text(value: &Value, pointer: &str) -> Result<String, ClientError> {
    let found = value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| ClientError::Missing(pointer.to_owned()))
}
