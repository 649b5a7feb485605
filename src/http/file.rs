//! One file, by PUT, to an address that `createUpload` gave. The address is the leave: it was signed here, and names the
//! size and the type. What comes is kept in a file without a name, which is gone with the request, however that ends.
use super::{
    Public,
    answer::{Answer, MediaType, refuse},
    door::refused_by,
    guard::RequestId,
};
use crate::{graphql_kit::ErrorCode, shared::Error};
use axum::{
    Json,
    body::BodyDataStream,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::HashSet,
    fs::File,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{io::AsyncWriteExt, sync::Semaphore, time::timeout};
use uuid::Uuid;

/// Between two parts of a file.
const PATIENCE: Duration = Duration::from_secs(30);
/// For a whole file.
const AT_MOST: Duration = Duration::from_secs(600);

/// Where files are on their way in.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    /// Files at once.
    room: Arc<Semaphore>,
    under_way: Arc<Mutex<HashSet<Uuid>>>,
    folder: PathBuf,
}

impl Incoming {
    pub(super) fn new(at_once: usize, folder: PathBuf) -> Self {
        Self { room: Arc::new(Semaphore::new(at_once)), under_way: Arc::default(), folder }
    }

    /// `None` where another request sends it.
    fn begin(&self, upload: Uuid) -> Option<UnderWay> {
        let all = self.under_way.clone();
        let first = all.lock().unwrap_or_else(PoisonError::into_inner).insert(upload);
        first.then(|| UnderWay { all, upload })
    }
}

/// One file on its way in: as long as this lives, no other request of this process sends it.
struct UnderWay {
    all: Arc<Mutex<HashSet<Uuid>>>,
    upload: Uuid,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.upload);
    }
}

#[derive(Deserialize)]
struct Parameters {
    expires: i64,
    size: usize,
    r#type: String,
    signature: String,
}

/// `PUT /uploads/{id}`
pub(super) async fn receive(
    State(public): State<Public>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let request_id =
        request.extensions().get::<RequestId>().map_or_else(|| public.guard.fresh_id(), |id| id.0.clone());
    match take(&public, id, request).await {
        Ok(document) => (StatusCode::CREATED, Json(json!({ "documentId": document }))).into_response(),
        Err(refusal) => refusal.made_public(&request_id).into_http(MediaType::Json),
    }
}

async fn take(public: &Public, id: String, request: Request) -> Result<String, Box<Answer>> {
    let (parts, body) = request.into_parts();
    let Ok(Query(parameters)) = Query::<Parameters>::try_from_uri(&parts.uri) else {
        return Err(bad(
            StatusCode::FORBIDDEN,
            ErrorCode::Forbidden,
            "this is no address that createUpload gave",
        ));
    };
    let services = public.door.services();
    let Parameters { expires, size, r#type: media_type, signature } = parameters;
    let address = services.memory.address(id, expires, size, media_type.clone(), signature);
    let expected = services.memory.expected(&address).await.map_err(refusal)?;
    checked(&parts.headers, size, &media_type)?;
    let Some(under_way) = public.incoming.begin(expected.upload) else {
        let message = "this file is coming in by another request: wait until that has ended";
        return Err(bad(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message));
    };
    let Ok(_room) = public.incoming.room.try_acquire() else {
        let message = "as many files as possible are coming in: try again in a moment";
        return Err(bad(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, message));
    };
    let file = timeout(AT_MOST, kept(&public.incoming.folder, body.into_data_stream(), size)).await;
    let file = file.unwrap_or_else(|_| Err(slow()))?;
    // Who sent it may have gone: it is kept whole all the same, or not at all.
    let services = services.clone();
    let filed = public.tasks.spawn(async move {
        let _under_way = under_way;
        let actor = services.account.actor_with(expected.principal).await?;
        services.memory.receive(&actor, &expected, file).await
    });
    let document = filed.await.map_err(|error| refusal(Error::internal(error)))?.map_err(refusal)?;
    Ok(document.id.to_string())
}

/// What the request says of its body, where it says it.
fn checked(headers: &HeaderMap, size: usize, media_type: &str) -> Result<(), Box<Answer>> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let said = text(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    if !said.eq_ignore_ascii_case(media_type) || headers.contains_key(header::CONTENT_ENCODING) {
        let message = format!("send the file as content-type: {media_type}, as it is");
        return Err(bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadUserInput, &message));
    }
    match text(header::CONTENT_LENGTH).parse::<usize>() {
        Ok(length) if length > size => Err(larger(size)),
        Ok(length) if length < size => Err(cut(size)),
        _ => Ok(()),
    }
}

/// The whole body, of exactly that size.
async fn kept(folder: &std::path::Path, mut body: BodyDataStream, size: usize) -> Result<File, Box<Answer>> {
    let failed = |error: std::io::Error| refusal(Error::internal(error));
    let file = tempfile::tempfile_in(folder).map_err(failed)?;
    let (mut file, mut came) = (tokio::fs::File::from_std(file), 0);
    while let Some(part) = timeout(PATIENCE, body.next()).await.map_err(|_| slow())? {
        let part = part.map_err(|_| cut(size))?;
        came += part.len();
        if came > size {
            return Err(larger(size));
        }
        file.write_all(&part).await.map_err(failed)?;
    }
    if came < size {
        return Err(cut(size));
    }
    file.flush().await.map_err(failed)?;
    Ok(file.into_std().await)
}

fn bad(status: StatusCode, code: ErrorCode, message: &str) -> Box<Answer> {
    Box::new(refuse(status, code, message))
}

fn larger(size: usize) -> Box<Answer> {
    let message = format!("the file is larger than the {size} bytes that it was announced with");
    bad(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BadUserInput, &message)
}

fn cut(size: usize) -> Box<Answer> {
    let message = format!("the file ended before its {size} bytes: send it again, whole");
    bad(StatusCode::BAD_REQUEST, ErrorCode::BadUserInput, &message)
}

fn slow() -> Box<Answer> {
    bad(StatusCode::REQUEST_TIMEOUT, ErrorCode::BadUserInput, "the file came too slowly")
}

fn refusal(error: Error) -> Box<Answer> {
    match error {
        Error::NotFound("upload") => {
            let message = "this address was used, or its time is over: ask for another one by createUpload";
            bad(StatusCode::NOT_FOUND, ErrorCode::NotFound, message)
        }
        Error::NotFound(_) => bad(StatusCode::NOT_FOUND, ErrorCode::NotFound, "the workspace was not found"),
        Error::Refused(problems) => {
            let problems: Vec<_> = problems.into_iter().map(|problem| problem.message).collect();
            bad(StatusCode::CONFLICT, ErrorCode::BadUserInput, &problems.join("; "))
        }
        other => Box::new(refused_by(other)),
    }
}
