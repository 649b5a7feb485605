use super::{ActionItem, CoachingMode, CoachingService, CoachingSession, Goal, Message, Turn, head, model};
use crate::{
    graphql_kit::{ApiError, ContextExt, DateTime, UserError, payload, wants_cursor},
    shared::id::{CoachingSessionId, GoalId, TurnId, WorkspaceId},
};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};

#[derive(Default, Debug)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Sets a goal, to be reached in sessions. Only the caller sees it.
    async fn create_goal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to reach.")] input: CreateGoalInput,
    ) -> Result<CreateGoalPayload, ApiError> {
        let client_id = input.client_id.map(|id| id.0);
        let new = model::NewGoal { workspace: input.workspace_id, title: input.title, client_id };
        let coaching = ctx.service::<CoachingService>()?;
        let outcome = coaching.create_goal(ctx.actor()?, new, input.idempotency_key).await;
        let (goal, user_errors) = payload(outcome)?;
        Ok(CreateGoalPayload { goal: goal.map(Goal), user_errors })
    }

    /// Writes down something that the caller means to do. Only they see it.
    async fn create_action_item(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateActionItemInput,
    ) -> Result<CreateActionItemPayload, ApiError> {
        let new = model::NewActionItem {
            workspace: input.workspace_id,
            text: input.text,
            due_at: input.due_at.map(|at| at.0),
            session: input.session_id,
            goal: input.goal_id,
            client_id: input.client_id.map(|id| id.0),
        };
        let coaching = ctx.service::<CoachingService>()?;
        let outcome = coaching.create_action_item(ctx.actor()?, new, input.idempotency_key).await;
        let (item, user_errors) = payload(outcome)?;
        Ok(CreateActionItemPayload { action_item: item.map(ActionItem), user_errors })
    }

    /// Starts a session with the coach. Only the caller sees it.
    async fn start_coaching_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to start.")] input: StartCoachingSessionInput,
    ) -> Result<StartCoachingSessionPayload, ApiError> {
        let actor = ctx.actor()?;
        let wanted = wants_cursor(ctx, &["session"]);
        let cursor = if wanted { Some(head(ctx, input.workspace_id).await?) } else { None };
        let new = model::NewSession {
            workspace: input.workspace_id,
            mode: input.mode.into(),
            topic: input.topic,
            goal: input.goal_id,
            client_id: input.client_id.map(|id| id.0),
        };
        let outcome = ctx.service::<CoachingService>()?.start(actor, new, input.idempotency_key).await;
        let (session, user_errors) = payload(outcome)?;
        let session = session.map(|session| CoachingSession::read_at(session, cursor));
        Ok(StartCoachingSessionPayload { session, user_errors })
    }

    /// Says something to the coach. Returns as soon as it is stored; the answer comes as `coachingEvents`.
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to say.")] input: SendMessageInput,
    ) -> Result<SendMessagePayload, ApiError> {
        let new = model::NewMessage {
            session: input.session_id,
            text: input.text,
            while_running: input.while_running.into(),
            client_id: input.client_id.map(|id| id.0),
        };
        let coaching = ctx.service::<CoachingService>()?;
        let outcome = coaching.send(ctx.actor()?, new, input.idempotency_key).await;
        let (sent, user_errors) = payload(outcome)?;
        let (message, turn) = sent.unzip();
        Ok(SendMessagePayload { message: message.map(Message), turn: turn.map(Turn::from), user_errors })
    }

    /// Stops a turn: what the coach has said so far stays. One that is over already is given back as it is.
    async fn interrupt_turn(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to stop.")] input: InterruptTurnInput,
    ) -> Result<InterruptTurnPayload, ApiError> {
        let outcome = ctx.service::<CoachingService>()?.interrupt(ctx.actor()?, input.turn_id).await;
        let (turn, user_errors) = payload(outcome)?;
        Ok(InterruptTurnPayload { turn: turn.map(Turn::from), user_errors })
    }

    /// Ends a session with a summary of it. A turn that runs is interrupted, keeping its text; turns that wait are
    /// not answered any more. One that has ended already is given back as it is.
    async fn end_coaching_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to end.")] input: EndCoachingSessionInput,
    ) -> Result<EndCoachingSessionPayload, ApiError> {
        let cursor = CoachingSession::cursor_before(ctx, &["session"], input.session_id).await?;
        let outcome = ctx.service::<CoachingService>()?.end(ctx.actor()?, input.session_id).await;
        let (session, user_errors) = payload(outcome)?;
        let session = session.map(|session| CoachingSession::read_at(session, cursor));
        Ok(EndCoachingSessionPayload { session, user_errors })
    }
}

/// A new goal.
#[derive(InputObject, Debug)]
pub struct CreateGoalInput {
    /// The workspace that it lies in.
    workspace_id: WorkspaceId,
    /// What it is, at most 200 characters.
    title: String,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    idempotency_key: Option<String>,
    /// A UUID of the client's own, for what it creates offline: the same one again is the same goal, for ever.
    client_id: Option<ID>,
}

/// What came of `createGoal`.
#[derive(SimpleObject, Debug)]
pub struct CreateGoalPayload {
    /// The goal; null where `userErrors` says why not.
    goal: Option<Goal>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// A new action item.
#[derive(InputObject, Debug)]
pub struct CreateActionItemInput {
    /// The workspace that it lies in.
    workspace_id: WorkspaceId,
    /// What is to be done, on one line of at most 500 characters.
    text: String,
    /// By when, if there is a time for it.
    due_at: Option<DateTime>,
    /// The session that it came from, one of the caller's in this workspace; its `coachingEvents` tell of it.
    session_id: Option<CoachingSessionId>,
    /// The goal that it serves, one of the caller's in this workspace; the session's, if left out.
    goal_id: Option<GoalId>,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    idempotency_key: Option<String>,
    /// A UUID of the client's own, for what it creates offline: the same one again is the same item, for ever.
    client_id: Option<ID>,
}

/// What came of `createActionItem`.
#[derive(SimpleObject, Debug)]
pub struct CreateActionItemPayload {
    /// The action item; null where `userErrors` says why not.
    action_item: Option<ActionItem>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// A new session.
#[derive(InputObject, Debug)]
pub struct StartCoachingSessionInput {
    /// The workspace whose memories the coach may draw on, beside the caller's own in it.
    workspace_id: WorkspaceId,
    /// What the session is for.
    #[graphql(default_with = "CoachingMode::Chat")]
    mode: CoachingMode,
    /// What it is about, at most 200 characters.
    topic: Option<String>,
    /// The goal that it serves, one of the caller's in this workspace.
    goal_id: Option<GoalId>,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    idempotency_key: Option<String>,
    /// A UUID of the client's own, for what it creates offline: the same one again is the same session, for ever.
    client_id: Option<ID>,
}

/// What came of `startCoachingSession`.
#[derive(SimpleObject, Debug)]
pub struct StartCoachingSessionPayload {
    /// The session; null where `userErrors` says why not.
    session: Option<CoachingSession>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// What becomes of a message that is sent while the coach speaks.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::WhileRunning")]
pub enum WhileRunning {
    /// It waits its turn; at most 20 wait.
    Enqueue,
    /// The turn that runs is interrupted, keeping its text. Those that wait already still come first.
    Interrupt,
    /// It is refused with CONFLICT.
    Reject,
}

/// Something to say.
#[derive(InputObject, Debug)]
pub struct SendMessageInput {
    /// The session to say it in.
    session_id: CoachingSessionId,
    /// What to say, at most 20,000 characters.
    text: String,
    /// What becomes of it while the coach speaks.
    #[graphql(default_with = "WhileRunning::Enqueue")]
    while_running: WhileRunning,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    idempotency_key: Option<String>,
    /// A UUID of the client's own, for what it creates offline: the same one again is the same message, for ever.
    client_id: Option<ID>,
}

/// What came of `sendMessage`.
#[derive(SimpleObject, Debug)]
pub struct SendMessagePayload {
    /// The message; null where `userErrors` says why not.
    message: Option<Message>,
    /// The turn in which the coach answers it.
    turn: Option<Turn>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// Which turn to stop.
#[derive(InputObject, Debug)]
pub struct InterruptTurnInput {
    /// The turn.
    turn_id: TurnId,
}

/// What came of `interruptTurn`.
#[derive(SimpleObject, Debug)]
pub struct InterruptTurnPayload {
    /// The turn; null where `userErrors` says why not.
    turn: Option<Turn>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// Which session to end.
#[derive(InputObject, Debug)]
pub struct EndCoachingSessionInput {
    /// The session.
    session_id: CoachingSessionId,
}

/// What came of `endCoachingSession`.
#[derive(SimpleObject, Debug)]
pub struct EndCoachingSessionPayload {
    /// The session with its summary; null where `userErrors` says why not.
    session: Option<CoachingSession>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
