//! What the gateway needs of the slices above it; `app` fills it in.
use crate::shared::{
    Result,
    actor::Actor,
    id::{WorkflowId, WorkspaceId},
};

/// Knows which workflows there are.
#[async_trait::async_trait]
pub trait Workflows: Send + Sync + std::fmt::Debug {
    /// Whether the workflow lies in the workspace, as far as the actor may see it.
    async fn is_there(&self, actor: &Actor, workspace: WorkspaceId, workflow: WorkflowId) -> Result<bool>;
}
