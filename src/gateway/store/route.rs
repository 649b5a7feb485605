//! Rows of the routes that workspaces set.
use crate::{
    config::Route,
    db::{self, Source},
    gateway::named::NamedRoute,
    shared::{
        Error, Result,
        actor::{Administer, AtLeast, Grant, Principal, Read, Scope, Write},
        id::{RouteId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::{gateway_state, route as row};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use std::{collections::HashMap, sync::Arc};

/// What a process goes by of a workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::gateway) struct State {
    /// 0 where nothing was ever set.
    pub version: i64,
    pub keeps_contents: bool,
}

/// For every call: not by anybody's leave, as the call has had it.
pub(in crate::gateway) async fn find_state(source: &impl Source, workspace: WorkspaceId) -> Result<State> {
    let state = gateway_state::Entity::find_by_id(workspace.uuid()).one(source.connection()).await?;
    let state = state.map(|it| State { version: it.version, keeps_contents: it.keeps_contents });
    Ok(state.unwrap_or_default())
}

/// As [`find_state`].
pub(in crate::gateway) async fn list_routes(
    source: &impl Source,
    workspace: WorkspaceId,
) -> Result<Vec<NamedRoute>> {
    let rows = row::Entity::rows()
        .filter(row::Column::WorkspaceId.eq(workspace.uuid()))
        .all(source.connection())
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// One more, with its row taken: what is read after it is the newest, and nobody else changes it meanwhile.
pub(in crate::gateway) async fn advance(tx: &impl Source, grant: &Grant<impl AtLeast<Write>>) -> Result<i64> {
    use gateway_state::Column;
    let next = OnConflict::column(Column::WorkspaceId)
        .value(Column::Version, Expr::col((gateway_state::Entity, Column::Version)).add(1))
        .to_owned();
    let first = gateway_state::ActiveModel {
        workspace_id: Set(grant.workspace().uuid()),
        version: Set(1),
        keeps_contents: Set(false),
    };
    let state =
        gateway_state::Entity::insert(first).on_conflict(next).exec_with_returning(tx.connection()).await?;
    Ok(state.version)
}

pub(in crate::gateway) async fn find_route(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    name: &str,
) -> Result<Option<NamedRoute>> {
    let found = row::Entity::rows()
        .filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(row::Column::Name.eq(name))
        .one(source.connection())
        .await?;
    found.map(from_row).transpose()
}

pub(in crate::gateway) async fn find_routes(
    source: &impl Source,
    scope: &Scope<Read>,
    ids: &[RouteId],
) -> Result<HashMap<RouteId, NamedRoute>> {
    let rows = row::Entity::rows()
        .filter(row::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(db::among(row::Column::WorkspaceId, scope.allowed()))
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| from_row(row).map(|route| (route.id, route))).collect()
}

pub(in crate::gateway) async fn count_routes(source: &impl Source, grant: &Grant<Administer>) -> Result<u64> {
    let own = row::Column::WorkspaceId.eq(grant.workspace().uuid());
    Ok(row::Entity::rows().filter(own).count(source.connection()).await?)
}

pub(in crate::gateway) async fn put_route(
    tx: &impl Source,
    _: &Grant<Administer>,
    route: &NamedRoute,
    by: Principal,
    at: DateTime<Utc>,
) -> Result<()> {
    let new = row::ActiveModel {
        id: Set(route.id.uuid()),
        workspace_id: Set(route.workspace.uuid()),
        name: Set(route.name.clone()),
        settings: Set(serde_json::to_value(&*route.route).map_err(Error::internal)?),
        version: Set(route.version.into()),
        set_by: Set(by.to_string()),
        set_at: Set(at),
    };
    let changed = [row::Column::Settings, row::Column::Version, row::Column::SetBy, row::Column::SetAt];
    row::Entity::insert(new)
        .on_conflict(OnConflict::column(row::Column::Id).update_columns(changed).to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

pub(in crate::gateway) async fn delete_route(
    tx: &impl Source,
    grant: &Grant<Administer>,
    id: RouteId,
) -> Result<()> {
    row::Entity::delete_many()
        .filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(row::Column::Id.eq(id.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

fn from_row(row: row::Model) -> Result<NamedRoute> {
    let route: Route = serde_json::from_value(row.settings).map_err(Error::internal)?;
    Ok(NamedRoute {
        id: RouteId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        name: row.name,
        route: Arc::new(route),
        version: i32::try_from(row.version).unwrap_or(i32::MAX),
        is_configured: false,
    })
}
