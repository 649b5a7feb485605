//! What calls asked and answered: whether it is kept, who sees it, and how long.
use super::{Gateway, route::TOPIC};
use crate::{
    account::AuditAction,
    gateway::{content::KeptContent, policy, store},
    shared::{
        Result,
        actor::{Actor, Administer, Read},
        id::{AnyId, LlmCallId, WorkspaceId},
    },
};
use serde_json::json;
use std::{collections::HashMap, time::Duration};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Between two sweeps, and between two deletions of one.
const EVERY: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_millis(20);

impl Gateway {
    /// From now on contents of the workspace's calls are kept, or not; where they are not any more, all that were are
    /// erased.
    pub async fn keep_call_contents(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        keep: bool,
    ) -> Result<bool> {
        let grant = actor.may::<policy::KeepCallContents>(workspace)?;
        let mut tx = self.events.begin().await?;
        store::advance(&tx, &grant).await?;
        if !store::set_keeps_contents(&tx, &grant, keep).await? {
            return Ok(keep);
        }
        if !keep {
            store::delete_contents(&tx, &grant).await?;
        }
        let (by, subject) = (Some(actor.principal()), AnyId::Workspace(workspace));
        let (action, data) = (AuditAction::CallContentsSet, json!({ "keep": keep }));
        self.account.audit(&mut tx, by, Some(workspace), action, subject, data).await?;
        tx.tell(TOPIC, workspace.uuid().as_bytes().to_vec());
        tx.commit().await?;
        self.forget_held(workspace);
        Ok(keep)
    }

    pub async fn keeps_call_contents(&self, actor: &Actor, workspace: WorkspaceId) -> Result<bool> {
        actor.may::<Read>(workspace)?;
        Ok(self.held(workspace).await?.keeps_contents)
    }

    /// Those that the actor may see.
    pub async fn find_contents(
        &self,
        actor: &Actor,
        ids: &[LlmCallId],
    ) -> Result<HashMap<LlmCallId, KeptContent>> {
        store::find_contents(&self.db, &actor.scope(), &actor.scope::<Administer>(), ids).await
    }

    /// Erases what was kept long enough, until `stop`.
    pub async fn sweep_contents(self, stop: CancellationToken) {
        let sweeps = async {
            loop {
                let wait = match self.erase_old_contents().await {
                    Ok(0) => EVERY,
                    Ok(_) => PAUSE,
                    Err(error) => {
                        tracing::warn!(error = %error.for_log(), "old contents of calls were not erased; it is tried again");
                        EVERY
                    }
                };
                sleep(wait).await;
            }
        };
        let _ = stop.run_until_cancelled(sweeps).await;
    }

    async fn erase_old_contents(&self) -> Result<u64> {
        let tx = self.events.begin().await?;
        let erased = store::delete_contents_before(&tx, self.ambient.now() - self.keep_contents).await?;
        tx.commit().await?;
        Ok(erased)
    }
}
