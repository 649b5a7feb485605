use crate::shared::{Error, Problem, ProblemCode};
use async_graphql::{Enum, ErrorExtensions, SimpleObject, Value};
use std::time::Duration;

/// Every `extensions.code` that an answer can carry. New ones may come: treat an unknown code as INTERNAL.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    /// No credential, or one that is not valid (any more): sign in again.
    Unauthenticated,
    /// The caller may see this but not do it.
    Forbidden,
    /// It does not exist, or the caller may not see it.
    NotFound,
    /// An argument or a variable is not what the schema or the server can take: mend the client.
    BadUserInput,
    /// The cursor is not of this list or stream.
    InvalidCursor,
    /// The cursor is older than what is kept: load the data again and subscribe from its cursor.
    ResyncRequired,
    /// Too many requests: wait `retryAfterMs`.
    RateLimited,
    /// A budget is used up.
    BudgetExceeded,
    /// The server cannot answer now: try again after `retryAfterMs`.
    Unavailable,
    /// The request took too long; a mutation may still be carried out.
    Timeout,
    /// A fault of the server, logged under the request's id.
    Internal,
    /// The HTTP request is not one of GraphQL over HTTP.
    BadRequest,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// The document has no such operation, or several and none was named.
    OperationResolutionFailure,
    /// The document asks for more than one request may: ask for less, or page.
    QueryTooComplex,
    /// No document is known by this id or hash to the caller: send its text, or register it.
    PersistedQueryNotFound,
    /// Documents are not registered in passing here: send the text alone, or register it before.
    PersistedQueryNotSupported,
}

impl ErrorCode {
    /// As in `extensions.code`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::InvalidCursor => "INVALID_CURSOR",
            Self::ResyncRequired => "RESYNC_REQUIRED",
            Self::RateLimited => "RATE_LIMITED",
            Self::BudgetExceeded => "BUDGET_EXCEEDED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Timeout => "TIMEOUT",
            Self::Internal => "INTERNAL",
            Self::BadRequest => "BAD_REQUEST",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::OperationResolutionFailure => "OPERATION_RESOLUTION_FAILURE",
            Self::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
        }
    }
}

/// The only error a resolver returns.
///
/// Deliberately not `Display`: async-graphql would turn any `Display` error into a message to the client.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: ErrorCode,
    message: String,
    retry_after: Option<Duration>,
    problems: Vec<Problem>,
}

/// What a batching loader gives.
pub type Loaded<T> = Result<T, ApiError>;

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None, problems: vec![] }
    }

    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Whether it says that there is nothing to see.
    pub fn is_hidden(&self) -> bool {
        self.code == ErrorCode::NotFound
    }

    pub fn message(&self) -> &str {
        &self.message
    }
}

/// What async-graphql says of an argument that a scalar refused. It quotes no more than our scalars tell.
const BAD_INPUT: [&str; 3] =
    ["Failed to parse \"", "Expected input type \"", "Invalid value for argument \""];

/// Whether an error of async-graphql's own, which has no code, is of an argument that a scalar refused.
pub fn is_bad_input(message: &str) -> bool {
    BAD_INPUT.iter().any(|start| message.starts_with(start))
}

/// How long a client waits where nothing better is known.
const RETRY: Duration = Duration::from_secs(1);

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::NotFound(_) => ErrorCode::NotFound,
            Error::Refused(_) | Error::BadInput(_) => ErrorCode::BadUserInput,
            Error::InvalidCursor(_) => ErrorCode::InvalidCursor,
            Error::ResyncRequired => ErrorCode::ResyncRequired,
            Error::Unauthenticated(_) => ErrorCode::Unauthenticated,
            Error::Forbidden(_) => ErrorCode::Forbidden,
            Error::RateLimited { .. } => ErrorCode::RateLimited,
            Error::BudgetExceeded => ErrorCode::BudgetExceeded,
            Error::Unavailable(_) => ErrorCode::Unavailable,
            Error::Internal(source) => {
                tracing::error!(source = source.as_ref(), "internal error");
                ErrorCode::Internal
            }
        };
        let retry_after = match &error {
            Error::RateLimited { retry_after } => Some(*retry_after),
            Error::Unavailable(_) => Some(RETRY),
            _ => None,
        };
        let message = error.to_string();
        let problems = if let Error::Refused(problems) = error { problems } else { vec![] };
        Self { code, message, retry_after, problems }
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        let problems: Vec<Value> = error.problems.iter().map(problem_value).collect();
        Self::new(error.message).extend_with(|_, extensions| {
            extensions.set("code", error.code.as_str());
            if let Some(after) = error.retry_after {
                extensions.set("retryAfterMs", u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
            }
            if !problems.is_empty() {
                extensions.set("problems", Value::List(problems));
            }
        })
    }
}

fn problem_value(problem: &Problem) -> Value {
    async_graphql::value!({ "field": problem.path.as_str(), "message": problem.message.as_str() })
}

/// What a person can mend.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum UserErrorCode {
    /// The value cannot be taken as it is.
    Invalid,
    /// It clashes with what is there: the state changed, or the name is taken.
    Conflict,
    /// The idempotency key was used with another input.
    IdempotencyConflict,
    /// It was forgotten on request and stays so.
    Forgotten,
    /// A limit of the workspace is reached.
    LimitReached,
}

/// Something a person can mend, told beside the input that caused it.
#[derive(SimpleObject, Clone, Debug)]
pub struct UserError {
    /// What kind of problem it is.
    pub code: UserErrorCode,
    /// The input field, as a path from the input's root: `items.17.text`.
    pub field: String,
    /// What is wrong and what would be right, in plain words.
    pub message: String,
}

impl From<Problem> for UserError {
    fn from(problem: Problem) -> Self {
        let code = match problem.code {
            ProblemCode::Invalid => UserErrorCode::Invalid,
            ProblemCode::Conflict => UserErrorCode::Conflict,
            ProblemCode::IdempotencyConflict => UserErrorCode::IdempotencyConflict,
            ProblemCode::Forgotten => UserErrorCode::Forgotten,
            ProblemCode::LimitReached => UserErrorCode::LimitReached,
        };
        Self { code, field: problem.path, message: problem.message }
    }
}

/// Splits an outcome into what a payload shows and what is an exception.
pub fn payload<T>(outcome: Result<T, Error>) -> Result<(Option<T>, Vec<UserError>), ApiError> {
    match outcome {
        Ok(value) => Ok((Some(value), vec![])),
        Err(Error::Refused(problems)) => Ok((None, problems.into_iter().map(UserError::from).collect())),
        Err(other) => Err(other.into()),
    }
}
