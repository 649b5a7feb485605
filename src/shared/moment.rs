//! Moments as clients write them.
use chrono::{DateTime, Datelike, NaiveDateTime, SubsecRound, Utc};

/// By RFC 3339, cut to microseconds; or why it is none.
pub fn parse(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let moment = DateTime::parse_from_rfc3339(text)
        .map_err(|_| "not a moment by RFC 3339, such as 2026-05-08T13:56:00Z")?
        .with_timezone(&Utc);
    // What both databases can store and RFC 3339 can write.
    if !(0..10_000).contains(&moment.year()) {
        return Err("the year must lie between 0 and 9999");
    }
    Ok(moment.trunc_subsecs(6))
}

/// RFC 3339, or as people write it in transcripts: `1:56 pm on 8 May, 2023`. In RFC 3339.
pub fn of_transcript(text: &str) -> Option<String> {
    if DateTime::parse_from_rfc3339(text).is_ok() {
        return Some(text.to_owned());
    }
    let moment = NaiveDateTime::parse_from_str(text, "%I:%M %p on %d %B, %Y").ok()?;
    Some(moment.and_utc().to_rfc3339())
}
