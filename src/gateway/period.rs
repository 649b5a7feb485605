use crate::shared::stored;
use chrono::{DateTime, Datelike, NaiveTime, Utc};

stored! {
    /// Over what something is counted: from the beginning, in UTC, until now.
    UsagePeriod {
        Day = "DAY",
        Month = "MONTH",
    }
}

impl UsagePeriod {
    /// When the one began in which `now` is.
    pub fn began(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let day = now.date_naive();
        let first = match self {
            Self::Day => day,
            Self::Month => day.with_day(1).unwrap_or(day),
        };
        first.and_time(NaiveTime::MIN).and_utc()
    }
}
