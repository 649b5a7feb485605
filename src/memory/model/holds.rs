//! When what a memory says is so, and how long it is used.
use crate::shared::Problems;
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

    /// Whether it is so at a time, as far as that is known.
    pub fn is_true_at(&self, at: DateTime<Utc>) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && self.valid_to.is_none_or(|to| at < to)
    }
}
