//! What a credential says of its bearer, each in one statement: requests wait for it.
use super::{principal, role, scope};
use crate::{
    db::Source,
    shared::{
        Result,
        actor::{KeyScope, Principal, Role},
        id::{ApiKeyId, UserId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::{api_key, membership, service_account, user};
use sea_orm::{
    ConnectionTrait, QueryResult,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};
use std::collections::HashMap;
use uuid::Uuid;

/// A key's row with all that its bearer may do.
#[derive(Debug)]
pub(in crate::account) struct KeyBearer {
    pub principal: Principal,
    pub roles: HashMap<WorkspaceId, Role>,
    pub hash: Vec<u8>,
    pub limit: KeyScope,
    pub confined_to: Option<WorkspaceId>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

const MEMBER_OF: &str = "member_of";
const MEMBER_ROLE: &str = "member_role";
const SERVICE_OF: &str = "service_of";
const SERVICE_ROLE: &str = "service_role";

/// A row a membership, at least one. A key for one workspace joins no other's membership; a deleted service
/// account joins nothing, so that its keys open nothing.
pub(in crate::account) async fn find_key_bearer(
    source: &impl Source,
    id: ApiKeyId,
) -> Result<Option<KeyBearer>> {
    use api_key::Column as Key;
    let confined = Expr::col((api_key::Entity, Key::WorkspaceId));
    let of_key = Expr::col((membership::Entity, membership::Column::UserId))
        .equals((api_key::Entity, Key::UserId))
        .and(
            confined
                .clone()
                .is_null()
                .or(confined.equals((membership::Entity, membership::Column::WorkspaceId))),
        );
    let live_service = Expr::col((service_account::Entity, service_account::Column::Id))
        .equals((api_key::Entity, Key::ServiceAccountId))
        .and(Expr::col((service_account::Entity, service_account::Column::DeletedAt)).is_null());
    let columns = [
        Key::UserId,
        Key::ServiceAccountId,
        Key::WorkspaceId,
        Key::SecretHash,
        Key::Scope,
        Key::ExpiresAt,
        Key::RevokedAt,
        Key::LastUsedAt,
    ];
    let mut select = Query::select();
    select
        .columns(columns.map(|column| (api_key::Entity, column)))
        .from(api_key::Entity)
        .left_join(membership::Entity, of_key)
        .left_join(service_account::Entity, live_service)
        .and_where(Expr::col((api_key::Entity, Key::Id)).eq(id.uuid()));
    select_membership(&mut select);
    select
        .expr_as(Expr::col((service_account::Entity, service_account::Column::WorkspaceId)), SERVICE_OF)
        .expr_as(Expr::col((service_account::Entity, service_account::Column::Role)), SERVICE_ROLE);

    let rows = source.connection().query_all(&select).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let mut roles = roles(&rows, MEMBER_OF, MEMBER_ROLE)?;
    roles.extend(self::roles(&rows[..1], SERVICE_OF, SERVICE_ROLE)?);
    let confined_to: Option<Uuid> = first.try_get("", "workspace_id")?;
    Ok(Some(KeyBearer {
        principal: principal(first.try_get("", "user_id")?, first.try_get("", "service_account_id")?)?,
        roles,
        hash: first.try_get("", "secret_hash")?,
        limit: scope(&first.try_get::<String>("", "scope")?)?,
        confined_to: confined_to.map(WorkspaceId::from_uuid),
        expires_at: first.try_get("", "expires_at")?,
        revoked_at: first.try_get("", "revoked_at")?,
        last_used_at: first.try_get("", "last_used_at")?,
    }))
}

/// The person whom an issuer calls `subject`, with their roles.
pub(in crate::account) async fn find_bearer_by_identity(
    source: &impl Source,
    issuer: &str,
    subject: &str,
) -> Result<Option<(UserId, HashMap<WorkspaceId, Role>)>> {
    let of_user =
        Expr::col((membership::Entity, membership::Column::UserId)).equals((user::Entity, user::Column::Id));
    let mut select = Query::select();
    select
        .column((user::Entity, user::Column::Id))
        .from(user::Entity)
        .left_join(membership::Entity, of_user)
        .and_where(Expr::col((user::Entity, user::Column::Issuer)).eq(issuer))
        .and_where(Expr::col((user::Entity, user::Column::Subject)).eq(subject));
    select_membership(&mut select);
    let rows = source.connection().query_all(&select).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    Ok(Some((UserId::from_uuid(first.try_get("", "id")?), roles(&rows, MEMBER_OF, MEMBER_ROLE)?)))
}

/// What a principal may do now; empty for one that is gone.
pub(in crate::account) async fn list_roles(
    source: &impl Source,
    principal: Principal,
) -> Result<HashMap<WorkspaceId, Role>> {
    let mut select = Query::select();
    match principal {
        Principal::User(id) => {
            select_membership(
                select
                    .from(membership::Entity)
                    .and_where(Expr::col((membership::Entity, membership::Column::UserId)).eq(id.uuid())),
            );
        }
        Principal::Service(id) => {
            use service_account::Column as Service;
            select
                .expr_as(Expr::col(Service::WorkspaceId), MEMBER_OF)
                .expr_as(Expr::col(Service::Role), MEMBER_ROLE)
                .from(service_account::Entity)
                .and_where(Expr::col(Service::Id).eq(id.uuid()))
                .and_where(Expr::col(Service::DeletedAt).is_null());
        }
    }
    roles(&source.connection().query_all(&select).await?, MEMBER_OF, MEMBER_ROLE)
}

fn select_membership(select: &mut SelectStatement) {
    select
        .expr_as(Expr::col((membership::Entity, membership::Column::WorkspaceId)), MEMBER_OF)
        .expr_as(Expr::col((membership::Entity, membership::Column::Role)), MEMBER_ROLE);
}

fn roles(rows: &[QueryResult], workspace: &str, of: &str) -> Result<HashMap<WorkspaceId, Role>> {
    let mut roles = HashMap::with_capacity(rows.len());
    for row in rows {
        if let Some(id) = row.try_get::<Option<Uuid>>("", workspace)? {
            roles.insert(WorkspaceId::from_uuid(id), role(&row.try_get::<String>("", of)?)?);
        }
    }
    Ok(roles)
}
