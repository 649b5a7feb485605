//! Who is let in by others: invitations and service accounts.
use super::{role, role_name};
use crate::{
    account::{
        model::{Invitation, ServiceAccount},
        token::Hash,
    },
    db::{
        self, Source,
        page::{self, Keyset},
    },
    shared::{
        Page, PageRequest, Result,
        actor::{Administer, AtLeast, Grant, Read, Scope},
        id::{InvitationId, ServiceAccountId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::{invitation, service_account};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set, sea_query::Expr};
use std::collections::HashMap;

pub(in crate::account) async fn insert_invitation(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    new: &Invitation,
    hash: Hash,
) -> Result<()> {
    let row = invitation::ActiveModel {
        id: Set(new.id.uuid()),
        workspace_id: Set(grant.workspace().uuid()),
        email: Set(new.email.clone()),
        role: Set(role_name(new.role).to_owned()),
        token_hash: Set(hash.to_vec()),
        created_at: Set(new.created_at),
        expires_at: Set(new.expires_at),
        accepted_at: Set(None),
        revoked_at: Set(None),
    };
    invitation::Entity::insert(row).exec_without_returning(tx.connection()).await?;
    Ok(())
}

/// With its hash, for who presents a token: whoever has the secret may see it.
pub(in crate::account) async fn find_invitation_to_accept(
    tx: &impl Source,
    id: InvitationId,
) -> Result<Option<(Invitation, Vec<u8>)>> {
    let row = invitation::Entity::find_by_id(id.uuid()).one(tx.connection()).await?;
    let Some(row) = row else { return Ok(None) };
    let hash = row.token_hash.clone();
    Ok(Some((invited(row)?, hash)))
}

pub(in crate::account) async fn find_invitation(
    source: &impl Source,
    scope: &Scope<Administer>,
    id: InvitationId,
) -> Result<Option<(Invitation, Result<Grant<Administer>>)>> {
    let row = invitation::Entity::find_by_id(id.uuid())
        .filter(invitation::Column::WorkspaceId.is_in(scope.workspaces()))
        .one(source.connection())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let grant = scope.grant(row.workspace_id);
    Ok(Some((invited(row)?, grant)))
}

/// Those of the workspaces that the scope administers.
pub(in crate::account) async fn find_invitations(
    source: &impl Source,
    scope: &Scope<Administer>,
    ids: &[InvitationId],
) -> Result<HashMap<InvitationId, Invitation>> {
    let rows = invitation::Entity::rows()
        .filter(invitation::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(db::among(invitation::Column::WorkspaceId, scope.allowed()))
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| invited(row).map(|found| (found.id, found))).collect()
}

#[derive(Clone, Copy, Debug)]
pub(in crate::account) enum Closed {
    Accepted,
    Revoked,
}

/// False where it was closed before.
pub(in crate::account) async fn close_invitation(
    tx: &impl Source,
    id: InvitationId,
    how: Closed,
    now: DateTime<Utc>,
) -> Result<bool> {
    let column = match how {
        Closed::Accepted => invitation::Column::AcceptedAt,
        Closed::Revoked => invitation::Column::RevokedAt,
    };
    let closed = invitation::Entity::update_many()
        .col_expr(column, Expr::value(now))
        .filter(invitation::Column::Id.eq(id.uuid()))
        .filter(invitation::Column::AcceptedAt.is_null())
        .filter(invitation::Column::RevokedAt.is_null())
        .exec(tx.connection())
        .await?;
    Ok(closed.rows_affected == 1)
}

pub(in crate::account) async fn list_invitations(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    request: &PageRequest,
) -> Result<Page<Invitation>> {
    let select =
        invitation::Entity::rows().filter(invitation::Column::WorkspaceId.eq(grant.workspace().uuid()));
    let order = Keyset::newest_first(invitation::Column::CreatedAt, invitation::Column::Id);
    page::list(source, select, &order, request).await?.try_map(invited)
}

pub(in crate::account) async fn insert_service_account(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    new: &ServiceAccount,
) -> Result<()> {
    let row = service_account::ActiveModel {
        id: Set(new.id.uuid()),
        workspace_id: Set(grant.workspace().uuid()),
        name: Set(new.name.clone()),
        role: Set(role_name(new.role).to_owned()),
        created_at: Set(new.created_at),
        deleted_at: Set(None),
    };
    service_account::Entity::insert(row).exec_without_returning(tx.connection()).await?;
    Ok(())
}

/// Not one that was deleted.
pub(in crate::account) async fn find_service_account<A>(
    source: &impl Source,
    scope: &Scope<A>,
    id: ServiceAccountId,
) -> Result<Option<(ServiceAccount, Result<Grant<A>>)>> {
    let row = service_account::Entity::find_by_id(id.uuid())
        .filter(service_account::Column::WorkspaceId.is_in(scope.workspaces()))
        .filter(service_account::Column::DeletedAt.is_null())
        .one(source.connection())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let grant = scope.grant(row.workspace_id);
    Ok(Some((program(row)?, grant)))
}

/// Kept, for things that it made refer to it; it opens nothing any more.
pub(in crate::account) async fn delete_service_account(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    id: ServiceAccountId,
    now: DateTime<Utc>,
) -> Result<()> {
    service_account::Entity::update_many()
        .col_expr(service_account::Column::DeletedAt, Expr::value(now))
        .filter(service_account::Column::Id.eq(id.uuid()))
        .filter(service_account::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

pub(in crate::account) async fn list_service_accounts(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    request: &PageRequest,
) -> Result<Page<ServiceAccount>> {
    let select = service_account::Entity::rows()
        .filter(service_account::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(service_account::Column::DeletedAt.is_null());
    let order = Keyset::oldest_first(service_account::Column::CreatedAt, service_account::Column::Id);
    page::list(source, select, &order, request).await?.try_map(program)
}

pub(in crate::account) async fn find_service_accounts(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[ServiceAccountId],
) -> Result<HashMap<ServiceAccountId, ServiceAccount>> {
    let rows = service_account::Entity::rows()
        .filter(service_account::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(db::among(service_account::Column::WorkspaceId, scope.workspaces()))
        .filter(service_account::Column::DeletedAt.is_null())
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| program(row).map(|account| (account.id, account))).collect()
}

fn invited(row: invitation::Model) -> Result<Invitation> {
    Ok(Invitation {
        id: InvitationId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        email: row.email,
        role: role(&row.role)?,
        created_at: row.created_at,
        expires_at: row.expires_at,
        accepted_at: row.accepted_at,
        revoked_at: row.revoked_at,
    })
}

fn program(row: service_account::Model) -> Result<ServiceAccount> {
    Ok(ServiceAccount {
        id: ServiceAccountId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        name: row.name,
        role: role(&row.role)?,
        created_at: row.created_at,
    })
}
