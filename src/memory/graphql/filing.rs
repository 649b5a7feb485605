//! Adding documents, announcing files, forgetting either.
use super::{Document, Egress, ErasureReceipt, MemoryScope};
use crate::{
    graphql_kit::{ApiError, ContextExt, DateTime, Shown, UserError, edited, payload},
    memory::{MemoryService, model, uploads::Ticket},
    shared::id::{DocumentId, WorkspaceId},
};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

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
        Ok(AddDocumentPayload {
            document: result.map(Document::from),
            current: current.map(Document::from),
            user_errors,
        })
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
