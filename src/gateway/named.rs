//! Routes by name, as a workspace has them: those of the configuration, and its own in their place or beside them.
use crate::{
    config::{ProviderKind, Route, route_name_problem},
    shared::{
        Problems, Result,
        id::{RouteId, WorkspaceId},
    },
};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::Arc};

/// Routes that a workspace may set.
pub const MAX_ROUTES: u64 = 50;

/// The route of a name in a workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedRoute {
    /// By workspace and name: the same whether the workspace set it or it is configured.
    pub id: RouteId,
    pub workspace: WorkspaceId,
    pub name: String,
    pub route: Arc<Route>,
    /// Greater with each change; 0 for one of the configuration.
    pub version: i32,
    /// It is of the configuration: the workspace set no other in its place.
    pub is_configured: bool,
}

/// A route as somebody wants it.
#[derive(Clone, Debug)]
pub struct NewRoute {
    pub workspace: WorkspaceId,
    pub name: String,
    pub expected_version: Option<i32>,
    pub route: Route,
}

impl NamedRoute {
    pub(super) fn configured(workspace: WorkspaceId, name: &str, route: &Arc<Route>) -> Self {
        let id = route_id(workspace, name);
        Self { id, workspace, name: name.to_owned(), route: route.clone(), version: 0, is_configured: true }
    }
}

pub(super) fn route_id(workspace: WorkspaceId, name: &str) -> RouteId {
    let hash = Sha256::new().chain_update(workspace.uuid().as_bytes()).chain_update(name).finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
    RouteId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// Those of the configuration, and the workspace's own in their place or beside them; by name.
pub(super) fn merged(
    workspace: WorkspaceId,
    configured: &BTreeMap<String, Arc<Route>>,
    own: &BTreeMap<String, NamedRoute>,
) -> BTreeMap<String, NamedRoute> {
    let configured =
        configured.iter().map(|(name, route)| (name.clone(), NamedRoute::configured(workspace, name, route)));
    let mut all: BTreeMap<_, _> = configured.collect();
    all.extend(own.iter().map(|(name, route)| (name.clone(), route.clone())));
    all
}

/// All that is wrong with a route, at paths below `at`, as inputs name them.
pub(super) fn check(route: &Route, at: &str, kind: impl Fn(&str) -> Option<ProviderKind>) -> Result<()> {
    let mut problems = Problems::default();
    for (path, message) in route.problems(kind) {
        problems.invalid(format!("{at}.{}", input_path(&path)), message);
    }
    problems.finish()
}

pub(super) fn check_name(name: &str) -> Result<()> {
    let mut problems = Problems::default();
    if let Some(message) = route_name_problem(name) {
        problems.invalid("name", message);
    }
    problems.finish()
}

/// `retry.max_milliseconds` is `retry.max` in an input: there a time says its unit itself.
fn input_path(path: &str) -> String {
    let segment = |segment: &str| {
        let plain = segment.trim_end_matches("_milliseconds").trim_end_matches("_seconds");
        let mut words = plain.split('_');
        let mut name = words.next().unwrap_or_default().to_owned();
        for word in words {
            let mut letters = word.chars();
            name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            name.push_str(letters.as_str());
        }
        match name.as_str() {
            "cache" => "cacheFor".to_owned(),
            "hedge" => "hedgeAfter".to_owned(),
            _ => name,
        }
    };
    path.split('.').map(segment).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_an_input() {
        for (path, input) in [
            ("targets.1.provider", "targets.1.provider"),
            ("fallbacks.context_window.0.model", "fallbacks.contextWindow.0.model"),
            ("timeouts.first_token_milliseconds", "timeouts.firstToken"),
            ("max_output_tokens", "maxOutputTokens"),
            ("cache_seconds", "cacheFor"),
            ("hedge_milliseconds", "hedgeAfter"),
        ] {
            assert_eq!(input_path(path), input);
        }
    }
}
