//! Sessions, turns, messages and goals; [`mutation`] changes them, [`event`] shows them live, [`load`] batches.
mod event;
mod load;
mod message;
mod mutation;
mod session;
mod status;

pub use event::CoachingSubscription;
pub use load::{CoachingLoader, request_data};
pub use message::{Message, Turn};
pub use mutation::CoachingMutation;
pub use session::{CoachingSession, Goal, WorkspaceSessions};

use super::{CoachingService, model};
use session::head;
use status::{CoachingMode, CoachingSessionStatus, MessageRole, MessageStatus, StopReason, TurnStatus};
