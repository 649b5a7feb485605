use super::model::{Membership, User, Workspace, role_name, role_of};
use crate::{
    db::{Source, page},
    shared::{
        Page, PageRequest, Result,
        actor::{AtLeast, Grant, Own, Read, Role, Scope},
        id::{MembershipId, UserId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::{api_key, membership, user, workspace};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use std::collections::HashMap;

pub async fn insert_user(tx: &impl Source, user: &User, now: DateTime<Utc>) -> Result<()> {
    let row = user::Model {
        id: user.id.uuid(),
        email: user.email.clone(),
        display_name: user.display_name.clone(),
        issuer: None,
        subject: None,
        created_at: now,
    };
    row.into_active_model().insert(tx.connection()).await?;
    Ok(())
}

pub async fn insert_workspace(tx: &impl Source, workspace: &Workspace) -> Result<()> {
    let row = workspace::Model {
        id: workspace.id.uuid(),
        name: workspace.name.clone(),
        slug: workspace.slug.clone(),
        created_at: workspace.created_at,
    };
    row.into_active_model().insert(tx.connection()).await?;
    Ok(())
}

pub async fn slug_is_taken(tx: &impl Source, slug: &str) -> Result<bool> {
    let taken =
        workspace::Entity::find().filter(workspace::Column::Slug.eq(slug)).one(tx.connection()).await?;
    Ok(taken.is_some())
}

pub async fn insert_membership(
    tx: &impl Source,
    grant: &Grant<Own>,
    id: MembershipId,
    user: UserId,
    role: Role,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = membership::Model {
        id: id.uuid(),
        workspace_id: grant.workspace().uuid(),
        user_id: user.uuid(),
        role: role_name(role).to_owned(),
        created_at: now,
    };
    row.into_active_model().insert(tx.connection()).await?;
    Ok(())
}

pub async fn find_workspaces(
    source: &impl Source,
    scope: &Scope<impl AtLeast<Read>>,
    ids: &[WorkspaceId],
) -> Result<HashMap<WorkspaceId, Workspace>> {
    let rows = workspace::Entity::find()
        .filter(workspace::Column::Id.is_in(scope.workspaces()))
        .filter(workspace::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .all(source.connection())
        .await?;
    Ok(rows.into_iter().map(|row| (WorkspaceId::from_uuid(row.id), workspace_of(row))).collect())
}

pub async fn find_user(source: &impl Source, id: UserId) -> Result<Option<User>> {
    let row = user::Entity::find_by_id(id.uuid()).one(source.connection()).await?;
    Ok(row.map(|row| User {
        id: UserId::from_uuid(row.id),
        email: row.email,
        display_name: row.display_name,
    }))
}

pub async fn list_memberships(
    source: &impl Source,
    user: UserId,
    request: &PageRequest,
) -> Result<Page<Membership>> {
    let order = page::Keyset::oldest_first(membership::Column::CreatedAt, membership::Column::Id);
    let select = membership::Entity::find().filter(membership::Column::UserId.eq(user.uuid()));
    let page = page::list(source, select, &order, request).await?;
    let items =
        page.items.into_iter().map(|(key, row)| Ok((key, membership_of(row)?))).collect::<Result<_>>()?;
    Ok(Page { items, has_next: page.has_next, has_previous: page.has_previous, total: page.total })
}

pub async fn roles_of(source: &impl Source, user: UserId) -> Result<HashMap<WorkspaceId, Role>> {
    let rows = membership::Entity::find()
        .filter(membership::Column::UserId.eq(user.uuid()))
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| Ok((WorkspaceId::from_uuid(row.workspace_id), role_of(&row.role)?))).collect()
}

pub async fn find_key(source: &impl Source, key_id: &str) -> Result<Option<api_key::Model>> {
    Ok(api_key::Entity::find().filter(api_key::Column::KeyId.eq(key_id)).one(source.connection()).await?)
}

pub async fn insert_key(tx: &impl Source, key: api_key::Model) -> Result<()> {
    key.into_active_model().insert(tx.connection()).await?;
    Ok(())
}

pub async fn workspace_by_slug(source: &impl Source, slug: &str) -> Result<Option<Workspace>> {
    let row =
        workspace::Entity::find().filter(workspace::Column::Slug.eq(slug)).one(source.connection()).await?;
    Ok(row.map(workspace_of))
}

fn workspace_of(row: workspace::Model) -> Workspace {
    Workspace {
        id: WorkspaceId::from_uuid(row.id),
        name: row.name,
        slug: row.slug,
        created_at: row.created_at,
    }
}

fn membership_of(row: membership::Model) -> Result<Membership> {
    Ok(Membership {
        id: MembershipId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        user: UserId::from_uuid(row.user_id),
        role: role_of(&row.role)?,
    })
}
