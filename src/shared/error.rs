use std::{error::Error as StdError, fmt, time::Duration};

/// What went wrong, in the domain's terms. `graphql_kit` and `http` each map it once.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Also what the caller may not see: that it exists is not told.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// What a person can mend; all problems at once, so that it is mended in one go.
    #[error("{}", summary(.0))]
    Refused(Vec<Problem>),
    /// What a client's programmer can mend: a malformed id, a page that is too large.
    #[error("{0}")]
    BadInput(String),
    #[error("{0}")]
    InvalidCursor(&'static str),
    #[error("the cursor is older than what is kept: load the data again and subscribe from its cursor")]
    ResyncRequired,
    #[error("{0}")]
    Unauthenticated(&'static str),
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("too many requests")]
    RateLimited { retry_after: Duration },
    #[error("the budget is used up")]
    BudgetExceeded,
    #[error("{0}")]
    Unavailable(&'static str),
    /// The source is logged with the request id and never leaves.
    #[error("internal error")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub code: ProblemCode,
    /// From the input's root: `text`, `graph.steps.2.when`.
    pub path: String,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemCode {
    Invalid,
    Conflict,
    IdempotencyConflict,
    Forgotten,
    LimitReached,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Problem {
    pub fn new(code: ProblemCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, path: path.into(), message: message.into() }
    }

    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ProblemCode::Invalid, path, message)
    }
}

/// With what is behind an internal error, which the log may say and a client never hears.
struct ForLog<'a>(&'a Error);

impl fmt::Display for ForLog<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut error: &dyn StdError = self.0;
        write!(f, "{error}")?;
        while let Some(source) = error.source() {
            write!(f, ": {source}")?;
            error = source;
        }
        Ok(())
    }
}

impl Error {
    pub fn for_log(&self) -> impl fmt::Display + '_ {
        ForLog(self)
    }

    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Refused(vec![Problem::invalid(path, message)])
    }

    pub fn conflict(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Refused(vec![Problem::new(ProblemCode::Conflict, path, message)])
    }

    /// For whoever brings no credential.
    pub fn anonymous() -> Self {
        Self::Unauthenticated(
            "send a credential: the header `Authorization: Bearer …`, or `authorization` in connection_init",
        )
    }

    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}

fn summary(problems: &[Problem]) -> String {
    problems.iter().map(|p| format!("{}: {}", p.path, p.message)).collect::<Vec<_>>().join("; ")
}

/// Collects the problems of an input.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub fn invalid(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem::invalid(path, message));
    }

    /// `Ok` where there was none.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Refused(self.0)) }
    }
}
