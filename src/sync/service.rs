use crate::{
    account, coaching,
    db::Db,
    event::{Change, Cursor, Event, Log},
    memory,
    shared::{
        Error, Result,
        actor::{Actor, Read},
        id::WorkspaceId,
    },
    workflow,
};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt};

/// Changes of one page.
const MAX_CHANGES: i32 = 1_000;

#[derive(Clone, Debug)]
pub struct SyncService {
    db: Db,
    log: Log,
}

/// A change, and its place in the log.
#[derive(Clone, Copy, Debug)]
pub struct Changed {
    pub cursor: Cursor,
    pub at: DateTime<Utc>,
    pub change: Change,
}

#[derive(Clone, Debug)]
pub struct Changes {
    pub changes: Vec<Changed>,
    /// After everything that was looked at, changes or not.
    pub cursor: Cursor,
    pub has_more: bool,
}

impl SyncService {
    pub fn new(db: Db, log: Log) -> Self {
        Self { db, log }
    }

    /// Up to `limit` changes after a place, oldest first. Without a place there are none, but the place of now.
    pub async fn list(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        after: Option<Cursor>,
        limit: i32,
    ) -> Result<Changes> {
        let grant = actor.may::<Read>(workspace)?;
        if !(1..=MAX_CHANGES).contains(&limit) {
            return Err(Error::BadInput(format!("first is {limit}: 1 to {MAX_CHANGES} are possible")));
        }
        // Read first: what it counts is in the log by the time that the log is read.
        let head = self.log.head(&self.db, workspace).await?;
        let Some(after) = after else {
            return Ok(Changes { changes: vec![], cursor: Cursor::new(workspace, head), has_more: false });
        };
        let mut position = self.log.begin_after(&grant, Some(&after)).await?;
        let mut changes = vec![];
        while changes.len() < limit.unsigned_abs() as usize {
            let events = self.log.list(&grant, None, position).await?;
            let Some(last) = events.last().map(|event| event.position) else {
                // What the actor may not see lies between.
                let cursor = Cursor::new(workspace, position.max(head));
                return Ok(Changes { changes, cursor, has_more: false });
            };
            let room = limit.unsigned_abs() as usize - changes.len();
            let mut found = events.iter().filter_map(changed);
            changes.extend(found.by_ref().take(room));
            position = match found.next() {
                // The page is full: the next one begins where this one ends.
                Some(_) => changes.last().map_or(last, |changed: &Changed| changed.cursor.position),
                None => last,
            };
        }
        Ok(Changes { changes, cursor: Cursor::new(workspace, position), has_more: position < head })
    }

    /// The changes after a place, from now on without one, then those that come; never ends.
    pub async fn follow(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<Changed>> + Send + use<>> {
        let grant = actor.may::<Read>(workspace)?;
        let begin = match after {
            Some(after) => self.log.begin_after(&grant, Some(&after)).await?,
            None => self.log.head(&self.db, workspace).await?,
        };
        let events = self.log.follow(grant, None, begin);
        Ok(events.filter_map(async |event| event.map(|event| changed(&event)).transpose()))
    }
}

/// `None` for what changes nothing that has an id, and for kinds that a later version records.
fn changed(event: &Event) -> Option<Changed> {
    let change = account::change(event)
        .or_else(|| memory::change(event))
        .or_else(|| workflow::change(event))
        .or_else(|| coaching::change(event))?;
    Some(Changed { cursor: event.cursor(), at: event.at, change })
}
