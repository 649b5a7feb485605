//! Changes by hand: of a goal, of an action item, and of what a session is about.
use super::{ActionItem, ActionItemStatus, CoachingService, CoachingSession, Goal, GoalStatus, model};
use crate::{
    graphql_kit::{ApiError, ContextExt, DateTime, Shown, UserError, edited, patch},
    shared::id::{ActionItemId, CoachingSessionId, GoalId},
};
use async_graphql::{Context, InputObject, MaybeUndefined, Object, SimpleObject};

#[derive(Default, Debug)]
pub struct UpdateMutation;

#[Object]
impl UpdateMutation {
    /// Changes a goal of the caller's.
    async fn update_goal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change; what is left out stays.")] input: UpdateGoalInput,
    ) -> Result<UpdateGoalPayload, ApiError> {
        let update = model::GoalUpdate {
            goal: input.goal_id,
            expected_version: input.expected_version,
            title: patch(input.title, |title| title),
            progress: patch(input.progress, |progress| progress),
            status: patch(input.status, model::GoalStatus::from),
        };
        let outcome = ctx.service::<CoachingService>()?.update_goal(ctx.actor()?, update).await;
        let Shown { result, current, user_errors } = edited(outcome)?;
        Ok(UpdateGoalPayload { goal: result.map(Goal), current: current.map(Goal), user_errors })
    }

    /// Changes an action item of the caller's, or says what became of it.
    async fn update_action_item(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change; what is left out stays.")] input: UpdateActionItemInput,
    ) -> Result<UpdateActionItemPayload, ApiError> {
        let update = model::ActionItemUpdate {
            item: input.action_item_id,
            expected_version: input.expected_version,
            text: patch(input.text, |text| text),
            due_at: patch(input.due_at, |at| at.0),
            status: patch(input.status, model::ActionItemStatus::from),
        };
        let outcome = ctx.service::<CoachingService>()?.update_action_item(ctx.actor()?, update).await;
        let Shown { result, current, user_errors } = edited(outcome)?;
        let (action_item, current) = (result.map(ActionItem), current.map(ActionItem));
        Ok(UpdateActionItemPayload { action_item, current, user_errors })
    }

    /// Changes what a session of the caller's is about; one that has ended can be changed, too, and its summary stays.
    async fn update_coaching_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change; what is left out stays.")] input: UpdateCoachingSessionInput,
    ) -> Result<UpdateCoachingSessionPayload, ApiError> {
        let update = model::SessionUpdate {
            session: input.session_id,
            expected_version: input.expected_version,
            topic: patch(input.topic, |topic| topic),
            goal: patch(input.goal_id, |goal| goal),
        };
        let cursor = CoachingSession::cursor_before(ctx, &["session", "current"], input.session_id).await?;
        let outcome = ctx.service::<CoachingService>()?.update_session(ctx.actor()?, update).await;
        let Shown { result, current, user_errors } = edited(outcome)?;
        let of = |session| CoachingSession::read_at(session, cursor);
        let (session, current) = (result.map(of), current.map(of));
        Ok(UpdateCoachingSessionPayload { session, current, user_errors })
    }
}

/// A goal to be changed.
#[derive(InputObject, Debug)]
pub struct UpdateGoalInput {
    /// The goal.
    goal_id: GoalId,
    /// The `version` that the change was made from: it is refused with CONFLICT where that is not the version any more.
    /// Whatever the version, if left out.
    expected_version: Option<i32>,
    /// What it is, at most 200 characters.
    title: MaybeUndefined<String>,
    /// How far it is reached, from 0 to 1.
    progress: MaybeUndefined<f64>,
    /// What became of it.
    status: MaybeUndefined<GoalStatus>,
}

/// What came of `updateGoal`.
#[derive(SimpleObject, Debug)]
pub struct UpdateGoalPayload {
    /// The goal as it is now; null where `userErrors` says why not.
    goal: Option<Goal>,
    /// Only with CONFLICT on `expectedVersion`, when nothing was changed: the goal as it is, with its version, to show
    /// beside the change that was not made.
    current: Option<Goal>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// An action item to be changed.
#[derive(InputObject, Debug)]
pub struct UpdateActionItemInput {
    /// The action item.
    action_item_id: ActionItemId,
    /// The `version` that the change was made from: it is refused with CONFLICT where that is not the version any more.
    /// Whatever the version, if left out.
    expected_version: Option<i32>,
    /// What is to be done, on one line of at most 500 characters.
    text: MaybeUndefined<String>,
    /// By when; null for no time in particular.
    due_at: MaybeUndefined<DateTime>,
    /// What became of it.
    status: MaybeUndefined<ActionItemStatus>,
}

/// What came of `updateActionItem`.
#[derive(SimpleObject, Debug)]
pub struct UpdateActionItemPayload {
    /// The action item as it is now; null where `userErrors` says why not.
    action_item: Option<ActionItem>,
    /// Only with CONFLICT on `expectedVersion`, when nothing was changed: the item as it is, with its version, to show
    /// beside the change that was not made.
    current: Option<ActionItem>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// A session to be changed.
#[derive(InputObject, Debug)]
pub struct UpdateCoachingSessionInput {
    /// The session.
    session_id: CoachingSessionId,
    /// The `version` that the change was made from: it is refused with CONFLICT where that is not the version any more.
    /// Whatever the version, if left out.
    expected_version: Option<i32>,
    /// What it is about, at most 200 characters; null for nothing in particular.
    topic: MaybeUndefined<String>,
    /// The goal that it serves, one of the caller's in the session's workspace; null for none.
    goal_id: MaybeUndefined<GoalId>,
}

/// What came of `updateCoachingSession`.
#[derive(SimpleObject, Debug)]
pub struct UpdateCoachingSessionPayload {
    /// The session as it is now; null where `userErrors` says why not.
    session: Option<CoachingSession>,
    /// Only with CONFLICT on `expectedVersion`, when nothing was changed: the session as it is, with its version, to
    /// show beside the change that was not made.
    current: Option<CoachingSession>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
