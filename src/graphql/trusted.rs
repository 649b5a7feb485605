//! A trusted document is held against what a request's document is held against.
use super::pipeline::{Pipeline, RequestError};
use crate::trusted::{Check, Fault};

impl Check for Pipeline {
    fn check(&self, text: &str) -> Vec<Fault> {
        self.validate(text).err().unwrap_or_default().into_iter().map(fault).collect()
    }
}

fn fault(error: RequestError) -> Fault {
    let at = error.locations.first().map(|at| (at.line, at.column));
    Fault { code: error.code.as_str(), message: error.message, at }
}
