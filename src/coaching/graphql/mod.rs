//! Sessions, turns, messages, goals and action items; [`mutation`] makes and ends them, [`update`] changes them, [`event`] shows them live, [`load`] batches.
mod action_item;
mod event;
mod load;
mod message;
mod mutation;
mod session;
mod status;
mod update;
mod viewer_can;

pub use action_item::ActionItem;
pub use event::CoachingSubscription;
pub use load::CoachingLoader;
pub use message::{Citation, Message, Turn};
pub use session::{CoachingSession, Goal, WorkspaceSessions};

use super::{CoachingService, model};
use async_graphql::MergedObject;
use session::head;
use status::{
    ActionItemStatus, CoachingMode, CoachingSessionStatus, GoalStatus, MessageRole, MessageStatus,
    StopReason, TurnStatus,
};

/// Changes of goals, action items, sessions and what is said.
#[derive(MergedObject, Default, Debug)]
pub struct CoachingMutation(mutation::SessionMutation, update::UpdateMutation);
