//! Lengths of time by ISO 8601. Years and months are refused: their length varies.
use chrono::TimeDelta;

/// A hundred years: longer than anything here lasts, and safe to add to any moment.
pub const LONGEST: TimeDelta = TimeDelta::days(36_525);

/// `P1D`, `PT1M30S`, `PT0.25S`, `P2W`; `None` where it is not one, or longer than [`LONGEST`].
pub fn parse(text: &str) -> Option<TimeDelta> {
    // The parser would also take exponents.
    if text.len() > 40 || !text.bytes().all(|byte| byte.is_ascii_digit() || b"P.WDTHMS".contains(&byte)) {
        return None;
    }
    let duration: iso8601_duration::Duration = text.parse().ok()?;
    if duration.year != 0.0 || duration.month != 0.0 {
        return None;
    }
    let seconds = f64::from(duration.day) * 86_400.0
        + f64::from(duration.hour) * 3_600.0
        + f64::from(duration.minute) * 60.0
        + f64::from(duration.second);
    if !(0.0..=LONGEST.num_seconds() as f64).contains(&seconds) {
        return None;
    }
    Some(TimeDelta::microseconds((seconds * 1e6).round() as i64))
}

/// In the largest units that fit: `P1DT2H`, `PT0.25S`; `PT0S` for none.
pub fn format(duration: TimeDelta) -> String {
    let seconds = duration.num_seconds().max(0);
    let micros = duration.subsec_micros().max(0);
    let mut text = String::from("P");
    let mut part = |count: i64, unit: &str| {
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    };
    part(seconds / 86_400, "D");
    let within_day = seconds % 86_400;
    if within_day > 0 || micros > 0 || seconds == 0 {
        text.push('T');
    }
    let mut part = |count: i64, unit: &str| {
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    };
    part(within_day / 3_600, "H");
    part(within_day % 3_600 / 60, "M");
    match (within_day % 60, micros) {
        (0, 0) if seconds > 0 => {}
        (whole, 0) => text.push_str(&format!("{whole}S")),
        (whole, micros) => {
            text.push_str(format!("{whole}.{micros:06}").trim_end_matches('0'));
            text.push('S');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn varying_units_and_nonsense_are_refused() {
        for text in ["P1Y", "P1M", "", "P", "1D", "PT", "-P1D", "P999999999D", "PT1e9S"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_seconds_survive_their_text(seconds in 0_i64..10_000_000) {
            let duration = TimeDelta::seconds(seconds);
            let text = format(duration);
            prop_assert_eq!(parse(&text), Some(duration), "{}", text);
        }

        #[test]
        fn any_text_is_a_duration_or_nothing(text: String) {
            if let Some(duration) = parse(&text) {
                prop_assert!(duration >= TimeDelta::zero() && duration <= LONGEST);
            }
        }
    }
}
