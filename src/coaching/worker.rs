//! Takes turns from the queue, one of a session at a time and in its order, and ends those whose worker is gone.
use super::{
    CoachingService, Parts,
    event::WORK_TOPIC,
    model::{Ending, MessageRole, MessageStatus, SessionStatus, StopReason, Turn},
    service::{record_turn, said},
    store::{self, message as messages, turn as turns},
};
use crate::{
    db::{self, Source},
    shared::{
        Result,
        actor::{Grant, Principal, Write},
        id::TurnId,
    },
};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long a worker trusts the bus before it looks itself.
const POLL: Duration = Duration::from_secs(1);
/// How long turns may go on when the server stops, before they are interrupted.
const DRAIN: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Worker {
    pub(super) parts: Arc<Parts>,
    /// What this worker runs: never given up for dead by itself, however slow it is.
    running: Arc<Mutex<HashSet<TurnId>>>,
    room: Arc<Semaphore>,
}

impl Worker {
    pub fn new(coaching: &CoachingService) -> Self {
        let parts = coaching.parts.clone();
        let room = Arc::new(Semaphore::new(parts.config.concurrent_turns));
        Self { parts, running: Arc::default(), room }
    }

    /// Works until `stop`; then takes nothing new, and interrupts what has not ended within the drain time.
    pub async fn run(self, stop: CancellationToken) {
        let mut hints = self.parts.bus.subscribe(WORK_TOPIC).await;
        let (turns, drained) = (TaskTracker::new(), CancellationToken::new());
        // One SQLite file has one server, and this is it: whatever runs in there was left by one that is gone.
        let mut everything = self.parts.db.is_sqlite();
        loop {
            match self.end_abandoned(everything).await {
                Ok(()) => everything = false,
                Err(error) => {
                    tracing::error!(error = %error.for_log(), "turns of a lost worker were not found; trying again")
                }
            }
            if !everything && let Err(error) = self.take_all(&turns, &drained).await {
                tracing::error!(error = %error.for_log(), "no turn could be taken; trying again");
            }
            tokio::select! {
                () = stop.cancelled() => break,
                _ = hints.next() => {}
                () = sleep(POLL) => {}
            }
        }
        turns.close();
        if timeout(DRAIN, turns.wait()).await.is_err() {
            drained.cancel();
            turns.wait().await;
        }
    }

    /// Takes and starts turns while there are some, and room for them.
    async fn take_all(&self, tasks: &TaskTracker, drained: &CancellationToken) -> Result<()> {
        loop {
            let free = self.room.available_permits();
            let waiting =
                if free == 0 { vec![] } else { turns::claimable(&self.parts.db, free as u64).await? };
            if waiting.is_empty() {
                return Ok(());
            }
            for turn in waiting {
                let Ok(permit) = self.room.clone().try_acquire_owned() else { return Ok(()) };
                if let Some(turn) = self.claim(&turn).await? {
                    let begun = Begun::new(self, &turn, permit);
                    let (worker, drained) = (self.clone(), drained.clone());
                    tasks.spawn(async move {
                        worker.carry_out(turn, drained).await;
                        let bus = worker.parts.bus.clone();
                        drop(begun);
                        // The next one of the session may begin, here or elsewhere.
                        bus.publish(WORK_TOPIC, vec![]).await;
                    });
                }
            }
        }
    }

    /// `None` where another worker was faster.
    async fn claim(&self, waiting: &Turn) -> Result<Option<Turn>> {
        let ambient = &self.parts.ambient;
        let grant = upkeep(waiting);
        let now = ambient.now();
        let mut tx = self.parts.log.begin().await?;
        let Some(locked) = store::lock_session(&tx, &grant, waiting.session, (1, 0), now).await? else {
            return Ok(None);
        };
        if locked.session.status == SessionStatus::Ended {
            return Ok(None);
        }
        let (reply, lease) = (ambient.ids.next(), self.parts.config.lease());
        let claimed = match turns::claim(&tx, &grant, waiting.id, reply, now + lease, now).await {
            // Another turn of the session runs already.
            Err(error) if db::is_unique_violation(&error) => None,
            other => other?,
        };
        let Some(turn) = claimed else { return Ok(None) };
        let message = said(&turn, reply, MessageRole::Coach, String::new(), MessageStatus::Streaming, now);
        messages::insert_message(&mut tx, &grant, &turn, &message, locked.messages, None).await?;
        record_turn(&mut tx, &grant, &turn, None)?;
        tx.commit().await?;
        Ok(Some(turn))
    }

    /// Ends turns whose worker let its lease run out, or all that nobody here runs.
    async fn end_abandoned(&self, everything: bool) -> Result<()> {
        let now = self.parts.ambient.now();
        let deadline = (!everything).then_some(now);
        for turn in turns::abandoned(&self.parts.db, deadline).await? {
            if !self.running.lock().unwrap_or_else(PoisonError::into_inner).contains(&turn.id) {
                let ending = Ending::interrupted(StopReason::ServerRestarted, None);
                // One that cannot be ended now is tried again, and keeps no other from going on.
                if let Err(error) = self.finish(&turn, ending).await {
                    tracing::error!(turn = %turn.id, error = %error.for_log(), "a turn of a lost worker could not be ended");
                }
            }
        }
        Ok(())
    }

    /// Ends the turn, its reply, and says so, in one transaction; does nothing where the turn is in other hands.
    pub(super) async fn finish(&self, turn: &Turn, ending: Ending) -> Result<()> {
        let now = self.parts.ambient.now();
        let grant = upkeep(turn);
        let mut tx = self.parts.log.begin().await?;
        store::lock_session(&tx, &grant, turn.session, (0, 0), now).await?;
        if self.parts.end_turn(&mut tx, &grant, turn, &ending).await?.is_some() {
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Leave to write what belongs to the turn, whatever became of its owner's rights since.
pub(super) fn upkeep(turn: &Turn) -> Grant<Write> {
    Grant::upkeep(turn.workspace, Principal::User(turn.owner))
}

/// A turn that this worker runs, until dropped.
struct Begun {
    turn: TurnId,
    running: Arc<Mutex<HashSet<TurnId>>>,
    _permit: OwnedSemaphorePermit,
}

impl Begun {
    fn new(worker: &Worker, turn: &Turn, permit: OwnedSemaphorePermit) -> Self {
        worker.running.lock().unwrap_or_else(PoisonError::into_inner).insert(turn.id);
        Self { turn: turn.id, running: worker.running.clone(), _permit: permit }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.turn);
    }
}
