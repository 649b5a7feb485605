//! GraphQL over HTTP: what a GET or a POST must look like, and its answer.
use super::{
    Public,
    answer::{self, Answer, MediaType, refuse},
    call::{Answered, Call, Caller},
    graphiql,
    guard::{LAST_EVENT_ID, RequestId, continued_trace, has_preflight},
    rights::Rights,
    socket,
    stream::Form,
    upload,
};
use crate::{graphql_kit::ErrorCode, shared::json};
use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, Query, Request, State, ws::WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{fmt, time::Duration};

pub(super) type Refusal = Box<Answer>;

pub(super) fn bad(status: StatusCode, message: &str) -> Refusal {
    Box::new(refuse(status, ErrorCode::BadRequest, message))
}

/// All methods of `/graphql`.
pub(super) async fn graphql(State(public): State<Public>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let id = parts.extensions.get::<RequestId>().map_or_else(|| public.guard.fresh_id(), |id| id.0.clone());
    if parts.method == Method::GET && parts.headers.contains_key(header::UPGRADE) {
        return match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) => socket::accept(upgrade, public, id, continued_trace(&parts.headers)),
            Err(rejection) => rejection.into_response(),
        };
    }
    if let Some(graphiql) = &public.graphiql
        && parts.method == Method::GET
        && text(&parts.headers, header::ACCEPT).contains("text/html")
    {
        return graphiql::page(graphiql.folder.as_ref());
    }
    let accept = text(&parts.headers, header::ACCEPT);
    let form = Form::accepted(accept);
    let single = MediaType::accepted(accept);
    // What a stream is refused with has to differ from one that began.
    let media_type = single.or(form.map(|_| MediaType::GraphqlResponse));
    let answer = match media_type {
        None => Err(bad(
            StatusCode::NOT_ACCEPTABLE,
            "answers are application/graphql-response+json, application/json or text/event-stream: accept one of them",
        )),
        Some(_) => read(&public, &parts, body, single.is_some()).await,
    };
    let answer = match answer {
        Ok(asked) => {
            let caller = Caller {
                request_id: id.clone(),
                trace: parts.extensions.get().copied().unwrap_or_else(|| public.guard.fresh_trace()),
                credential: parts.headers.get(header::AUTHORIZATION).map(credential),
                transport: form.map_or("http", Form::name),
                read_only: parts.method == Method::GET,
                after: form
                    .map(|_| text(&parts.headers, LAST_EVENT_ID).to_owned())
                    .filter(|id| !id.is_empty()),
            };
            let call = match asked {
                Asked::One(call) => *call,
                Asked::Many(calls) => return batch(&public, calls, &caller, media_type).await,
            };
            let rights = Rights::new(caller.credential.clone());
            match form {
                Some(form) => match public.door.stream(call, &caller, rights.now()).await {
                    Ok(Answered::Once(response)) if single.is_some() => Answer::Executed(*response),
                    Ok(answered) => {
                        let seat = match &answered {
                            Answered::Stream { of, .. } => public.seats.take(*of).map(Some),
                            Answered::Once(_) => Some(None),
                        };
                        match seat {
                            Some(seat) => return form.respond(answered.into_stream(), public, rights, seat),
                            None => refuse(
                                StatusCode::TOO_MANY_REQUESTS,
                                ErrorCode::RateLimited,
                                "you have as many streams as you may: close some, or share a socket",
                            )
                            .made_public(&id),
                        }
                    }
                    Err(refusal) => refusal,
                },
                None => public.door.execute(call, &caller).await,
            }
        }
        Err(refusal) => refusal.made_public(&id),
    };
    let mut response = answer.into_http(media_type.unwrap_or(MediaType::Json));
    let header = match response.status() {
        StatusCode::METHOD_NOT_ALLOWED if parts.method == Method::GET => Some((header::ALLOW, "POST")),
        StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, "GET, POST")),
        StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
        _ => None,
    };
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Bytes that are no text cannot be a credential; as an empty one it is refused with an explanation.
fn credential(header: &HeaderValue) -> String {
    header.to_str().unwrap_or_default().to_owned()
}

/// One after the other, for a later one may build on what an earlier one made.
async fn batch(
    public: &Public,
    calls: Vec<Call>,
    caller: &Caller,
    media_type: Option<MediaType>,
) -> Response {
    let mut answers = Vec::with_capacity(calls.len());
    for call in calls {
        answers.push(public.door.execute(call, caller).await);
    }
    answer::batch(&answers, media_type.unwrap_or(MediaType::Json))
}

enum Asked {
    One(Box<Call>),
    Many(Vec<Call>),
}

fn one(call: Call) -> Asked {
    Asked::One(Box::new(call))
}

async fn read(public: &Public, parts: &Parts, body: Body, may_be_batch: bool) -> Result<Asked, Refusal> {
    match parts.method {
        Method::GET => {
            if !public.development {
                require_preflight(&parts.headers)?;
            }
            read_parameters(parts).map(one)
        }
        Method::POST => {
            let boundary = upload::boundary(&parts.headers).and_then(|boundary| {
                if boundary.is_none() { require_json(&parts.headers).map(|()| None) } else { Ok(boundary) }
            });
            // Read whatever the headers say: a client that is still sending would not hear why it is refused.
            let body = read_body(public, &parts.headers, body).await;
            let (boundary, body) = (boundary?, body?);
            if let Some(boundary) = boundary {
                return upload::call(body, &boundary).await.map(one);
            }
            if public.batch > 0 && may_be_batch && body.trim_ascii_start().first() == Some(&b'[') {
                return many(&body, public.batch).map(Asked::Many);
            }
            object(&body, "the body").map(one)
        }
        _ => Err(bad(StatusCode::METHOD_NOT_ALLOWED, "send operations by POST, or queries by GET")),
    }
}

#[derive(Deserialize)]
struct Parameters {
    query: Option<String>,
    #[serde(rename = "documentId")]
    document_id: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

fn read_parameters(parts: &Parts) -> Result<Call, Refusal> {
    let Query(parameters) = Query::<Parameters>::try_from_uri(&parts.uri).map_err(|_| {
        bad(
            StatusCode::BAD_REQUEST,
            "the URL's parameters are query or documentId, operationName, variables and extensions, each once, in UTF-8",
        )
    })?;
    let map = |json: Option<String>, what| match json.filter(|json| !json.is_empty()) {
        Some(json) => object(json.as_bytes(), what).map(Some),
        None => Ok(None),
    };
    Ok(Call {
        query: parameters.query,
        document_id: parameters.document_id,
        operation_name: parameters.operation_name.filter(|name| !name.is_empty()),
        variables: map(parameters.variables, "the parameter `variables`")?,
        extensions: map(parameters.extensions, "the parameter `extensions`")?,
        ..Call::default()
    })
}

/// Another site's page cannot send any of these headers without asking first.
fn require_preflight(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(header::AUTHORIZATION) || has_preflight(headers) {
        return Ok(());
    }
    require_json(headers).map_err(|_| {
        bad(
            StatusCode::BAD_REQUEST,
            "a GET needs a header that pages of other sites cannot send: Authorization, or GraphQL-Require-Preflight",
        )
    })
}

/// A form of another site cannot send this content type without asking first.
fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let content_type = text(headers, header::CONTENT_TYPE);
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().unwrap_or_default().eq_ignore_ascii_case("application/json");
    let is_utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            matches!(value.trim().trim_matches('"').to_ascii_lowercase().as_str(), "utf-8" | "utf8")
        }
        _ => true,
    });
    if is_json && is_utf8 && !headers.contains_key(header::CONTENT_ENCODING) {
        return Ok(());
    }
    Err(bad(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "send the operation as content-type: application/json, in UTF-8, not compressed",
    ))
}

async fn read_body(public: &Public, headers: &HeaderMap, body: Body) -> Result<axum::body::Bytes, Refusal> {
    let limit = public.body_bytes;
    let too_large = || {
        bad(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("the body is larger than {limit} bytes: send fewer items in one request"),
        )
    };
    if text(headers, header::CONTENT_LENGTH).parse::<usize>().is_ok_and(|length| length > limit) {
        return Err(too_large());
    }
    let read = tokio::time::timeout(public.timeout, to_bytes(body, limit)).await;
    read.map_err(|_| bad(StatusCode::REQUEST_TIMEOUT, "the body came too slowly"))?.map_err(|error| {
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(inner) = cause {
            if inner.to_string() == "length limit exceeded" {
                return too_large();
            }
            cause = inner.source();
        }
        bad(StatusCode::BAD_REQUEST, "the body ended before it was whole")
    })
}

/// A JSON object. `serde` would take a list for a structure.
pub(super) fn object<T: DeserializeOwned>(json: &[u8], what: &str) -> Result<T, Refusal> {
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(bad(
            StatusCode::BAD_REQUEST,
            &format!("{what} has to be one JSON object; batches are not taken"),
        ));
    }
    parsed(json, what)
}

pub(super) fn parsed<T: DeserializeOwned>(json: &[u8], what: &str) -> Result<T, Refusal> {
    if !json::is_bounded(json) {
        let message =
            format!("{what} has more than {} values: send fewer items in one request", json::VALUES);
        return Err(bad(StatusCode::PAYLOAD_TOO_LARGE, &message));
    }
    serde_json::from_slice(json).map_err(|error| {
        let told: String = error.to_string().chars().take(200).collect();
        bad(StatusCode::BAD_REQUEST, &format!("{what} is not what GraphQL over HTTP asks for: {told}"))
    })
}

/// A batch, where the configuration takes some.
fn many(json: &[u8], limit: usize) -> Result<Vec<Call>, Refusal> {
    let calls: Vec<Strict> = parsed(json, "the batch")?;
    if calls.is_empty() || calls.len() > limit {
        return Err(bad(
            StatusCode::BAD_REQUEST,
            &format!("the batch has {} operations: 1 to {limit} are taken", calls.len()),
        ));
    }
    Ok(calls.into_iter().map(|Strict(call)| call).collect())
}

/// A call from an object alone.
struct Strict(Call);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Strict;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Strict, A::Error> {
                Call::deserialize(MapAccessDeserializer::new(map)).map(Strict)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// How long a client may take to send its body.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(30);
