//! A schema taken apart: which of its parts ask which others about the same value, and which about what is in it.
//!
//! Nothing of a schema is run before it was read here, for a schema is a stranger's program: a hundred bytes of it may
//! ask a thousand million questions, or ask without end.
use regex::RegexBuilder;
use serde_json::{Map, Value};
use std::{collections::HashMap, ptr};

/// Bytes of a schema, counted as [`size_of`] does.
const MAX_BYTES: usize = 64 << 10;
/// How deep its JSON is nested.
const MAX_NESTING: usize = 32;
const MAX_REFERENCES: usize = 200;
const MAX_PATTERNS: usize = 8;
/// Bytes of one pattern.
const MAX_PATTERN: usize = 500;
/// Questions about one and the same value, and how deep they lead to each other.
const MAX_QUESTIONS: u64 = 1_000;
const MAX_CHAIN: usize = 50;
/// A pattern's program is measured in pages of so many bytes; it may have `MAX_PAGES`.
const PAGE: usize = 4 << 10;
const MAX_PAGES: u64 = 16;

/// The drafts that a schema may say it is of.
const DRAFTS: [&str; 4] = [
    "json-schema.org/draft-06/schema",
    "json-schema.org/draft-07/schema",
    "json-schema.org/draft/2019-09/schema",
    "json-schema.org/draft/2020-12/schema",
];
/// References that lead elsewhere by whoever referred to them.
const UNKNOWN: [&str; 2] = ["$dynamicRef", "$recursiveRef"];

const ASCII: [(&str, &str); 6] = [
    ("\\d", "[0-9]"),
    ("\\D", "[^0-9]"),
    ("\\w", "[A-Za-z0-9_]"),
    ("\\W", "[^A-Za-z0-9_]"),
    ("\\s", "[ \\t\\n\\r]"),
    ("\\S", "[^ \\t\\n\\r]"),
];
/// What a value, or the names of its fields, are compared with.
const COMPARED: [&str; 5] = ["enum", "const", "required", "dependentRequired", "dependencies"];
/// What a part asks, by keyword: about the value itself,
const SAME: [&str; 4] = ["not", "if", "then", "else"];
const SAME_LIST: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const SAME_BY_NAME: [&str; 2] = ["dependentSchemas", "dependencies"];
/// about each field, and each item, of it.
const FIELDS: [&str; 2] = ["additionalProperties", "unevaluatedProperties"];
const ITEMS: [&str; 4] = ["items", "additionalItems", "contains", "unevaluatedItems"];
/// Where the keys of an object are names, not keywords.
const BY_NAME: [&str; 6] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];

/// A schema's parts; the first one is the whole.
#[derive(Debug, Default)]
pub(super) struct Parts(Vec<Part>);

/// One schema in a schema. Others are told by their places among the parts.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Values that it compares with.
    pub(super) own: u64,
    /// Asked about the same value.
    pub(super) same: Vec<usize>,
    pub(super) properties: HashMap<String, usize>,
    /// Asked about each field, about the name of each, about each item, and about the items one by one.
    pub(super) fields: Vec<usize>,
    pub(super) names: Vec<usize>,
    pub(super) items: Vec<usize>,
    pub(super) first_items: Vec<usize>,
    /// What a character of a text, and of a field's name, costs.
    pub(super) by_character: u64,
    pub(super) by_name_character: u64,
    /// Items are compared with each other.
    pub(super) unique: bool,
}

impl Parts {
    /// An error says what keeps the schema from being used.
    pub(super) fn read(schema: &Value) -> Result<Self, String> {
        let bytes = size_of(schema, MAX_NESTING)
            .ok_or_else(|| format!("it is nested deeper than {MAX_NESTING} levels"))?;
        if bytes > MAX_BYTES {
            return Err(format!("it has {bytes} bytes: at most {MAX_BYTES} are possible"));
        }
        check_keywords(schema, true, true)?;
        let mut reading =
            Reading { root: schema, known: HashMap::new(), waiting: vec![], references: 0, patterns: 0 };
        reading.place(schema);
        let mut parts = vec![];
        while let Some(next) = reading.waiting.get(parts.len()).copied() {
            parts.push(reading.part(next)?);
        }
        let parts = Self(parts);
        parts.check_questions()?;
        Ok(parts)
    }

    pub(super) fn get(&self, place: usize) -> Option<&Part> {
        self.0.get(place)
    }

    /// Of any value, each part asks a bounded number of questions about it.
    fn check_questions(&self) -> Result<(), String> {
        let mut known = vec![None; self.0.len()];
        (0..self.0.len()).try_for_each(|place| self.questions(place, 0, &mut known).map(drop))
    }

    /// How many questions a part asks about one value, and how long their longest chain is.
    fn questions(
        &self,
        place: usize,
        depth: usize,
        known: &mut [Option<(u64, usize)>],
    ) -> Result<(u64, usize), String> {
        let found = match known.get(place).copied().flatten() {
            Some(found) => found,
            None if depth > MAX_CHAIN => (0, 0),
            None => {
                let (mut questions, mut chain) = (1_u64, 1);
                for next in self.0.get(place).map(|part| part.same.as_slice()).unwrap_or_default() {
                    let (more, below) = self.questions(*next, depth + 1, known)?;
                    questions = questions.saturating_add(more);
                    chain = chain.max(below + 1);
                }
                if let Some(slot) = known.get_mut(place) {
                    *slot = Some((questions, chain));
                }
                (questions, chain)
            }
        };
        if depth + found.1 > MAX_CHAIN {
            return Err(format!(
                "its parts refer to each other over more than {MAX_CHAIN} steps, or in a circle"
            ));
        }
        if found.0 > MAX_QUESTIONS {
            return Err(format!("its parts ask more than {MAX_QUESTIONS} questions about one value"));
        }
        Ok(found)
    }
}

/// A schema on its way into parts.
struct Reading<'s> {
    root: &'s Value,
    /// Places by the addresses of the values that they were read from.
    known: HashMap<usize, usize>,
    waiting: Vec<&'s Value>,
    references: usize,
    patterns: usize,
}

impl<'s> Reading<'s> {
    /// Where this schema is, or will be, among the parts.
    fn place(&mut self, schema: &'s Value) -> usize {
        let next = self.waiting.len();
        let place = *self.known.entry(ptr::from_ref(schema).addr()).or_insert(next);
        if place == next {
            self.waiting.push(schema);
        }
        place
    }

    fn part(&mut self, schema: &'s Value) -> Result<Part, String> {
        let Value::Object(schema) = schema else { return Ok(Part::default()) };
        let mut part =
            Part { unique: schema.get("uniqueItems") == Some(&Value::Bool(true)), ..Part::default() };
        for list in COMPARED.iter().filter_map(|keyword| schema.get(*keyword)) {
            part.own += size_of(list, usize::MAX).map_or(0, count);
        }
        if let Some(target) = schema.get("$ref") {
            let target = self.target(target)?;
            part.same.push(target);
        }
        self.list(schema, &SAME, &mut part.same);
        for list in SAME_LIST.iter().filter_map(|keyword| schema.get(*keyword)?.as_array()) {
            part.same.extend(list.iter().map(|schema| self.place(schema)));
        }
        // A list of names says which fields others need.
        for by_name in SAME_BY_NAME.iter().filter_map(|keyword| schema.get(*keyword)?.as_object()) {
            let schemas = by_name.values().filter(|value| !value.is_array());
            part.same.extend(schemas.map(|schema| self.place(schema)));
        }
        for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            part.properties.insert(name.clone(), self.place(schema));
        }
        for (pattern, schema) in
            schema.get("patternProperties").and_then(Value::as_object).into_iter().flatten()
        {
            part.by_name_character += self.pattern(pattern)?;
            part.fields.push(self.place(schema));
        }
        self.list(schema, &FIELDS, &mut part.fields);
        self.list(schema, &["propertyNames"], &mut part.names);
        self.list(schema, &ITEMS, &mut part.items);
        for list in ["items", "prefixItems"].iter().filter_map(|keyword| schema.get(*keyword)?.as_array()) {
            part.first_items.extend(list.iter().map(|schema| self.place(schema)));
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            part.by_character = self.pattern(pattern)?;
        }
        Ok(part)
    }

    fn list(&mut self, schema: &'s Map<String, Value>, keywords: &[&str], places: &mut Vec<usize>) {
        let schemas = keywords.iter().filter_map(|keyword| schema.get(*keyword));
        places
            .extend(schemas.filter(|it| it.is_object() || it.is_boolean()).map(|schema| self.place(schema)));
    }

    fn target(&mut self, reference: &'s Value) -> Result<usize, String> {
        self.references += 1;
        if self.references > MAX_REFERENCES {
            return Err(format!("it refers to parts of itself more than {MAX_REFERENCES} times"));
        }
        let pointer = reference.as_str().and_then(|reference| reference.strip_prefix('#'));
        let is_plain =
            |pointer: &&str| (pointer.is_empty() || pointer.starts_with('/')) && !pointer.contains('%');
        let pointer = pointer.filter(is_plain);
        let pointer = pointer.ok_or("a $ref leads to a part of the schema alone: # or #/$defs/name")?;
        let target =
            self.root.pointer(pointer).ok_or_else(|| format!("there is no #{pointer:.100} in it"))?;
        Ok(self.place(target))
    }

    /// What it costs to look for a pattern, by character.
    fn pattern(&mut self, pattern: &str) -> Result<u64, String> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS || pattern.len() > MAX_PATTERN {
            return Err(format!("at most {MAX_PATTERNS} patterns of {MAX_PATTERN} bytes are possible"));
        }
        // As ECMA 262 has it, and boon with it.
        let ascii =
            ASCII.iter().fold(pattern.to_owned(), |pattern, (class, ascii)| pattern.replace(class, ascii));
        let mut pages = 1;
        while pages <= MAX_PAGES && !pattern.contains("\\a") {
            let bytes = usize::try_from(pages).unwrap_or(usize::MAX).saturating_mul(PAGE);
            match RegexBuilder::new(&ascii).size_limit(bytes).build() {
                Ok(_) => return Ok(pages),
                Err(regex::Error::CompiledTooBig(_)) => pages *= 2,
                Err(_) => break,
            }
        }
        Err("a pattern cannot be read, for it looks around or refers back, or it is too large when written out".to_owned())
    }
}

/// What would have other parts meant than those that are seen.
fn check_keywords(schema: &Value, is_root: bool, has_keywords: bool) -> Result<(), String> {
    match schema {
        Value::Object(fields) => {
            let unknown = UNKNOWN.iter().find(|keyword| has_keywords && fields.contains_key(**keyword));
            if let Some(unknown) = unknown {
                return Err(format!("{unknown} is not possible: use $ref"));
            }
            if has_keywords && !is_root && fields.contains_key("$id") {
                return Err("$id is possible at the top alone".to_owned());
            }
            if has_keywords && fields.get("format").is_some_and(|format| format == "regex") {
                return Err("the format regex is not possible".to_owned());
            }
            if let Some(draft) = fields.get("$schema").filter(|_| has_keywords) {
                let named = draft.as_str().unwrap_or_default().trim_end_matches('#');
                let named = named.trim_start_matches("https://").trim_start_matches("http://");
                if !DRAFTS.contains(&named) {
                    return Err("$schema is one of the drafts 06, 07, 2019-09 and 2020-12".to_owned());
                }
            }
            fields.iter().try_for_each(|(key, value)| {
                check_keywords(value, false, !(has_keywords && BY_NAME.contains(&&**key)))
            })
        }
        Value::Array(items) => items.iter().try_for_each(|item| check_keywords(item, false, true)),
        _ => Ok(()),
    }
}

/// Bytes of texts and number of values; `None` where it is nested deeper.
fn size_of(value: &Value, nesting: usize) -> Option<usize> {
    let below = || nesting.checked_sub(1);
    Some(
        1 + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => {
                let below = below()?;
                items.iter().try_fold(0, |sum, item| Some(sum + size_of(item, below)?))?
            }
            Value::Object(fields) => {
                let below = below()?;
                fields
                    .iter()
                    .try_fold(0, |sum, (key, value)| Some(sum + key.len() + size_of(value, below)?))?
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        },
    )
}

pub(super) fn count(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
