use super::{CallLoader, call::LlmCall};
use crate::{
    gateway::Gateway,
    graphql_kit::{ApiError, ContextExt, Cursor, DateTime},
    shared::{Error, id::WorkspaceId},
};
use async_graphql::{Context, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt};

#[derive(Default, Debug)]
pub struct CallSubscription;

#[Subscription]
impl CallSubscription {
    /// Calls of models as they end, in the order in which they were logged: everybody's for who administers the
    /// workspace, the caller's own for the others. Takes a MEMBER. Never completes.
    async fn llm_call_events<'c>(
        &self,
        ctx: &'c Context<'c>,
        #[graphql(desc = "The workspace.")] workspace_id: WorkspaceId,
        #[graphql(desc = "Only those that were logged after this place; from now on if left out.")]
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<LlmCallEvent, ApiError>> + use<'c>, ApiError> {
        let gateway = ctx.service::<Gateway>()?;
        let events = gateway.follow_calls(ctx.actor()?, workspace_id, after.map(|cursor| cursor.0)).await?;
        Ok(events.then(move |ended| async move {
            let ended = ended?;
            let call = ctx.load::<_, CallLoader>(ended.call).await?.ok_or(Error::NotFound("call"))?;
            Ok(LlmCallEvent { cursor: Cursor(ended.cursor), at: DateTime(ended.at), call })
        }))
    }
}

/// A call of a model ended.
#[derive(SimpleObject, Debug)]
pub struct LlmCallEvent {
    /// Its place in the workspace's log: resume after it.
    cursor: Cursor,
    /// When it was logged.
    at: DateTime,
    /// The call.
    call: LlmCall,
}
