//! What a connection's credential allows, looked at again from time to time: a stream goes on for hours, and people
//! leave workspaces.
use super::door::FrontDoor;
use crate::shared::{
    Error,
    actor::{Actor, Principal},
};
use std::time::Duration;
use tokio::sync::watch;

/// Of one connection. Its streams hear of each change.
#[derive(Debug)]
pub(super) struct Rights {
    credential: Option<String>,
    now: watch::Sender<Option<Actor>>,
}

/// A stream's view of them.
#[derive(Clone, Debug)]
pub(super) struct RightsNow(watch::Receiver<Option<Actor>>);

impl Rights {
    pub(super) fn new(credential: Option<String>) -> Self {
        Self { credential, now: watch::Sender::new(None) }
    }

    /// Of whom; `None` for an anonymous bearer, and before the first look.
    pub(super) fn principal(&self) -> Option<Principal> {
        self.now.borrow().as_ref().map(Actor::principal)
    }

    pub(super) fn now(&self) -> RightsNow {
        RightsNow(self.now.subscribe())
    }

    /// Asks who the bearer is now. An error says that the credential is not valid any more; whatever else keeps us
    /// from knowing is no reason to hang up.
    pub(super) async fn recheck(&self, door: &FrontDoor) -> Result<(), Error> {
        let Some(credential) = &self.credential else { return Ok(()) };
        match door.authenticate(credential).await {
            Ok(actor) => {
                self.now.send_replace(Some(actor));
                Ok(())
            }
            Err(error @ Error::Unauthenticated(_)) => Err(error),
            Err(_) => Ok(()),
        }
    }

    /// Rechecks until the credential is not valid any more.
    pub(super) async fn watch(&self, door: &FrontDoor, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            if self.recheck(door).await.is_err() {
                return;
            }
        }
    }
}

impl RightsNow {
    /// Returns once the bearer may do less than `begun`, which a stream began with.
    pub(super) async fn become_less(mut self, begun: Option<Actor>) {
        let Some(begun) = begun else { return std::future::pending().await };
        // What was found before the stream began is older than what it began with.
        self.0.mark_unchanged();
        while self.0.changed().await.is_ok() {
            if self.0.borrow_and_update().as_ref().is_some_and(|now| now.lacks_some_of(&begun)) {
                return;
            }
        }
        // The connection is over, and its streams with it.
        std::future::pending().await
    }
}
