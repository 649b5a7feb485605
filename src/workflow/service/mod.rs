//! [`definition`] makes workflows and versions, [`run`] starts, decides and cancels; here is what is read of them.
mod definition;
mod run;

use super::{
    event::{RUN_CREATED, RunEvent},
    model::{Approval, Run, RunFilter, StepAttempt, StepRun, Version, Workflow},
    store,
};
use crate::{
    db::Db,
    event::{Cursor, Log, Tx},
    gateway::Workflows,
    memory::{Derived, Erased, Remembered},
    shared::{
        Ambient, Error, Page, PageRequest, Result,
        actor::{Actor, Grant, Read, Write},
        id::{ApprovalId, RunId, StepRunId, WorkflowId, WorkflowVersionId, WorkspaceId},
    },
};
use futures_util::Stream;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::watch;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub struct WorkflowService {
    db: Db,
    log: Log,
    ambient: Ambient,
    /// Changes when a run became due here.
    hint: Arc<watch::Sender<()>>,
}

const NO_WORKFLOW: Error = Error::NotFound("workflow");
const NO_RUN: Error = Error::NotFound("run");

impl WorkflowService {
    pub fn new(db: Db, log: Log, ambient: Ambient) -> Self {
        Self { db, log, ambient, hint: Arc::new(watch::Sender::new(())) }
    }

    /// Changes when a run became due in this process; a worker in another one finds it by looking.
    pub(super) fn hint(&self) -> watch::Receiver<()> {
        self.hint.subscribe()
    }

    pub async fn find_workflows(
        &self,
        actor: &Actor,
        ids: &[WorkflowId],
    ) -> Result<HashMap<WorkflowId, Workflow>> {
        actor.key_allows::<Read>()?;
        store::find_workflows(&self.db, &actor.scope(), ids).await
    }

    /// The workspace's workflow of this slug.
    pub async fn find_by_slug(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        slug: &str,
    ) -> Result<Option<Workflow>> {
        store::find_by_slug(&self.db, &actor.may::<Read>(workspace)?, slug).await
    }

    pub async fn find_versions(
        &self,
        actor: &Actor,
        ids: &[WorkflowVersionId],
    ) -> Result<HashMap<WorkflowVersionId, Version>> {
        actor.key_allows::<Read>()?;
        store::find_versions(&self.db, &actor.scope(), ids).await
    }

    pub async fn find_runs(&self, actor: &Actor, ids: &[RunId]) -> Result<HashMap<RunId, Run>> {
        actor.key_allows::<Read>()?;
        store::find_runs(&self.db, &actor.scope(), ids).await
    }

    pub async fn find_steps(&self, actor: &Actor, ids: &[StepRunId]) -> Result<HashMap<StepRunId, StepRun>> {
        actor.key_allows::<Read>()?;
        store::find_steps(&self.db, &actor.scope(), ids).await
    }

    pub async fn find_approvals(
        &self,
        actor: &Actor,
        ids: &[ApprovalId],
    ) -> Result<HashMap<ApprovalId, Approval>> {
        actor.key_allows::<Read>()?;
        store::find_approvals(&self.db, &actor.scope(), ids).await
    }

    /// Newest first.
    pub async fn list_workflows(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        request: &PageRequest,
    ) -> Result<Page<Workflow>> {
        store::list_workflows(&self.db, &actor.may::<Read>(workspace)?, request).await
    }

    /// Newest first.
    pub async fn list_runs(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        filter: &RunFilter,
        request: &PageRequest,
    ) -> Result<Page<Run>> {
        store::list_runs(&self.db, &actor.may::<Read>(workspace)?, filter, request).await
    }

    /// The steps of each run in the graph's order, in one statement.
    pub async fn list_steps(
        &self,
        actor: &Actor,
        runs: &[RunId],
        request: &PageRequest,
    ) -> Result<HashMap<Uuid, Page<StepRun>>> {
        actor.key_allows::<Read>()?;
        store::list_steps(&self.db, &actor.scope(), runs, request).await
    }

    /// The attempts of each step, the first one first, in one statement.
    pub async fn list_attempts(
        &self,
        actor: &Actor,
        steps: &[StepRunId],
        request: &PageRequest,
    ) -> Result<HashMap<Uuid, Page<StepAttempt>>> {
        actor.key_allows::<Read>()?;
        store::list_attempts(&self.db, &actor.scope(), steps, request).await
    }

    /// The end of the workspace's log, to subscribe from. Read it before what it is to stand beside.
    pub async fn head(&self, actor: &Actor, workspace: WorkspaceId) -> Result<Cursor> {
        let grant = actor.may::<Read>(workspace)?;
        Ok(Cursor::new(workspace, self.log.head(&self.db, grant.workspace()).await?))
    }

    /// The place of the run's first event: nothing of the run lies before it.
    pub async fn origin(&self, actor: &Actor, run: &Run) -> Result<Cursor> {
        let grant = actor.may::<Read>(run.workspace)?;
        let first = self.log.list(&grant, Some(run.id.uuid()), 0).await?.into_iter().next();
        let position = match first {
            Some(event) => event.position,
            None => self.log.kept_after(&grant).await?,
        };
        Ok(Cursor::new(run.workspace, position))
    }

    /// What happened in a run after `after`, then what happens; ends with the run.
    pub async fn follow(
        &self,
        actor: &Actor,
        id: RunId,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<RunEvent>> + Send + use<>> {
        let (run, grant) = store::find_run(&self.db, &actor.scope::<Read>(), id).await?.ok_or(NO_RUN)?;
        let begin = self.log.begin_of(&grant, id.uuid(), RUN_CREATED, after.as_ref()).await?;
        let (mut follower, ended) =
            (self.log.follower(&grant, Some(id.uuid()), begin), !run.status.is_live());
        Ok(async_stream::try_stream! {
            loop {
                let events = follower.read().await?;
                if events.is_empty() {
                    // Of a run that has ended all is in the log: after its end there is nothing to wait for.
                    if ended {
                        return;
                    }
                    follower.wait().await;
                }
                for event in events {
                    let Some(event) = RunEvent::of(&event) else { continue };
                    let last = event.what.is_last();
                    yield event;
                    if last {
                        return;
                    }
                }
            }
        })
    }
}

#[async_trait::async_trait]
impl Workflows for WorkflowService {
    async fn is_there(&self, actor: &Actor, workspace: WorkspaceId, workflow: WorkflowId) -> Result<bool> {
        let found = self.find_workflows(actor, &[workflow]).await?;
        Ok(found.get(&workflow).is_some_and(|found| found.workspace == workspace))
    }
}

/// What a run derived from a memory goes with it.
#[async_trait::async_trait]
impl Derived for WorkflowService {
    async fn erase(&self, tx: &mut Tx, grant: &Grant<Write>, from: &[Remembered]) -> Result<Vec<Erased>> {
        let (runs, count) = store::erase_derived(tx, grant, from).await?;
        for (run, aside) in runs {
            tx.record(grant, aside.erased(run)?);
        }
        Ok(if count == 0 { vec![] } else { vec![Erased { kind: "STEP_OUTPUT".to_owned(), count }] })
    }

    async fn runs(&self, tx: &Tx, grant: &Grant<Write>, read: &[Remembered]) -> Result<Vec<RunId>> {
        store::runs_that_read(tx, grant, read).await
    }
}
