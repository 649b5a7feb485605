//! GraphiQL for developers. Its scripts are pinned, and the browser checks their hashes; `scripts/graphiql` computes
//! them from the npm packages, writes the page, and fills the folder from which they are served where there is no network.
use super::Public;
use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use std::path::PathBuf;

const PAGE: &str = include_str!("graphiql.html");
/// Where the page loads its files from, unless there is a folder.
const NETWORK: &str = "https://unpkg.com/";

/// `folder`: where the page's files lie, if not in the network.
pub(super) fn page(folder: Option<&PathBuf>) -> Response {
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    match folder {
        Some(_) => (html, PAGE.replace(NETWORK, "/graphiql/")).into_response(),
        None => (html, PAGE).into_response(),
    }
}

/// A file that the page loads, and no other.
pub(super) async fn file(State(public): State<Public>, Path(name): Path<String>) -> Response {
    let missing = (StatusCode::NOT_FOUND, "the page loads no such file\n");
    let Some(folder) = public.graphiql.as_ref().and_then(|graphiql| graphiql.folder.as_ref()) else {
        return missing.into_response();
    };
    if name.contains('"') || !PAGE.contains(&format!("\"{NETWORK}{name}\"")) {
        return missing.into_response();
    }
    let Ok(content) = tokio::fs::read(folder.join(&name)).await else {
        return (StatusCode::NOT_FOUND, "it is not in the folder: fill it with scripts/graphiql\n")
            .into_response();
    };
    let kind = if name.ends_with(".css") { "text/css" } else { "text/javascript" };
    ([(header::CONTENT_TYPE, kind)], content).into_response()
}
