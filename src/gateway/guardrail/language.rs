//! Which language a text is in, where that can be told.

/// Characters that are looked at, and the fewest letters that tell anything.
const SAMPLE: usize = 400;
const FEWEST: usize = 40;

/// Whether the text is in one of the languages; a text too short to tell is.
pub fn is_allowed(text: &str, allowed: &[String]) -> bool {
    let sample: String = text.chars().take(SAMPLE).collect();
    let letters =
        sample.chars().filter(|c| c.is_alphabetic()).map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
    letters < FEWEST
        || allowed.iter().any(|code| code == whichlang::detect_language(&sample).three_letter_code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_enough_text_is_told_and_a_short_one_passes() {
        let english = ["eng".to_owned()];
        assert!(is_allowed("Could you please help me to plan the week, as Friday is a holiday?", &english));
        assert!(!is_allowed(
            "Kannst du mir bitte helfen, die Woche zu planen, weil am Freitag Feiertag ist?",
            &english
        ));
        assert!(!is_allowed("金曜日は祝日なので、今週の予定を立てるのを手伝ってください。", &english));
        assert!(is_allowed("Guten Tag", &english));
    }
}
