//! What a fake provider says.
use super::{Format, error};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub enum Script {
    /// Status 200, and these one after the other.
    Stream(Vec<Piece>),
    Refusal(Refusal),
}

/// How a call for vectors is answered.
#[derive(Clone, Debug)]
pub enum Embeds {
    Vectors(Vec<Vec<f64>>),
    /// Status 200, and whatever text.
    Raw(String),
    Refusal(Refusal),
    /// Says nothing, and stays connected.
    Hang,
}

impl Embeds {
    pub fn refusal(status: u16, body: Value) -> Self {
        let status = StatusCode::from_u16(status).unwrap();
        Self::Refusal(Refusal { status, headers: HeaderMap::new(), body: body.to_string() })
    }
}

#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

#[derive(Clone, Debug)]
pub enum Piece {
    Text(String),
    /// What a model thinks before it answers, where the format tells it.
    Thought(String),
    Tool {
        name: String,
        arguments: Value,
    },
    End(Reason),
    /// The same without a count of tokens.
    Uncounted(Reason),
    /// An error in the midst of the stream, as the format has it.
    Error,
    /// Whatever bytes.
    Raw(Vec<u8>),
    /// The same so often.
    Flood {
        piece: Box<Piece>,
        times: usize,
    },
    /// Closes the connection.
    Cut,
    /// Says nothing more, and stays connected.
    Hang,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Stop,
    Length,
    Filter,
    Tool,
}

impl Script {
    /// A whole answer.
    pub fn answer<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::texts(texts).then(Piece::End(Reason::Stop))
    }

    /// An answer that does not end yet.
    pub fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Stream(texts.into_iter().map(|text| Piece::Text(text.to_owned())).collect())
    }

    pub fn then(mut self, piece: Piece) -> Self {
        if let Self::Stream(pieces) = &mut self {
            pieces.push(piece);
        }
        self
    }

    pub fn refusal(status: u16, body: Value) -> Self {
        let status = StatusCode::from_u16(status).unwrap();
        Self::Refusal(Refusal { status, headers: HeaderMap::new(), body: body.to_string() })
    }

    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Refusal(refusal) = &mut self {
            refusal.headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        self
    }

    pub fn too_many_requests() -> Self {
        Self::refusal(429, json!({ "error": error("rate_limit_error", "Rate limit reached for requests") }))
    }

    pub fn fault() -> Self {
        Self::refusal(500, json!({ "error": error("api_error", "Internal server error") }))
    }

    pub fn unauthorized() -> Self {
        Self::refusal(401, json!({ "error": error("authentication_error", "invalid x-api-key") }))
    }

    /// The texts are longer than the model's context.
    pub fn context_overflow(format: Format) -> Self {
        let message = match format {
            Format::OpenAi => {
                "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
            }
            Format::Anthropic => "prompt is too long: 210000 tokens > 200000 maximum",
            Format::Gemini => {
                "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
            }
            Format::Ollama => "the input length exceeds the context length",
        };
        Self::refusal(400, json!({ "error": error("invalid_request_error", message) }))
    }

    /// The provider's rules do not allow any answer.
    pub fn filtered(format: Format) -> Self {
        match format {
            Format::OpenAi => Self::refusal(
                400,
                json!({ "error": { "code": "content_filter", "message": "The response was filtered." } }),
            ),
            Format::Gemini => {
                let feedback = json!({ "promptFeedback": { "blockReason": "SAFETY" } });
                Self::Stream(vec![Piece::Raw(format!("data: {feedback}\r\n\r\n").into_bytes())])
            }
            Format::Anthropic | Format::Ollama => Self::Stream(vec![Piece::End(Reason::Filter)]),
        }
    }
}
