use super::{Error, Problems, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};
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
        let content = serde_json::to_vec(content).map_err(Error::internal)?;
        Ok(Some(Self { id, hash: Sha256::digest(content).to_vec() }))
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
