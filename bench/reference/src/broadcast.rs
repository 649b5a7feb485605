//! A bare broadcast: what a session's words cost that go to many sockets, written once and sent as they are.
use axum::{
    body::Bytes,
    extract::{
        Query, State,
        ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::broadcast,
};

#[derive(Default)]
pub struct Topics(Mutex<HashMap<String, broadcast::Sender<Utf8Bytes>>>);

impl Topics {
    fn sender(&self, topic: &str) -> broadcast::Sender<Utf8Bytes> {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        topics.entry(topic.to_owned()).or_insert_with(|| broadcast::channel(1024).0).clone()
    }
}

#[derive(Deserialize)]
pub struct Topic {
    topic: String,
}

pub async fn follow(
    State(topics): State<Arc<Topics>>,
    Query(Topic { topic }): Query<Topic>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let words = topics.sender(&topic).subscribe();
    // As small a buffer as the product's.
    upgrade.read_buffer_size(4096).on_upgrade(move |socket| send_all(socket, words))
}

async fn send_all(mut socket: WebSocket, mut words: broadcast::Receiver<Utf8Bytes>) {
    loop {
        tokio::select! {
            word = words.recv() => {
                let Ok(word) = word else { break };
                if socket.send(Message::Text(word)).await.is_err() {
                    break;
                }
            },
            said = socket.recv() => if !matches!(said, Some(Ok(_))) { break },
        }
    }
}

#[derive(Deserialize)]
pub struct Start {
    topic: String,
    /// Of the source of tokens: `host:port`.
    source: String,
}

/// Reads a source of tokens to its end and tells the topic's followers each.
pub async fn start(State(topics): State<Arc<Topics>>, Query(start): Query<Start>, body: Bytes) -> StatusCode {
    let sender = topics.sender(&start.topic);
    let Ok(mut source) = TcpStream::connect(&start.source).await else { return StatusCode::BAD_GATEWAY };
    tokio::spawn(async move {
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            start.source,
            body.len()
        );
        source.write_all(head.as_bytes()).await.ok();
        source.write_all(&body).await.ok();
        let mut lines = BufReader::new(source).lines();
        let mut offset = 0;
        while let Ok(Some(line)) = lines.next_line().await {
            let Some(data) = line.strip_prefix("data: ") else { continue };
            if data == "[DONE]" {
                break;
            }
            let Ok(chunk) = serde_json::from_str::<serde_json::Value>(data) else { continue };
            let Some(text) = chunk["choices"][0]["delta"]["content"].as_str() else { continue };
            let word = format!(
                "{{\"id\":\"1\",\"type\":\"next\",\"payload\":{{\"data\":{{\"coachingEvents\":{{\"__typename\":\"TurnDelta\",\
                 \"cursor\":\"{topic}\",\"at\":\"2026-01-01T00:00:00.000000Z\",\"turn\":{{\"id\":\"{topic}\"}},\
                 \"text\":\"{text}\",\"offset\":{offset}}}}}}}}}",
                topic = start.topic
            );
            offset += text.len();
            sender.send(word.into()).ok();
        }
        sender.send("{\"id\":\"1\",\"type\":\"next\",\"payload\":\"TurnCompleted\"}".into()).ok();
    });
    StatusCode::ACCEPTED
}
