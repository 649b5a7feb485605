//! Wakes whoever waits, in this process or, by NATS, in others. Best effort by design: nothing that must not be
//! lost travels here alone.
use futures_util::StreamExt;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::broadcast::{self, error::RecvError};

/// Messages that a slow subscriber may lag behind before it is told [`Signal::Lost`].
const BACKLOG: usize = 1024;

#[derive(Clone)]
pub struct Bus(Transport);

#[derive(Clone)]
enum Transport {
    InProcess(Arc<Topics>),
    Nats(async_nats::Client),
}

#[derive(Default)]
struct Topics(Mutex<HashMap<String, broadcast::Sender<Arc<[u8]>>>>);

/// What a subscriber hears.
#[derive(Clone, Debug)]
pub enum Signal {
    Message(Arc<[u8]>),
    /// Messages were dropped: look at the truth instead.
    Lost,
}

#[derive(Debug, thiserror::Error)]
#[error(
    "the event bus {url} cannot be reached: {source}. Check AIFIRST_EVENTS__URL, or leave it empty for one process"
)]
pub struct BusError {
    url: String,
    source: async_nats::ConnectError,
}

impl Bus {
    pub fn in_process() -> Self {
        Self(Transport::InProcess(Arc::default()))
    }

    /// `nats://…`, or empty for one process.
    pub async fn connect(url: &str) -> Result<Self, BusError> {
        if url.is_empty() {
            return Ok(Self::in_process());
        }
        let client =
            async_nats::connect(url).await.map_err(|source| BusError { url: url.to_owned(), source })?;
        Ok(Self(Transport::Nats(client)))
    }

    pub async fn publish(&self, topic: &str, message: Vec<u8>) {
        match &self.0 {
            Transport::InProcess(topics) => topics.send(topic, message),
            Transport::Nats(client) => {
                if let Err(error) = client.publish(subject(topic), message.into()).await {
                    tracing::warn!(%error, "the event bus did not take a message; subscribers will poll");
                }
            }
        }
    }

    pub async fn subscribe(&self, topic: &str) -> Subscription {
        Subscription(match &self.0 {
            Transport::InProcess(topics) => Source::InProcess(topics.receiver(topic)),
            Transport::Nats(client) => {
                let subscriber = client.subscribe(subject(topic)).await;
                // A subscription is live once the server has seen it.
                let flushed = client.flush().await;
                match (subscriber, flushed) {
                    (Ok(subscriber), Ok(())) => Source::Nats(Box::new(subscriber)),
                    _ => Source::Closed,
                }
            }
        })
    }
}

fn subject(topic: &str) -> String {
    format!("aifirst.{topic}")
}

impl Topics {
    fn send(&self, topic: &str, message: Vec<u8>) {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = topics.get(topic)
            && sender.send(message.into()).is_err()
        {
            topics.remove(topic);
        }
    }

    fn receiver(&self, topic: &str) -> broadcast::Receiver<Arc<[u8]>> {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        topics.entry(topic.to_owned()).or_insert_with(|| broadcast::channel(BACKLOG).0).subscribe()
    }
}

#[derive(Debug)]
pub struct Subscription(Source);

enum Source {
    InProcess(broadcast::Receiver<Arc<[u8]>>),
    Nats(Box<async_nats::Subscriber>),
    Closed,
}

impl Subscription {
    /// Waits for the next signal; for ever where the bus is gone, so pair it with a poll.
    pub async fn next(&mut self) -> Signal {
        let signal = match &mut self.0 {
            Source::InProcess(receiver) => match receiver.recv().await {
                Ok(message) => Some(Signal::Message(message)),
                Err(RecvError::Lagged(_)) => Some(Signal::Lost),
                Err(RecvError::Closed) => None,
            },
            Source::Nats(subscriber) => {
                subscriber.next().await.map(|message| Signal::Message(message.payload.as_ref().into()))
            }
            Source::Closed => None,
        };
        match signal {
            Some(signal) => signal,
            None => {
                self.0 = Source::Closed;
                std::future::pending().await
            }
        }
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Transport::InProcess(_) => "Bus(in process)",
            Transport::Nats(_) => "Bus(NATS)",
        })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}
