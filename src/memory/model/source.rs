//! Where a memory comes from.
use crate::shared::id::{CoachingSessionId, MessageId};

/// The words that a memory was taken from. Offsets count UTF-16 code units.
#[derive(Clone, Debug, PartialEq)]
pub struct MemorySource {
    /// `None` where it was a text that is kept nowhere.
    pub session: Option<CoachingSessionId>,
    pub message: Option<MessageId>,
    pub quote: String,
    pub start: usize,
    pub end: usize,
}
