//! `changes`: everything that changes in a workspace and that the caller may see. One event of the log may change
//! several things: each is a change of its own, with a cursor of its own.
use super::{node::Node, share::Shares};
use crate::{
    event,
    graphql_kit::{ApiError, ContextExt, Cursor, DateTime},
    shared::id::WorkspaceId,
    sync::{Changed, Changes, SyncService},
};
use async_graphql::{Context, Enum, ID, Object, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt};

/// What happened to a thing.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "event::ChangeKind")]
pub enum ChangeKind {
    /// It is new: add it, or replace what is there.
    Created,
    /// It is different now: replace it.
    Updated,
    /// It is gone: remove it, for good.
    Deleted,
}

pub struct Change {
    changed: Changed,
    /// Whether others hear it at the same time.
    live: bool,
}

/// One change of one thing.
#[Object]
impl Change {
    /// Its place in the workspace's log: go on after it.
    async fn cursor(&self) -> Cursor {
        Cursor(self.changed.cursor)
    }

    /// When it happened.
    async fn at(&self) -> DateTime {
        DateTime(self.changed.at)
    }

    /// What happened.
    async fn kind(&self) -> ChangeKind {
        self.changed.change.kind.into()
    }

    /// The thing as it is now, which may be later than the change. Null where it is gone meanwhile, or where the caller
    /// may not see it (any more): then there is nothing to copy.
    async fn node(&self, ctx: &Context<'_>) -> Result<Option<Node>, ApiError> {
        let Changed { cursor, change, .. } = self.changed;
        if change.kind == event::ChangeKind::Deleted {
            return Ok(None);
        }
        // A cursor is read beside the thing, so it is loaded for who asks for one.
        let alone = !self.live || ctx.look_ahead().field("cursor").exists();
        match ctx.service::<SyncService>()?.newest(cursor.workspace) {
            Some(newest) if !alone => {
                // A reader that has to catch up sees the change in the log before it is known to be the newest.
                let as_of = newest.max(cursor.position);
                ctx.service::<Shares>()?.visible(ctx, cursor.workspace, as_of, change.id).await
            }
            _ => Node::visible(ctx, change.id).await,
        }
    }

    /// The id of what is gone; null otherwise.
    async fn deleted_id(&self) -> Option<ID> {
        let Changed { change, .. } = self.changed;
        (change.kind == event::ChangeKind::Deleted).then(|| change.id.to_string().into())
    }
}

/// Changes in their order, and from where to go on.
#[derive(SimpleObject)]
pub struct ChangePage {
    /// Oldest first.
    changes: Vec<Change>,
    /// Go on from here, by this field or by the subscription.
    cursor: Cursor,
    /// Whether more have happened already.
    has_more: bool,
}

impl From<Changes> for ChangePage {
    fn from(page: Changes) -> Self {
        let Changes { changes, cursor, has_more } = page;
        let changes = changes.into_iter().map(|changed| Change { changed, live: false }).collect();
        Self { changes, cursor: Cursor(cursor), has_more }
    }
}

#[derive(Default, Debug)]
pub struct ChangeQuery;

#[Object]
impl ChangeQuery {
    /// What has changed in a workspace since a place, as far as the caller may see it: to bring a copy up to date after
    /// a time offline. Load the data and its `cursor` first, then go on from there.
    ///
    /// Everything with an id that lies in the workspace is told: each step of a run, each message of a turn by itself.
    /// The chunks of a document are not told one by one: they change with their document, which is told.
    /// Not told are `ApiKey.lastUsedAt`, `Memory.entities`, what a budget has spent and reserved, what changes because a
    /// time has passed, and the text of a reply while it streams, which `coachingEvents` has. After a change of one's own
    /// role, load anew.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The workspace.")] workspace_id: WorkspaceId,
        #[graphql(desc = "Only what changed after this place; without it nothing, but the place of now.")]
        after: Option<Cursor>,
        #[graphql(desc = "How many changes at most, up to 1,000.", default_with = "Some(100)")] first: Option<
            i32,
        >,
    ) -> Result<ChangePage, ApiError> {
        let sync = ctx.service::<SyncService>()?;
        let after = after.map(|cursor| cursor.0);
        Ok(sync.list(ctx.actor()?, workspace_id, after, first.unwrap_or(100)).await?.into())
    }
}

#[derive(Default, Debug)]
pub struct ChangeSubscription;

#[Subscription]
impl ChangeSubscription {
    /// What changes in a workspace, as far as the caller may see it: first what came after the cursor, then what comes,
    /// in order, without gap or double. Without a cursor it begins now.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The workspace.")] workspace_id: WorkspaceId,
        #[graphql(desc = "The place after which to begin; from now on if left out.")] after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<Change, ApiError>> + use<>, ApiError> {
        let sync = ctx.service::<SyncService>()?;
        // What begins it has memory of its own, which goes again.
        let follow = sync.follow(ctx.actor()?, workspace_id, after.map(|cursor| cursor.0));
        let changes = Box::pin(follow).await?;
        Ok(changes.map(|changed| Ok(Change { changed: changed?, live: true })))
    }
}
