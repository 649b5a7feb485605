use super::{
    TrustedService,
    model::{self, NewDocument, Registration},
};
use crate::{
    graphql_kit::{ApiError, Connection, ContextExt, DateTime, UserError, connection, page_request, payload},
    shared::id::WorkspaceId,
};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

/// The part of `Workspace` that this slice gives.
#[derive(Clone, Debug)]
pub struct WorkspaceDocuments {
    pub workspace: WorkspaceId,
}

#[Object]
impl WorkspaceDocuments {
    /// Documents that client applications registered here, newest first. For who may register them: an ADMIN, or a key with
    /// the scope DOCUMENTS; FORBIDDEN for others.
    async fn trusted_documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that fit.")] filter: Option<TrustedDocumentFilter>,
    ) -> Result<Option<Connection<TrustedDocument>>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let application = filter.and_then(|filter| filter.application);
        let trusted = ctx.service::<TrustedService>()?;
        let page = trusted.list(ctx.actor()?, self.workspace, application.as_deref(), &request).await?;
        Ok(Some(connection(self.workspace, page, TrustedDocument::from)))
    }
}

/// Which documents to list.
#[derive(InputObject, Debug)]
pub struct TrustedDocumentFilter {
    /// Those that this client application registered first.
    application: Option<String>,
}

/// A document that requests may name instead of sending it.
#[derive(SimpleObject, Debug)]
pub struct TrustedDocument {
    /// By which requests name it. A hash has `sha256:` before it.
    document_id: String,
    /// The client application that registered it first.
    application: String,
    /// The document.
    text: String,
    /// When it was registered.
    registered_at: DateTime,
    /// Who registered it: the id of a person or of a service account.
    registered_by_id: ID,
}

impl From<model::TrustedDocument> for TrustedDocument {
    fn from(document: model::TrustedDocument) -> Self {
        Self {
            document_id: document.id.to_string(),
            application: document.application,
            text: document.text,
            registered_at: document.registered_at.into(),
            registered_by_id: document.registered_by.to_string().into(),
        }
    }
}

#[derive(Default, Debug)]
pub struct TrustedMutation;

#[Object]
impl TrustedMutation {
    /// Registers documents of a client application, so that its requests may name them by `documentId`: all of them, or
    /// none where one may not run. The same documents again change nothing. For a frontend's build: it takes an ADMIN and a
    /// key with the scope DOCUMENTS or ADMIN.
    async fn register_trusted_documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to register.")] input: RegisterTrustedDocumentsInput,
    ) -> Result<RegisterTrustedDocumentsPayload, ApiError> {
        let (trusted, actor) = (ctx.service::<TrustedService>()?, ctx.actor()?);
        let (registered, user_errors) = payload(trusted.register(actor, input.into()).await)?;
        let count = |count: u64| i32::try_from(count).ok();
        Ok(RegisterTrustedDocumentsPayload {
            registered: registered.and_then(|it| count(it.registered)),
            unchanged: registered.and_then(|it| count(it.unchanged)),
            user_errors,
        })
    }

    /// Retires registered documents: requests that name them are refused from then on, by this server at once, by others
    /// within `http.documents.recheck_seconds`; what runs already goes on. What is not there counts as retired. It takes what
    /// registering takes.
    async fn retire_trusted_documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to retire.")] input: RetireTrustedDocumentsInput,
    ) -> Result<RetireTrustedDocumentsPayload, ApiError> {
        let (trusted, actor) = (ctx.service::<TrustedService>()?, ctx.actor()?);
        let outcome = trusted.retire(actor, input.workspace_id, &input.document_ids).await;
        let (retired, user_errors) = payload(outcome)?;
        Ok(RetireTrustedDocumentsPayload {
            retired: retired.and_then(|count| i32::try_from(count).ok()),
            user_errors,
        })
    }
}

/// Documents to be retired together.
#[derive(InputObject, Debug)]
pub struct RetireTrustedDocumentsInput {
    /// Whose they are. A key that opens one workspace alone may leave it out.
    workspace_id: Option<WorkspaceId>,
    /// The ids by which requests name them: 1 to 1,000.
    document_ids: Vec<String>,
}

/// What came of `retireTrustedDocuments`.
#[derive(SimpleObject, Debug)]
pub struct RetireTrustedDocumentsPayload {
    /// Documents that the workspace had until now; null where `userErrors` says why none was retired.
    retired: Option<i32>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// Documents to be registered together.
#[derive(InputObject, Debug)]
pub struct RegisterTrustedDocumentsInput {
    /// Whose members may run them. A key that opens one workspace alone may leave it out.
    workspace_id: Option<WorkspaceId>,
    /// The client application that they are of, at most 100 characters: `web`.
    application: String,
    /// 1 to 1,000. An application has 20,000 at most, a workspace 100,000.
    documents: Vec<TrustedDocumentInput>,
    /// Tells what is wrong, and registers nothing.
    #[graphql(default)]
    validate_only: bool,
}

/// One document.
#[derive(InputObject, Debug)]
pub struct TrustedDocumentInput {
    /// By which requests will name it, at most 200 characters of a–z, A–Z, 0–9 and `-._~`. Best a hash of the text: one with
    /// 64 hex digits, with `sha256:` before it or without, has to be the text's SHA-256.
    id: String,
    /// The document: one operation or several, with their fragments.
    text: String,
}

impl From<RegisterTrustedDocumentsInput> for Registration {
    fn from(input: RegisterTrustedDocumentsInput) -> Self {
        let document = |it: TrustedDocumentInput| NewDocument { id: it.id, text: it.text };
        Self {
            workspace: input.workspace_id,
            application: input.application,
            documents: input.documents.into_iter().map(document).collect(),
            validate_only: input.validate_only,
        }
    }
}

/// What came of `registerTrustedDocuments`.
#[derive(SimpleObject, Debug)]
pub struct RegisterTrustedDocumentsPayload {
    /// Documents that the workspace did not have; null where `userErrors` says why there are none.
    registered: Option<i32>,
    /// Documents that it had already; null where `userErrors` has something.
    unchanged: Option<i32>,
    /// What a person can mend, each with its document's id, the place in its text, and the code that a request with it would
    /// get.
    user_errors: Vec<UserError>,
}
