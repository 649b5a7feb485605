//! What the wire formats have in common: a request by HTTP, what a refusal means, and an answer read piece by piece,
//! each piece and all of them bounded.
use super::{
    super::model::{Failure, FailureKind, MAX_TOOL_NAME, ToolUse, is_tool_name, text_in},
    ModelCall,
    egress::Egress,
};
use crate::{config::ProviderConfig, shared::http};
use bytes::BytesMut;
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{HeaderMap, HeaderValue, RETRY_AFTER},
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{error::Error, fmt::Write, mem, sync::Arc, time::Duration};

/// Bytes of one line, and of a whole answer, also of one that is no stream: far more than any answer that is passed on.
const LINE: usize = 1 << 20;
const ANSWER: usize = 32 << 20;
/// Bytes of an answer with vectors: the most of a call, each number written in full.
const VECTORS: usize = 16 << 20;
/// Bytes of a refusal that are looked at.
const REFUSAL: usize = 64 << 10;
/// Bytes of the arguments of one tool, characters of a name among them, and of the id of a tool's use.
pub(super) const MAX_ARGUMENTS: usize = 256 << 10;
const MAX_FIELD_NAME: usize = 256;
const MAX_TOOL_ID: usize = 256;
/// The longest that a provider may ask to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// How long it may take to be connected.
const CONNECT: Duration = Duration::from_secs(10);

/// Where a provider is, and what opens it.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    client: Client,
    base: String,
    key: Option<SecretString>,
    /// Its models go on from a last message of their own.
    prefill: bool,
}

impl Endpoint {
    /// `standard` is the provider's own address.
    pub(super) fn new(
        config: &ProviderConfig,
        key: Option<SecretString>,
        standard: &str,
    ) -> Result<Self, String> {
        let base = config.base_url.as_deref().unwrap_or(standard).trim_end_matches('/').to_owned();
        let egress = Egress::of(&base, config.allow_private)?;
        if key.as_ref().is_some_and(|key| HeaderValue::from_str(key.expose_secret()).is_err()) {
            return Err("the key has characters that no header can hold".into());
        }
        let client = if egress.is_secure() { http::client() } else { http::client().tls_certs_only([]) };
        let client = client
            .connect_timeout(CONNECT)
            // An address that was checked must be the one that is asked: nothing leads elsewhere.
            .dns_resolver(Arc::new(egress))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| told_with_its_causes(&error))?;
        Ok(Self { client, base, key, prefill: config.prefill })
    }

    /// See [`Provider::continues`](super::Provider::continues). What has to fit a schema is held against it from its own
    /// first letter.
    pub(super) fn continues(&self, call: &ModelCall) -> bool {
        self.prefill && call.request.output_schema.is_none()
    }

    /// As a header of that name, marked as one that is not to be shown.
    pub(super) fn with_key(&self, request: RequestBuilder, name: &'static str) -> RequestBuilder {
        let key = self.key.as_ref().and_then(|key| HeaderValue::from_str(key.expose_secret()).ok());
        match key {
            Some(mut key) => {
                key.set_sensitive(true);
                request.header(name, key)
            }
            None => request,
        }
    }

    pub(super) fn with_bearer(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key.expose_secret()),
            None => request,
        }
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base)).json(body)
    }

    /// As [`Self::post`], of what a model is asked.
    pub(super) fn ask(&self, path: &str, call: &ModelCall, body: &Value) -> RequestBuilder {
        self.post(path, body).header("traceparent", &call.traceparent)
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }
}

/// The answer, if it is one.
pub(super) async fn send(request: RequestBuilder) -> Result<Response, Failure> {
    let response = request.send().await.map_err(|error| told(&error).plain())?;
    if response.status().is_success() {
        return Ok(response);
    }
    let (status, retry_after) = (response.status(), retry_after(response.headers()));
    let mut lines = Lines::new(response, REFUSAL);
    let mut body = String::new();
    while let Ok(Some(line)) = lines.next().await {
        body.push_str(&line);
    }
    Err(Failure { kind: refused(status, &body), retry_after })
}

/// The whole answer as JSON.
pub(super) async fn json(response: Response) -> Result<Value, Failure> {
    let mut lines = Lines::of_answer(response);
    let mut body = String::new();
    while let Some(line) = lines.next().await? {
        body.push_str(&line);
    }
    serde_json::from_str(&body).map_err(|_| FailureKind::Malformed.plain())
}

/// What a call for vectors is answered, all on one line as a rule.
pub(super) async fn vectors<T: DeserializeOwned>(
    request: RequestBuilder,
    traceparent: &str,
) -> Result<T, Failure> {
    let mut response = send(request.header("traceparent", traceparent)).await?;
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| FailureKind::CutOff.plain())? {
        if body.len() + chunk.len() > VECTORS {
            return Err(FailureKind::TooLong.plain());
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_| FailureKind::Malformed.plain())
}

/// What a model asks for: its words, and kept where others see them.
pub(super) fn tool_use(id: String, name: String, arguments: Value) -> Result<ToolUse, Failure> {
    let is_long = |text: &str, most: usize| text.len() > most && text.chars().count() > most;
    let long =
        is_long(&name, MAX_TOOL_NAME) || is_long(&id, MAX_TOOL_ID) || text_in(&arguments) > MAX_ARGUMENTS;
    if long || !names_in(&arguments, &|name| !is_long(name, MAX_FIELD_NAME)) {
        return Err(FailureKind::TooLong.plain());
    }
    let is_plain = |text: &str| !text.chars().any(char::is_control);
    if !is_tool_name(&name) || !is_plain(&id) || !names_in(&arguments, &is_plain) {
        return Err(FailureKind::Malformed.plain());
    }
    Ok(ToolUse { id, name, arguments })
}

/// Whether all names of fields are well.
fn names_in(value: &Value, is_well: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::Object(fields) => fields.iter().all(|(name, field)| is_well(name) && names_in(field, is_well)),
        Value::Array(items) => items.iter().all(|item| names_in(item, is_well)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// A name as one segment of a path.
pub(super) fn segment(name: &str) -> String {
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => segment.push(byte.into()),
            _ => {
                let _ = write!(segment, "%{byte:02X}");
            }
        }
    }
    segment
}

/// What stands at `name` in each item of the `list`: a provider's models.
pub(super) async fn names(
    request: RequestBuilder,
    list: &'static str,
    name: &'static str,
) -> Result<Vec<String>, Failure> {
    let answer = json(send(request).await?).await?;
    let items = answer[list].as_array().ok_or(FailureKind::Malformed.plain())?;
    Ok(items.iter().filter_map(|item| Some(item[name].as_str()?.to_owned())).collect())
}

fn told_with_its_causes(error: &reqwest::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(told, ": {error}");
        cause = error.source();
    }
    told
}

fn told(error: &reqwest::Error) -> FailureKind {
    // Also where it took too long to be connected.
    if error.is_connect() {
        FailureKind::Connect
    } else if error.is_timeout() {
        FailureKind::Timeout
    } else {
        // Also where it was closed before an answer began.
        FailureKind::CutOff
    }
}

/// What a status means; where several things share one, the provider's words for it decide.
pub(super) fn refused(status: StatusCode, body: &str) -> FailureKind {
    match status.as_u16() {
        401 | 403 => FailureKind::Unauthorized,
        408 | 504 => FailureKind::Timeout,
        413 => FailureKind::ContextWindow,
        429 => FailureKind::RateLimited,
        500.. => FailureKind::Provider,
        _ => by_words(body).unwrap_or(FailureKind::Rejected),
    }
}

/// Providers name these in codes and messages of their own.
pub(super) fn by_words(body: &str) -> Option<FailureKind> {
    let body = body.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| body.contains(word));
    if says(&[
        "context_length",
        "context length",
        "context window",
        "exceed_context",
        "prompt is too long",
        "too many tokens",
        "maximum number of tokens",
        "input is too long",
    ]) {
        Some(FailureKind::ContextWindow)
    } else if says(&["content_filter", "content_policy", "content management policy", "safety"]) {
        Some(FailureKind::ContentPolicy)
    } else if says(&["rate_limit", "rate limit", "resource_exhausted"]) {
        Some(FailureKind::RateLimited)
    } else if says(&["overloaded", "unavailable", "server_error", "api_error", "internal"]) {
        Some(FailureKind::Provider)
    } else {
        None
    }
}

/// In seconds, by RFC 9110 §10.2.3, or more finely as OpenAI's header has it. A date is not looked at: clocks differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let milliseconds = number("retry-after-ms").map(|wait| wait / 1e3);
    let seconds = milliseconds.or_else(|| number(RETRY_AFTER.as_str()))?;
    Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.min(LONGEST_WAIT))
}

/// An answer's lines, as they come.
pub(super) struct Lines {
    response: Option<Response>,
    /// What came and was not given yet.
    bytes: BytesMut,
    /// Up to where there is no end of a line in it.
    searched: usize,
    left: usize,
}

impl Lines {
    pub(super) fn new(response: Response, most: usize) -> Self {
        Self { response: Some(response), bytes: BytesMut::new(), searched: 0, left: most }
    }

    pub(super) fn of_answer(response: Response) -> Self {
        Self::new(response, ANSWER)
    }

    /// Without its end; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<String>, Failure> {
        loop {
            let unseen = self.bytes.get(self.searched..).unwrap_or_default();
            if let Some(at) = unseen.iter().position(|byte| *byte == b'\n') {
                let line = self.bytes.split_to(mem::take(&mut self.searched) + at + 1);
                return text(&line).map(Some);
            }
            self.searched = self.bytes.len();
            if self.searched > LINE {
                return Err(FailureKind::TooLong.plain());
            }
            let Some(response) = &mut self.response else { return Ok(None) };
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    self.left = self.left.checked_sub(chunk.len()).ok_or(FailureKind::TooLong.plain())?;
                    self.bytes.extend_from_slice(&chunk);
                }
                Ok(None) => {
                    self.response = None;
                    self.searched = 0;
                    let line = mem::take(&mut self.bytes);
                    return if line.is_empty() { Ok(None) } else { text(&line).map(Some) };
                }
                Err(_) => return Err(FailureKind::CutOff.plain()),
            }
        }
    }
}

fn text(line: &[u8]) -> Result<String, Failure> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    str::from_utf8(line).map(str::to_owned).map_err(|_| FailureKind::Malformed.plain())
}

/// The data of Server-Sent Events, one by one.
pub(super) struct Events {
    lines: Lines,
    data: String,
}

impl Events {
    pub(super) fn new(response: Response) -> Self {
        Self { lines: Lines::of_answer(response), data: String::new() }
    }

    pub(super) async fn next(&mut self) -> Result<Option<String>, Failure> {
        while let Some(line) = self.lines.next().await? {
            if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
                if self.data.len() > LINE {
                    return Err(FailureKind::TooLong.plain());
                }
            } else if line.is_empty() && !self.data.is_empty() {
                return Ok(Some(mem::take(&mut self.data)));
            }
        }
        Ok(Some(mem::take(&mut self.data)).filter(|data| !data.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_of_a_path() {
        let base = reqwest::Url::parse("http://127.0.0.1/v1").unwrap();
        for name in ["gemini-2.5", "../../x", "a?b", "a#b", "a%2fb", "a b", "ä"] {
            let url = reqwest::Url::parse(&format!("{base}/{}", segment(name))).unwrap();
            assert_eq!((url.path_segments().unwrap().count(), url.query()), (2, None), "{name}");
        }
    }
}
