use super::{role, role_name};
use crate::{
    account::model::{Membership, User, Workspace},
    db::{
        self, Source,
        page::{self, Keyset},
    },
    shared::{
        Error, Page, PageRequest, Result,
        actor::{Administer, AtLeast, Grant, Read, Role, Scope},
        id::{MembershipId, UserId, WorkspaceId},
    },
};
use entity::{membership, user, workspace};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Set,
    sea_query::{LockType, OnConflict},
};
use std::collections::HashMap;
use uuid::Uuid;

/// What a new person is known by outside.
#[derive(Clone, Debug, Default)]
pub(in crate::account) struct Identity {
    pub email: Option<String>,
    /// Issuer and subject, as a token names them.
    pub token: Option<(String, String)>,
}

/// False where the address or the identity is another's already.
pub(in crate::account) async fn insert_user(
    tx: &impl Source,
    new: &User,
    identity: Identity,
) -> Result<bool> {
    let (issuer, subject) = identity.token.unzip();
    let row = user::ActiveModel {
        id: Set(new.id.uuid()),
        email: Set(identity.email),
        display_name: Set(new.display_name.clone()),
        issuer: Set(issuer),
        subject: Set(subject),
        created_at: Set(new.created_at),
    };
    let inserted = user::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(inserted == 1)
}

/// For who holds the database (the command line), not for requests.
pub(in crate::account) async fn find_user_by_email(
    source: &impl Source,
    email: &str,
) -> Result<Option<User>> {
    let found = user::Entity::rows().filter(user::Column::Email.eq(email)).one(source.connection()).await?;
    Ok(found.map(person))
}

/// As [`find_user_by_email`].
pub(in crate::account) async fn find_user_by_id(source: &impl Source, id: UserId) -> Result<Option<User>> {
    Ok(user::Entity::find_by_id(id.uuid()).one(source.connection()).await?.map(person))
}

/// People whom the scope shows: oneself, and who shares a workspace.
pub(in crate::account) async fn list_users(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[UserId],
) -> Result<HashMap<UserId, User>> {
    let together = membership::Entity::find()
        .select_only()
        .column(membership::Column::UserId)
        .filter(membership::Column::WorkspaceId.is_in(scope.workspaces()))
        .into_query();
    let visible = Condition::any()
        .add(user::Column::Id.eq(scope.principal().uuid()))
        .add(user::Column::Id.in_subquery(together));
    let rows = user::Entity::rows()
        .filter(user::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(visible)
        .all(source.connection())
        .await?;
    Ok(rows.into_iter().map(person).map(|user| (user.id, user)).collect())
}

/// False where the slug is another's already.
pub(in crate::account) async fn insert_workspace(tx: &impl Source, new: &Workspace) -> Result<bool> {
    let row = workspace::ActiveModel {
        id: Set(new.id.uuid()),
        name: Set(new.name.clone()),
        slug: Set(new.slug.clone()),
        version: Set(new.version.into()),
        created_at: Set(new.created_at),
    };
    let inserted = workspace::Entity::insert(row)
        .on_conflict(OnConflict::column(workspace::Column::Slug).do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(inserted == 1)
}

pub(in crate::account) async fn list_workspaces(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[WorkspaceId],
) -> Result<HashMap<WorkspaceId, Workspace>> {
    let visible: std::collections::HashSet<Uuid> = scope.workspaces().collect();
    let ids = ids.iter().map(|id| id.uuid()).filter(|id| visible.contains(id));
    let rows =
        workspace::Entity::rows().filter(workspace::Column::Id.is_in(ids)).all(source.connection()).await?;
    rows.into_iter().map(|row| tenant(row).map(|workspace| (workspace.id, workspace))).collect()
}

/// For who holds the database (the command line, the first start), not for requests.
pub(in crate::account) async fn find_workspace_by_slug(
    source: &impl Source,
    slug: &str,
) -> Result<Option<Workspace>> {
    let found =
        workspace::Entity::rows().filter(workspace::Column::Slug.eq(slug)).one(source.connection()).await?;
    found.map(tenant).transpose()
}

/// Makes changes of a workspace and of who belongs to it take turns, until the transaction ends; on SQLite they do
/// anyway. NO KEY: rows that refer to the workspace may still be inserted, else their transactions, which hold the head
/// of the log that this one needs last, would wait for it in a circle.
pub(in crate::account) async fn lock_workspace(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
) -> Result<Option<Workspace>> {
    let row = workspace::Entity::find_by_id(grant.workspace().uuid())
        .lock(LockType::NoKeyUpdate)
        .one(tx.connection())
        .await?;
    row.map(tenant).transpose()
}

/// What can be changed of it. Not the slug: a unique column takes the row's key, see [`lock_workspace`].
pub(in crate::account) async fn update_workspace(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    workspace: &Workspace,
) -> Result<()> {
    let changed = workspace::ActiveModel {
        name: Set(workspace.name.clone()),
        version: Set(workspace.version.into()),
        ..Default::default()
    };
    workspace::Entity::update_many()
        .set(changed)
        .filter(workspace::Column::Id.eq(grant.workspace().uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// False where the person is a member already.
pub(in crate::account) async fn insert_membership(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    new: &Membership,
) -> Result<bool> {
    let row = membership::ActiveModel {
        id: Set(new.id.uuid()),
        workspace_id: Set(grant.workspace().uuid()),
        user_id: Set(new.user.uuid()),
        role: Set(role_name(new.role).to_owned()),
        version: Set(new.version.into()),
        created_at: Set(new.created_at),
    };
    let unique = [membership::Column::WorkspaceId, membership::Column::UserId];
    let inserted = membership::Entity::insert(row)
        .on_conflict(OnConflict::columns(unique).do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(inserted == 1)
}

/// The membership, and the grant for its workspace or why there is none.
pub(in crate::account) async fn find_membership<A>(
    source: &impl Source,
    scope: &Scope<A>,
    id: MembershipId,
) -> Result<Option<(Membership, Result<Grant<A>>)>> {
    let row = membership::Entity::find_by_id(id.uuid())
        .filter(membership::Column::WorkspaceId.is_in(scope.workspaces()))
        .one(source.connection())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let grant = scope.grant(row.workspace_id);
    Ok(Some((member(row)?, grant)))
}

pub(in crate::account) async fn find_memberships(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[MembershipId],
) -> Result<HashMap<MembershipId, Membership>> {
    let rows = membership::Entity::rows()
        .filter(membership::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(db::among(membership::Column::WorkspaceId, scope.workspaces()))
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| member(row).map(|member| (member.id, member))).collect()
}

pub(in crate::account) async fn find_membership_of(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    user: UserId,
) -> Result<Option<Membership>> {
    let row = membership::Entity::rows()
        .filter(membership::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(membership::Column::UserId.eq(user.uuid()))
        .one(source.connection())
        .await?;
    row.map(member).transpose()
}

/// Of those who own a workspace the one who joined first; for the development start, not for requests.
pub(in crate::account) async fn find_first_owner(
    source: &impl Source,
    id: WorkspaceId,
) -> Result<Option<UserId>> {
    let row = membership::Entity::rows()
        .filter(membership::Column::WorkspaceId.eq(id.uuid()))
        .filter(membership::Column::Role.eq(role_name(Role::Owner)))
        .order_by_asc(membership::Column::CreatedAt)
        .order_by_asc(membership::Column::Id)
        .one(source.connection())
        .await?;
    Ok(row.map(|row| UserId::from_uuid(row.user_id)))
}

pub(in crate::account) async fn count_owners(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
) -> Result<u64> {
    let owners = membership::Entity::rows()
        .filter(membership::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(membership::Column::Role.eq(role_name(Role::Owner)));
    Ok(owners.count(tx.connection()).await?)
}

pub(in crate::account) async fn update_role(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    changed: &Membership,
) -> Result<()> {
    let row = membership::ActiveModel {
        role: Set(role_name(changed.role).to_owned()),
        version: Set(changed.version.into()),
        ..Default::default()
    };
    membership::Entity::update_many()
        .set(row)
        .filter(membership::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(membership::Column::Id.eq(changed.id.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

pub(in crate::account) async fn delete_membership(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    id: MembershipId,
) -> Result<()> {
    membership::Entity::delete_many()
        .filter(membership::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(membership::Column::Id.eq(id.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// In the order in which they joined.
pub(in crate::account) async fn list_members(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    request: &PageRequest,
) -> Result<Page<Membership>> {
    let select =
        membership::Entity::rows().filter(membership::Column::WorkspaceId.eq(grant.workspace().uuid()));
    let order = Keyset::oldest_first(membership::Column::CreatedAt, membership::Column::Id);
    page::list(source, select, &order, request).await?.try_map(member)
}

/// A person's memberships in the workspaces that the scope shows, in the order in which they joined.
pub(in crate::account) async fn list_memberships_of(
    source: &impl Source,
    scope: &Scope<Read>,
    users: &[UserId],
    request: &PageRequest,
) -> Result<HashMap<UserId, Page<Membership>>> {
    let select = membership::Entity::rows().filter(membership::Column::WorkspaceId.is_in(scope.workspaces()));
    let users: Vec<Uuid> = users.iter().map(|id| id.uuid()).collect();
    let order = Keyset::oldest_first(membership::Column::CreatedAt, membership::Column::Id);
    let pages = page::list_by(source, select, membership::Column::UserId, &users, &order, request).await?;
    pages.into_iter().map(|(id, page)| Ok((UserId::from_uuid(id), page.try_map(member)?))).collect()
}

fn person(row: user::Model) -> User {
    User { id: UserId::from_uuid(row.id), display_name: row.display_name, created_at: row.created_at }
}

fn tenant(row: workspace::Model) -> Result<Workspace> {
    Ok(Workspace {
        id: WorkspaceId::from_uuid(row.id),
        name: row.name,
        slug: row.slug,
        version: i32::try_from(row.version).map_err(Error::internal)?,
        created_at: row.created_at,
    })
}

fn member(row: membership::Model) -> Result<Membership> {
    Ok(Membership {
        id: MembershipId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        user: UserId::from_uuid(row.user_id),
        role: role(&row.role)?,
        version: i32::try_from(row.version).map_err(Error::internal)?,
        created_at: row.created_at,
    })
}
