//! What trusted documents need of the front door; `app` fills it in.
use std::fmt;

/// Holds a document against the schema and its limits, as a request's document is held.
pub trait Check: fmt::Debug + Send + Sync {
    /// What is wrong with it; empty where it may run.
    fn check(&self, text: &str) -> Vec<Fault>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// As in `extensions.code`.
    pub code: &'static str,
    /// Of bounded length.
    pub message: String,
    /// Line and column, from 1.
    pub at: Option<(usize, usize)>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.at {
            write!(f, "line {line}, column {column}: ")?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}
