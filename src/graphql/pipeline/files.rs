//! Files that came with a request, by the places in the variables that they stand for.
use super::RequestError;
use crate::graphql_kit::{ErrorCode, UPLOAD};
use apollo_compiler::ast::Type;
use async_graphql::Value;
use bytes::Bytes;
use std::collections::HashMap;

/// By path: `variables.input.file`. Only here does a file become a value, and only where an `Upload` is expected: no
/// text that a client writes can be taken for one.
#[derive(Debug, Default)]
pub struct Files(HashMap<String, Bytes>);

impl Files {
    pub fn insert(&mut self, path: String, content: Bytes) {
        self.0.insert(path, content);
    }

    pub(super) fn take(&mut self, path: &str) -> Option<Value> {
        self.0.remove(path).map(Value::Binary)
    }

    /// Every file has found its place.
    pub(super) fn finish(self) -> Result<(), RequestError> {
        match self.0.into_keys().min() {
            None => Ok(()),
            Some(path) => {
                let message = format!("{path}: a file was sent for this, but no {UPLOAD} is expected here");
                Err(RequestError::new(ErrorCode::BadUserInput, message).in_variables(path))
            }
        }
    }
}

pub(super) fn is_upload(ty: Option<&Type>) -> bool {
    ty.is_some_and(|ty| !ty.is_list() && ty.inner_named_type() == UPLOAD)
}
