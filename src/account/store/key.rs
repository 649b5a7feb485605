use super::{principal, scope, scope_name, service_of, user_of};
use crate::{
    account::{event::KeyOf, model::ApiKey},
    db::{
        Source,
        page::{self, Keyset},
    },
    shared::{
        Page, PageRequest, Result,
        actor::{Administer, AtLeast, Grant, Principal, Scope},
        id::{ApiKeyId, ServiceAccountId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::api_key as row;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Set,
    sea_query::Expr,
};
use std::collections::HashMap;
use uuid::Uuid;

/// The key with the hash of its secret; `development` marks the one that the data folder holds in clear.
pub(in crate::account) async fn insert_key(
    tx: &impl Source,
    key: &ApiKey,
    hash: Vec<u8>,
    development: bool,
) -> Result<()> {
    let new = row::ActiveModel {
        id: Set(key.id.uuid()),
        secret_hash: Set(hash),
        name: Set(key.name.clone()),
        user_id: Set(user_of(key.principal)),
        service_account_id: Set(service_of(key.principal)),
        workspace_id: Set(key.workspace.map(|id| id.uuid())),
        scope: Set(scope_name(key.limit).to_owned()),
        development: Set(development),
        created_at: Set(key.created_at),
        expires_at: Set(key.expires_at),
        last_used_at: Set(None),
        revoked_at: Set(None),
    };
    row::Entity::insert(new).exec_without_returning(tx.connection()).await?;
    Ok(())
}

/// Own keys, and those of the workspaces that the scope administers.
pub(in crate::account) async fn find_keys(
    source: &impl Source,
    scope: &Scope<Administer>,
    ids: &[ApiKeyId],
) -> Result<HashMap<ApiKeyId, ApiKey>> {
    let visible =
        Condition::any().add(own(scope.principal())).add(row::Column::WorkspaceId.is_in(scope.allowed()));
    let rows = row::Entity::rows()
        .filter(row::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(visible)
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| key(row).map(|key| (key.id, key))).collect()
}

/// As [`find_keys`].
pub(in crate::account) async fn find_key(
    source: &impl Source,
    scope: &Scope<Administer>,
    id: ApiKeyId,
) -> Result<Option<ApiKey>> {
    Ok(find_keys(source, scope, &[id]).await?.remove(&id))
}

/// Whether a key that somebody came with is there, and was not revoked.
pub(in crate::account) async fn is_not_revoked(source: &impl Source, id: ApiKeyId) -> Result<bool> {
    let found = row::Entity::find_by_id(id.uuid()).filter(row::Column::RevokedAt.is_null());
    Ok(found.count(source.connection()).await? > 0)
}

/// For who holds the database (the command line), not for requests.
pub(in crate::account) async fn find_any_key(source: &impl Source, id: ApiKeyId) -> Result<Option<ApiKey>> {
    row::Entity::find_by_id(id.uuid()).one(source.connection()).await?.map(key).transpose()
}

/// Keys that open this workspace alone; those of its service accounts are among them.
pub(in crate::account) async fn list_keys(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    request: &PageRequest,
) -> Result<Page<ApiKey>> {
    let select = row::Entity::rows().filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()));
    let order = Keyset::newest_first(row::Column::CreatedAt, row::Column::Id);
    page::list(source, select, &order, request).await?.try_map(key)
}

/// Of `workspace` alone where it is given.
pub(in crate::account) async fn list_own_keys(
    source: &impl Source,
    principal: Principal,
    workspace: Option<WorkspaceId>,
    request: &PageRequest,
) -> Result<Page<ApiKey>> {
    let mut select = row::Entity::rows().filter(own(principal));
    if let Some(workspace) = workspace {
        select = select.filter(row::Column::WorkspaceId.eq(workspace.uuid()));
    }
    let order = Keyset::newest_first(row::Column::CreatedAt, row::Column::Id);
    page::list(source, select, &order, request).await?.try_map(key)
}

/// Keys neither revoked nor expired.
pub(in crate::account) async fn count_keys_in_force(
    tx: &impl Source,
    principal: Principal,
    now: DateTime<Utc>,
) -> Result<u64> {
    let in_force = row::Entity::rows()
        .filter(own(principal))
        .filter(row::Column::RevokedAt.is_null())
        .filter(Condition::any().add(row::Column::ExpiresAt.is_null()).add(row::Column::ExpiresAt.gt(now)));
    Ok(in_force.count(tx.connection()).await?)
}

pub(in crate::account) async fn revoke_key(tx: &impl Source, id: ApiKeyId, now: DateTime<Utc>) -> Result<()> {
    row::ActiveModel { id: Set(id.uuid()), revoked_at: Set(Some(now)), ..Default::default() }
        .update(tx.connection())
        .await?;
    Ok(())
}

/// Keys in force that a condition names, revoked at once: of a service account, of a member in one workspace, or
/// those made for the development token.
pub(in crate::account) async fn revoke_keys(
    tx: &impl Source,
    of: KeysOf,
    now: DateTime<Utc>,
) -> Result<Vec<KeyOf>> {
    let which = match of {
        KeysOf::Service(id) => Condition::all().add(row::Column::ServiceAccountId.eq(id.uuid())),
        KeysOf::MemberHere(user, workspace) => Condition::all()
            .add(row::Column::UserId.eq(user))
            .add(row::Column::WorkspaceId.eq(workspace.uuid())),
        KeysOf::Development => Condition::all().add(row::Column::Development.eq(true)),
    };
    let revoked = row::Entity::update_many()
        .col_expr(row::Column::RevokedAt, Expr::value(now))
        .filter(row::Column::RevokedAt.is_null())
        .filter(which)
        .exec_with_returning(tx.connection())
        .await?;
    revoked.into_iter().map(key_of).collect()
}

/// All that a service account ever had.
pub(in crate::account) async fn keys_of_service(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    id: ServiceAccountId,
) -> Result<Vec<KeyOf>> {
    let rows = row::Entity::rows()
        .filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(row::Column::ServiceAccountId.eq(id.uuid()))
        .all(tx.connection())
        .await?;
    rows.into_iter().map(key_of).collect()
}

fn key_of(row: row::Model) -> Result<KeyOf> {
    Ok(KeyOf { id: ApiKeyId::from_uuid(row.id), bearer: principal(row.user_id, row.service_account_id)? })
}

#[derive(Clone, Copy, Debug)]
pub(in crate::account) enum KeysOf {
    Service(ServiceAccountId),
    /// A person's keys that open this workspace alone.
    MemberHere(Uuid, WorkspaceId),
    Development,
}

/// Whether a key is in force whose secret lies in clear in a data folder.
pub(in crate::account) async fn has_development_key(source: &impl Source) -> Result<bool> {
    let found = row::Entity::rows()
        .filter(row::Column::Development.eq(true))
        .filter(row::Column::RevokedAt.is_null())
        .limit(1)
        .count(source.connection())
        .await?;
    Ok(found > 0)
}

/// Never moves back: two nodes may report in any order.
pub(in crate::account) async fn update_last_used(
    tx: &impl Source,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<()> {
    row::Entity::update_many()
        .col_expr(row::Column::LastUsedAt, Expr::value(at))
        .filter(row::Column::Id.eq(id))
        .filter(Condition::any().add(row::Column::LastUsedAt.is_null()).add(row::Column::LastUsedAt.lt(at)))
        .exec(tx.connection())
        .await?;
    Ok(())
}

fn own(principal: Principal) -> Condition {
    let column = match principal {
        Principal::User(_) => row::Column::UserId,
        Principal::Service(_) => row::Column::ServiceAccountId,
    };
    Condition::all().add(column.eq(principal.uuid()))
}

fn key(row: row::Model) -> Result<ApiKey> {
    Ok(ApiKey {
        id: ApiKeyId::from_uuid(row.id),
        principal: principal(row.user_id, row.service_account_id)?,
        workspace: row.workspace_id.map(WorkspaceId::from_uuid),
        name: row.name,
        limit: scope(&row.scope)?,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        revoked_at: row.revoked_at,
    })
}
