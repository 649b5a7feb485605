//! JSON schemas: what an answer or a tool's arguments have to look like.
//!
//! A schema is a stranger's program. So it is taken apart ([`parts`]) and bounded before anything runs it, where it is set
//! and again where it is used; and of each value it is found out first how much work it is to hold it against the schema
//! ([`work`]). What would take more than it may does not fit.
mod parts;
mod work;

use boon::{Compiler, ErrorKind, Format, SchemaIndex, Schemas, UrlLoader, ValidationError};
use parts::Parts;
use serde_json::Value;
use std::{error::Error, fmt};

/// What a schema is called; it names nothing that there is.
const NAME: &str = "http://schema.invalid/";
/// Problems of one value that are told.
const TOLD: usize = 5;
/// What `format` may say. Nothing is held against any. There is one more, `regex`, which takes time by the square of a
/// text's length and cannot be left out: a schema with it is refused.
const FORMATS: [&str; 19] = [
    "ipv4",
    "ipv6",
    "hostname",
    "idn-hostname",
    "email",
    "idn-email",
    "date",
    "time",
    "date-time",
    "duration",
    "period",
    "json-pointer",
    "relative-json-pointer",
    "uuid",
    "uri",
    "iri",
    "uri-reference",
    "iri-reference",
    "uri-template",
];

/// A schema, ready to hold values against.
pub struct Schema {
    parts: Parts,
    schemas: Schemas,
    whole: SchemaIndex,
}

/// Nothing is fetched for a schema: neither from the network nor from files.
struct Nowhere;

impl UrlLoader for Nowhere {
    fn load(&self, _: &str) -> Result<Value, Box<dyn Error>> {
        Err("a schema may refer to itself alone".into())
    }
}

impl Schema {
    /// An error says what keeps the schema from being used: it is no JSON schema, or larger than one may be.
    pub fn read(schema: &Value) -> Result<Self, String> {
        let parts = Parts::read(schema)?;
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.use_loader(Box::new(Nowhere));
        for name in FORMATS {
            compiler.register_format(Format { name, func: |_| Ok(()) });
        }
        let added = compiler.add_resource(NAME, schema.clone()).map_err(Box::new);
        let whole = added.and_then(|()| compiler.compile(NAME, &mut schemas).map_err(Box::new));
        let whole = whole.map_err(|_| "it does not keep to the rules of JSON Schema".to_owned())?;
        Ok(Self { parts, schemas, whole })
    }

    /// Whether a schema keeps to its bounds; quick. What it says is not looked at as [`Self::read`] does.
    pub fn check_bounds(schema: &Value) -> Result<(), String> {
        Parts::read(schema).map(drop)
    }

    pub fn fits(&self, value: &Value) -> bool {
        work::of(&self.parts, value).is_ok() && self.schemas.validate(value, self.whole).is_ok()
    }

    /// What is wrong with a value, each with its place, and nothing of the value itself.
    pub fn problems(&self, value: &Value) -> Vec<String> {
        if work::of(&self.parts, value).is_err() {
            return vec!["/: takes too long to be held against the schema".to_owned()];
        }
        let mut told = vec![];
        if let Err(error) = self.schemas.validate(value, self.whole) {
            tell(&error, &mut told);
        }
        told
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}

fn tell(error: &ValidationError<'_, '_>, told: &mut Vec<String>) {
    if told.len() >= TOLD {
        return;
    }
    if !error.causes.is_empty() {
        error.causes.iter().for_each(|cause| tell(cause, told));
        return;
    }
    let what = match &error.kind {
        ErrorKind::Type { want, .. } => {
            let types: Vec<_> = want.iter().map(|it| it.to_string()).collect();
            format!("must be {}", types.join(" or "))
        }
        ErrorKind::Required { want } => format!("needs {}", want.join(", ")),
        ErrorKind::Enum { want } => format!("must be one of {}", Value::from((*want).clone())),
        ErrorKind::AdditionalProperties { .. } => "has fields that are not known".to_owned(),
        ErrorKind::MinLength { want, .. } => format!("needs {want} characters at least"),
        ErrorKind::MaxLength { want, .. } => format!("may have {want} characters at most"),
        _ => "does not fit".to_owned(),
    };
    told.push(format!("/{}: {what}", error.instance_location.to_string().trim_start_matches('/')));
}

#[cfg(test)]
mod tests;
