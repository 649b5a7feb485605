//! What calls asked and answered, where it is kept.
use crate::{
    gateway::{Gateway, KeptContent},
    graphql_kit::{ApiError, ContextExt, DateTime, Json, UserError, payload},
    shared::id::WorkspaceId,
};
use async_graphql::{Context, InputObject, Object, SimpleObject};

/// What a call of a model asked and answered, as guardrails let it pass: what they mask has placeholders.
#[derive(SimpleObject, Clone, Debug)]
pub struct LlmCallContent {
    /// `{system, topic, goal, messages: [{speaker, text, tools: [{name, arguments}]}], sources: [{id, text, speaker}],
    /// tools: [name]}`; a speaker of a message is USER, ASSISTANT or TOOL.
    asked: Json,
    /// Null where there was none.
    answer: Option<String>,
    /// Since when it is kept: for `gateway.content_days` of the server's configuration.
    kept_at: DateTime,
}

impl From<KeptContent> for LlmCallContent {
    fn from(kept: KeptContent) -> Self {
        Self { asked: Json(kept.asked), answer: kept.answer, kept_at: kept.kept_at.into() }
    }
}

#[derive(Default, Debug)]
pub struct ContentMutation;

#[Object]
impl ContentMutation {
    /// Has contents of the workspace's calls of models kept from now on, or not; where they are not any more, those that
    /// were kept are erased. On other servers it holds within two seconds. Takes an ADMIN.
    async fn keep_call_contents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where, and whether.")] input: KeepCallContentsInput,
    ) -> Result<KeepCallContentsPayload, ApiError> {
        let (gateway, actor) = (ctx.service::<Gateway>()?, ctx.actor()?);
        let outcome = gateway.keep_call_contents(actor, input.workspace_id, input.keep).await;
        let (keeps_call_contents, user_errors) = payload(outcome)?;
        Ok(KeepCallContentsPayload { keeps_call_contents, user_errors })
    }
}

/// Whether contents of calls of models are kept.
#[derive(InputObject, Debug)]
pub struct KeepCallContentsInput {
    /// The workspace.
    workspace_id: WorkspaceId,
    /// Whether they are.
    keep: bool,
}

/// What came of `keepCallContents`.
#[derive(SimpleObject, Debug)]
pub struct KeepCallContentsPayload {
    /// As it is now; null where `userErrors` says why not.
    keeps_call_contents: Option<bool>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
