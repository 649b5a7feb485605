use super::{
    Bus, Cursor,
    append::append,
    bus::Subscription,
    feed::{Feeds, Follower},
};
use crate::{
    db::{self, Db, Source},
    shared::{
        Ambient, Error, Result,
        actor::{AtLeast, Grant, Read},
        id::WorkspaceId,
    },
};
use chrono::{DateTime, Utc};
use entity::{event, event_head};
use futures_util::Stream;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, ModelTrait,
    QueryFilter, QueryOrder, QuerySelect, Set, sea_query::InsertStatement,
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use uuid::Uuid;

/// Events read at once.
pub(super) const BATCH: u64 = 256;
/// How long a follower trusts the bus before it looks itself.
const POLL: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub struct Log {
    pub(super) db: Db,
    bus: Bus,
    pub(super) ambient: Ambient,
    pub(super) feeds: Feeds,
}

/// What happened, as it is recorded.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub kind: &'static str,
    /// What it happened to, and what a stream is followed by: a run, a session, a memory.
    pub subject: Uuid,
    /// Set where only this principal may see it.
    pub owner: Option<Uuid>,
    /// What was true then. No contents that may have to be forgotten.
    pub data: Value,
}

/// What happened, as it was recorded.
#[derive(Clone, Debug)]
pub struct Event {
    pub workspace: WorkspaceId,
    pub position: i64,
    pub kind: String,
    pub subject: Uuid,
    /// Set where only this principal may see it.
    pub owner: Option<Uuid>,
    pub data: Value,
    pub at: DateTime<Utc>,
}

impl NewEvent {
    /// For everybody who sees the workspace.
    pub fn new(kind: &'static str, subject: Uuid, data: Value) -> Self {
        Self { kind, subject, owner: None, data }
    }

    /// For this principal alone, a person or a service account; for everybody where there is none.
    pub fn only_for(self, owner: impl Into<Option<Uuid>>) -> Self {
        Self { owner: owner.into(), ..self }
    }
}

impl Event {
    pub fn cursor(&self) -> Cursor {
        Cursor::new(self.workspace, self.position)
    }
}

/// A unit of work: a change and its events, together or not at all.
#[derive(Debug)]
pub struct Tx {
    inner: db::Tx,
    /// Rows that go with the events.
    rows: Vec<InsertStatement>,
    events: BTreeMap<WorkspaceId, Vec<NewEvent>>,
    messages: Vec<(&'static str, Vec<u8>)>,
    bus: Bus,
    ambient: Ambient,
}

impl Log {
    pub fn new(db: Db, bus: Bus, ambient: Ambient) -> Self {
        Self { db, bus, ambient, feeds: Feeds::default() }
    }

    pub async fn begin(&self) -> Result<Tx> {
        let inner = self.db.begin().await?;
        let (bus, ambient) = (self.bus.clone(), self.ambient.clone());
        Ok(Tx { inner, rows: vec![], events: BTreeMap::new(), messages: vec![], bus, ambient })
    }

    /// The position of the workspace's last event.
    pub async fn head(&self, source: &impl Source, workspace: WorkspaceId) -> Result<i64> {
        Ok(head(source, workspace).await?.position)
    }

    /// The position after which a stream begins; without a cursor, at the beginning.
    pub async fn begin_after(
        &self,
        grant: &Grant<impl AtLeast<Read>>,
        after: Option<&Cursor>,
    ) -> Result<i64> {
        let Some(cursor) = after else { return Ok(0) };
        if cursor.workspace != grant.workspace() {
            return Err(Error::InvalidCursor("this cursor is of another workspace"));
        }
        let head = head(&self.db, grant.workspace()).await?;
        if cursor.position > head.position {
            return Err(Error::InvalidCursor(
                "this cursor lies in the future: it is not of this server's data",
            ));
        }
        if cursor.position < head.trimmed {
            return Err(Error::ResyncRequired);
        }
        Ok(cursor.position)
    }

    /// As [`Self::begin_after`] for a stream of one subject. Without a cursor it begins with the subject's first event, which
    /// is of that kind: where that is not kept any more, there is no beginning.
    pub async fn begin_of(
        &self,
        grant: &Grant<impl AtLeast<Read>>,
        subject: Uuid,
        first: &str,
        after: Option<&Cursor>,
    ) -> Result<i64> {
        if after.is_some() {
            return self.begin_after(grant, after).await;
        }
        let oldest: Option<String> = event::Entity::find()
            .select_only()
            .column(event::Column::Kind)
            .filter(event::Column::WorkspaceId.eq(grant.workspace().uuid()))
            .filter(event::Column::SubjectId.eq(subject))
            .order_by_asc(event::Column::Position)
            .into_tuple()
            .one(self.db.connection())
            .await?;
        if oldest.as_deref() == Some(first) { Ok(0) } else { Err(Error::ResyncRequired) }
    }

    /// The position after which all is kept.
    pub async fn kept_after(&self, grant: &Grant<impl AtLeast<Read>>) -> Result<i64> {
        Ok(head(&self.db, grant.workspace()).await?.trimmed)
    }

    /// Events after a position that the grant may see, oldest first; of one subject, or all.
    pub async fn list(
        &self,
        grant: &Grant<impl AtLeast<Read>>,
        subject: Option<Uuid>,
        after: i64,
    ) -> Result<Vec<Event>> {
        self.read_for(grant.workspace(), grant.principal().uuid(), subject, after).await
    }

    pub(super) async fn read_for(
        &self,
        workspace: WorkspaceId,
        principal: Uuid,
        subject: Option<Uuid>,
        after: i64,
    ) -> Result<Vec<Event>> {
        let visible =
            Condition::any().add(event::Column::OwnerId.is_null()).add(event::Column::OwnerId.eq(principal));
        let mut which = Condition::all().add(visible);
        if let Some(subject) = subject {
            which = which.add(event::Column::SubjectId.eq(subject));
        }
        self.read_which(workspace, after, which).await
    }

    /// For everybody who follows the workspace, whatever each may see of it.
    pub(super) async fn read(&self, workspace: WorkspaceId, after: i64) -> Result<Vec<Event>> {
        self.read_which(workspace, after, Condition::all()).await
    }

    async fn read_which(&self, workspace: WorkspaceId, after: i64, which: Condition) -> Result<Vec<Event>> {
        let select = event::Entity::rows()
            .filter(event::Column::WorkspaceId.eq(workspace.uuid()))
            .filter(event::Column::Position.gt(after))
            .filter(which)
            .order_by_asc(event::Column::Position)
            .limit(BATCH);
        let rows = db::all(&self.db, select).await?;
        Ok(rows.into_iter().map(from_row).collect())
    }

    /// The position of the last event that is in the database.
    pub(super) async fn newest_recorded(&self, workspace: WorkspaceId) -> Result<i64> {
        self.head(&self.db, workspace).await
    }

    /// How far the log was read for those who follow the workspace here; none where nobody does.
    pub fn newest(&self, workspace: WorkspaceId) -> Option<i64> {
        self.feeds.newest(workspace)
    }

    /// Listens for wake-ups of a workspace. Listen first, then read: so nothing falls between.
    pub async fn listen(&self, workspace: WorkspaceId) -> Wake {
        Wake(self.bus.subscribe(&topic(workspace)).await)
    }

    /// Reads on after a position. What it reads after this returns has no gap.
    pub fn follower(&self, grant: &Grant<impl AtLeast<Read>>, subject: Option<Uuid>, after: i64) -> Follower {
        Follower::new(self, grant, subject, after)
    }

    /// Events after `after`, first what is in the log, then what comes, without gap or double; never ends.
    pub fn follow<A: AtLeast<Read>>(
        &self,
        grant: &Grant<A>,
        subject: Option<Uuid>,
        after: i64,
    ) -> impl Stream<Item = Result<Arc<Event>>> + Send + use<A> {
        let mut follower = self.follower(grant, subject, after);
        async_stream::try_stream! {
            loop {
                let events = follower.read().await?;
                if events.is_empty() {
                    follower.wait().await;
                }
                for event in events {
                    yield event;
                }
            }
        }
    }
}

/// Tells that a workspace's log may have grown.
#[derive(Debug)]
pub struct Wake(Subscription);

impl Wake {
    /// Returns on a wake-up, or after a while without one, for the bus may lose some.
    pub async fn wait(&mut self) {
        // Whether it was a message, a loss or the time: the log is read in each case.
        let _ = tokio::time::timeout(POLL, self.0.next()).await;
    }
}

impl Tx {
    /// Leave to read is enough, for a viewer may come and go; what is done beside it asks for more.
    pub fn record(&mut self, grant: &Grant<impl AtLeast<Read>>, event: NewEvent) {
        self.record_in(grant.workspace(), event);
    }

    /// For what is done in a workspace with nobody's leave, as by an operator.
    pub fn record_in(&mut self, workspace: WorkspaceId, event: NewEvent) {
        self.events.entry(workspace).or_default().push(event);
    }

    /// A new row that nothing reads any more before the commit: on PostgreSQL it is written then, in one statement with the
    /// events, for each statement is a round trip. What the database has against it is told then, too.
    pub async fn insert_last<M, E>(&mut self, row: M) -> Result<()>
    where
        M: ModelTrait<Entity = E> + IntoActiveModel<E::ActiveModel>,
        E: EntityTrait<Model = M>,
        E::ActiveModel: ActiveModelTrait<Entity = E>,
    {
        if self.is_sqlite() {
            return db::insert(self, row).await;
        }
        self.rows.push(db::insertion(row));
        Ok(())
    }

    /// Says something on the bus once the change is committed: a hint, which may be lost.
    pub fn tell(&mut self, topic: &'static str, message: Vec<u8>) {
        self.messages.push((topic, message));
    }

    /// Numbers the events last, under the row lock of each workspace's head (in one order, so that no two
    /// deadlock), commits, then wakes who waits. The wake-up may be lost, the log may not.
    pub async fn commit(self) -> Result<()> {
        let Self { inner, mut rows, events, messages, bus, ambient } = self;
        let at = ambient.now();
        let workspaces: Vec<_> = events.keys().copied().collect();
        for (workspace, events) in events {
            // Seven values a row: below the bind limits of both databases.
            for events in events.chunks(1000) {
                append(&inner, workspace, events, at, std::mem::take(&mut rows)).await?;
            }
        }
        for row in rows {
            inner.connection().execute(&row).await?;
        }
        inner.commit().await?;
        for workspace in workspaces {
            bus.publish(&topic(workspace), vec![]).await;
        }
        for (topic, message) in messages {
            bus.publish(topic, message).await;
        }
        Ok(())
    }
}

impl Source for Tx {
    fn connection(&self) -> &impl ConnectionTrait {
        self.inner.connection()
    }
}

/// Starts a workspace's log. Called once, where the workspace is made.
pub async fn create_head(tx: &Tx, workspace: WorkspaceId) -> Result<()> {
    let head =
        event_head::ActiveModel { workspace_id: Set(workspace.uuid()), position: Set(0), trimmed: Set(0) };
    event_head::Entity::insert(head).exec_without_returning(tx.connection()).await?;
    Ok(())
}

fn topic(workspace: WorkspaceId) -> String {
    format!("log.{workspace}")
}

async fn head(source: &impl Source, workspace: WorkspaceId) -> Result<event_head::Model> {
    event_head::Entity::find_by_id(workspace.uuid())
        .one(source.connection())
        .await?
        .ok_or(Error::NotFound("workspace"))
}

fn from_row(row: event::Model) -> Event {
    Event {
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        position: row.position,
        kind: row.kind,
        subject: row.subject_id,
        owner: row.owner_id,
        data: row.data,
        at: row.at,
    }
}
