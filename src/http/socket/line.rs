//! What all write to who have something to say over one socket, and which operations those are.
use super::{Over, Step};
use axum::extract::ws::{Message, WebSocket};
use futures_util::{SinkExt, stream::SplitSink};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Mutex as InTurn, Notify},
    task::AbortHandle,
    time::timeout,
};

/// One message is written at a time; who waits for that, waits in order.
pub(super) struct Line {
    /// `None` once something could not be written: then nobody else waits for it.
    outgoing: InTurn<Option<SplitSink<WebSocket, Message>>>,
    /// How long a client may leave a message unread, once it is that one's turn, before it is given up.
    patience: Duration,
    broken: Notify,
    operations: Mutex<Operations>,
}

#[derive(Default)]
struct Operations {
    /// With a number of their own: an id can be used again, and what its former bearer has still to say is dropped.
    by_id: HashMap<String, (u64, AbortHandle)>,
    serial: u64,
}

impl Operations {
    fn has(&self, id: &str, serial: u64) -> bool {
        self.by_id.get(id).is_some_and(|(current, _)| *current == serial)
    }

    /// False where another one bears the id, or none.
    fn end(&mut self, id: &str, serial: u64) -> bool {
        self.has(id, serial) && self.by_id.remove(id).is_some()
    }
}

impl Line {
    pub(super) fn new(outgoing: SplitSink<WebSocket, Message>, patience: Duration) -> Self {
        let operations = Mutex::default();
        Self { outgoing: InTurn::new(Some(outgoing)), patience, broken: Notify::new(), operations }
    }

    /// Returns once something could not be written.
    pub(super) async fn broken(&self) {
        self.broken.notified().await;
    }

    pub(super) async fn send(&self, message: Message) -> Step {
        self.write(Some(message), || true).await
    }

    /// Of what the library answers by itself.
    pub(super) async fn flush(&self) -> Step {
        self.write(None, || true).await
    }

    pub(super) async fn say(&self, text: Option<String>) -> Step {
        self.tell(text, || true).await
    }

    /// An answer of an operation, as long as it is the one that bears the id.
    pub(super) async fn say_of(&self, id: &str, serial: u64, text: Option<String>) -> Step {
        self.tell(text, || self.lock().has(id, serial)).await
    }

    /// An operation's last answer: the client may use the id again as soon as it has it, and until then the operation is
    /// one of those that the socket carries.
    pub(super) async fn say_last_of(&self, id: &str, serial: u64, text: Option<String>) -> Step {
        self.tell(text, || self.lock().end(id, serial)).await
    }

    /// `None` is what could not be put into words.
    async fn tell(&self, text: Option<String>, wanted: impl FnOnce() -> bool) -> Step {
        let Some(text) = text else { return Err(self.over()) };
        self.write(Some(Message::text(text)), wanted).await
    }

    /// `wanted` is asked when it is its turn. Nothing is half written where the one who writes is stopped: the library keeps
    /// the rest for the next message.
    async fn write(&self, message: Option<Message>, wanted: impl FnOnce() -> bool) -> Step {
        let mut outgoing = self.outgoing.lock().await;
        let Some(sink) = outgoing.as_mut() else { return Err(Over(None)) };
        let written = timeout(self.patience, async {
            match message {
                Some(message) if wanted() => sink.send(message).await,
                Some(_) => Ok(()),
                None => sink.flush().await,
            }
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => {
                *outgoing = None;
                Err(self.over())
            }
        }
    }

    fn over(&self) -> Over {
        self.broken.notify_one();
        Over(None)
    }

    /// `spawn` is given the operation's number.
    pub(super) fn begin(&self, id: String, spawn: impl FnOnce(u64) -> AbortHandle) {
        let mut operations = self.lock();
        operations.serial += 1;
        let serial = operations.serial;
        // Before it can say its last: the lock is held.
        operations.by_id.insert(id, (serial, spawn(serial)));
    }

    pub(super) fn abort(&self, id: &str) {
        if let Some((_, operation)) = self.lock().by_id.remove(id) {
            operation.abort();
        }
    }

    pub(super) fn carries(&self, id: &str) -> bool {
        self.lock().by_id.contains_key(id)
    }

    /// How many there are.
    pub(super) fn operations(&self) -> usize {
        self.lock().by_id.len()
    }

    fn lock(&self) -> MutexGuard<'_, Operations> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
