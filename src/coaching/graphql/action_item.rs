use super::{
    ActionItemStatus, CoachingLoader, CoachingSession, Goal, Turn, model, viewer_can::ActionItemViewerCan,
};
use crate::{
    graphql_kit::{ApiError, ContextExt, DateTime, each_once},
    shared::id::{ActionItemId, GoalId},
};
use async_graphql::{Context, ID, InputObject, Object};

#[derive(Clone, Debug)]
pub struct ActionItem(pub(super) model::ActionItem);

impl From<model::ActionItem> for ActionItem {
    fn from(item: model::ActionItem) -> Self {
        Self(item)
    }
}

/// Something that a person means to do, written down by themselves or by the coach. Only they see it.
#[Object]
impl ActionItem {
    /// Stable for ever.
    pub async fn id(&self) -> ActionItemId {
        self.0.id
    }

    /// What is to be done. Where the coach quoted something that was forgotten since, `[forgotten]` stands in its place.
    async fn text(&self) -> &str {
        &self.0.text
    }

    /// By when; null for no time in particular.
    async fn due_at(&self) -> Option<DateTime> {
        self.0.due_at.map(DateTime)
    }

    /// What became of it.
    async fn status(&self) -> ActionItemStatus {
        self.0.status.into()
    }

    /// The session that it came from; null where it came from none.
    async fn session(&self, ctx: &Context<'_>) -> Result<Option<CoachingSession>, ApiError> {
        match self.0.session {
            Some(session) => CoachingSession::visible(ctx, session).await,
            None => Ok(None),
        }
    }

    /// The turn in which the coach wrote it down; null where the person did.
    async fn turn(&self, ctx: &Context<'_>) -> Result<Option<Turn>, ApiError> {
        match self.0.turn {
            Some(turn) => ctx.load::<_, CoachingLoader>(turn).await,
            None => Ok(None),
        }
    }

    /// The goal that it serves.
    async fn goal(&self, ctx: &Context<'_>) -> Result<Option<Goal>, ApiError> {
        match self.0.goal {
            Some(goal) => ctx.load::<_, CoachingLoader>(goal).await,
            None => Ok(None),
        }
    }

    /// From 1, one more with each change of text, time or status: name it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The id that the client gave it which made it; null where it gave none.
    async fn client_id(&self) -> Option<ID> {
        self.0.client_id.map(|id| ID(id.to_string()))
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<ActionItemViewerCan, ApiError> {
        Ok(ActionItemViewerCan::of(ctx.actor()?, self))
    }

    /// When it was written down.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When the person last changed it.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// Since when it is done; null where it is not.
    async fn completed_at(&self) -> Option<DateTime> {
        self.0.completed_at.map(DateTime)
    }
}

/// Which action items are wanted; what is left out wants all.
#[derive(InputObject, Debug)]
pub struct ActionItemFilter {
    /// In one of these states.
    status: Option<Vec<ActionItemStatus>>,
    /// That serve this goal.
    goal_id: Option<GoalId>,
}

impl From<ActionItemFilter> for model::ActionItemFilter {
    fn from(filter: ActionItemFilter) -> Self {
        Self { status: filter.status.map(each_once), goal: filter.goal_id }
    }
}
