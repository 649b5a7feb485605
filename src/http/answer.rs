//! What leaves: answers, errors that tell no more than they should, and their form on the wire.
use crate::graphql_kit::{ErrorCode, is_bad_input, whole};
use async_graphql::{ErrorExtensionValues, Response, ServerError, Value};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response as HttpResponse},
};

/// Of most answers.
const BYTES: usize = 1_024;

#[derive(Debug)]
pub(super) enum Answer {
    /// Never executed: without `data`.
    Refused {
        status: StatusCode,
        errors: Vec<ServerError>,
    },
    /// A document or variables that cannot be executed: as `Refused`, but a client that only knows
    /// `application/json` gets it with status 200.
    Document(Vec<ServerError>),
    Executed(Response),
}

pub(super) fn refuse(status: StatusCode, code: ErrorCode, message: &str) -> Answer {
    Answer::Refused { status, errors: vec![error(code, message)] }
}

fn error(code: ErrorCode, message: &str) -> ServerError {
    let mut error = ServerError::new(message, None);
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", code.as_str());
    error
}

impl Answer {
    pub(super) fn document(errors: Vec<ServerError>) -> Self {
        Self::Document(errors)
    }

    /// The request names a document that is not known.
    pub(super) fn unknown_document(code: ErrorCode, message: &str) -> Self {
        Self::Document(vec![error(code, message)])
    }

    pub(super) fn errors(&self) -> &[ServerError] {
        match self {
            Self::Refused { errors, .. } | Self::Document(errors) => errors,
            Self::Executed(response) => &response.errors,
        }
    }

    fn errors_mut(&mut self) -> &mut Vec<ServerError> {
        match self {
            Self::Refused { errors, .. } | Self::Document(errors) => errors,
            Self::Executed(response) => &mut response.errors,
        }
    }

    /// Masks what has no code of ours, and names the request in each error.
    pub(super) fn made_public(mut self, request_id: &str) -> Self {
        for error in self.errors_mut() {
            mask(error);
            let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
            extensions.set("requestId", request_id);
        }
        self
    }

    /// One element of a stream, whose form has always `data`.
    pub(super) fn into_response_of_stream(self) -> Response {
        match self {
            Self::Executed(response) => response,
            Self::Refused { errors, .. } | Self::Document(errors) => Response::from_errors(errors),
        }
    }

    pub(super) fn into_http(self, media_type: MediaType) -> HttpResponse {
        let status = match (&self, media_type) {
            (Self::Refused { status, .. }, _) => *status,
            (Self::Document(_), MediaType::GraphqlResponse) => StatusCode::BAD_REQUEST,
            (Self::Document(_), MediaType::Json) | (Self::Executed(_), _) => StatusCode::OK,
        };
        let mut json = Vec::with_capacity(BYTES);
        let body = self.write(&mut json).map(|()| json);
        let mut answer = written(status, media_type, body);
        if let Some(seconds) = self.retry_after() {
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if let Self::Executed(response) = self {
            answer.headers_mut().extend(response.http_headers);
        }
        answer
    }

    fn write(&self, json: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self::Executed(response) => {
                json.extend_from_slice(b"{\"data\":");
                whole(&response.data, json)?;
                if !response.extensions.is_empty() {
                    json.extend_from_slice(b",\"extensions\":");
                    serde_json::to_writer(&mut *json, &response.extensions)?;
                }
                if !response.errors.is_empty() {
                    json.extend_from_slice(b",\"errors\":");
                    serde_json::to_writer(&mut *json, &response.errors)?;
                }
            }
            Self::Refused { errors, .. } | Self::Document(errors) => {
                json.extend_from_slice(b"{\"errors\":");
                serde_json::to_writer(&mut *json, errors)?;
            }
        }
        json.push(b'}');
        Ok(())
    }

    /// In whole seconds, for what was refused whole.
    fn retry_after(&self) -> Option<u64> {
        let Self::Refused { errors, .. } = self else { return None };
        match errors.first()?.extensions.as_ref()?.get("retryAfterMs")? {
            Value::Number(millis) => Some(millis.as_u64()?.div_ceil(1_000)),
            _ => None,
        }
    }
}

/// The answers to a batch, in its order.
pub(super) fn batch(answers: &[Answer], media_type: MediaType) -> HttpResponse {
    let mut json = vec![b'['];
    let mut each = || {
        for (place, answer) in answers.iter().enumerate() {
            if place > 0 {
                json.push(b',');
            }
            answer.write(&mut json)?;
        }
        json.push(b']');
        Ok(())
    };
    let body = each().map(|()| json);
    written(StatusCode::OK, media_type, body)
}

fn written(status: StatusCode, media_type: MediaType, body: serde_json::Result<Vec<u8>>) -> HttpResponse {
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(media_type.as_str()))];
    match body {
        Ok(body) => (status, content_type, body).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What async-graphql says of an argument quotes its value, which has any length.
const QUOTED_CHARS: usize = 400;

/// A resolver's errors carry a code of ours, or they were never meant for a client.
fn mask(error: &mut ServerError) {
    let has_code = matches!(error.extensions.as_ref().and_then(|e| e.get("code")), Some(Value::String(_)));
    if has_code {
        return;
    }
    let extensions = error.extensions.insert(ErrorExtensionValues::default());
    if is_bad_input(&error.message) {
        extensions.set("code", ErrorCode::BadUserInput.as_str());
        if let Some((end, _)) = error.message.char_indices().nth(QUOTED_CHARS) {
            error.message.truncate(end);
        }
        return;
    }
    extensions.set("code", ErrorCode::Internal.as_str());
    let message = std::mem::replace(&mut error.message, "internal error".to_owned());
    tracing::error!(error = message, path = ?error.path, "an error without a code was masked");
}

/// The two media types of GraphQL over HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MediaType {
    GraphqlResponse,
    Json,
}

impl MediaType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    /// The best that the client accepts; `None` where it accepts neither.
    pub(super) fn accepted(accept: &str) -> Option<Self> {
        if accept.trim().is_empty() {
            return Some(Self::Json);
        }
        let mut best: Option<(f32, Self)> = None;
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media_type = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/graphql-response+json" => Self::GraphqlResponse,
                "application/json" | "application/*" | "*/*" => Self::Json,
                _ => continue,
            };
            let quality = parts.find_map(|p| p.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            let better = match best {
                None => quality > 0.0,
                Some((best, chosen)) => {
                    quality > best
                        || (quality == best && chosen == Self::Json && media_type == Self::GraphqlResponse)
                }
            };
            if better {
                best = Some((quality, media_type));
            }
        }
        best.map(|(_, media_type)| media_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_is_negotiated() {
        let accepted = MediaType::accepted;
        assert_eq!(accepted(""), Some(MediaType::Json));
        assert_eq!(accepted("*/*"), Some(MediaType::Json));
        assert_eq!(accepted("application/json"), Some(MediaType::Json));
        assert_eq!(accepted("application/graphql-response+json"), Some(MediaType::GraphqlResponse));
        assert_eq!(
            accepted("application/json, application/graphql-response+json"),
            Some(MediaType::GraphqlResponse)
        );
        assert_eq!(
            accepted("application/graphql-response+json;q=0.5, application/json;charset=utf-8"),
            Some(MediaType::Json)
        );
        assert_eq!(accepted("text/html, application/json;q=0"), None);
        assert_eq!(accepted("text/html"), None);
    }

    #[test]
    fn an_error_without_a_code_is_masked() {
        let mut answer = Answer::Executed(Response::from_errors(vec![
            ServerError::new("no such table: secrets", None),
            ServerError::new("Failed to parse \"DateTime\": not a moment", None),
            error(ErrorCode::NotFound, "run not found"),
        ]));
        answer = answer.made_public("r1");
        let told: Vec<_> = answer
            .errors()
            .iter()
            .map(|e| (e.message.as_str(), e.extensions.as_ref().unwrap().get("code").unwrap().to_string()))
            .collect();
        assert_eq!(told[0], ("internal error", "\"INTERNAL\"".to_owned()));
        assert_eq!(told[1].1, "\"BAD_USER_INPUT\"");
        assert_eq!(told[2], ("run not found", "\"NOT_FOUND\"".to_owned()));
    }
}
