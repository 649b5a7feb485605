use crate::{
    account, coaching,
    db::Db,
    event::{Audience, Change, Cursor, Event, Log, Place},
    gateway, memory,
    shared::{
        Error, Result,
        actor::{Actor, Administer, Principal, Read},
        id::WorkspaceId,
    },
    workflow,
};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, stream};
use std::sync::Arc;

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
        self.log.begin_after(&grant, Some(&after)).await?;
        let eyes = Eyes::of(actor, workspace);
        let room = usize::try_from(limit).map_err(Error::internal)?;
        let (mut changes, mut cursor) = (vec![], after);
        loop {
            let events = self.log.list(&grant, None, cursor.position).await?;
            if events.is_empty() {
                // What the actor may not see lies between.
                let cursor = Cursor::new(workspace, cursor.position.max(head));
                return Ok(Changes { changes, cursor, has_more: false });
            }
            for event in &events {
                for changed in eyes.changes(event, &cursor) {
                    if changes.len() == room {
                        return Ok(Changes { changes, cursor, has_more: true });
                    }
                    cursor = changed.cursor;
                    changes.push(changed);
                }
                cursor = event.cursor();
            }
            if changes.len() == room {
                return Ok(Changes { changes, cursor, has_more: cursor.position < head });
            }
        }
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
            Some(after) => self.log.begin_after(&grant, Some(&after)).await.map(|_| after)?,
            None => Cursor::new(workspace, self.log.head(&self.db, workspace).await?),
        };
        let eyes = Eyes::of(actor, workspace);
        let events = self.log.follow(&grant, None, begin.position);
        let changes = move |event: Result<Arc<Event>>| match event {
            Ok(event) => eyes.changes(&event, &begin).into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        Ok(events.flat_map(move |event| stream::iter(changes(event))))
    }

    /// How far the log is known here, where somebody follows it: what was loaded since is as new as can be told.
    pub fn newest(&self, workspace: WorkspaceId) -> Option<i64> {
        self.log.newest(workspace)
    }
}

/// What somebody sees beyond what the log shows them.
#[derive(Clone, Copy)]
struct Eyes {
    principal: Principal,
    administers: bool,
}

impl Eyes {
    fn of(actor: &Actor, workspace: WorkspaceId) -> Self {
        let administers = actor.may::<Administer>(workspace).is_ok();
        Self { principal: actor.principal(), administers }
    }

    fn sees(self, audience: Audience) -> bool {
        match audience {
            Audience::Everybody => true,
            Audience::Admins => self.administers,
            Audience::AdminsAnd(principal) => self.administers || self.principal == principal,
        }
    }

    /// Those of the event's changes that come after the cursor. One in its midst is counted among all of them, seen or
    /// not: what somebody may see can change between two reads.
    fn changes(self, event: &Event, after: &Cursor) -> Vec<Changed> {
        let all = all_changes(event);
        let seen = match after.place {
            Some(Place::Changes(seen)) if after.position + 1 == event.position => seen.into(),
            _ => 0,
        };
        let last = all.len();
        let changed = |(number, change): (usize, Change)| {
            let mut cursor = event.cursor();
            if number < last {
                cursor.position -= 1;
                cursor.place = Some(Place::Changes(u16::try_from(number).unwrap_or(u16::MAX)));
            }
            Changed { cursor, at: event.at, change }
        };
        let changes = (1..).zip(all).skip(seen).filter(|(_, change)| self.sees(change.audience));
        changes.map(changed).collect()
    }
}

/// None for what changes nothing that has an id, and for kinds that a later version records.
fn all_changes(event: &Event) -> Vec<Change> {
    let slices = [account::changes, gateway::changes, memory::changes, workflow::changes, coaching::changes];
    slices.into_iter().map(|changes| changes(event)).find(|changes| !changes.is_empty()).unwrap_or_default()
}
