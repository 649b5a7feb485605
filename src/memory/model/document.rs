//! Documents, their parts, and what is asked of a new one.
use super::{MAX_EXTERNAL_ID, MemoryScope};
use crate::{
    gateway::Egress,
    memory::{
        document::{Piece, Readable, extract, pieces},
        index::Digest,
    },
    shared::{
        Error, Problem, ProblemCode, Problems, Result,
        id::{DocumentChunkId, DocumentId, WorkspaceId},
        stored, text,
    },
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Characters.
pub const MAX_TITLE: usize = 500;
/// Bytes in UTF-8 of a text that comes in the mutation.
pub const MAX_DOCUMENT_TEXT: usize = 2 * 1024 * 1024;
/// Bytes of a file.
pub const MAX_FILE: usize = 20 * 1024 * 1024;

stored! {
    /// What a document's source is.
    MediaType {
        Plain = "text/plain",
        Markdown = "text/markdown",
        Html = "text/html",
        Pdf = "application/pdf",
    }

    DocumentStatus {
        Processing = "PROCESSING",
        Ready = "READY",
        Failed = "FAILED",
    }

    /// Why nothing can be read of a file.
    DocumentFailure {
        WrongEncoding = "WRONG_ENCODING",
        Broken = "BROKEN",
        Encrypted = "ENCRYPTED",
        NoText = "NO_TEXT",
        TooMuchText = "TOO_MUCH_TEXT",
        TooComplex = "TOO_COMPLEX",
    }
}

impl MediaType {
    /// As a content type says it: case and parameters do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Self::from_name(&name).ok()
    }
}

impl DocumentFailure {
    /// For who sent the document as a text.
    fn problem(self) -> Problem {
        Problem::invalid(
            "text",
            match self {
                Self::NoText => "there is nothing to read in it: write something",
                Self::TooMuchText => "it has more text than a document may have: send it in parts",
                _ => "it is not a text in UTF-8",
            },
        )
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub id: DocumentId,
    pub workspace: WorkspaceId,
    pub scope: MemoryScope,
    pub external_id: Option<String>,
    pub title: String,
    pub media_type: MediaType,
    pub egress: Egress,
    pub status: DocumentStatus,
    pub failure: Option<DocumentFailure>,
    /// Of a hundred, while it is processed.
    pub progress: i32,
    /// From 1, one more with each change of what it says.
    pub version: i32,
    pub client_id: Option<Uuid>,
    /// Of the readable text, in UTF-16 code units.
    pub length: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A part of a document's text, as recall finds it.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentChunk {
    pub id: DocumentChunkId,
    pub document: DocumentId,
    pub workspace: WorkspaceId,
    /// Counts the document's chunks from 0, in the order of the text.
    pub number: i32,
    pub heading: Option<String>,
    pub text: String,
    /// In UTF-16 code units of the readable text.
    pub start: i32,
    pub end: i32,
}

/// A document to add, as a client sends it.
#[derive(Clone, Debug)]
pub struct NewDocument {
    pub workspace: WorkspaceId,
    pub scope: MemoryScope,
    pub external_id: Option<String>,
    pub title: String,
    pub media_type: String,
    pub text: String,
    pub egress: Egress,
    pub client_id: Option<String>,
    /// The version that the change was made from.
    pub expected_version: Option<i32>,
}

/// What a document is beside its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Described {
    pub workspace: WorkspaceId,
    pub scope: MemoryScope,
    pub external_id: Option<String>,
    pub title: String,
    pub media_type: MediaType,
    #[serde(skip_serializing_if = "super::is_allowed")]
    pub egress: Egress,
}

impl Described {
    /// Trimmed and within bounds; `None` where the media type is none of ours. The problems say the rest.
    pub fn checked(
        problems: &mut Problems,
        (workspace, scope): (WorkspaceId, MemoryScope),
        external_id: Option<String>,
        title: &str,
        media_type: &str,
        egress: Egress,
    ) -> Option<Self> {
        let title = text::name(problems, "title", title, MAX_TITLE);
        let external_id = external_id.map(|id| text::required(problems, "externalId", &id, MAX_EXTERNAL_ID));
        if scope == MemoryScope::Session {
            problems.invalid("scope", "a document is for USER or WORKSPACE");
        }
        let media_type = MediaType::parse(media_type);
        if media_type.is_none() {
            problems.invalid(
                "mediaType",
                "text/plain, text/markdown, text/html and, as a file by createUpload, application/pdf are possible",
            );
        }
        Some(Self { workspace, scope, external_id, title, media_type: media_type?, egress })
    }
}

/// A document whose text was read and cut: what is left is to write it.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub described: Described,
    pub text: String,
    /// Each with what the index is to hold of it.
    pub pieces: Vec<(Piece, Digest)>,
    pub hash: Vec<u8>,
}

impl Prepared {
    pub fn new(described: Described, readable: Readable) -> Self {
        let digested = |piece: Piece| {
            let digest = digest(&described.title, piece.heading.as_deref(), &piece.text);
            (piece, digest)
        };
        let pieces = pieces(&readable).into_iter().map(digested).collect();
        let text = readable.text;
        let hash = Sha256::new()
            .chain_update(described.title.as_bytes())
            .chain_update([0])
            .chain_update(described.media_type.name())
            .chain_update([0])
            .chain_update(described.egress.name())
            .chain_update([0])
            .chain_update(text.as_bytes());
        Self { described, text, pieces, hash: hash.finalize().to_vec() }
    }
}

impl NewDocument {
    /// Without its text, and the text: what is to be read is checked last, for it takes time.
    pub fn described(&self, problems: &mut Problems) -> Option<Described> {
        let Self { workspace, scope, external_id, title, media_type, text, egress, .. } = self;
        let external_id = external_id.clone();
        let within = (*workspace, *scope);
        let described = Described::checked(problems, within, external_id, title, media_type, *egress);
        if described.as_ref().is_some_and(|described| described.media_type == MediaType::Pdf) {
            problems.invalid("mediaType", "a PDF is no text: send the file by createUpload");
        }
        if text.len() > MAX_DOCUMENT_TEXT {
            let count = text.len();
            let message = format!(
                "{count} bytes: at most {MAX_DOCUMENT_TEXT} are possible; send what is more by createUpload"
            );
            problems.invalid("text", message);
        }
        described
    }
}

/// A chunk is found by what it stands under, too.
pub fn digest(title: &str, heading: Option<&str>, text: &str) -> Digest {
    match heading {
        None => Digest::of_passage(text, title),
        Some(heading) => Digest::of_passage(text, &format!("{title}\n{heading}")),
    }
}

/// Reads and cuts a text that came in a mutation.
pub fn prepare(described: Described, text: &str) -> Result<Prepared> {
    let readable = extract(described.media_type, text.as_bytes(), &mut |_, _| {});
    let readable = readable.map_err(|failure| Error::Refused(vec![failure.problem()]))?;
    Ok(Prepared::new(described, readable))
}

/// For whoever asks for what was forgotten.
pub fn forgotten(path: &str) -> Error {
    Error::Refused(vec![Problem::new(
        ProblemCode::Forgotten,
        path,
        "this was forgotten on request, and stays so: use another id to add it anew",
    )])
}

/// Leave to send one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Upload {
    pub id: Uuid,
    /// Who asked for it.
    pub principal: Uuid,
    pub described: Described,
    /// Bytes of the file, exactly.
    pub size: usize,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// A file to come, as a client announces it.
#[derive(Clone, Debug)]
pub struct NewUpload {
    pub workspace: WorkspaceId,
    pub scope: MemoryScope,
    pub external_id: Option<String>,
    /// Of the file.
    pub name: String,
    /// The name where there is none.
    pub title: Option<String>,
    pub media_type: String,
    /// Bytes.
    pub size: i32,
    pub egress: Egress,
}

impl NewUpload {
    /// What the document will be, and how large the file is.
    pub fn checked(self) -> Result<(Described, usize)> {
        let mut problems = Problems::default();
        let Self { workspace, scope, external_id, name, title, media_type, size, egress } = self;
        let name = text::name(&mut problems, "name", &name, MAX_TITLE);
        let title = title.unwrap_or(name);
        let within = (workspace, scope);
        let described = Described::checked(&mut problems, within, external_id, &title, &media_type, egress);
        let bytes = usize::try_from(size).ok().filter(|size| (1..=MAX_FILE).contains(size));
        if bytes.is_none() {
            problems.invalid("size", format!("{size} bytes: 1 to {MAX_FILE} are possible"));
        }
        problems.finish()?;
        described.zip(bytes).ok_or_else(|| Error::internal("a problem was not told"))
    }
}
