//! Rows of workflows and versions; `run` has what is read of runs, `approval` what of approvals, `lease` who carries a
//! run out, `progress` what only the worker that holds its lease may write.
mod approval;
mod lease;
mod progress;
mod run;

pub(super) use approval::{find_approval, find_approvals};
pub(super) use lease::{Lease, claim, find_due, forget_owners, lock, look, release, renew};
pub(super) use progress::{
    ApprovalRow, AttemptRow, StepRow, close_approvals, finish_attempt, insert_approval, insert_attempts,
    insert_sources, leased_steps, save_step, touch,
};
pub(super) use run::{
    cancel_steps, decide, end_run, erase_derived, find_run, find_runs, find_steps, insert_run, list_attempts,
    list_runs, list_steps, lock_live, runs_that_read,
};

use super::{
    graph::{self, Graph},
    model::{Draft, Drawn, Plan, Version, Workflow},
};
use crate::{
    db::{
        self, Source,
        page::{self, Keyset},
    },
    shared::{
        Error, Page, PageRequest, Result,
        actor::{AtLeast, Grant, Read, Scope, Write},
        id::{WorkflowId, WorkflowVersionId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::{workflow, workflow_version};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    Select, Set,
    sea_query::{Expr, LockType, OnConflict},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// `false` where another workflow of the workspace has the slug.
pub(super) async fn insert_workflow(
    tx: &impl Source,
    _: &Grant<Write>,
    drawn: &Drawn,
    client_hash: Option<&[u8]>,
) -> Result<bool> {
    let workflow = &drawn.workflow;
    let row = workflow::Model {
        id: workflow.id.uuid(),
        workspace_id: workflow.workspace.uuid(),
        name: workflow.name.clone(),
        slug: workflow.slug.clone(),
        graph: json(&drawn.graph)?,
        input_schema: drawn.input_schema.clone(),
        problems: json(&workflow.draft.problems)?,
        draft_version: workflow.draft.version.into(),
        published_version_id: None,
        version: workflow.version.into(),
        client_id: workflow.client_id,
        client_hash: client_hash.map(<[u8]>::to_vec),
        created_at: workflow.created_at,
        updated_at: workflow.created_at,
    };
    let taken =
        OnConflict::columns([workflow::Column::WorkspaceId, workflow::Column::Slug]).do_nothing().to_owned();
    let inserted = workflow::Entity::insert(row.into_active_model())
        .on_conflict(taken)
        .exec_without_returning(tx.connection())
        .await?;
    Ok(inserted == 1)
}

/// The workflow that a client gave this id to, and the hash of what was sent with it.
pub(super) async fn find_workflow_by_client_id(
    tx: &impl Source,
    grant: &Grant<Write>,
    client_id: Uuid,
) -> Result<Option<(Workflow, Option<Vec<u8>>)>> {
    let row = workflow::Entity::rows()
        .filter(workflow::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(workflow::Column::ClientId.eq(client_id))
        .one(tx.connection())
        .await?;
    let found = row.map(|mut row| {
        let hash = row.client_hash.take();
        Ok((workflow_of(row.into())?, hash))
    });
    found.transpose()
}

/// The workflow, and the grant for the workspace that it lies in: `Forbidden` where the actor may only see it.
pub(super) async fn find_workflow<A>(
    source: &impl Source,
    scope: &Scope<A>,
    id: WorkflowId,
) -> Result<Option<(Workflow, Grant<A>)>> {
    let found = db::one::<workflow::Shown>(source, one_workflow(scope, id)).await?;
    let Some(row) = found else { return Ok(None) };
    let grant = scope.grant(row.workspace_id)?;
    Ok(Some((workflow_of(row)?, grant)))
}

pub(super) async fn find_by_slug(
    source: &impl Source,
    grant: &Grant<Read>,
    slug: &str,
) -> Result<Option<Workflow>> {
    let select = workflow::Entity::rows()
        .filter(workflow::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(workflow::Column::Slug.eq(slug));
    db::one(source, select).await?.map(workflow_of).transpose()
}

/// As [`find_workflow`], with what it does; others that change or publish it wait until the transaction ends. NO KEY: runs
/// may still begin.
pub(super) async fn find_workflow_to_change<A>(
    tx: &impl Source,
    scope: &Scope<A>,
    id: WorkflowId,
) -> Result<Option<(Drawn, Grant<A>)>> {
    drawn_with_grant(tx, one_workflow(scope, id).lock(LockType::NoKeyUpdate), scope).await
}

/// As [`find_workflow`], with what it does.
pub(super) async fn find_drawn_workflow<A>(
    source: &impl Source,
    scope: &Scope<A>,
    id: WorkflowId,
) -> Result<Option<(Drawn, Grant<A>)>> {
    drawn_with_grant(source, one_workflow(scope, id), scope).await
}

fn one_workflow<A>(scope: &Scope<A>, id: WorkflowId) -> Select<workflow::Entity> {
    workflow::Entity::rows()
        .filter(workflow::Column::Id.eq(id.uuid()))
        .filter(workflow::Column::WorkspaceId.is_in(scope.workspaces()))
}

async fn drawn_with_grant<A>(
    source: &impl Source,
    select: Select<workflow::Entity>,
    scope: &Scope<A>,
) -> Result<Option<(Drawn, Grant<A>)>> {
    let Some(mut row) = db::one::<workflow::Model>(source, select).await? else { return Ok(None) };
    let grant = scope.grant(row.workspace_id)?;
    let (graph, input_schema) = (typed(row.graph.take())?, row.input_schema.take());
    Ok(Some((Drawn { workflow: workflow_of(row.into())?, graph, input_schema }, grant)))
}

/// Its name and its draft.
pub(super) async fn update_workflow(
    tx: &impl Source,
    grant: &Grant<Write>,
    drawn: &Drawn,
    now: DateTime<Utc>,
) -> Result<()> {
    let workflow = &drawn.workflow;
    let changed = workflow::ActiveModel {
        name: Set(workflow.name.clone()),
        graph: Set(json(&drawn.graph)?),
        input_schema: Set(drawn.input_schema.clone()),
        problems: Set(json(&workflow.draft.problems)?),
        draft_version: Set(workflow.draft.version.into()),
        version: Set(workflow.version.into()),
        updated_at: Set(now),
        ..Default::default()
    };
    workflow::Entity::update_many()
        .set(changed)
        .filter(workflow::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(workflow::Column::Id.eq(workflow.id.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

pub(super) async fn find_workflows(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[WorkflowId],
) -> Result<HashMap<WorkflowId, Workflow>> {
    let select = workflow::Entity::rows()
        .filter(db::among(workflow::Column::WorkspaceId, scope.workspaces()))
        .filter(workflow::Column::Id.is_in(ids.iter().map(|id| id.uuid())));
    let rows = db::all(source, select).await?;
    rows.into_iter().map(|row| workflow_of(row).map(|workflow| (workflow.id, workflow))).collect()
}

/// Newest first.
pub(super) async fn list_workflows(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    request: &PageRequest,
) -> Result<Page<Workflow>> {
    let select = workflow::Entity::rows().filter(workflow::Column::WorkspaceId.eq(grant.workspace().uuid()));
    let order = Keyset::newest_first(workflow::Column::CreatedAt, workflow::Column::Id);
    page::list(source, select, &order, request).await?.try_map(workflow_of)
}

/// Notes the time, and gives the number of the last version. The workflow is locked.
pub(super) async fn touch_for_publishing(
    tx: &impl Source,
    grant: &Grant<Write>,
    id: WorkflowId,
    now: DateTime<Utc>,
) -> Result<i32> {
    workflow::Entity::update_many()
        .col_expr(workflow::Column::UpdatedAt, Expr::value(now))
        .filter(workflow::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(workflow::Column::Id.eq(id.uuid()))
        .exec(tx.connection())
        .await?;
    let last = workflow_version::Entity::rows()
        .filter(workflow_version::Column::WorkflowId.eq(id.uuid()))
        .order_by_desc(workflow_version::Column::Number)
        .limit(1);
    let last: Option<workflow_version::Shown> = db::one(tx, last).await?;
    last.map_or(Ok(0), |row| small(row.number))
}

pub(super) async fn insert_version(tx: &impl Source, grant: &Grant<Write>, plan: &Plan) -> Result<()> {
    let version = &plan.version;
    let row = workflow_version::Model {
        id: version.id.uuid(),
        workspace_id: grant.workspace().uuid(),
        workflow_id: version.workflow.uuid(),
        number: version.number.into(),
        graph: json(&plan.graph)?,
        input_schema: plan.input_schema.clone(),
        checksum: version.checksum.clone(),
        published_by: plan.publisher,
        published_at: version.published_at,
    };
    db::insert(tx, row).await?;
    let published = workflow::ActiveModel {
        id: Set(version.workflow.uuid()),
        published_version_id: Set(Some(version.id.uuid())),
        ..Default::default()
    };
    published.update(tx.connection()).await?;
    Ok(())
}

pub(super) async fn find_versions(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[WorkflowVersionId],
) -> Result<HashMap<WorkflowVersionId, Version>> {
    let select = workflow_version::Entity::rows()
        .filter(db::among(workflow_version::Column::WorkspaceId, scope.workspaces()))
        .filter(workflow_version::Column::Id.is_in(ids.iter().map(|id| id.uuid())));
    let rows = db::all(source, select).await?;
    rows.into_iter().map(|row| version_of(row).map(|version| (version.id, version))).collect()
}

/// A version of the workflow by its number, or the published one.
pub(super) async fn find_plan(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    workflow: &Workflow,
    number: Option<i32>,
) -> Result<Option<Plan>> {
    let select = workflow_version::Entity::rows()
        .filter(workflow_version::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(workflow_version::Column::WorkflowId.eq(workflow.id.uuid()));
    let select = match (number, workflow.published) {
        (Some(number), _) => select.filter(workflow_version::Column::Number.eq(i64::from(number))),
        (None, Some(version)) => select.filter(workflow_version::Column::Id.eq(version.uuid())),
        (None, None) => return Ok(None),
    };
    select.one(source.connection()).await?.map(plan_of).transpose()
}

/// For the worker that holds the run.
pub(super) async fn get_plan(source: &impl Source, lease: &Lease) -> Result<Plan> {
    let row = workflow_version::Entity::find_by_id(lease.version.uuid()).one(source.connection()).await?;
    plan_of(row.ok_or_else(|| Error::internal("a run without its version"))?)
}

fn workflow_of(row: workflow::Shown) -> Result<Workflow> {
    Ok(Workflow {
        id: WorkflowId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        name: row.name,
        slug: row.slug,
        draft: Draft { problems: typed(row.problems)?, version: small(row.draft_version)? },
        published: row.published_version_id.map(WorkflowVersionId::from_uuid),
        version: small(row.version)?,
        client_id: row.client_id,
        created_at: row.created_at,
    })
}

fn version_of(row: workflow_version::Shown) -> Result<Version> {
    Ok(Version {
        id: WorkflowVersionId::from_uuid(row.id),
        workflow: WorkflowId::from_uuid(row.workflow_id),
        number: small(row.number)?,
        checksum: row.checksum,
        published_at: row.published_at,
    })
}

fn plan_of(mut row: workflow_version::Model) -> Result<Plan> {
    let graph: Graph = typed(row.graph.take())?;
    let (publisher, input_schema) = (row.published_by, row.input_schema.take());
    let version = version_of(row.into())?;
    // A graph that was changed behind our back is not what was published.
    let checksum = graph::checksum(&graph, input_schema.as_ref()).map_err(Error::internal)?;
    if checksum != version.checksum {
        return Err(Error::internal("a version differs from its checksum"));
    }
    Ok(Plan { version, publisher, graph, input_schema })
}

fn json(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(Error::internal)
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(Error::internal)
}

fn small(value: i64) -> Result<i32> {
    i32::try_from(value).map_err(Error::internal)
}
