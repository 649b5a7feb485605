//! Documents, their chunks, and files to come.
use super::{Egress, ErasureReceipt, MemoryScope};
use crate::{
    graphql_kit::{
        ApiError, Connection, ContextExt, DateTime, Loaded, Loader, Shown, UserError, connection, each,
        edited, page_request, payload,
    },
    memory::{MemoryService, model, policy, uploads::Ticket},
    shared::{
        Page, PageRequest,
        actor::Actor,
        id::{DocumentChunkId, DocumentId, WorkspaceId},
    },
};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use std::collections::HashMap;

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

/// A document to add.
#[derive(InputObject, Debug)]
pub struct AddDocumentInput {
    /// The workspace that it lies in.
    workspace_id: WorkspaceId,
    /// The id in the system that it comes from, at most 500 characters. The same one again, in the same scope, is the same
    /// document.
    external_id: Option<String>,
    /// What it is called, at most 500 characters. Recall finds it by these words, too.
    title: String,
    /// What the text is: `text/plain`, `text/markdown` or `text/html`. Of HTML the words are kept, without scripts and the
    /// like.
    media_type: String,
    /// The text, at most 2 MB. Send it as a variable. What is larger, and PDF, comes by `createUpload`.
    text: String,
    /// Who reads it: WORKSPACE or USER.
    #[graphql(default_with = "MemoryScope::Workspace")]
    scope: MemoryScope,
    /// Which providers of models may see it. What is INTERNAL_ONLY is left out of what an outside provider is asked.
    #[graphql(default_with = "Egress::Allowed")]
    egress: Egress,
    /// The version that this one was made from: with another one by now, nothing is changed and `current` is given.
    expected_version: Option<i32>,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    idempotency_key: Option<String>,
    /// A UUID that the client gives what it adds offline: the same one with the same content is the same document, for
    /// ever.
    client_id: Option<ID>,
}

/// A file to announce.
#[derive(InputObject, Debug)]
pub struct CreateUploadInput {
    /// The workspace that its document lies in.
    workspace_id: WorkspaceId,
    /// The name of the file, at most 500 characters.
    name: String,
    /// What it is: `application/pdf`, `text/plain`, `text/markdown` or `text/html`.
    media_type: String,
    /// How many bytes it has, exactly: at most 20 MB (20,971,520).
    size: i32,
    /// What the document is called, at most 500 characters; the file's name if nothing is said.
    title: Option<String>,
    /// The id in the system that it comes from, at most 500 characters. The same one again, in the same scope, is the same
    /// document.
    external_id: Option<String>,
    /// Who reads it: WORKSPACE or USER.
    #[graphql(default_with = "MemoryScope::Workspace")]
    scope: MemoryScope,
    /// Which providers of models may see it.
    #[graphql(default_with = "Egress::Allowed")]
    egress: Egress,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    idempotency_key: Option<String>,
}

/// Which document to forget.
#[derive(InputObject, Debug)]
pub struct ForgetDocumentInput {
    /// The document.
    document_id: DocumentId,
}

#[derive(Default, Debug)]
pub struct DocumentMutation;

#[Object]
impl DocumentMutation {
    /// Adds a document and cuts it into chunks, which recall finds. The same `externalId` again, in the same scope, is the
    /// same document: with another text (or title) a new version, whose chunks take the place of the old ones at once.
    async fn add_document(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: AddDocumentInput,
    ) -> Result<AddDocumentPayload, ApiError> {
        let new = model::NewDocument {
            workspace: input.workspace_id,
            scope: input.scope.into(),
            external_id: input.external_id,
            title: input.title,
            media_type: input.media_type,
            text: input.text,
            egress: input.egress.into(),
            client_id: input.client_id.map(|id| id.0),
            expected_version: input.expected_version,
        };
        let memories = ctx.service::<MemoryService>()?;
        let added = memories.add_document(ctx.actor()?, new, input.idempotency_key).await;
        let Shown { result, current, user_errors } = edited(added)?;
        Ok(AddDocumentPayload { document: result.map(Document), current: current.map(Document), user_errors })
    }

    /// Gives leave to send one file, by PUT to the address that it answers. The PUT is answered with status 201 and
    /// `{"documentId": "…"}`; the file is read in the background, and `changes` tells how far its document is.
    async fn create_upload(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file to come.")] input: CreateUploadInput,
    ) -> Result<CreateUploadPayload, ApiError> {
        let new = model::NewUpload {
            workspace: input.workspace_id,
            scope: input.scope.into(),
            external_id: input.external_id,
            name: input.name,
            title: input.title,
            media_type: input.media_type,
            size: input.size,
            egress: input.egress.into(),
        };
        let memories = ctx.service::<MemoryService>()?;
        let made = memories.create_upload(ctx.actor()?, new, input.idempotency_key).await;
        let (ticket, user_errors) = payload(made)?;
        Ok(CreateUploadPayload { upload: ticket.map(FileUpload::from), user_errors })
    }

    /// Erases a document for good: its text, its chunks and their entries in the search index, a file that is still to be
    /// read, its words where replies quote them, and the outputs of runs that read it. The `externalId` stays taken, so that
    /// it does not come back.
    async fn forget_document(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to forget.")] input: ForgetDocumentInput,
    ) -> Result<ForgetDocumentPayload, ApiError> {
        let memories = ctx.service::<MemoryService>()?;
        let (receipt, user_errors) =
            payload(memories.forget_document(ctx.actor()?, input.document_id).await)?;
        Ok(ForgetDocumentPayload { receipt: receipt.map(ErasureReceipt::from), user_errors })
    }
}

/// What came of `addDocument`.
#[derive(SimpleObject, Debug)]
pub struct AddDocumentPayload {
    /// The document; null where `userErrors` says why not.
    document: Option<Document>,
    /// The document as it is, where it was changed meanwhile and so nothing was done.
    current: Option<Document>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// What came of `createUpload`.
#[derive(SimpleObject, Debug)]
pub struct CreateUploadPayload {
    /// Where to send the file; null where `userErrors` says why not.
    upload: Option<FileUpload>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// Leave to send one file.
#[derive(SimpleObject, Debug)]
pub struct FileUpload {
    /// Where to PUT it, from the root of this server: good for this one file, and once. Whoever has it may send the file,
    /// so keep it to yourself.
    url: String,
    /// What the PUT has to say as its `content-type`.
    media_type: String,
    /// How many bytes it has to have.
    size: i32,
    /// Until when the file must have begun to come.
    expires_at: DateTime,
}

impl From<Ticket> for FileUpload {
    fn from(ticket: Ticket) -> Self {
        let Ticket { path, upload } = ticket;
        Self {
            url: path,
            media_type: upload.described.media_type.name().to_owned(),
            size: i32::try_from(upload.size).unwrap_or(i32::MAX),
            expires_at: DateTime(upload.expires_at),
        }
    }
}

/// What came of `forgetDocument`.
#[derive(SimpleObject, Debug)]
pub struct ForgetDocumentPayload {
    /// What was erased; null where `userErrors` says why not.
    receipt: Option<ErasureReceipt>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// Documents, their texts and their chunks. One per request: it carries the request's actor.
#[derive(Debug)]
pub struct DocumentLoader {
    pub(super) memories: MemoryService,
    pub(super) actor: Actor,
}

/// The text of a document.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TextOf(pub DocumentId);

/// A page of a document's chunks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ChunksOf {
    pub document: DocumentId,
    pub request: PageRequest,
}

impl Loader<DocumentId> for DocumentLoader {
    type Value = Document;

    async fn load(&self, ids: &[DocumentId]) -> Loaded<HashMap<DocumentId, Document>> {
        let found = self.memories.find_documents(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, document)| (id, Document(document))).collect())
    }
}

impl Loader<DocumentChunkId> for DocumentLoader {
    type Value = DocumentChunk;

    async fn load(&self, ids: &[DocumentChunkId]) -> Loaded<HashMap<DocumentChunkId, DocumentChunk>> {
        let found = self.memories.find_chunks(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, chunk)| (id, DocumentChunk::from(chunk))).collect())
    }
}

impl Loader<TextOf> for DocumentLoader {
    type Value = String;

    async fn load(&self, keys: &[TextOf]) -> Loaded<HashMap<TextOf, String>> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = self.memories.find_texts(&self.actor, &ids).await?;
        Ok(found.into_iter().map(|(id, text)| (TextOf(id), text)).collect())
    }
}

impl Loader<ChunksOf> for DocumentLoader {
    type Value = Loaded<Page<model::DocumentChunk>>;

    async fn load(&self, keys: &[ChunksOf]) -> Loaded<HashMap<ChunksOf, Self::Value>> {
        let mut documents: HashMap<PageRequest, Vec<DocumentId>> = HashMap::new();
        for key in keys {
            documents.entry(key.request).or_default().push(key.document);
        }
        let mut loaded = HashMap::new();
        for (request, documents) in documents {
            let pages = self.memories.list_chunks(&self.actor, &documents, &request).await;
            let key = |document| ChunksOf { document, request };
            let pages = pages.map(|pages| pages.into_iter().map(|(document, page)| (key(document), page)));
            loaded.extend(each(documents.into_iter().map(key), pages));
        }
        Ok(loaded)
    }
}
