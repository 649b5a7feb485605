//! When what a memory says is so, and how long it is used.
use crate::shared::{Problems, id::MemoryId};
use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Holds {
    /// When it began to be so; unknown where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<DateTime<Utc>>,
    /// When that ended, exclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<DateTime<Utc>>,
    /// When it goes out of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

impl Holds {
    /// Whether it says nothing.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// `at` is the item's path with its dot.
    pub(in crate::memory) fn checked(self, problems: &mut Problems, at: &str) -> Self {
        let micros = |time: Option<DateTime<Utc>>| time.map(|time| time.trunc_subsecs(6));
        let (valid_from, valid_to) = (micros(self.valid_from), micros(self.valid_to));
        if valid_from.zip(valid_to).is_some_and(|(from, to)| to <= from) {
            problems.invalid(format!("{at}validTo"), "it ends before it begins: give a time after validFrom");
        }
        Self { valid_from, valid_to, expires_at: micros(self.expires_at) }
    }
}

/// What came after a memory, as far as it is known here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Succession {
    /// Since when its content is known here; since it was written where there is none.
    pub known_from: Option<DateTime<Utc>>,
    /// When it was told that another says otherwise.
    pub superseded_at: Option<DateTime<Utc>>,
    /// Since when the other is so. Where there is none, this one never was.
    pub superseded_from: Option<DateTime<Utc>>,
    pub superseded_by: Option<MemoryId>,
}
