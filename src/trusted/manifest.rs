//! The files in which tools keep a frontend's documents: `{id: text}` (client-preset's `persisted-documents.json`, Relay's
//! `persistConfig.file`), and Apollo's `persisted-query-manifest.json`.
use super::NewDocument;
use serde::Deserialize;
use serde_json::{Map, Value};

const APOLLO: &str = "apollo-persisted-query-manifest";

#[derive(Deserialize)]
struct Manifest {
    version: u32,
    operations: Vec<Operation>,
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

/// The documents of a manifest, or what is wrong with the file.
pub fn parse(json: &str) -> Result<Vec<NewDocument>, String> {
    let manifest: Value = serde_json::from_str(json).map_err(|error| format!("not JSON: {error}"))?;
    let Value::Object(entries) = manifest else {
        return Err("not a manifest: a JSON object of ids and texts is expected".into());
    };
    if entries.get("format").and_then(Value::as_str) == Some(APOLLO) {
        apollo(entries)
    } else {
        plain(entries)
    }
}

fn plain(entries: Map<String, Value>) -> Result<Vec<NewDocument>, String> {
    let document = |(id, text)| match text {
        Value::String(text) => Ok(NewDocument { id, text }),
        _ => Err(format!("not a manifest: the value of {id:?} has to be a document's text")),
    };
    entries.into_iter().map(document).collect()
}

fn apollo(entries: Map<String, Value>) -> Result<Vec<NewDocument>, String> {
    let manifest: Manifest = serde_json::from_value(Value::Object(entries))
        .map_err(|error| format!("not a manifest of Apollo's: {error}"))?;
    if manifest.version != 1 {
        return Err(format!("a manifest of Apollo's in version {}: 1 is known here", manifest.version));
    }
    let document = |operation: Operation| NewDocument { id: operation.id, text: operation.body };
    Ok(manifest.operations.into_iter().map(document).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(id: &str, text: &str) -> NewDocument {
        NewDocument { id: id.into(), text: text.into() }
    }

    #[test]
    fn all_three_forms_are_read() {
        let plain = r#"{"sha256:1": "{ a }", "format": "{ b }"}"#;
        let mut documents = parse(plain).unwrap();
        documents.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(documents, [document("format", "{ b }"), document("sha256:1", "{ a }")]);
        let apollo = r#"{"format": "apollo-persisted-query-manifest", "version": 1,
            "operations": [{"id": "1", "name": "A", "type": "query", "body": "query A { a }"}]}"#;
        assert_eq!(parse(apollo).unwrap(), [document("1", "query A { a }")]);
        assert_eq!(parse("{}").unwrap(), []);
    }

    #[test]
    fn what_is_no_manifest_is_said_to_be_none() {
        for (json, said) in [
            ("", "not JSON"),
            ("{", "not JSON"),
            ("[]", "object"),
            ("\"{ a }\"", "object"),
            ("{\"a\": 1}", "\"a\""),
            ("{\"a\": {\"text\": \"{ a }\"}}", "\"a\""),
            ("{\"format\": \"apollo-persisted-query-manifest\"}", "version"),
            (
                "{\"format\": \"apollo-persisted-query-manifest\", \"version\": 2, \"operations\": []}",
                "version 2",
            ),
            (
                "{\"format\": \"apollo-persisted-query-manifest\", \"version\": 1, \"operations\": [{\"id\": \"1\"}]}",
                "body",
            ),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(said), "{json}: {error}");
        }
    }
}
