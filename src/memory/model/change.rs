//! What was done with a memory.
use crate::shared::{Problems, Result, id::MemoryId, stored, text};
use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;
use uuid::Uuid;

/// Characters of a reason.
pub const MAX_REASON: usize = 500;

stored! {
    MemoryChanged {
        /// A candidate was taken up.
        Accepted = "ACCEPTED",
        /// A candidate was refused.
        Rejected = "REJECTED",
        /// Another memory says otherwise.
        Superseded = "SUPERSEDED",
        /// It says otherwise than another.
        Supersedes = "SUPERSEDES",
        /// Its time is over.
        Expired = "EXPIRED",
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct MemoryChange {
    pub what: MemoryChanged,
    /// In the words of whoever did it.
    pub reason: Option<String>,
    pub other: Option<MemoryId>,
    /// Who did it; nobody where time did.
    pub by: Option<Uuid>,
    pub at: DateTime<Utc>,
}

/// That a memory says otherwise than another.
#[derive(Clone, Debug, Serialize)]
pub struct NewSuccession {
    pub memory: MemoryId,
    pub by: SupersededBy,
    /// Since when the other is so: until then this one was. Where it is not given, this one never was.
    pub since: Option<DateTime<Utc>>,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub enum SupersededBy {
    /// One that is there, or is proposed.
    Memory(MemoryId),
    /// A new one of this text, in other respects as the old one.
    Text(String),
}

impl NewSuccession {
    pub fn checked(self) -> Result<Self> {
        let mut problems = Problems::default();
        let by = match self.by {
            SupersededBy::Text(words) => {
                SupersededBy::Text(text::required(&mut problems, "by.text", &words, super::MAX_TEXT))
            }
            SupersededBy::Memory(id) if id == self.memory => {
                problems.invalid("by.memoryId", "a memory does not supersede itself");
                SupersededBy::Memory(id)
            }
            by => by,
        };
        let reason = self.reason.map(|reason| text::required(&mut problems, "reason", &reason, MAX_REASON));
        let since = self.since.map(|since| since.trunc_subsecs(6));
        problems.finish().map(|()| Self { by, reason, since, ..self })
    }
}
