use super::{ActionItem, CoachingLoader, CoachingService, CoachingSession, StopReason, Turn, model};
use crate::{
    coaching::{CoachingEvent as Heard, Happened, TurnFacts},
    graphql_kit::{ApiError, ContextExt, Cursor, DateTime, Moment, OfMany},
    shared::{
        Error,
        id::{ActionItemId, CoachingSessionId},
    },
};
use async_graphql::{ComplexObject, Context, Interface, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt};

#[derive(Default, Debug)]
pub struct CoachingSubscription;

#[Subscription]
impl CoachingSubscription {
    /// What happens in a session: first what came after the cursor, from the session's beginning without one, then
    /// what comes, without gap or double. Completes when the session has ended.
    ///
    /// To show a reply as it grows: set the text at each `TurnSnapshot`, append at each `TurnDelta`. When the turn's
    /// last event comes, that is the reply's text.
    async fn coaching_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] session_id: CoachingSessionId,
        #[graphql(desc = "The cursor of the last event seen.")] after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<OfMany<CoachingEvent>, ApiError>> + use<>, ApiError> {
        let coaching = ctx.service::<CoachingService>()?;
        // What begins it has memory of its own, which goes again.
        let follow = coaching.follow(ctx.actor()?, session_id, after.map(|cursor| cursor.0));
        let events = Box::pin(follow).await?;
        Ok(events.map(|event| Ok(OfMany::from(event?))))
    }
}

/// Something that happens in a session. More types may come: pass over an unknown one.
#[derive(Interface, Debug)]
#[graphql(
    field(name = "cursor", ty = "Cursor", desc = "Follow from here to get what came after this event."),
    field(name = "at", ty = "DateTime", desc = "When it happened.")
)]
pub enum CoachingEvent {
    SessionStarted(SessionStarted),
    TurnQueued(TurnQueued),
    TurnStarted(TurnStarted),
    TurnSnapshot(TurnSnapshot),
    TurnDelta(TurnDelta),
    ToolStarted(ToolStarted),
    ToolCompleted(ToolCompleted),
    ActionItemCreated(ActionItemCreated),
    TurnCompleted(TurnCompleted),
    TurnInterrupted(TurnInterrupted),
    TurnIncomplete(TurnIncomplete),
    TurnFailed(TurnFailed),
    SessionEnded(SessionEnded),
}

macro_rules! session_events {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(SimpleObject, Debug)]
        #[graphql(complex)]
        pub struct $name {
            /// Follow from here to get what came after this event.
            #[graphql(owned)]
            cursor: Cursor,
            /// When it happened.
            #[graphql(owned)]
            at: DateTime,
            #[graphql(skip)]
            session: CoachingSessionId,
        }

        #[ComplexObject]
        impl $name {
            /// The session, as it is now.
            async fn session(&self, ctx: &Context<'_>) -> Result<CoachingSession, ApiError> {
                let found: Option<model::Session> = ctx.load::<_, CoachingLoader>(self.session).await?;
                let session = found.ok_or(Error::NotFound("session"))?;
                Ok(CoachingSession::read_at(session, Some(self.cursor)))
            }
        }
    )* };
}

session_events! {
    /// The session was started.
    SessionStarted;
    /// The session was ended, and has a summary. It is the last event.
    SessionEnded;
}

macro_rules! turn_events {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => { $(
        $(#[$doc])*
        #[derive(SimpleObject, Debug)]
        pub struct $name {
            /// Follow from here to get what came after this event.
            #[graphql(owned)]
            cursor: Cursor,
            /// When it happened.
            #[graphql(owned)]
            at: DateTime,
            /// The turn, in the state that it came into; its texts are as they are now.
            turn: Turn,
            $($(#[$field_doc])* $field: $type,)*
        }
    )* };
}

turn_events! {
    /// A message was sent, and waits for the turns before it.
    TurnQueued {}
    /// The coach begins to answer.
    TurnStarted {}
    /// All that the coach has said so far in this turn. Comes before the deltas to whoever joins in its midst, and
    /// where something that was heard was lost in a crash.
    TurnSnapshot {
        /// Put it in place of what you have of this reply.
        text: String,
        /// How long the text is, in UTF-16 code units: where the next delta begins.
        offset: i32,
    }
    /// What the coach goes on to say.
    TurnDelta {
        /// Append it to what you have of this reply.
        text: String,
        /// Where it begins in the reply, in UTF-16 code units: how much you must have.
        offset: i32,
    }
    /// The coach uses a tool: it looks something up, or has something done for the person.
    ToolStarted {
        /// Its name: `recall`, `remember`, `create_action_item`, `start_workflow`. New ones may come.
        tool: String,
    }
    /// The tool was used, and the coach goes on.
    ToolCompleted {
        /// Its name.
        tool: String,
        /// Whether it did what it was asked for; where not, it changed nothing.
        succeeded: bool,
    }
    /// The coach has answered.
    TurnCompleted {}
    /// The turn was stopped; what was said so far stays.
    TurnInterrupted {
        /// Why.
        reason: StopReason,
    }
    /// The answer broke off; what was said so far stays.
    TurnIncomplete {
        /// Why.
        reason: StopReason,
    }
    /// No answer came.
    TurnFailed {
        /// Why.
        reason: StopReason,
    }
}

/// The person means to do something that came up in the session: the coach wrote it down, or they did.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub struct ActionItemCreated {
    /// Follow from here to get what came after this event.
    #[graphql(owned)]
    cursor: Cursor,
    /// When it happened.
    #[graphql(owned)]
    at: DateTime,
    #[graphql(skip)]
    item: ActionItemId,
}

#[ComplexObject]
impl ActionItemCreated {
    /// The action item, as it is now.
    async fn action_item(&self, ctx: &Context<'_>) -> Result<ActionItem, ApiError> {
        let found = ctx.load::<_, CoachingLoader>(self.item).await?;
        Ok(found.ok_or(Error::NotFound("action item"))?)
    }
}

impl From<Heard> for OfMany<CoachingEvent> {
    /// What the coach says goes to all who follow the session at once. Other events are seldom, and tell of things as they
    /// are for each.
    fn from(heard: Heard) -> Self {
        let event = CoachingEvent::from(heard);
        let moment = match &event {
            CoachingEvent::TurnDelta(delta) => {
                Some(Moment { cursor: delta.cursor.0, begin: delta.offset, at: delta.at.0 })
            }
            _ => None,
        };
        Self { event, moment }
    }
}

impl From<Heard> for CoachingEvent {
    fn from(heard: Heard) -> Self {
        let (cursor, at) = (Cursor(heard.cursor), DateTime(heard.at));
        let reason = |facts: &TurnFacts| facts.reason.map_or(StopReason::Interrupted, StopReason::from);
        let offset = |offset: u32| i32::try_from(offset).unwrap_or(i32::MAX);
        match heard.what {
            Happened::SessionStarted(session) => Self::SessionStarted(SessionStarted { cursor, at, session }),
            Happened::SessionEnded(session) => Self::SessionEnded(SessionEnded { cursor, at, session }),
            Happened::TurnQueued(turn) => Self::TurnQueued(TurnQueued { cursor, at, turn: Turn(turn) }),
            Happened::TurnStarted(turn) => Self::TurnStarted(TurnStarted { cursor, at, turn: Turn(turn) }),
            Happened::TurnSnapshot { turn, text, offset: end } => {
                Self::TurnSnapshot(TurnSnapshot { cursor, at, turn: Turn(turn), text, offset: offset(end) })
            }
            Happened::TurnDelta { turn, text, offset: start } => {
                Self::TurnDelta(TurnDelta { cursor, at, turn: Turn(turn), text, offset: offset(start) })
            }
            Happened::ToolStarted(facts) => {
                Self::ToolStarted(ToolStarted { cursor, at, turn: Turn(facts.turn), tool: facts.tool })
            }
            Happened::ToolCompleted(facts) => {
                let succeeded = facts.succeeded.unwrap_or_default();
                let (turn, tool) = (Turn(facts.turn), facts.tool);
                Self::ToolCompleted(ToolCompleted { cursor, at, turn, tool, succeeded })
            }
            Happened::ActionItemCreated(facts) => {
                Self::ActionItemCreated(ActionItemCreated { cursor, at, item: facts.item })
            }
            Happened::TurnCompleted(turn) => {
                Self::TurnCompleted(TurnCompleted { cursor, at, turn: Turn(turn) })
            }
            Happened::TurnInterrupted(turn) => {
                let reason = reason(&turn);
                Self::TurnInterrupted(TurnInterrupted { cursor, at, turn: Turn(turn), reason })
            }
            Happened::TurnIncomplete(turn) => {
                let reason = reason(&turn);
                Self::TurnIncomplete(TurnIncomplete { cursor, at, turn: Turn(turn), reason })
            }
            Happened::TurnFailed(turn) => {
                let reason = reason(&turn);
                Self::TurnFailed(TurnFailed { cursor, at, turn: Turn(turn), reason })
            }
        }
    }
}
