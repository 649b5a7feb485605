//! Moments as clients write them.
use chrono::{DateTime, Datelike, NaiveDateTime, SecondsFormat, SubsecRound, Timelike, Utc};
use std::ops::Range;

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

/// By RFC 3339, with milliseconds or microseconds where there are some.
pub fn format(moment: DateTime<Utc>) -> String {
    let (date, micros) = (moment.date_naive(), moment.timestamp_subsec_micros());
    // A leap second has a million microseconds and more.
    let is_plain =
        (0..10_000).contains(&date.year()) && micros < 1_000_000 && moment.nanosecond() == micros * 1_000;
    if !is_plain {
        return moment.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    }
    // An answer has hundreds: written whole, without the machinery of formats.
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let mut put = |places: Range<usize>, mut number: u32| {
        for digit in text[places].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(0..4, date.year().unsigned_abs());
    put(5..7, date.month());
    put(8..10, date.day());
    put(11..13, moment.hour());
    put(14..16, moment.minute());
    put(17..19, moment.second());
    put(20..26, micros);
    let length = match micros {
        0 => 19,
        _ if micros % 1_000 == 0 => 23,
        _ => 26,
    };
    text[length] = b'Z';
    str::from_utf8(&text[..=length]).unwrap_or_default().to_owned()
}

/// RFC 3339, or as people write it in transcripts: `1:56 pm on 8 May, 2023`. In RFC 3339.
pub fn of_transcript(text: &str) -> Option<String> {
    if DateTime::parse_from_rfc3339(text).is_ok() {
        return Some(text.to_owned());
    }
    let moment = NaiveDateTime::parse_from_str(text, "%I:%M %p on %d %B, %Y").ok()?;
    Some(moment.and_utc().to_rfc3339())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_moment_is_written_as_chrono_writes_it(
            seconds in -70_000_000_000_i64..260_000_000_000, nanos in 0_u32..2_000_000_000, unit in 0_usize..4,
        ) {
            let nanos = nanos / [1, 1_000, 1_000_000, 1_000_000_000][unit] * [1, 1_000, 1_000_000, 1_000_000_000][unit];
            if let Some(moment) = DateTime::from_timestamp(seconds, nanos) {
                prop_assert_eq!(format(moment), moment.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            }
        }
    }
}
