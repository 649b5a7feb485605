//! What many subscriptions of one sight show at once is loaded once.
use super::node::Node;
use crate::{
    event,
    graphql_kit::{ApiError, ContextExt, Sight},
    shared::id::{AnyId, WorkspaceId},
};
use async_graphql::Context;
use std::time::Duration;

/// How long a thing is given out as it was loaded.
const KEPT_FOR: Duration = Duration::from_secs(5);

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Shares(event::Shares<(Sight, AnyId), Option<Node>>);

impl Default for Shares {
    fn default() -> Self {
        Self(event::Shares::kept_for(KEPT_FOR))
    }
}

impl Shares {
    /// The thing as it is now, or was when the log was known up to `as_of`.
    pub(super) async fn visible(
        &self,
        ctx: &Context<'_>,
        workspace: WorkspaceId,
        as_of: i64,
        id: AnyId,
    ) -> Result<Option<Node>, ApiError> {
        let sight = Sight::of(ctx.actor()?, workspace);
        self.0.get(workspace, as_of, (sight, id), || Node::visible(ctx, id)).await
    }
}
