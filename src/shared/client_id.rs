use super::{Error, Problems, Result};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The id that a client gave to what it made, maybe offline: unique for ever. With what was sent under it, as a hash:
/// the thing may have changed since, and a repeat of the first request is a repeat all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId {
    pub id: Uuid,
    pub hash: Vec<u8>,
}

impl ClientId {
    /// `content` is what makes the thing what it is, checked and without what only says how to carry out the request.
    pub fn checked(
        problems: &mut Problems,
        text: Option<&str>,
        content: &impl Serialize,
    ) -> Result<Option<Self>> {
        let Some(text) = text else { return Ok(None) };
        let Ok(id) = Uuid::try_parse(text) else {
            problems.invalid("clientId", "not a UUID");
            return Ok(None);
        };
        let content = canonical(serde_json::to_value(content).map_err(Error::internal)?);
        Ok(Some(Self { id, hash: Sha256::digest(content.to_string()).to_vec() }))
    }

    /// `CONFLICT` where something else was sent under this id; `hash` is that of the earlier request.
    pub fn require_same(&self, hash: Option<&[u8]>) -> Result<()> {
        match hash {
            Some(hash) if hash != self.hash => Err(Self::taken()),
            _ => Ok(()),
        }
    }

    pub fn taken() -> Error {
        Error::conflict("clientId", "something else has this id: give each thing that you make a new one")
    }
}

/// Without what is null, keys in order: a hash outlives the version that made it, also where a later one knows of more
/// that may be said.
fn canonical(content: Value) -> Value {
    match content {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            let sorted: BTreeMap<_, _> = fields.map(|(name, value)| (name, canonical(value))).collect();
            sorted.into_iter().collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(items) => items.into_iter().map(canonical).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_hash_does_not_depend_on_how_a_version_writes_its_structs() {
        let id = Some("0e4cf8a6-6f0c-4a5e-9d6b-0b8d4a3e2f11");
        let hash = |content: Value| {
            let made = ClientId::checked(&mut Problems::default(), id, &content);
            made.unwrap().unwrap().hash
        };
        let now = hash(json!({ "text": "x", "kind": "NOTE", "speaker": null }));
        assert_eq!(now, hash(json!({ "mood": null, "kind": "NOTE", "text": "x" })));
        assert_ne!(now, hash(json!({ "kind": "NOTE", "text": "y" })));
        // SHA-256 of {"kind":"NOTE","text":"x"}: what is stored for ever.
        assert_eq!(now, Sha256::digest(r#"{"kind":"NOTE","text":"x"}"#).to_vec());
    }
}
