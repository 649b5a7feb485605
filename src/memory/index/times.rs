//! When an entry holds: what of a memory's times a recall filters by.
use crate::memory::Memory;
use chrono::{DateTime, Utc};

/// In microseconds since 1970, and open to both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub valid_from: i64,
    pub valid_to: i64,
    pub expires_at: i64,
    pub known_from: i64,
    pub superseded_at: i64,
    pub superseded_from: i64,
}

const BEFORE: i64 = i64::MIN;
const AFTER: i64 = i64::MAX;

impl Default for Times {
    /// Always.
    fn default() -> Self {
        Self {
            valid_from: BEFORE,
            valid_to: AFTER,
            expires_at: AFTER,
            known_from: BEFORE,
            superseded_at: AFTER,
            superseded_from: BEFORE,
        }
    }
}

/// What a recall asks of times.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: i64,
    /// Only what was so then.
    pub true_at: Option<i64>,
    /// As it was known then.
    pub known_at: Option<i64>,
}

impl Times {
    pub fn of(memory: &Memory) -> Self {
        let (holds, course) = (memory.content.holds, memory.succession);
        let open = Self::default();
        Self {
            valid_from: micros(holds.valid_from, open.valid_from),
            valid_to: micros(holds.valid_to, open.valid_to),
            expires_at: micros(holds.expires_at, open.expires_at),
            known_from: course.known_from.unwrap_or(memory.created_at).timestamp_micros(),
            superseded_at: micros(course.superseded_at, open.superseded_at),
            superseded_from: micros(course.superseded_from, open.superseded_from),
        }
    }

    /// Of a row of the index, with what was not told open.
    pub fn of_row(columns: [Option<DateTime<Utc>>; 6]) -> Self {
        let [valid_from, valid_to, expires_at, known_from, superseded_at, superseded_from] = columns;
        let open = Self::default();
        Self {
            valid_from: micros(valid_from, open.valid_from),
            valid_to: micros(valid_to, open.valid_to),
            expires_at: micros(expires_at, open.expires_at),
            known_from: micros(known_from, open.known_from),
            superseded_at: micros(superseded_at, open.superseded_at),
            superseded_from: micros(superseded_from, open.superseded_from),
        }
    }

    /// The same as columns.
    pub fn columns(&self) -> [Option<DateTime<Utc>>; 6] {
        let all = [
            self.valid_from,
            self.valid_to,
            self.expires_at,
            self.known_from,
            self.superseded_at,
            self.superseded_from,
        ];
        all.map(|at| DateTime::from_timestamp_micros(at).filter(|_| at != BEFORE && at != AFTER))
    }

    /// Whether an entry is shown. What has expired never is, whatever time is asked for. What was superseded is shown where
    /// that was not known yet, and where it was so before the other was.
    pub fn fit(&self, moment: &Moment) -> bool {
        let known_at = moment.known_at.unwrap_or(moment.now);
        if self.expires_at <= moment.now || moment.known_at.is_some() && known_at < self.known_from {
            return false;
        }
        let was_so = |at: i64| self.valid_from <= at && at < self.valid_to;
        match (known_at < self.superseded_at, moment.true_at) {
            (true, at) => at.is_none_or(was_so),
            (false, Some(at)) => at < self.superseded_from && was_so(at),
            (false, None) => false,
        }
    }
}

fn micros(at: Option<DateTime<Utc>>, open: i64) -> i64 {
    at.map_or(open, |at| at.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moment(now: i64, true_at: Option<i64>, known_at: Option<i64>) -> Moment {
        Moment { now, true_at, known_at }
    }

    /// In Oslo since 10, told at 20; in Bergen since 30, told at 40.
    #[test]
    fn what_was_so_and_what_was_known_are_two_things() {
        let oslo = Times {
            valid_from: 10,
            known_from: 20,
            superseded_at: 40,
            superseded_from: 30,
            ..Times::default()
        };
        let bergen = Times { valid_from: 30, known_from: 40, ..Times::default() };
        let shown = |true_at, known_at| {
            let moment = moment(99, true_at, known_at);
            (oslo.fit(&moment), bergen.fit(&moment))
        };
        assert_eq!(shown(None, None), (false, true));
        assert_eq!(shown(Some(25), None), (true, false));
        assert_eq!(shown(Some(35), None), (false, true));
        assert_eq!(shown(None, Some(35)), (true, false));
        assert_eq!(shown(Some(35), Some(35)), (true, false));
        assert_eq!(shown(Some(25), Some(50)), (true, false));
        assert_eq!(shown(None, Some(15)), (false, false));
        assert_eq!(shown(Some(5), None), (false, false));
        // A mistake was never so.
        let mistake = Times { superseded_from: BEFORE, ..oslo };
        assert!(!mistake.fit(&moment(99, Some(25), None)) && mistake.fit(&moment(99, None, Some(25))));
    }

    #[test]
    fn what_has_expired_is_never_shown() {
        let times = Times { expires_at: 50, ..Times::default() };
        assert!(times.fit(&moment(49, None, None)));
        for (true_at, known_at) in [(None, None), (Some(10), None), (None, Some(10))] {
            assert!(!times.fit(&moment(50, true_at, known_at)));
        }
    }

    proptest! {
        #[test]
        fn columns_keep_times(given in prop::array::uniform6(prop::option::of(-9_000_000_000_i64..9_000_000_000))) {
            let times = Times::of_row(given.map(|at| at.and_then(DateTime::from_timestamp_micros)));
            prop_assert_eq!(Times::of_row(times.columns()), times);
        }
    }
}
