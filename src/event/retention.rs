//! How long the log is kept: what is older than `events.retention_days` goes, some at a time, so that nobody who writes
//! waits for it.
//!
//! A sweep marks how far a workspace's log is no longer kept, and deletes what the sweep before it marked: whoever was let
//! in before the mark has had the time between the two to read on. A cursor before the mark is `ResyncRequired`.
use super::log::Log;
use crate::{
    db::Source,
    shared::{Result, id::WorkspaceId},
};
use chrono::{DateTime, TimeDelta, Utc};
use entity::{event, event_head};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, Query},
};
use std::{collections::HashMap, time::Duration};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// From one sweep to the next.
const EVERY: Duration = Duration::from_secs(600);
/// Events that are looked at, or deleted, at once.
const EVENTS: u64 = 500;
/// After each deletion: those who write come in between.
const PAUSE: Duration = Duration::from_millis(20);
/// Workspaces that are looked at at once.
const WORKSPACES: u64 = 100;

/// Each process that works may have one: two do no harm to each other.
#[derive(Debug)]
pub struct Sweeper {
    log: Log,
    keep: TimeDelta,
    /// By the last sweep.
    marked: HashMap<WorkspaceId, i64>,
}

impl Sweeper {
    pub fn new(log: Log, keep: TimeDelta) -> Self {
        Self { log, keep, marked: HashMap::new() }
    }

    /// Sweeps now and then, until told to stop. What a sweep has not come to, the next one does.
    pub async fn run(mut self, stop: CancellationToken) {
        let sweeps = async {
            loop {
                match self.sweep().await {
                    Ok(0) => {}
                    Ok(deleted) => tracing::info!(deleted, "old events were deleted from the log"),
                    Err(error) => {
                        tracing::warn!(error = %error.for_log(), "old events were not deleted; it is tried again")
                    }
                }
                tokio::time::sleep(EVERY).await;
            }
        };
        let _ = stop.run_until_cancelled(sweeps).await;
    }

    /// Gives how many events it deleted.
    pub async fn sweep(&mut self) -> Result<u64> {
        let mut deleted = 0;
        // Those that a failure leaves out are marked again.
        for (workspace, mark) in std::mem::take(&mut self.marked) {
            deleted += self.delete(workspace, mark).await?;
        }
        self.mark(self.log.ambient.now() - self.keep).await?;
        Ok(deleted)
    }

    async fn mark(&mut self, before: DateTime<Utc>) -> Result<()> {
        let mut last = Uuid::nil();
        loop {
            let heads = self.due(before, last).await?;
            for head in &heads {
                let workspace = WorkspaceId::from_uuid(head.workspace_id);
                let mark = self.reach(head, before).await?;
                if mark > head.trimmed {
                    self.advance(workspace, mark).await?;
                }
                self.marked.insert(workspace, mark);
            }
            match heads.last() {
                Some(head) => last = head.workspace_id,
                None => return Ok(()),
            }
        }
    }

    /// Workspaces that have something too old, whether it was marked already or is the first that is not.
    async fn due(&self, before: DateTime<Utc>, after: Uuid) -> Result<Vec<event_head::Model>> {
        let old = Query::select()
            .expr(Expr::val(1))
            .from(event::Entity)
            .and_where(
                event::Column::WorkspaceId
                    .into_expr()
                    .equals(event_head::Column::WorkspaceId.as_column_ref()),
            )
            .and_where(
                event::Column::Position.into_expr().lte(event_head::Column::Trimmed.into_expr().add(1)),
            )
            .and_where(event::Column::At.lt(before))
            .take();
        let due = event_head::Entity::rows()
            .filter(Expr::exists(old))
            .filter(event_head::Column::WorkspaceId.gt(after))
            .order_by_asc(event_head::Column::WorkspaceId)
            .limit(WORKSPACES);
        Ok(due.all(self.log.db.connection()).await?)
    }

    /// The last of the events in a row that are too old.
    async fn reach(&self, head: &event_head::Model, before: DateTime<Utc>) -> Result<i64> {
        let mut reached = head.trimmed;
        loop {
            let events: Vec<(i64, DateTime<Utc>)> = event::Entity::find()
                .select_only()
                .columns([event::Column::Position, event::Column::At])
                .filter(event::Column::WorkspaceId.eq(head.workspace_id))
                .filter(event::Column::Position.gt(reached))
                .order_by_asc(event::Column::Position)
                .limit(EVENTS)
                .into_tuple()
                .all(self.log.db.connection())
                .await?;
            let old = events.iter().take_while(|(_, at)| *at < before);
            let (mut count, mut last) = (0, reached);
            for (position, _) in old {
                (count, last) = (count + 1, *position);
            }
            reached = last;
            if count < EVENTS {
                return Ok(reached);
            }
        }
    }

    async fn advance(&self, workspace: WorkspaceId, mark: i64) -> Result<()> {
        let tx = self.log.db.begin().await?;
        event_head::Entity::update_many()
            .col_expr(event_head::Column::Trimmed, Expr::value(mark))
            .filter(event_head::Column::WorkspaceId.eq(workspace.uuid()))
            .filter(event_head::Column::Trimmed.lt(mark))
            .exec(tx.connection())
            .await?;
        tx.commit().await
    }

    async fn delete(&self, workspace: WorkspaceId, mark: i64) -> Result<u64> {
        let marked = event::Entity::find()
            .select_only()
            .column(event::Column::Position)
            .filter(event::Column::WorkspaceId.eq(workspace.uuid()))
            .filter(event::Column::Position.lte(mark))
            .order_by_asc(event::Column::Position)
            .limit(EVENTS);
        let mut deleted = 0;
        loop {
            let tx = self.log.db.begin().await?;
            let some = marked.clone().into_query();
            let done = event::Entity::delete_many()
                .filter(event::Column::WorkspaceId.eq(workspace.uuid()))
                .filter(event::Column::Position.in_subquery(some))
                .exec(tx.connection())
                .await?;
            tx.commit().await?;
            deleted += done.rows_affected;
            if done.rows_affected < EVENTS {
                return Ok(deleted);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
