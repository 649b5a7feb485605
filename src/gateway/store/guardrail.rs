//! Rows of guardrail policies.
use crate::{
    db::Source,
    gateway::guard::GuardrailPolicy,
    shared::{
        Error, Result,
        actor::{Administer, Grant, Scope},
        id::WorkspaceId,
    },
};
use entity::guardrail_policy as row;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::OnConflict,
};
use std::collections::HashMap;
use uuid::Uuid;

/// In the order of their names.
pub(in crate::gateway) async fn list_guardrail_policies(
    source: &impl Source,
    workspace: WorkspaceId,
) -> Result<Vec<GuardrailPolicy>> {
    let rows = of(workspace).order_by_asc(row::Column::Name).all(source.connection()).await?;
    rows.into_iter().map(from_row).collect()
}

/// Of these workspaces, as far as they are administered.
pub(in crate::gateway) async fn find_guardrail_policies(
    source: &impl Source,
    scope: &Scope<Administer>,
    workspaces: &[WorkspaceId],
) -> Result<HashMap<WorkspaceId, Vec<GuardrailPolicy>>> {
    let asked: Vec<Uuid> = workspaces.iter().map(|id| id.uuid()).collect();
    let allowed: Vec<Uuid> = scope.allowed().filter(|id| asked.contains(id)).collect();
    let mut found: HashMap<_, Vec<_>> =
        allowed.iter().map(|id| (WorkspaceId::from_uuid(*id), vec![])).collect();
    let rows = row::Entity::rows()
        .filter(row::Column::WorkspaceId.is_in(allowed))
        .order_by_asc(row::Column::Name)
        .all(source.connection())
        .await?;
    for row in rows {
        let policy = from_row(row)?;
        found.entry(policy.workspace).or_default().push(policy);
    }
    Ok(found)
}

/// `false` where the workspace has one of this name: whoever changes it at the same time is waited for.
pub(in crate::gateway) async fn insert_guardrail_policy(
    tx: &impl Source,
    grant: &Grant<Administer>,
    id: Uuid,
    policy: &GuardrailPolicy,
) -> Result<bool> {
    let new = row::ActiveModel {
        id: Set(id),
        workspace_id: Set(grant.workspace().uuid()),
        name: Set(policy.name.clone()),
        routes: Set(serde_json::to_value(&policy.routes).map_err(Error::internal)?),
        policy: Set(serde_json::to_value(&policy.policy).map_err(Error::internal)?),
        version: Set(policy.version.into()),
        updated_at: Set(policy.updated_at),
    };
    let unique = [row::Column::WorkspaceId, row::Column::Name];
    let inserted = row::Entity::insert_many([new])
        .on_conflict(OnConflict::columns(unique).do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(inserted > 0)
}

/// Nobody else changes it until the transaction ends.
pub(in crate::gateway) async fn lock_guardrail_policy(
    tx: &impl Source,
    grant: &Grant<Administer>,
    name: &str,
) -> Result<Option<GuardrailPolicy>> {
    let found = of(grant.workspace())
        .filter(row::Column::Name.eq(name))
        .lock_exclusive()
        .one(tx.connection())
        .await?;
    found.map(from_row).transpose()
}

pub(in crate::gateway) async fn update_guardrail_policy(
    tx: &impl Source,
    grant: &Grant<Administer>,
    policy: &GuardrailPolicy,
) -> Result<()> {
    let changed = row::ActiveModel {
        routes: Set(serde_json::to_value(&policy.routes).map_err(Error::internal)?),
        policy: Set(serde_json::to_value(&policy.policy).map_err(Error::internal)?),
        version: Set(policy.version.into()),
        updated_at: Set(policy.updated_at),
        ..Default::default()
    };
    row::Entity::update_many()
        .set(changed)
        .filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(row::Column::Name.eq(policy.name.as_str()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// `false` where there was none.
pub(in crate::gateway) async fn delete_guardrail_policy(
    tx: &impl Source,
    grant: &Grant<Administer>,
    name: &str,
) -> Result<bool> {
    let deleted = row::Entity::delete_many()
        .filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(row::Column::Name.eq(name))
        .exec(tx.connection())
        .await?;
    Ok(deleted.rows_affected > 0)
}

pub(in crate::gateway) async fn count_guardrail_policies(
    tx: &impl Source,
    grant: &Grant<Administer>,
) -> Result<u64> {
    Ok(of(grant.workspace()).count(tx.connection()).await?)
}

fn of(workspace: WorkspaceId) -> Select<row::Entity> {
    row::Entity::rows().filter(row::Column::WorkspaceId.eq(workspace.uuid()))
}

fn from_row(row: row::Model) -> Result<GuardrailPolicy> {
    Ok(GuardrailPolicy {
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        name: row.name,
        routes: serde_json::from_value(row.routes).map_err(Error::internal)?,
        policy: serde_json::from_value(row.policy).map_err(Error::internal)?,
        version: i32::try_from(row.version).map_err(Error::internal)?,
        updated_at: row.updated_at,
    })
}
