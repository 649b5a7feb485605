//! Gives items their vectors, and moves workspaces from one model to another.
//!
//! Nothing is kept of what is under way but the rows themselves: a vector is written with the number up to which its partition
//! was looked at, in one transaction, so whoever is killed leaves work undone and nothing half done. Workspaces take turns of
//! some batches; a turn is held for a while, so that two processes do not ask for the same.
use super::turn::{LEASE, Manner, Turn};
use crate::{
    db::Source,
    memory::{
        MemoryService,
        store::{embedding as rows, embedding_state as states},
    },
    shared::{Result, id::WorkspaceId},
};
use chrono::TimeDelta;
use futures_util::{FutureExt, StreamExt, stream};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// From one look to the next where nothing was left to do.
const EVERY: Duration = Duration::from_secs(1);
/// From one look at all workspaces to the next: whether their routes lead to another model, and what is left of an old one.
const SURVEY: Duration = Duration::from_secs(60);
/// Workspaces of one look, and of those at once.
const LOOKED_AT: u64 = 100;
const AT_ONCE: usize = 4;
/// How long the vectors of the model before are kept: by them may still rank who looked before the change, and servers
/// that are started one after the other with another route do not have it all made anew.
const GRACE: TimeDelta = TimeDelta::minutes(10);
/// Vectors that are deleted in one transaction.
const DELETED: u64 = 1_000;
/// How long to wait after a failure, doubled with each that follows.
const WAIT: TimeDelta = TimeDelta::seconds(1);
const LONGEST_WAIT: TimeDelta = TimeDelta::seconds(60);
impl MemoryService {
    /// Works until `stop`, where the operator names a route. Any number of processes may.
    pub async fn keep_embedded(self, stop: CancellationToken) {
        if self.ports.embeddings.is_none() {
            return;
        }
        if let Err(error) = self.take_over().await {
            tracing::warn!(error = %error.for_log(), "workspaces that were left in the midst of their turn wait for its end");
        }
        let (mut surveyed, mut after) = (None::<Instant>, None);
        while !stop.is_cancelled() {
            if surveyed.is_none_or(|at| at.elapsed() >= SURVEY) {
                if let Err(error) = self.survey_embeddings().await {
                    tracing::warn!(error = %error.for_log(), "which models are wanted could not be looked at; it is tried again");
                }
                surveyed = Some(Instant::now());
            }
            let more = match self.embed_some(&mut after, &stop).await {
                Ok(more) => more,
                Err(error) => {
                    tracing::warn!(error = %error.for_log(), "what lacks vectors was not found; it is tried again");
                    false
                }
            };
            if !more {
                let _ = stop.run_until_cancelled(sleep(EVERY)).await;
            }
        }
    }

    /// One SQLite file has one server, and this is it: whoever had a turn is gone.
    async fn take_over(&self) -> Result<()> {
        if !self.db.is_sqlite() {
            return Ok(());
        }
        let tx = self.log.begin().await?;
        states::release_all(&tx).await?;
        tx.commit().await
    }

    /// Gives vectors to all that lacks them now, as far as providers give some.
    pub async fn embed_due(&self) -> Result<()> {
        let stop = CancellationToken::new();
        let mut after = None;
        while self.embed_some(&mut after, &stop).await? {}
        Ok(())
    }

    /// A turn for each workspace behind `after` that has something to do; false where there was none.
    async fn embed_some(&self, after: &mut Option<WorkspaceId>, stop: &CancellationToken) -> Result<bool> {
        let begun = *after;
        let due = states::list_due(&self.db, self.ambient.now(), begun, LOOKED_AT).await?;
        *after = due.last().copied().filter(|_| due.len() as u64 == LOOKED_AT);
        let count = due.len();
        let turns: Vec<_> = due.into_iter().map(|workspace| self.embed_turn(workspace, stop)).collect();
        stream::iter(turns).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        Ok(count > 0 || begun.is_some())
    }

    async fn embed_turn(&self, workspace: WorkspaceId, stop: &CancellationToken) {
        if let Err(error) = self.take_turn(workspace, stop).await {
            tracing::warn!(%workspace, error = %error.for_log(), "a turn did not end in order; it ends by itself");
        }
    }

    async fn take_turn(&self, workspace: WorkspaceId, stop: &CancellationToken) -> Result<()> {
        let Some(embeddings) = &self.ports.embeddings else { return Ok(()) };
        if stop.is_cancelled() {
            return Ok(());
        }
        let now = self.ambient.now();
        let tx = self.log.begin().await?;
        let state = states::take(&tx, workspace, now, now + LEASE).await?;
        tx.commit().await?;
        let Some(state) = state else { return Ok(()) };
        let manner = Manner::after(state.failures);
        let turn = Turn { memories: self, embeddings, workspace, manner, stop };
        let (not_before, failures) = match turn.work(&state).boxed().await {
            Ok(()) => (None, 0),
            Err(error) => {
                let wait = (WAIT * 2_i32.pow(state.failures.min(6))).min(LONGEST_WAIT);
                tracing::warn!(%workspace, error = %error.for_log(), seconds = wait.num_seconds(), "no vectors; it is tried again");
                (Some(self.ambient.now() + wait), state.failures.saturating_add(1))
            }
        };
        let tx = self.log.begin().await?;
        states::give_back(&tx, workspace, not_before, failures).await?;
        tx.commit().await
    }

    /// Looks at all workspaces that have vectors: notes which model each wants, and deletes what is left of others.
    pub async fn survey_embeddings(&self) -> Result<()> {
        let Some(embeddings) = &self.ports.embeddings else { return Ok(()) };
        let mut after = None;
        loop {
            let page = states::list_after(&self.db, after, LOOKED_AT).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            for (workspace, state) in page {
                match embeddings.gateway.embedding_model(workspace, &embeddings.config.route).await {
                    Ok(model) => self.survey_one(workspace, &state, &model.to_string()).await?,
                    Err(error) => tracing::warn!(%workspace, error = %error.for_log(), "no model is wanted"),
                }
            }
        }
    }

    async fn survey_one(&self, workspace: WorkspaceId, state: &states::State, wanted: &str) -> Result<()> {
        if state.wanted.as_deref() != Some(wanted) {
            return self.want(workspace, wanted, true).await;
        }
        let is_over = state.switched_at.is_some_and(|at| at + GRACE <= self.ambient.now());
        if state.active.as_deref() != Some(wanted) || !is_over {
            return Ok(());
        }
        loop {
            let tx = self.log.begin().await?;
            // Somebody may have led the route back meanwhile.
            if !states::lock_settled(&tx, workspace, wanted).await? {
                return Ok(());
            }
            let is_last = rows::delete_others(&tx, workspace, wanted, DELETED).await? < DELETED;
            if is_last {
                states::forget_switch(&tx, workspace).await?;
            }
            tx.commit().await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// `at_once`: whatever failed with another one.
    pub(super) async fn want(&self, workspace: WorkspaceId, model: &str, at_once: bool) -> Result<()> {
        let tx = self.log.begin().await?;
        let dimensions = rows::dimensions_of(&tx, workspace, model).await?;
        states::want(&tx, workspace, model, dimensions).await?;
        if at_once {
            states::give_back(&tx, workspace, None, 0).await?;
        }
        tx.commit().await
    }
}
