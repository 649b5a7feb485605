//! A tool in a step: what the model that it asks has done, as whoever started the run.
use super::{
    super::{
        event::What,
        store::{self, Lease},
    },
    Executor,
    call::Within,
};
use crate::{
    event::Tx,
    gateway::{Asking, Origin, Told, ToolUse, Tools, Used},
    shared::{Error, Result, actor::Grant},
};

impl Executor {
    /// Uses a tool, and gives what the model is told of it, and of what in memory. In a task of its own: what a tool
    /// changes and what tells of it commit together, whoever gives the step up.
    pub(super) async fn use_tool(
        &self,
        within: &Within,
        tools: &Tools,
        told: Vec<Told>,
        asked: ToolUse,
    ) -> Result<(String, Vec<Told>)> {
        let (executor, within, tools) = (self.clone(), within.clone(), tools.clone());
        let used = tokio::spawn(async move { executor.use_tool_whole(&within, &tools, told, asked).await });
        used.await.map_err(Error::internal)?
    }

    async fn use_tool_whole(
        &self,
        within: &Within,
        tools: &Tools,
        told: Vec<Told>,
        asked: ToolUse,
    ) -> Result<(String, Vec<Told>)> {
        let Within { lease, step, actor } = within;
        let tool = asked.name.clone();
        let mut tx = self.log.begin().await?;
        self.tell(&mut tx, lease, &What::StepToolStarted { step: step.clone(), tool: tool.clone() }).await?;
        tx.commit().await?;
        let origin = Origin::Step { run: lease.run, key: step.key.clone() };
        let asking = Asking { workspace: lease.workspace, origin, workflow: Some(lease.workflow), told };
        let Used { done, succeeded } = tools.use_one(actor, &asking, asked).await;
        let mut tx = match done.tx {
            Some(tx) => tx,
            None => self.log.begin().await?,
        };
        self.tell(&mut tx, lease, &What::StepToolCompleted { step: step.clone(), tool, succeeded }).await?;
        tx.commit().await?;
        Ok((done.text, done.read))
    }

    /// An error where the run is over or in other hands: then nothing of the transaction is to stay.
    async fn tell(&self, tx: &mut Tx, lease: &Lease, what: &What) -> Result<()> {
        store::renew(tx, lease, self.lease_end()).await?.ok_or(Error::NotFound("run"))?;
        tx.record(&Grant::upkeep(lease.workspace, lease.principal), what.record(lease.run)?);
        Ok(())
    }
}
