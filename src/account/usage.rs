//! When a key was last used, written aside: a request must not wait for a write that nobody waits for.
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
};
use uuid::Uuid;

/// A key's row is written at most this often; so `lastUsedAt` may be late by as much.
pub const EVERY: TimeDelta = TimeDelta::minutes(1);

/// Uses that are not written yet, the last of each key.
#[derive(Clone, Debug, Default)]
pub struct Usage(Arc<Mutex<HashMap<Uuid, DateTime<Utc>>>>);

impl Usage {
    /// Notes a use, unless the row tells of one within the last minute.
    pub fn note(&self, key: Uuid, stored: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        if stored.is_none_or(|at| now - at >= EVERY) {
            self.put(key, now);
        }
    }

    /// All that waits, the oldest key first; what cannot be written is put back by [`Self::put`].
    pub fn take(&self) -> Vec<(Uuid, DateTime<Utc>)> {
        let mut taken: Vec<_> =
            mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect();
        // One order for all writers, so that no two deadlock.
        taken.sort_unstable();
        taken
    }

    pub fn put(&self, key: Uuid, at: DateTime<Utc>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = waiting.entry(key).or_insert(at);
        *last = at.max(*last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_constant_use_is_written_once_a_minute() {
        let (usage, key) = (Usage::default(), Uuid::from_u128(1));
        let start = DateTime::from_timestamp(2_000_000_000, 0).unwrap();
        let (mut stored, mut writes) = (None, 0);
        for second in 0..600 {
            let now = start + TimeDelta::seconds(second);
            usage.note(key, stored, now);
            for (_, at) in usage.take() {
                (stored, writes) = (Some(at), writes + 1);
            }
        }
        assert_eq!(writes, 10);
    }

    #[test]
    fn what_is_put_back_does_not_hide_a_later_use() {
        let (usage, key) = (Usage::default(), Uuid::from_u128(1));
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        usage.note(key, None, at(100));
        usage.put(key, at(50));
        assert_eq!(usage.take(), [(key, at(100))]);
        assert!(usage.take().is_empty());
    }
}
