//! NATS, in its simplest form: no message is kept. It may be away or hang; then nobody here waits for it, and once it
//! is back every subscriber is told that it may have missed something.
use super::Signal;
use async_nats::{Client, ConnectError, ConnectOptions, Event, Subscriber, connection::State};
use futures_util::StreamExt;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{sync::watch, time::timeout};

/// How long a bus that hangs is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// A bus that answers no ping for two or three of these is given up, and looked for again.
const PING: Duration = Duration::from_secs(5);
/// The longest pause between two looks for a bus that is away.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(super) struct Nats {
    client: Client,
    /// Changes when messages may have been lost.
    losses: watch::Receiver<()>,
}

impl Nats {
    pub(super) async fn connect(url: &str) -> Result<Self, ConnectError> {
        let (told, losses) = watch::channel(());
        let (told, known) = (Arc::new(told), Arc::new(OnceLock::<Client>::new()));
        let connected = known.clone();
        let options = ConnectOptions::new()
            .name("aifirst")
            .ping_interval(PING)
            .reconnect_delay_callback(|attempts| {
                RETRY.min(Duration::from_millis(50) * u32::try_from(attempts).unwrap_or(u32::MAX))
            })
            .event_callback(move |event| {
                let (told, known) = (told.clone(), known.clone());
                async move {
                    match &event {
                        // The first connection has no subscribers yet.
                        Event::Connected => match known.get() {
                            Some(client) => settle(client).await,
                            None => return,
                        },
                        Event::SlowConsumer(_) => {}
                        _ => return tracing::warn!(%event, "the event bus"),
                    }
                    tracing::info!(%event, "the event bus: subscribers look at the log");
                    told.send_replace(());
                }
            });
        let client = options.connect(url).await?;
        let _ = connected.set(client.clone());
        Ok(Self { client, losses })
    }

    /// A message that cannot be sent now is dropped: the client would keep some for later, then block.
    pub(super) async fn publish(&self, topic: &str, message: Vec<u8>) {
        if self.client.connection_state() != State::Connected {
            return;
        }
        match timeout(PATIENCE, self.client.publish(subject(topic), message.into())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the event bus did not take a message; subscribers will poll");
            }
            Err(_) => tracing::warn!("the event bus hangs: a message is dropped; subscribers will poll"),
        }
    }

    /// `None` where the bus cannot be had now.
    pub(super) async fn subscribe(&self, topic: &str) -> Option<Heard> {
        let mut losses = self.losses.clone();
        losses.mark_unchanged();
        let subscriber = timeout(PATIENCE, self.client.subscribe(subject(topic))).await;
        let subscriber = subscriber.ok()?.inspect_err(|error| {
            tracing::warn!(%error, "the event bus took no subscription; the subscriber will poll");
        });
        let subscriber = subscriber.ok()?;
        settle(&self.client).await;
        Some(Heard { subscriber, losses })
    }
}

/// Returns once the bus has seen all that was asked of it before: what it is sent comes back after that, for it
/// takes the messages of one connection in their order.
async fn settle(client: &Client) {
    if client.connection_state() != State::Connected {
        return;
    }
    let echo = async {
        let inbox = client.new_inbox();
        let Ok(mut echo) = client.subscribe(inbox.clone()).await else { return };
        if client.publish(inbox, Default::default()).await.is_ok() {
            echo.next().await;
        }
    };
    let _ = timeout(PATIENCE, echo).await;
}

fn subject(topic: &str) -> String {
    format!("aifirst.{topic}")
}

pub(super) struct Heard {
    subscriber: Subscriber,
    losses: watch::Receiver<()>,
}

impl Heard {
    /// `None` once the bus is gone for good.
    pub(super) async fn next(&mut self) -> Option<Signal> {
        tokio::select! {
            message = self.subscriber.next() => {
                message.map(|message| Signal::Message(message.payload.as_ref().into()))
            }
            Ok(()) = self.losses.changed() => Some(Signal::Lost),
        }
    }
}
