//! The usage log: calls that have ended wait here for a moment and are written together, so that nobody waits for the
//! database. A crash loses what is not written: those that wait, those that are being written just then, and those that
//! have not ended. While the database does not take any, they wait, up to [`MOST`].
use super::{
    Gateway,
    record::{Ended, Sink},
};
use std::{
    collections::VecDeque,
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
/// Calls that may wait while the database is away, or takes its time; the oldest go first.
const MOST: usize = 100_000;
/// Where more wait than this, the contents of a further one are not kept.
const CONTENTS: usize = 100;

#[derive(Clone, Debug, Default)]
pub struct CallLog(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    calls: Mutex<VecDeque<Ended>>,
    some: Notify,
    /// Taken while some are written: who flushes waits for those, too.
    writing: tokio::sync::Mutex<()>,
}

impl Sink for CallLog {
    fn take(&self, mut ended: Ended) {
        let mut waiting = self.waiting();
        // Contents are long, and are not what the log is for.
        if waiting.len() >= CONTENTS && ended.content.take().is_some() {
            metrics::counter!("aifirst_llm_contents_lost_total").increment(1);
        }
        waiting.push_back(ended);
        bound(&mut waiting);
        drop(waiting);
        self.0.some.notify_one();
    }
}

impl CallLog {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Ended>> {
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

    /// The same for the last time: what the database does not take now is lost.
    pub(super) async fn close(&self, gateway: &Gateway) {
        self.flush_once(gateway).await;
        let lost = mem::take(&mut *self.waiting()).len();
        if lost > 0 {
            tracing::error!(
                calls = lost,
                "the usage log could not be written before the end: calls are lost"
            );
            count_lost(lost);
        }
    }

    /// Whether the database took them; if not, they wait on.
    async fn flush_once(&self, gateway: &Gateway) -> bool {
        let _writing = self.0.writing.lock().await;
        let calls = mem::take(&mut *self.waiting());
        if calls.is_empty() {
            return true;
        }
        let calls = Vec::from(calls);
        let Err(error) = gateway.keep_calls(&calls).await else { return true };
        tracing::warn!(error = %error.for_log(), calls = calls.len(), "the usage log could not be written; trying again");
        let mut waiting = self.waiting();
        let newer = mem::replace(&mut *waiting, calls.into());
        waiting.extend(newer);
        bound(&mut waiting);
        false
    }
}

fn bound<C>(waiting: &mut VecDeque<C>) {
    let over = waiting.len().saturating_sub(MOST);
    if over > 0 {
        waiting.drain(..over);
        count_lost(over);
    }
}

fn count_lost(calls: usize) {
    metrics::counter!("aifirst_llm_calls_lost_total").increment(calls as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_more_than_may_wait_the_oldest_are_lost() {
        let mut waiting: VecDeque<usize> = (0..MOST + 2).collect();
        bound(&mut waiting);
        assert_eq!((waiting.len(), waiting.front(), waiting.back()), (MOST, Some(&2), Some(&(MOST + 1))));
    }
}
