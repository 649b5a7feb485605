use super::super::model::{Approval, ApprovalStatus, principal_of};
use crate::{
    db::{self, Source},
    shared::{
        Result,
        actor::{Grant, Read, Scope},
        id::{ApprovalId, RunId, StepRunId, WorkspaceId},
    },
};
use entity::approval;
use sea_orm::{ColumnTrait, QueryFilter};
use std::collections::HashMap;

pub(in super::super) async fn find_approval<A>(
    source: &impl Source,
    scope: &Scope<A>,
    id: ApprovalId,
) -> Result<Option<(Approval, Grant<A>)>> {
    let select = approval::Entity::rows()
        .filter(approval::Column::Id.eq(id.uuid()))
        .filter(approval::Column::WorkspaceId.is_in(scope.workspaces()));
    let Some(row) = db::one::<approval::Model>(source, select).await? else { return Ok(None) };
    let grant = scope.grant(row.workspace_id)?;
    Ok(Some((approval_of(row)?, grant)))
}

pub(in super::super) async fn find_approvals(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[ApprovalId],
) -> Result<HashMap<ApprovalId, Approval>> {
    let select = approval::Entity::rows()
        .filter(db::among(approval::Column::WorkspaceId, scope.workspaces()))
        .filter(approval::Column::Id.is_in(ids.iter().map(|id| id.uuid())));
    let rows = db::all(source, select).await?;
    rows.into_iter().map(|row| approval_of(row).map(|approval| (approval.id, approval))).collect()
}

fn approval_of(row: approval::Model) -> Result<Approval> {
    let decided_by = match (row.decided_by_kind, row.decided_by) {
        (Some(kind), Some(id)) => Some(principal_of(&kind, id)?),
        _ => None,
    };
    Ok(Approval {
        id: ApprovalId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        run: RunId::from_uuid(row.run_id),
        step: StepRunId::from_uuid(row.step_run_id),
        title: row.title,
        form: row.form,
        status: ApprovalStatus::from_name(&row.status)?,
        expires_at: row.expires_at,
        decided_by,
        comment: row.comment,
        answer: row.answer,
        created_at: row.created_at,
    })
}
