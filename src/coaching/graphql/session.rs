use super::{
    ActionItem, CoachingMode, CoachingSessionStatus, GoalStatus, Message,
    action_item::ActionItemFilter,
    load::{ActionItemsOf, MessagesOf},
    viewer_can::{CoachingSessionViewerCan, GoalViewerCan},
};
use crate::{
    coaching::{CoachingLoader, CoachingService, model, store::SessionOrder},
    graphql_kit::{
        ApiError, Connection, ContextExt, Cursor, DateTime, OrderDirection, connection, each_shows,
        page_request, wants_cursor,
    },
    shared::{
        Page,
        id::{CoachingSessionId, GoalId, WorkspaceId},
    },
};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};

#[derive(Clone, Debug)]
pub struct Goal(pub(super) model::Goal);

impl From<model::Goal> for Goal {
    fn from(goal: model::Goal) -> Self {
        Self(goal)
    }
}

/// What a person works towards. Only they see it.
#[Object]
impl Goal {
    /// Stable for ever.
    pub async fn id(&self) -> GoalId {
        self.0.id
    }

    /// What it is, in the person's words.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// How far it is reached, from 0 to 1.
    async fn progress(&self) -> f64 {
        self.0.progress
    }

    /// What became of it.
    async fn status(&self) -> GoalStatus {
        self.0.status.into()
    }

    /// From 1, one more with each change of title, progress or status: name it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The id that the client gave it which made it; null where it gave none.
    async fn client_id(&self) -> Option<ID> {
        self.0.client_id.map(|id| ID(id.to_string()))
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<GoalViewerCan, ApiError> {
        Ok(GoalViewerCan::of(ctx.actor()?, self))
    }
}

#[derive(Clone, Debug)]
pub struct CoachingSession {
    pub(super) session: model::Session,
    /// Read before the session was.
    cursor: Option<Cursor>,
    /// Where it was loaded already.
    goal: Option<model::Goal>,
}

impl From<model::Session> for CoachingSession {
    fn from(session: model::Session) -> Self {
        Self::read_at(session, None)
    }
}

impl CoachingSession {
    pub(super) fn read_at(session: model::Session, cursor: Option<Cursor>) -> Self {
        Self { session, cursor, goal: None }
    }

    /// For a payload that shows the session in `fields`: the place of now in its workspace's log. `None` where no cursor
    /// is asked for, or the actor may not see the session.
    pub(super) async fn cursor_before(
        ctx: &Context<'_>,
        fields: &[&str],
        id: CoachingSessionId,
    ) -> Result<Option<Cursor>, ApiError> {
        if !wants_cursor(ctx, fields) {
            return Ok(None);
        }
        match ctx.load::<_, CoachingLoader>(id).await? {
            Some(session) => head(ctx, session.workspace).await.map(Some),
            None => Ok(None),
        }
    }

    /// `None` where the actor may not see it. The cursor, where selected, is read first: so what is read after it is
    /// never older, and a subscription from it has no gap.
    pub async fn visible(ctx: &Context<'_>, id: CoachingSessionId) -> Result<Option<Self>, ApiError> {
        let Some(mut session) = ctx.load::<_, CoachingLoader>(id).await? else { return Ok(None) };
        if ctx.look_ahead().field("cursor").exists() {
            let cursor = head(ctx, session.workspace).await?;
            let Some(again) = ctx.load::<_, CoachingLoader>(id).await? else { return Ok(None) };
            session = again;
            return Ok(Some(Self::read_at(session, Some(cursor))));
        }
        Ok(Some(session.into()))
    }
}

pub(super) async fn head(ctx: &Context<'_>, workspace: WorkspaceId) -> Result<Cursor, ApiError> {
    Ok(Cursor(ctx.service::<CoachingService>()?.head(ctx.actor()?, workspace).await?))
}

/// A conversation with the coach. Only the person whose it is sees it.
#[Object]
impl CoachingSession {
    /// Stable for ever.
    pub async fn id(&self) -> CoachingSessionId {
        self.session.id
    }

    /// What the session is for.
    async fn mode(&self) -> CoachingMode {
        self.session.mode.into()
    }

    /// What it is about, in the person's words.
    async fn topic(&self) -> Option<&str> {
        self.session.topic.as_deref()
    }

    /// Where it is in its life.
    async fn status(&self) -> CoachingSessionStatus {
        self.session.status.into()
    }

    /// The place in the workspace's event log at which this answer was read: follow `coachingEvents` from it and miss
    /// nothing.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<Cursor, ApiError> {
        match self.cursor {
            Some(cursor) => Ok(cursor),
            None => head(ctx, self.session.workspace).await,
        }
    }

    /// The goal that it serves.
    async fn goal(&self, ctx: &Context<'_>) -> Result<Option<Goal>, ApiError> {
        if let Some(goal) = &self.goal {
            return Ok(Some(goal.clone().into()));
        }
        match self.session.goal {
            Some(goal) => ctx.load::<_, CoachingLoader>(goal).await,
            None => Ok(None),
        }
    }

    /// From 1, one more with each change of topic or goal: name it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.session.version
    }

    /// The id that the client gave it which made it; null where it gave none.
    async fn client_id(&self) -> Option<ID> {
        self.session.client_id.map(|id| ID(id.to_string()))
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<CoachingSessionViewerCan, ApiError> {
        Ok(CoachingSessionViewerCan::of(ctx.actor()?, self))
    }

    /// What it came to; null until it has ended.
    async fn summary(&self) -> Option<SessionSummary> {
        self.session.summary.clone().map(|text| SessionSummary { text })
    }

    /// What was said, oldest first.
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Message>, ApiError> {
        let request = page_request(ctx, self.session.id, first, after, last, before)?;
        let key = MessagesOf { session: self.session.id, request };
        let page = ctx.load::<_, CoachingLoader>(key).await?.transpose()?;
        Ok(connection(self.session.id, page.unwrap_or_else(|| Page::empty(Some(0))), Message))
    }

    /// What the person means to do that came from it, oldest first.
    async fn action_items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ActionItem>, ApiError> {
        let request = page_request(ctx, self.session.id, first, after, last, before)?;
        let key = ActionItemsOf { session: self.session.id, request };
        let page = ctx.load::<_, CoachingLoader>(key).await?.transpose()?;
        Ok(connection(self.session.id, page.unwrap_or_else(|| Page::empty(Some(0))), ActionItem))
    }

    /// When it was started.
    async fn created_at(&self) -> DateTime {
        DateTime(self.session.created_at)
    }

    /// When something last happened in it.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.session.updated_at)
    }
}

/// What a session came to.
#[derive(SimpleObject, Debug)]
pub struct SessionSummary {
    /// In the words that were used in it: nothing is made up.
    text: String,
}

/// What sessions can be ordered by.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoachingSessionOrderField {
    /// When they were started.
    CreatedAt,
    /// When something last happened in them.
    UpdatedAt,
}

/// An order of sessions; where two are equal, their ids decide.
#[derive(InputObject, Debug)]
pub struct CoachingSessionOrder {
    /// By what.
    field: CoachingSessionOrderField,
    /// Which way.
    direction: OrderDirection,
}

/// The part of `Workspace` that this slice gives.
#[derive(Clone, Debug)]
pub struct WorkspaceSessions {
    pub workspace: WorkspaceId,
}

#[Object]
impl WorkspaceSessions {
    /// The caller's own coaching sessions, the newest first if nothing else is said. Nobody else sees them.
    async fn coaching_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "In which order.")] order_by: Option<CoachingSessionOrder>,
    ) -> Result<Connection<CoachingSession>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let order = SessionOrder {
            by_update: order_by.as_ref().is_some_and(|by| by.field == CoachingSessionOrderField::UpdatedAt),
            descending: order_by.as_ref().is_none_or(|by| by.direction == OrderDirection::Desc),
        };
        let cursor = if each_shows(ctx, "cursor") { Some(head(ctx, self.workspace).await?) } else { None };
        let with_goals = each_shows(ctx, "goal");
        let coaching = ctx.service::<CoachingService>()?;
        let page = coaching.list_sessions(ctx.actor()?, self.workspace, order, with_goals, &request).await?;
        Ok(connection(self.workspace, page, |(session, goal)| CoachingSession { session, cursor, goal }))
    }

    /// What the caller means to do, the newest first. Nobody else sees it.
    async fn action_items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that fit.")] filter: Option<ActionItemFilter>,
    ) -> Result<Connection<ActionItem>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let filter = filter.map(model::ActionItemFilter::from).unwrap_or_default();
        let coaching = ctx.service::<CoachingService>()?;
        let page = coaching.list_action_items(ctx.actor()?, self.workspace, &filter, &request).await?;
        Ok(connection(self.workspace, page, ActionItem))
    }
}
