//! GraphiQL for developers. Its scripts are pinned, and the browser checks their hashes; `scripts/graphiql` computes
//! them from the npm packages and writes the page.
use axum::{
    http::header,
    response::{IntoResponse, Response},
};

const PAGE: &str = include_str!("graphiql.html");

pub(super) fn page() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PAGE).into_response()
}
