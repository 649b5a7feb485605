//! What README.md shows works, and what it names exists.
use crate::{on_both, support::text};
use serde_json::{Value, json};
use std::path::Path;

const README: &str = include_str!("../../README.md");

/// The code blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

on_both! {
    async fn the_first_queries_of_the_readme_work_as_pasted(app: TestApp) {
        let curl = blocks("sh").into_iter().find(|block| block.contains("curl")).unwrap();
        let body = curl.split("-d '").nth(1).unwrap().split('\'').next().unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        let data = app.ok(&app.owner, body["query"].as_str().unwrap(), json!({})).await;
        let workspace = text(&data, "/viewer/memberships/nodes/0/workspace/id");

        let [remember, recall] = blocks("graphql").try_into().unwrap();
        let data = app.ok(&app.owner, remember, json!({ "ws": workspace })).await;
        let memory = text(&data, "/remember/memory/id");
        let data = app.ok(&app.owner, recall, json!({ "ws": workspace })).await;
        assert_eq!(text(&data, "/workspace/recall/hits/0/item/id"), memory);
    }
}

#[test]
fn every_path_that_the_readme_names_exists() {
    let words = README.split('`').skip(1).step_by(2).filter(|word| !word.contains([' ', '\n', '{', '…']));
    let roots = ["src/", "docs/", "tests/", "scripts/", "migration/", "entity/", "bench/", ".ci/"];
    let paths: Vec<&str> = words.filter(|word| roots.iter().any(|root| word.starts_with(root))).collect();
    assert!(paths.len() > 10, "{paths:?}");
    for path in paths {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(), "README.md names {path}");
    }
}
