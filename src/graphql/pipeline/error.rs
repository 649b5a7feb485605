use crate::graphql_kit::ErrorCode;
use async_graphql::{ErrorExtensionValues, Pos, ServerError};
use std::fmt::Write as _;

/// Why a request is not executed at all. It has no `data`, and the client's programmer can mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    pub code: ErrorCode,
    /// What is wrong and what to do. Bounded in length, whatever was sent.
    pub message: String,
    /// In the document.
    pub locations: Vec<Pos>,
    /// In the variables: `variables.input.text`.
    pub path: Option<String>,
}

/// A message may quote what was sent, which has any length.
const MESSAGE_CHARS: usize = 400;

impl RequestError {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let mut message: String = message.into();
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARS) {
            message.truncate(end);
            message.push('…');
        }
        Self { code, message, locations: Vec::new(), path: None }
    }

    pub(super) fn too_complex(what: &str, have: u64, limit: u64) -> Self {
        let mut message = format!("the document has {have} {what}");
        if have == u64::MAX {
            message = format!("the document has too many {what} to count");
        }
        let _ = write!(message, "; at most {limit} are allowed: ask for less, or in several requests");
        Self::new(ErrorCode::QueryTooComplex, message)
    }

    pub(super) fn at(mut self, location: impl IntoIterator<Item = Pos>) -> Self {
        self.locations.extend(location);
        self
    }

    pub(super) fn in_variables(mut self, path: impl Into<Option<String>>) -> Self {
        self.path = path.into();
        self
    }
}

impl From<RequestError> for ServerError {
    fn from(error: RequestError) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", error.code.as_str());
        if let Some(path) = error.path {
            extensions.set("inputPath", path);
        }
        let mut server_error = Self::new(error.message, None);
        server_error.locations = error.locations;
        server_error.extensions = Some(extensions);
        server_error
    }
}
