//! Memories as JSON Lines: one object a line, with the fields of `ImportMemoryItem`. What a file says of itself, its
//! name and its media type, counts for nothing.
use super::model::{Content, Holds, MAX_ITEMS, Memory, MemoryKind, NewItem};
use crate::{
    gateway::Egress,
    shared::{Error, Problems, Result, json, moment},
};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// Characters of an unknown field's name that a problem repeats.
const TOLD: usize = 50;

/// The items of the lines that can be read, each with the number of its line from 1; what is wrong with the others is a
/// problem under `file.<line>`.
pub(super) fn read(file: &[u8], problems: &mut Problems) -> Result<Vec<(usize, NewItem)>> {
    if !json::is_bounded(file) {
        return Err(Error::invalid(
            "file",
            format!("at most {} values are possible in one file", json::VALUES),
        ));
    }
    let text = std::str::from_utf8(file).map_err(|error| {
        let before = file.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Error::invalid("file", format!("line {line} is not UTF-8: save the file in UTF-8"))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = || (1..).zip(text.split('\n').map(str::trim)).filter(|(_, line)| !line.is_empty());
    let count = lines().count();
    if count > MAX_ITEMS {
        let message = format!("{count} memories: at most {MAX_ITEMS} are possible in one call");
        return Err(Error::invalid("file", message));
    }
    let items = lines().filter_map(|(number, line)| {
        let mut fields = Fields { at: format!("file.{number}"), object: Map::new(), problems, good: true };
        Some((number, fields.item(line)?))
    });
    Ok(items.collect())
}

/// A line as [`read`] takes it; always the same for the same memory.
pub(super) fn write(memory: &Memory) -> String {
    let Content { text, kind, occurred_at, speaker, collection, egress, importance, holds } = &memory.content;
    let id = memory.external_id.clone().unwrap_or_else(|| memory.id.to_string());
    let mut line = Map::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            line.insert(name.to_owned(), value.into());
        }
    };
    add("externalId", Some(id));
    add("text", Some(text.clone()));
    add("kind", Some(kind.name().to_owned()));
    add("occurredAt", occurred_at.map(moment::format));
    add("validFrom", holds.valid_from.map(moment::format));
    add("validTo", holds.valid_to.map(moment::format));
    add("expiresAt", holds.expires_at.map(moment::format));
    add("speaker", speaker.clone());
    add("collection", collection.clone());
    add("egress", (*egress != Egress::Allowed).then(|| egress.name().to_owned()));
    if let Some(importance) = importance {
        line.insert("importance".to_owned(), (*importance).into());
    }
    Value::Object(line).to_string() + "\n"
}

/// A line, as far as it is not read yet.
struct Fields<'p> {
    at: String,
    object: Map<String, Value>,
    problems: &'p mut Problems,
    good: bool,
}

impl Fields<'_> {
    fn item(&mut self, line: &str) -> Option<NewItem> {
        match serde_json::from_str(line) {
            Ok(object) => self.object = object,
            Err(error) => {
                let message = format!("not a JSON object, at its column {}", error.column());
                self.problems.invalid(self.at.as_str(), message);
                return None;
            }
        }
        let external_id = self.required("externalId");
        let text = self.required("text");
        let kind = match self.text("kind") {
            None => MemoryKind::Note,
            Some(name) => MemoryKind::from_name(&name).unwrap_or_else(|_| {
                self.problem("kind", "FACT, PREFERENCE, NOTE, EPISODE, PATTERN and SUMMARY are possible");
                MemoryKind::Note
            }),
        };
        let occurred_at = self.time("occurredAt");
        let holds = Holds {
            valid_from: self.time("validFrom"),
            valid_to: self.time("validTo"),
            expires_at: self.time("expiresAt"),
        };
        let egress = match self.text("egress") {
            None => Egress::Allowed,
            Some(name) => Egress::from_name(&name).unwrap_or_else(|_| {
                self.problem("egress", "ALLOWED and INTERNAL_ONLY are possible");
                Egress::InternalOnly
            }),
        };
        let (speaker, collection) = (self.text("speaker"), self.text("collection"));
        let importance = self.number("importance");
        if let Some(unknown) = self.object.keys().next() {
            let name: String = unknown.chars().take(TOLD).collect();
            self.problem(&name, "there is no such field");
        }
        let content = Content { text, kind, occurred_at, speaker, collection, egress, importance, holds };
        self.good.then_some(NewItem { external_id: Some(external_id), content })
    }

    fn required(&mut self, name: &str) -> String {
        let missing = self.object.get(name).is_none_or(Value::is_null);
        let text = self.text(name);
        if missing {
            self.problem(name, "this is missing");
        }
        text.unwrap_or_default()
    }

    /// `None` where it is left out, null, or a problem.
    fn time(&mut self, name: &str) -> Option<DateTime<Utc>> {
        let text = self.text(name)?;
        moment::parse(&text).map_err(|message| self.problem(name, message)).ok()
    }

    /// `None` where it is left out, null, or a problem.
    fn number(&mut self, name: &str) -> Option<f64> {
        match self.object.remove(name)? {
            Value::Null => None,
            Value::Number(number) => number.as_f64(),
            _ => {
                self.problem(name, "a number is expected");
                None
            }
        }
    }

    /// `None` where it is left out, null, or a problem.
    fn text(&mut self, name: &str) -> Option<String> {
        match self.object.remove(name)? {
            Value::Null => None,
            Value::String(text) if text.contains('\0') => {
                self.problem(name, "the character U+0000 cannot be kept in a text: remove it");
                None
            }
            Value::String(text) => Some(text),
            _ => {
                self.problem(name, "a text is expected");
                None
            }
        }
    }

    fn problem(&mut self, field: &str, message: &str) {
        self.good = false;
        self.problems.invalid(format!("{}.{field}", self.at), message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paths(file: &[u8]) -> Vec<String> {
        let mut problems = Problems::default();
        let told = match read(file, &mut problems) {
            Ok(_) => problems.finish(),
            Err(error) => Err(error),
        };
        match told {
            Ok(()) => vec![],
            Err(Error::Refused(problems)) => problems.into_iter().map(|problem| problem.path).collect(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_problem_names_the_line_as_editors_count_and_the_field() {
        let file = b"{\"externalId\":\"1\",\"text\":\"x\"}\r\n\n{\"externalId\":2}\n[]\n{\"externalId\":\"3\",\"text\":\"x\",\"kind\":\"DREAM\",\"occurredAt\":\"today\",\"importance\":\"high\",\"mood\":1}";
        let expected = [
            "file.3.externalId",
            "file.3.text",
            "file.4",
            "file.5.kind",
            "file.5.occurredAt",
            "file.5.importance",
            "file.5.mood",
        ];
        assert_eq!(paths(file), expected);
    }

    #[test]
    fn the_file_as_a_whole_is_utf8_and_bounded() {
        assert_eq!(paths(b"{}\n\xff"), ["file"]);
        assert_eq!(paths("1\n".repeat(MAX_ITEMS + 1).as_bytes()), ["file"]);
        assert_eq!(paths("1\n".repeat(MAX_ITEMS).as_bytes()).len(), MAX_ITEMS);
        assert_eq!(paths(b"\xef\xbb\xbf \n"), Vec::<String>::new());
        let many = format!("{{\"externalId\":\"1\",\"text\":\"x\",\"z\":[{}0]}}", "0,".repeat(json::VALUES));
        assert_eq!(paths(many.as_bytes()), ["file"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_items_or_problems(bytes: Vec<u8>) {
            let mut problems = Problems::default();
            let _ = read(&bytes, &mut problems);
        }
    }
}
