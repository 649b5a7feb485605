//! JSON of strangers. What is short as a text is long once it is read: each value takes some hundred bytes then.

/// Several times what the largest input has, an import of 1,000 memories.
pub const VALUES: usize = 50_000;

/// Whether a text has no more values than one request may have, if it is JSON at all. As quick as looking at it.
pub fn is_bounded(text: &[u8]) -> bool {
    let (mut values, mut in_string, mut is_escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => values += 1,
            _ => {}
        }
    }
    values <= VALUES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_strings() {
        let list = |item: &str, times: usize| format!("[{}{item}]", format!("{item},").repeat(times - 1));
        for item in ["0", "\"a\"", "\"\\\"\"", "\"\\\\\""] {
            assert!(is_bounded(list(item, VALUES).as_bytes()), "{item}");
            assert!(!is_bounded(list(item, VALUES + 1).as_bytes()), "{item}");
        }
        let text = format!("[\"{}\", \"\\\"{}\"]", ",[{".repeat(VALUES), ",[{".repeat(VALUES));
        assert!(is_bounded(text.as_bytes()));
        assert!(!is_bounded("{\"a\":{}}".repeat(VALUES).as_bytes()));
    }
}
