//! A tool in a turn: what the coach has done, as the person for whom it answers.
use super::{
    event::tool_event,
    model::Turn,
    store::turn as turns,
    worker::{Worker, upkeep},
};
use crate::{
    gateway::{ToolUse, Used},
    shared::{Error, Result, actor::Actor},
};

impl Worker {
    /// Uses a tool, and gives what the model is told of it. In a task of its own: what a tool changes and what tells of
    /// it commit together, whoever interrupts the turn.
    pub(super) async fn use_tool(&self, turn: &Turn, actor: &Actor, asked: ToolUse) -> Result<String> {
        let (worker, turn, actor) = (self.clone(), turn.clone(), actor.clone());
        let used = tokio::spawn(async move { worker.use_tool_whole(&turn, &actor, asked).await });
        used.await.map_err(Error::internal)?
    }

    async fn use_tool_whole(&self, turn: &Turn, actor: &Actor, asked: ToolUse) -> Result<String> {
        let (grant, tool) = (upkeep(turn), asked.name.clone());
        let mut tx = self.parts.log.begin().await?;
        self.hold_on(&tx, turn).await?;
        tx.record(&grant, tool_event(&grant, turn, &tool, None)?);
        tx.commit().await?;
        let Used { done, succeeded } = self.parts.tools.use_one(actor, turn.workspace, asked).await;
        let mut tx = match done.tx {
            Some(tx) => tx,
            None => self.parts.log.begin().await?,
        };
        self.hold_on(&tx, turn).await?;
        tx.record(&grant, tool_event(&grant, turn, &tool, Some(succeeded))?);
        tx.commit().await?;
        Ok(done.text)
    }

    /// An error where the turn is over or in other hands: then nothing of the transaction is to stay.
    async fn hold_on(&self, tx: &crate::event::Tx, turn: &Turn) -> Result<()> {
        let lease_until = self.parts.ambient.now() + self.parts.config.lease();
        let held = turns::renew(tx, turn, lease_until).await?;
        held.map(|_| ()).ok_or(Error::NotFound("turn"))
    }
}
