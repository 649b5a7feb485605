//! Wakes whoever waits, in this process or, by NATS, in others. Best effort by design: nothing that must not be
//! lost travels here alone.
mod nats;

use crate::config::without_password;
use nats::Nats;
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
    Nats(Nats),
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
        let nats = Nats::connect(url).await;
        let nats = nats.map_err(|source| BusError { url: without_password(url), source })?;
        Ok(Self(Transport::Nats(nats)))
    }

    /// Waits for nobody, and not for a bus that is away.
    pub async fn publish(&self, topic: &str, message: Vec<u8>) {
        match &self.0 {
            Transport::InProcess(topics) => topics.send(topic, message),
            Transport::Nats(nats) => nats.publish(topic, message).await,
        }
    }

    /// What is published after this returns is heard, as long as the bus is there.
    pub async fn subscribe(&self, topic: &str) -> Subscription {
        Subscription(match &self.0 {
            Transport::InProcess(topics) => Source::InProcess(topics.listen(topic)),
            Transport::Nats(nats) => {
                nats.subscribe(topic).await.map_or(Source::Closed, |source| Source::Nats(Box::new(source)))
            }
        })
    }
}

impl Topics {
    fn send(&self, topic: &str, message: Vec<u8>) {
        let topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = topics.get(topic) {
            // Fails where the last one who listened is about to be gone.
            let _ = sender.send(message.into());
        }
    }

    fn listen(self: &Arc<Self>, topic: &str) -> Listener {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = topics.entry(topic.to_owned()).or_insert_with(|| broadcast::channel(BACKLOG).0);
        Listener { receiver: sender.subscribe(), topic: topic.to_owned(), topics: self.clone() }
    }
}

/// The last one takes the topic with it: there is one for each turn, and nothing more is said of most.
struct Listener {
    receiver: broadcast::Receiver<Arc<[u8]>>,
    topic: String,
    topics: Arc<Topics>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut topics = self.topics.0.lock().unwrap_or_else(PoisonError::into_inner);
        if topics.get(&self.topic).is_some_and(|sender| sender.receiver_count() <= 1) {
            topics.remove(&self.topic);
        }
    }
}

#[derive(Debug)]
pub struct Subscription(Source);

enum Source {
    InProcess(Listener),
    Nats(Box<nats::Heard>),
    Closed,
}

impl Subscription {
    /// Waits for the next signal; for ever where the bus is gone, so pair it with a poll.
    pub async fn next(&mut self) -> Signal {
        let signal = match &mut self.0 {
            Source::InProcess(listener) => match listener.receiver.recv().await {
                Ok(message) => Some(Signal::Message(message)),
                Err(RecvError::Lagged(_)) => Some(Signal::Lost),
                Err(RecvError::Closed) => None,
            },
            Source::Nats(heard) => heard.next().await,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_topic_is_there_as_long_as_somebody_listens() {
        let bus = Bus::in_process();
        let Transport::InProcess(topics) = &bus.0 else { unreachable!() };
        let count = || topics.0.lock().unwrap().len();
        let (mut one, two) = (bus.subscribe("turn").await, bus.subscribe("turn").await);
        drop(two);
        bus.publish("turn", b"go".to_vec()).await;
        assert!(matches!(one.next().await, Signal::Message(message) if &message[..] == b"go"));
        assert_eq!(count(), 1);
        drop(one);
        bus.publish("turn", vec![]).await;
        assert_eq!(count(), 0);
    }
}
