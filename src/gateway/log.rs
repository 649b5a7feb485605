//! The usage log: calls that have ended wait here for a moment and are written together, so that nobody waits for the
//! database. What a crash can lose is what waits: the calls of the last tenth of a second.
use super::{
    Gateway,
    record::{LlmCall, Sink},
};
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

/// How long a call waits for others.
const GATHER: Duration = Duration::from_millis(50);
/// Between two tries of a database that does not take them.
const AGAIN: Duration = Duration::from_secs(1);
/// Calls that may wait while the database is away; the oldest go first.
const MOST: usize = 100_000;

#[derive(Clone, Debug, Default)]
pub struct CallLog(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    calls: Mutex<Vec<LlmCall>>,
    some: Notify,
    /// Taken while some are written: who flushes waits for those, too.
    writing: tokio::sync::Mutex<()>,
}

impl Sink for CallLog {
    fn take(&self, call: LlmCall) {
        self.waiting().push(call);
        self.0.some.notify_one();
    }
}

impl CallLog {
    fn waiting(&self) -> MutexGuard<'_, Vec<LlmCall>> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until `stop`, and then what is left. Calls that end later wait for [`Self::flush`].
    pub(super) async fn write(self, gateway: Gateway, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.flush(&gateway).await,
                () = self.0.some.notified() => sleep(GATHER).await,
            }
            if !self.flush_once(&gateway).await {
                sleep(AGAIN).await;
                self.0.some.notify_one();
            }
        }
    }

    /// Writes all that waits.
    pub(super) async fn flush(&self, gateway: &Gateway) {
        self.flush_once(gateway).await;
    }

    /// Whether the database took them; if not, they wait on.
    async fn flush_once(&self, gateway: &Gateway) -> bool {
        let _writing = self.0.writing.lock().await;
        let calls = mem::take(&mut *self.waiting());
        if calls.is_empty() {
            return true;
        }
        let Err(error) = gateway.keep_calls(&calls).await else { return true };
        tracing::warn!(%error, calls = calls.len(), "the usage log could not be written; trying again");
        let mut waiting = self.waiting();
        let newer = mem::replace(&mut *waiting, calls);
        waiting.extend(newer);
        let over = waiting.len().saturating_sub(MOST);
        if over > 0 {
            waiting.drain(..over);
            metrics::counter!("aifirst_llm_calls_lost_total").increment(over as u64);
        }
        false
    }
}
