//! JSON schemas: what an answer or a tool's arguments have to look like.
use boon::{Compiler, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;
use std::{error::Error, fmt};

/// What a schema is called; it names nothing that there is.
const NAME: &str = "http://schema.invalid/";
/// Problems of one value that are told.
const TOLD: usize = 5;

/// A schema, ready to hold values against. One that cannot be read fits nothing.
pub struct Schema(Option<(Schemas, SchemaIndex)>);

/// Nothing is fetched for a schema: neither from the network nor from files.
struct Nowhere;

impl UrlLoader for Nowhere {
    fn load(&self, _: &str) -> Result<Value, Box<dyn Error>> {
        Err("a schema may refer to itself alone".into())
    }
}

impl Schema {
    pub fn new(schema: &Value) -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.use_loader(Box::new(Nowhere));
        let added = compiler.add_resource(NAME, schema.clone()).map_err(Box::new);
        let compiled = added.and_then(|()| compiler.compile(NAME, &mut schemas).map_err(Box::new));
        let compiled = compiled.inspect_err(|error| tracing::warn!(%error, "a JSON schema cannot be read"));
        Self(compiled.ok().map(|index| (schemas, index)))
    }

    pub fn fits(&self, value: &Value) -> bool {
        self.0.as_ref().is_some_and(|(schemas, index)| schemas.validate(value, *index).is_ok())
    }

    /// What is wrong with a value, each with its place, and nothing of the value itself.
    pub fn problems(&self, value: &Value) -> Vec<String> {
        let Some((schemas, index)) = &self.0 else { return vec!["/: the schema cannot be read".to_owned()] };
        let mut told = vec![];
        if let Err(error) = schemas.validate(value, *index) {
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
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_fits_or_is_told_what_is_wrong_with_it_and_where() {
        let schema = Schema::new(&json!({
            "type": "object", "required": ["title"], "additionalProperties": false,
            "properties": { "title": { "type": "string" }, "count": { "type": "integer" } }
        }));
        assert!(schema.fits(&json!({ "title": "x" })));
        assert_eq!(schema.problems(&json!({ "title": "x", "count": "secret" })), ["/count: must be integer"]);
        assert_eq!(schema.problems(&json!({})), ["/: needs title"]);
        assert!(!schema.fits(&json!({ "title": "x", "more": 1 })));
    }

    #[test]
    fn a_schema_that_cannot_be_read_or_lies_elsewhere_fits_nothing() {
        let elsewhere = ["http://127.0.0.1:9/schema", "file:///etc/hostname", "schema.json"];
        let elsewhere = elsewhere.map(|place| json!({ "$ref": place }));
        for schema in elsewhere.into_iter().chain([json!({ "type": 1 }), json!(1)]) {
            assert!(!Schema::new(&schema).fits(&json!({})), "{schema}");
        }
        assert!(
            Schema::new(&json!({ "$defs": { "a": { "type": "object" } }, "$ref": "#/$defs/a" }))
                .fits(&json!({}))
        );
    }
}
