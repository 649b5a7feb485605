//! The append-only log, and the bus that wakes who waits for it.
//!
//! The log is the truth: a change and its events commit together ([`Log::begin`], [`Tx::record`], [`Tx::commit`]),
//! numbered by one position per workspace, gapless and in commit order. The bus is a hint: a lost message costs
//! time, never an event, because [`Log::follow`] reads the log: once for all who follow a workspace ([`feed`]). Old
//! events go ([`retention`]).
mod append;
mod bus;
mod change;
mod cursor;
mod feed;
mod log;
mod retention;
mod share;

pub use bus::{Bus, BusError, Signal, Subscription};
pub use change::{Audience, Change, ChangeKind};
pub use cursor::{Cursor, Place};
pub use feed::Follower;
pub use log::{Event, Log, NewEvent, Tx, Wake, create_head};
pub use retention::Sweeper;
pub use share::Shares;
