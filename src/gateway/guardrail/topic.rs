//! Words and phrases that a policy does not want spoken of. Letters of either case, whole words, any blanks and
//! punctuation between them; in scripts without blanks a phrase is found wherever it stands.
use super::reader::{Look, Reader, is_unspaced, is_word};
use std::collections::HashMap;

/// Characters between two words of a phrase.
const MAX_GAP: usize = 4;
/// Bytes of a word that are read to know it; phrases are shorter.
const MAX_WORD: usize = 400;

#[derive(Clone, Debug, Default)]
pub struct Topics {
    /// By first word, the others in order; longest phrase first.
    by_first: HashMap<String, Vec<Vec<String>>>,
    /// First letters of them all: most words are told by them.
    beginnings: Vec<char>,
}

impl Topics {
    pub fn new<'a>(phrases: impl IntoIterator<Item = &'a str>) -> Self {
        let mut topics = Self::default();
        for phrase in phrases {
            let mut words = words(phrase).into_iter();
            if let Some(first) = words.next() {
                topics.beginnings.extend(first.chars().next());
                topics.by_first.entry(first).or_default().push(words.collect());
            }
        }
        for rest in topics.by_first.values_mut() {
            rest.sort_by_key(|words| std::cmp::Reverse(words.len()));
        }
        topics.beginnings.sort_unstable();
        topics.beginnings.dedup();
        topics
    }

    /// The end of the phrase that begins here.
    pub fn find(&self, first: char, here: Reader<'_>) -> Look<Option<usize>> {
        if !self.beginnings.contains(&small(first)) {
            return Ok(None);
        }
        let mut reader = here;
        let Some(first) = word(&mut reader)? else { return Ok(None) };
        let Some(phrases) = self.by_first.get(&first) else { return Ok(None) };
        for rest in phrases {
            if let Some(end) = follows(reader, rest)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }
}

fn small(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn follows(mut reader: Reader<'_>, rest: &[String]) -> Look<Option<usize>> {
    for wanted in rest {
        let mut gap = 0;
        while reader.next_if(|c| !is_word(c) && !is_unspaced(c) && c != '\n')?.is_some() {
            gap += 1;
            if gap > MAX_GAP {
                return Ok(None);
            }
        }
        if word(&mut reader)?.as_ref() != Some(wanted) {
            return Ok(None);
        }
    }
    Ok(Some(reader.at()))
}

/// The word that begins here, in small letters. A letter of a script without blanks is a word by itself.
fn word(reader: &mut Reader<'_>) -> Look<Option<String>> {
    if let Some(c) = reader.next_if(is_unspaced)? {
        return Ok(Some(c.to_string()));
    }
    let from = reader.at();
    let end = reader.read() + MAX_WORD;
    reader.eat_while(end, is_word)?;
    let word = reader.since(from);
    Ok((!word.is_empty()).then(|| word.to_lowercase()))
}

fn words(phrase: &str) -> Vec<String> {
    let mut reader = Reader::new(phrase, 0, true);
    let mut words = vec![];
    loop {
        match word(&mut reader) {
            Ok(Some(word)) => words.push(word),
            _ => match reader.next() {
                Ok(Some(_)) => {}
                _ => return words,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(topics: &[&str], text: &str) -> Option<usize> {
        Topics::new(topics.iter().copied())
            .find(text.chars().next().unwrap(), Reader::new(text, 0, true))
            .unwrap()
    }

    #[test]
    fn a_phrase_is_found_in_either_case_over_blanks_and_punctuation_and_as_whole_words() {
        assert_eq!(end(&["project falcon"], "Project  FALCON's"), Some(15));
        assert_eq!(end(&["project falcon"], "project-falcon"), Some(14));
        assert_eq!(end(&["project falcon"], "project falcons"), None);
        assert_eq!(end(&["Änderung"], "ÄNDERUNG!"), Some(9));
        assert_eq!(end(&["project", "project falcon"], "project falcon"), Some(14));
    }

    #[test]
    fn a_phrase_of_a_script_without_blanks_needs_none() {
        assert_eq!(end(&["秘密計画"], "秘密計画について"), Some(12));
        assert_eq!(end(&["秘密計画"], "秘密会議"), None);
    }
}
