//! A workspace's log as it grows, read once for everybody in this process who follows it: a thousand subscriptions
//! cost the database what one does.
use super::log::{BATCH, Event, Log, Wake};
use crate::shared::{
    Result,
    actor::{AtLeast, Grant, Read},
    id::WorkspaceId,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
};
use tokio::{sync::watch, task::AbortHandle};
use uuid::Uuid;

/// Of each workspace that is followed, the latest events, kept in memory. Who is further behind reads the log.
const KEPT: usize = 256;

/// The workspaces that are followed in this process.
#[derive(Clone, Debug, Default)]
pub(super) struct Feeds(Arc<Mutex<HashMap<WorkspaceId, Weak<Feed>>>>);

/// Lives as long as somebody follows it.
#[derive(Debug)]
struct Feed {
    workspace: WorkspaceId,
    feeds: Feeds,
    tail: Mutex<Tail>,
    /// How far the log was read; changes with each look that found something. -1 before the first one.
    newest: watch::Sender<i64>,
    reader: OnceLock<AbortHandle>,
}

/// The end of the log: all events after a position, up to another.
#[derive(Debug, Default)]
struct Tail {
    /// None before the log was looked at.
    after: Option<i64>,
    newest: i64,
    events: VecDeque<Arc<Event>>,
}

/// Reads on in a workspace's log, as far as a grant sees it. It follows the feed from its first waiting on: what only
/// tells what has happened costs no more than that.
#[derive(Debug)]
pub struct Follower {
    log: Log,
    workspace: WorkspaceId,
    principal: Uuid,
    subject: Option<Uuid>,
    position: i64,
    feed: Option<(Arc<Feed>, watch::Receiver<i64>)>,
    /// Whether the feed was seen to listen: only then does it tell all that comes.
    listens: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Feeds {
    /// How far a workspace's log was read; none where nobody follows it.
    pub(super) fn newest(&self, workspace: WorkspaceId) -> Option<i64> {
        let feed = lock(&self.0).get(&workspace).and_then(Weak::upgrade)?;
        let newest = *feed.newest.borrow();
        (newest >= 0).then_some(newest)
    }

    fn join(&self, log: &Log, workspace: WorkspaceId) -> Arc<Feed> {
        let mut feeds = lock(&self.0);
        if let Some(feed) = feeds.get(&workspace).and_then(Weak::upgrade) {
            return feed;
        }
        let feed = Arc::new(Feed {
            workspace,
            feeds: self.clone(),
            tail: Mutex::default(),
            newest: watch::Sender::new(-1),
            reader: OnceLock::new(),
        });
        feeds.insert(workspace, Arc::downgrade(&feed));
        let reader = tokio::spawn(keep_reading(Arc::downgrade(&feed), log.clone(), workspace));
        let _ = feed.reader.set(reader.abort_handle());
        feed
    }
}

/// Listens first, then reads: so nothing falls between.
async fn keep_reading(feed: Weak<Feed>, log: Log, workspace: WorkspaceId) {
    let mut wake: Wake = log.listen(workspace).await;
    while let Some(feed) = feed.upgrade() {
        if let Err(error) = feed.look(&log).await {
            tracing::warn!(error = %error.for_log(), %workspace, "the event log could not be read; trying again");
        }
        drop(feed);
        wake.wait().await;
    }
}

impl Feed {
    async fn look(&self, log: &Log) -> Result<()> {
        let known = {
            let tail = lock(&self.tail);
            tail.after.map(|_| tail.newest)
        };
        let mut newest = match known {
            Some(newest) => newest,
            None => {
                let head = log.newest_recorded(self.workspace).await?;
                *lock(&self.tail) = Tail { after: Some(head), newest: head, events: VecDeque::new() };
                self.newest.send_replace(head);
                return Ok(());
            }
        };
        loop {
            let events = log.read(self.workspace, newest).await?;
            let Some(last) = events.last() else { return Ok(()) };
            newest = last.position;
            let more = u64::try_from(events.len()).is_ok_and(|count| count >= BATCH);
            lock(&self.tail).push(events);
            self.newest.send_replace(newest);
            if !more {
                return Ok(());
            }
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.get() {
            reader.abort();
        }
        let mut feeds = lock(&self.feeds.0);
        // Another one may have been begun meanwhile.
        if feeds.get(&self.workspace).is_some_and(|feed| feed.strong_count() == 0) {
            feeds.remove(&self.workspace);
        }
    }
}

impl Tail {
    fn push(&mut self, events: Vec<Event>) {
        for event in events {
            self.newest = event.position;
            self.events.push_back(Arc::new(event));
            if self.events.len() > KEPT
                && let Some(oldest) = self.events.pop_front()
            {
                self.after = Some(oldest.position);
            }
        }
    }

    /// What comes after a position; `None` where not all of it is here.
    fn after(&self, position: i64) -> Option<impl Iterator<Item = &Arc<Event>>> {
        let whole = self.after.is_some_and(|after| after <= position);
        whole.then(|| self.events.iter().filter(move |event| event.position > position))
    }
}

impl Follower {
    pub(super) fn new(
        log: &Log,
        grant: &Grant<impl AtLeast<Read>>,
        subject: Option<Uuid>,
        after: i64,
    ) -> Self {
        let (workspace, principal) = (grant.workspace(), grant.principal().uuid());
        let position = after;
        Self { log: log.clone(), workspace, principal, subject, position, feed: None, listens: false }
    }

    /// What came since the last time, oldest first; nothing where nothing did.
    pub async fn read(&mut self) -> Result<Vec<Arc<Event>>> {
        let mut newest = -1;
        if let Some((feed, woken)) = self.feed.as_mut().filter(|_| self.listens) {
            newest = *woken.borrow_and_update();
            let tail = lock(&feed.tail);
            if let Some(events) = tail.after(self.position) {
                let (principal, subject) = (self.principal, self.subject);
                let events = events.filter(|event| sees(event, principal, subject)).cloned().collect();
                self.position = self.position.max(tail.newest);
                return Ok(events);
            }
        }
        // Memory of its own: who follows live needs none for it.
        let read = self.log.read_for(self.workspace, self.principal, self.subject, self.position);
        let events = Box::pin(read).await?;
        // Where there is nothing, nothing of all that was known before is for this follower.
        self.position = events.last().map_or(self.position.max(newest), |last| last.position);
        Ok(events.into_iter().map(Arc::new).collect())
    }

    /// Waits until there may be more.
    pub async fn wait(&mut self) {
        let (_, woken) = self.feed.get_or_insert_with(|| {
            let feed = self.log.feeds.join(&self.log, self.workspace);
            let woken = feed.newest.subscribe();
            (feed, woken)
        });
        // The feed lives as long as this does, so neither fails.
        if self.listens {
            let _ = woken.changed().await;
        } else {
            let _ = woken.wait_for(|newest| *newest >= 0).await;
            self.listens = true;
        }
    }
}

fn sees(event: &Event, principal: Uuid, subject: Option<Uuid>) -> bool {
    event.owner.is_none_or(|owner| owner == principal)
        && subject.is_none_or(|subject| subject == event.subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use serde_json::Value;

    fn event(position: i64) -> Event {
        Event {
            workspace: WorkspaceId::from_uuid(Uuid::nil()),
            position,
            kind: String::new(),
            subject: Uuid::nil(),
            owner: None,
            data: Value::Null,
            at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_tail_gives_all_that_comes_after_a_position_or_says_that_it_cannot() {
        let positions = |tail: &Tail, after| {
            tail.after(after).map(|events| events.map(|event| event.position).collect::<Vec<_>>())
        };
        let mut tail = Tail::default();
        assert_eq!(positions(&tail, 0), None, "the log was not looked at");
        tail.after = Some(3);
        tail.push((4..8).map(event).collect());
        assert_eq!(positions(&tail, 2), None);
        assert_eq!(positions(&tail, 3), Some(vec![4, 5, 6, 7]));
        assert_eq!(positions(&tail, 7), Some(vec![]));
        let last = 7 + KEPT as i64;
        tail.push((8..=last).map(event).collect());
        assert_eq!(positions(&tail, 6), None, "it keeps the latest alone");
        assert_eq!(positions(&tail, 7).map(|events| events.len()), Some(KEPT));
        assert_eq!(positions(&tail, last), Some(vec![]));
    }
}
