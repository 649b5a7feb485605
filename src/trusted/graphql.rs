use super::{
    TrustedService,
    model::{NewDocument, Registration},
};
use crate::{
    graphql_kit::{ApiError, ContextExt, UserError, payload},
    shared::id::WorkspaceId,
};
use async_graphql::{Context, InputObject, Object, SimpleObject};

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
}

/// Documents to be registered together.
#[derive(InputObject, Debug)]
pub struct RegisterTrustedDocumentsInput {
    /// Whose members may run them. A key that opens one workspace alone may leave it out.
    workspace_id: Option<WorkspaceId>,
    /// The client application that they are of, at most 100 characters: `web`.
    application: String,
    /// 1 to 1,000. An application has 20,000 at most.
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
