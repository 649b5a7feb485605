//! Documents and their chunks.
use super::{
    Egress, MemoryScope,
    document_load::{ChunksOf, DocumentLoader, TextOf},
};
use crate::{
    graphql_kit::{ApiError, Connection, ContextExt, DateTime, connection, page_request},
    memory::{MemoryService, model, policy},
    shared::{
        Page,
        id::{DocumentChunkId, DocumentId, WorkspaceId},
    },
};
use async_graphql::{Context, Enum, ID, Object, SimpleObject};

/// How far a document is. New states may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::DocumentStatus")]
pub enum DocumentStatus {
    /// A file is being read: its text comes. What the document said before is found until then.
    Processing,
    /// Recall finds it.
    Ready,
    /// The last file could not be read: `failure` says why. What the document said before is found as ever.
    Failed,
}

/// Why a file could not be read. New reasons may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::DocumentFailure")]
pub enum DocumentFailure {
    /// It is no text in UTF-8.
    WrongEncoding,
    /// It is not of the type that it was sent as, or it is damaged.
    Broken,
    /// It is locked with a password.
    Encrypted,
    /// There are no words in it: pictures of pages, for example.
    NoText,
    /// It has more than 4 MB of text: send it in parts.
    TooMuchText,
    /// Reading it takes more time or memory than a document may have.
    TooComplex,
}

#[derive(Clone, Debug)]
pub struct Document(model::Document);

impl From<model::Document> for Document {
    fn from(document: model::Document) -> Self {
        Self(document)
    }
}

/// A text that recall finds by its parts: a note, a page, a paper.
#[Object]
impl Document {
    /// Stable for ever.
    pub async fn id(&self) -> DocumentId {
        self.0.id
    }

    /// The id in the system that it came from.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// The id that the client gave it which added it; null where it gave none.
    async fn client_id(&self) -> Option<ID> {
        self.0.client_id.map(|id| ID(id.to_string()))
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<DocumentViewerCan, ApiError> {
        let may = ctx.actor()?.may::<policy::ForgetDocument>(self.0.workspace);
        Ok(DocumentViewerCan { forget_document: may.is_ok() })
    }

    /// What it is called.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// What its source is: `text/plain`, `text/markdown`, `text/html` or `application/pdf`.
    async fn media_type(&self) -> &str {
        self.0.media_type.name()
    }

    /// Who reads it.
    async fn scope(&self) -> MemoryScope {
        self.0.scope.into()
    }

    /// Which providers of models may see it.
    async fn egress(&self) -> Egress {
        self.0.egress.into()
    }

    /// How far it is.
    async fn status(&self) -> DocumentStatus {
        self.0.status.into()
    }

    /// Why the last file could not be read; null unless `status` is FAILED.
    async fn failure(&self) -> Option<DocumentFailure> {
        self.0.failure.map(DocumentFailure::from)
    }

    /// How far a file is read, of a hundred.
    async fn progress(&self) -> i32 {
        self.0.progress
    }

    /// From 1, one more with each change of what it says.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// How long its text is, in UTF-16 code units.
    async fn length(&self) -> i32 {
        self.0.length
    }

    /// Its text, which the offsets of its chunks count in: of plain text and Markdown the source itself, of HTML and PDF
    /// what was read from it. Null before there is one.
    async fn text(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        ctx.load::<_, DocumentLoader>(TextOf(self.0.id)).await
    }

    /// The parts that it was cut into, in the order of the text.
    async fn chunks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<DocumentChunk>, ApiError> {
        let request = page_request(ctx, self.0.id, first, after, last, before)?;
        let key = ChunksOf { document: self.0.id, request };
        let page = ctx.load::<_, DocumentLoader>(key).await?.transpose()?;
        Ok(connection(self.0.id, page.unwrap_or_else(|| Page::empty(Some(0))), DocumentChunk::from))
    }

    /// When it was added.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When its text or its state last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

/// What the caller may do with a document: true where the mutation of that name is not refused with FORBIDDEN.
#[derive(SimpleObject, Debug)]
pub struct DocumentViewerCan {
    /// Erase it.
    forget_document: bool,
}

#[derive(Clone, Debug)]
pub struct DocumentChunk {
    chunk: model::DocumentChunk,
    /// Where it was loaded with it.
    document: Option<model::Document>,
}

impl From<model::DocumentChunk> for DocumentChunk {
    fn from(chunk: model::DocumentChunk) -> Self {
        Self { chunk, document: None }
    }
}

impl DocumentChunk {
    pub fn of(chunk: model::DocumentChunk, document: model::Document) -> Self {
        Self { chunk, document: Some(document) }
    }
}

/// A part of a document's text, at most some 600 tokens. A new version of the document has new chunks.
#[Object]
impl DocumentChunk {
    /// Stable as long as the document says the same.
    pub async fn id(&self) -> DocumentChunkId {
        self.chunk.id
    }

    /// Its words: the document's text between the two offsets.
    async fn text(&self) -> &str {
        &self.chunk.text
    }

    /// The heading that it stands under.
    async fn heading(&self) -> Option<&str> {
        self.chunk.heading.as_deref()
    }

    /// Where it begins in the document's text, in UTF-16 code units, as JavaScript, Swift and Java count.
    async fn start(&self) -> i32 {
        self.chunk.start
    }

    /// Where it ends, exclusive.
    async fn end(&self) -> i32 {
        self.chunk.end
    }

    /// What it is a part of.
    async fn document(&self, ctx: &Context<'_>) -> Result<Document, ApiError> {
        if let Some(document) = &self.document {
            return Ok(document.clone().into());
        }
        let found: Option<Document> = ctx.load::<_, DocumentLoader>(self.chunk.document).await?;
        Ok(found.ok_or(crate::shared::Error::NotFound("document"))?)
    }
}

/// The part of `Workspace` that is about documents.
#[derive(Clone, Debug)]
pub struct WorkspaceFiles {
    pub workspace: WorkspaceId,
}

#[Object]
impl WorkspaceFiles {
    /// The documents that the caller may see, newest first.
    async fn documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Document>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let memories = ctx.service::<MemoryService>()?;
        let page = memories.list_documents(ctx.actor()?, self.workspace, &request).await?;
        Ok(connection(self.workspace, page, Document))
    }
}
