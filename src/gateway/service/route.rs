//! Routes: which hold, who sets them, and where a call would go.
use super::Gateway;
use crate::{
    account::AuditAction,
    config::{ProviderKind, Route, Target},
    event::Tx,
    gateway::{
        budget::Routes,
        held::Held,
        named::{self, MAX_ROUTES, NamedRoute, NewRoute},
        policy,
        providers::{Health, Known},
        route::{Explanation, Standing},
        store,
    },
    shared::{
        Edited, Error, Page, PageRequest, Problem, ProblemCode, Result,
        actor::{Actor, Grant, Read, Write},
        edit::is_stale,
        id::{AnyId, RouteId, WorkspaceId},
        page::Key,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// On which processes tell each other that what they keep of a workspace holds no more.
pub(super) const TOPIC: &str = "gateway";
/// Tells cursors of this list from others'.
const LIST: u32 = 0x726F_7574;
const NO_ROUTE: Error = Error::NotFound("route");

/// A provider as a workspace uses it.
#[derive(Clone, Debug)]
pub struct ProviderView {
    pub name: String,
    pub kind: ProviderKind,
    pub health: Option<Health>,
    /// The workspace's targets there, and how they stand.
    pub targets: Vec<(String, Standing)>,
}

impl Gateway {
    /// Sets the route of a name in a workspace: a new one, or in the place of the one that was there.
    pub async fn set_route(&self, actor: &Actor, new: NewRoute) -> Result<Edited<Option<NamedRoute>>> {
        let grant = actor.may::<policy::SetRoute>(new.workspace)?;
        named::check_name(&new.name)?;
        self.check_route(&new.route)?;
        let mut tx = self.events.begin().await?;
        let version = store::advance(&tx, &grant).await?;
        let found = store::find_route(&tx, &grant, &new.name).await?;
        let configured = || {
            let route = self.routes.get(&new.name)?;
            Some(NamedRoute::configured(new.workspace, &new.name, route))
        };
        let now = found.as_ref().map_or(0, |found| found.version);
        if is_stale(new.expected_version, now) {
            return Ok(Edited::Stale { current: found.or_else(configured), version: now });
        }
        if let Some(found) = &found
            && *found.route == new.route
        {
            return Ok(Edited::Done(Some(found.clone())));
        }
        if found.is_none() && store::count_routes(&tx, &grant).await? >= MAX_ROUTES {
            let message = format!("a workspace sets at most {MAX_ROUTES} routes");
            return Err(Error::Refused(vec![Problem::new(ProblemCode::LimitReached, "name", message)]));
        }
        let is_new = found.is_none() && configured().is_none();
        let action = if is_new { AuditAction::RouteCreated } else { AuditAction::RouteUpdated };
        let route = NamedRoute {
            id: named::route_id(new.workspace, &new.name),
            workspace: new.workspace,
            name: new.name,
            route: Arc::new(new.route),
            version: i32::try_from(version).map_err(Error::internal)?,
            is_configured: false,
        };
        store::put_route(&tx, &grant, &route, actor.principal(), self.ambient.now()).await?;
        self.route_changed(&mut tx, actor, action, &route).await?;
        tx.commit().await?;
        self.forget_held(route.workspace);
        Ok(Edited::Done(Some(route)))
    }

    /// Removes a route that a workspace set; the configured one of its name holds again, where there is one, and is
    /// given back.
    pub async fn remove_route(
        &self,
        actor: &Actor,
        id: RouteId,
        expected_version: Option<i32>,
    ) -> Result<Edited<Option<NamedRoute>>> {
        let found = self.find_routes(actor, &[id]).await?.remove(&id).ok_or(NO_ROUTE)?;
        let grant = actor.may::<policy::RemoveRoute>(found.workspace)?;
        let mut tx = self.events.begin().await?;
        store::advance(&tx, &grant).await?;
        let Some(route) = store::find_route(&tx, &grant, &found.name).await? else {
            let message = "it comes with the server's configuration: set another in its place instead";
            return Err(Error::conflict("routeId", message));
        };
        if is_stale(expected_version, route.version) {
            return Ok(Edited::Stale { version: route.version, current: Some(route) });
        }
        store::delete_route(&tx, &grant, id).await?;
        let configured = self.routes.get(&route.name);
        let configured = configured.map(|it| NamedRoute::configured(route.workspace, &route.name, it));
        match &configured {
            Some(again) => self.route_changed(&mut tx, actor, AuditAction::RouteUpdated, again).await?,
            None => self.route_changed(&mut tx, actor, AuditAction::RouteRemoved, &route).await?,
        }
        tx.commit().await?;
        self.forget_held(route.workspace);
        Ok(Edited::Done(configured))
    }

    fn check_route(&self, route: &Route) -> Result<()> {
        named::check(route, "settings", |provider| Some(self.providers.get(provider)?.kind))
    }

    async fn route_changed(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: AuditAction,
        route: &NamedRoute,
    ) -> Result<()> {
        let targets = route.route.targets.iter().map(|it| format!("{}/{}", it.provider, it.model));
        let data = serde_json::json!({
            "name": route.name,
            "version": route.version,
            "targets": targets.collect::<Vec<_>>(),
        });
        let (by, subject) = (Some(actor.principal()), AnyId::Route(route.id));
        self.account.audit(tx, by, Some(route.workspace), action, subject, data).await?;
        tx.tell(TOPIC, route.workspace.uuid().as_bytes().to_vec());
        Ok(())
    }

    /// All routes of a workspace, by their names.
    pub async fn list_routes(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        request: &PageRequest,
    ) -> Result<Page<NamedRoute>> {
        actor.may::<Read>(workspace)?;
        let routes = self.held_routes(workspace).await?.into_values();
        let keyed = routes.map(|route| (key(&route), route)).collect();
        Page::of(keyed, LIST, request)
    }

    pub async fn find_routes(&self, actor: &Actor, ids: &[RouteId]) -> Result<HashMap<RouteId, NamedRoute>> {
        let scope = actor.scope::<Read>();
        let mut found = store::find_routes(&self.db, &scope, ids).await?;
        for workspace in scope.allowed().map(WorkspaceId::from_uuid) {
            for (name, route) in &*self.routes {
                let id = named::route_id(workspace, name);
                if ids.contains(&id) {
                    found.entry(id).or_insert_with(|| NamedRoute::configured(workspace, name, route));
                }
            }
        }
        Ok(found)
    }

    /// Where a call along a route would go now, and why; along `instead`, as if the route were that.
    pub async fn explain_route(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        name: &str,
        instead: Option<Route>,
    ) -> Result<Explanation> {
        actor.may::<Read>(workspace)?;
        let route = match instead {
            Some(route) => {
                self.check_route(&route)?;
                Arc::new(route)
            }
            None => self.route(&*self.held(workspace).await?, name).ok_or(NO_ROUTE)?,
        };
        let providers = self.providers.of(workspace);
        Ok(Explanation::of(&route, |target| providers.standing(target)))
    }

    /// The providers that calls of the workspace can come to, and the workspace's targets there.
    pub async fn list_providers(&self, actor: &Actor, workspace: WorkspaceId) -> Result<Vec<ProviderView>> {
        actor.may::<Read>(workspace)?;
        let (routes, providers) = (self.held_routes(workspace).await?, self.providers.of(workspace));
        let targets: BTreeSet<(&str, &str)> = routes
            .values()
            .flat_map(|named| named.route.all_targets())
            .map(|target| (target.provider.as_str(), target.model.as_str()))
            .collect();
        let view = |(name, known): (&str, &Known)| ProviderView {
            name: name.to_owned(),
            kind: known.kind,
            health: providers.health(name),
            targets: targets
                .iter()
                .filter(|(provider, _)| *provider == name)
                .map(|(provider, model)| {
                    let target =
                        Target { provider: (*provider).to_owned(), model: (*model).to_owned(), weight: 1 };
                    (target.model.clone(), providers.standing(&target))
                })
                .collect(),
        };
        Ok(providers.iter().map(view).collect())
    }

    /// The workspace's own route of this name, or else the configured one.
    pub(super) fn route(&self, held: &Held, name: &str) -> Option<Arc<Route>> {
        held.routes.get(name).map(|named| &named.route).or_else(|| self.routes.get(name)).cloned()
    }

    /// The same, for a call that is under way.
    pub(super) fn routes_of(&self, held: Arc<Held>) -> Routes {
        let gateway = self.clone();
        Arc::new(move |name| gateway.route(&held, name))
    }

    pub(super) async fn held(&self, workspace: WorkspaceId) -> Result<Arc<Held>> {
        self.held.of(&self.db, &self.policies, workspace, || self.answers.forget(workspace)).await
    }

    async fn held_routes(&self, workspace: WorkspaceId) -> Result<BTreeMap<String, NamedRoute>> {
        let held = self.held(workspace).await?;
        Ok(named::merged(workspace, &self.routes, &held.routes))
    }

    /// In the transaction that forgets something in a workspace: no answer that a model gave there before it counts
    /// after it, in any process, and no contents of calls stay, nor do those come that are under way. How many went.
    pub async fn forget_answers_in(&self, tx: &mut Tx, grant: &Grant<Write>) -> Result<u64> {
        store::advance(tx, grant).await?;
        tx.tell(TOPIC, grant.workspace().uuid().as_bytes().to_vec());
        store::delete_contents(tx, grant).await
    }

    /// What is kept of the workspace in this process holds no more.
    pub fn forget_held(&self, workspace: WorkspaceId) {
        self.held.forget(workspace);
        self.answers.forget(workspace);
    }
}

/// In the order of the names' beginnings: eight letters of a plain name fit.
fn key(route: &NamedRoute) -> Key {
    let mut value = [0; 8];
    value.iter_mut().zip(route.name.bytes()).for_each(|(to, from)| *to = from & 0x7f);
    Key { list: LIST, value: i64::from_be_bytes(value), id: route.id.uuid() }
}
