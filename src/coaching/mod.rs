//! Coaching sessions: a person writes, the coach answers while they read along, and nothing said is lost.
//!
//! A message's way: `graphql` translates → [`CoachingService::send`] commits the message, its turn in the queue and
//! the event, and returns at once → a [`Worker`] claims the turn, recalls what is remembered, and has the gateway
//! answer (`turn`): each delta goes over the bus, the text so far is checkpointed, and one transaction ends the
//! turn. [`CoachingService::follow`] shows it live (`stream`), from any cursor, without gap or double.
//!
//! What a reply quotes is kept with its text (`speech`), and a turn ends in one place (`ending`), so that forgetting a
//! memory reaches its words however a turn went; and so is what an action item has in common with what the coach was
//! told (`borrowed`).
//!
//! A turn changes hands under a fencing token, so a worker that was given up for dead can write nothing any more:
//! that is why each turn has exactly one terminal event. A session and all in it belong to one person alone.
mod borrowed;
mod ending;
mod event;
mod graphql;
mod model;
pub mod policy;
mod port;
mod service;
mod speech;
mod store;
mod stream;
mod tool;
mod tracker;
mod turn;
mod worker;

pub use event::{ActionItemFacts, CoachingEvent, Happened, TurnFacts, changes};
pub use graphql::{
    ActionItem, Citation as CitationNode, CoachingLoader, CoachingMutation, CoachingSession,
    CoachingSubscription, Goal, Message, Turn, WorkspaceSessions,
};
pub use model::{
    Citation, MessageRole, MessageStatus, NewMessage, NewSession, Session, SessionMode, SessionStatus,
    StopReason, TurnStatus, WhileRunning,
};
pub use port::MemoryPorts;
pub use service::{CoachingService, Parts};
pub use tool::CreateActionItemTool;
pub use worker::Worker;
