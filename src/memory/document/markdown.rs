//! Where the headings of a Markdown text stand, by its lines: `# Title`, and titles that are underlined. Lines in a
//! fenced block of code are none. Nothing else of Markdown matters to where a text is cut.
use super::Heading;

/// In the order of the text.
pub fn headings(text: &str) -> Vec<Heading> {
    let mut headings: Vec<Heading> = vec![];
    let mut fence: Option<&str> = None;
    // The line before, where a title may be underlined.
    let mut title: Option<Heading> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (begins, words) = (at, line.trim());
        at += line.len();
        let indented = line.len() - line.trim_start_matches(' ').len() > 3;
        let before = title.take();
        if let Some(open) = fence {
            if words.starts_with(open) && words.trim_start_matches(first(open)).is_empty() {
                fence = None;
            }
        } else if indented || words.is_empty() {
            continue;
        } else if let Some(marks) = fence_of(words) {
            fence = Some(marks);
        } else if let Some(words) = numbered(words) {
            headings.push(Heading { at: begins, title: within(text, words, begins) });
        } else if is_underline(words) && before.is_some() {
            headings.extend(before);
        } else {
            title = Some(Heading { at: begins, title: within(text, words, begins) });
        }
    }
    headings
}

fn first(text: &str) -> char {
    text.chars().next().unwrap_or_default()
}

/// Three or more of `` ` `` or `~`.
fn fence_of(words: &str) -> Option<&str> {
    let mark = words.chars().next().filter(|char| matches!(char, '`' | '~'))?;
    let length = words.len() - words.trim_start_matches(mark).len();
    let info = words.get(length..)?;
    (length >= 3 && !(mark == '`' && info.contains('`'))).then(|| words.get(..length)).flatten()
}

/// The words behind one to six `#` and a blank.
fn numbered(words: &str) -> Option<&str> {
    let title = words.trim_start_matches('#');
    let level = words.len() - title.len();
    let apart = title.is_empty() || title.starts_with([' ', '\t']);
    ((1..=6).contains(&level) && apart).then(|| title.trim_end_matches('#').trim())
}

fn is_underline(words: &str) -> bool {
    words.chars().all(|char| char == '=') || (words.len() > 1 && words.chars().all(|char| char == '-'))
}

/// Where `words`, a part of the text, lies in it.
fn within(text: &str, words: &str, begins: usize) -> std::ops::Range<usize> {
    let line = text.get(begins..).unwrap_or_default();
    let at = begins + line.find(words).unwrap_or_default();
    at..at + words.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(text: &str) -> Vec<(usize, &str)> {
        headings(text).into_iter().map(|heading| (heading.at, &text[heading.title])).collect()
    }

    #[test]
    fn headings_are_marked_or_underlined() {
        let text = "# One\ntext\n\n###### Six ##\r\n#none\n####### none\nTwo\n===\n\nThree\n---\n\n---\n    # code\n";
        assert_eq!(titles(text), [(0, "One"), (12, "Six"), (46, "Two"), (55, "Three")]);
    }

    #[test]
    fn what_is_fenced_is_no_heading() {
        let text =
            "```sh\n# a comment\n``` no\n```\n# Two\n~~~~\n# x\n~~~\n~~~~\n# Three\n````\n# never closed";
        assert_eq!(titles(text).into_iter().map(|(_, title)| title).collect::<Vec<_>>(), ["Two", "Three"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_headings_in_order_within_it(text: String) {
            let found = headings(&text);
            proptest::prop_assert!(found.windows(2).all(|two| two[0].at < two[1].at));
            proptest::prop_assert!(found.iter().all(|it| it.at <= it.title.start && text.get(it.title.clone()).is_some()));
        }
    }
}
