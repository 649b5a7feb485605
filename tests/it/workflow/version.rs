//! Workflows, what is published of them, and requests that come twice.
use super::{CREATE, ENDS, START, create, events, publish, start};
use crate::{
    contract::operations,
    on_both,
    support::{TestApp, text},
};
use aifirst::db::Source;
use futures_util::future::join_all;
use sea_orm::{ActiveModelTrait, Set};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn answer(expression: &str) -> Value {
    json!([{ "key": "a", "action": { "transform": { "expression": expression } } }])
}

/// The number and checksum that publishing gives.
async fn version(app: &TestApp, workflow: &str) -> (i64, String) {
    let published = app.ok(&app.owner, operations()["Publish"], json!({ "w": workflow })).await;
    let version = &published["publishWorkflow"]["version"];
    (version["number"].as_i64().unwrap(), text(version, "/checksum"))
}

on_both! {
    async fn the_same_graph_has_the_same_checksum_and_another_a_different_one(app: TestApp) {
        let mut checksums = vec![];
        for (name, steps) in [("One", answer("1")), ("Two", answer("1")), ("Three", answer("2"))] {
            let created = create(&app, name, steps).await;
            let workflow = text(&created, "/workflow/id");
            let (number, checksum) = version(&app, &workflow).await;
            assert_eq!(version(&app, &workflow).await, (number, checksum.clone()), "what is published already stays");
            assert_eq!((number, checksum.len()), (1, 64));
            checksums.push(checksum);
        }
        assert_eq!(checksums[0], checksums[1]);
        assert_ne!(checksums[0], checksums[2]);
    }
}

on_both! {
    async fn publishing_at_once_makes_one_version(app: TestApp) {
        let created = create(&app, "One", answer("1")).await;
        let workflow = text(&created, "/workflow/id");
        let versions: BTreeSet<_> = join_all((0..6).map(|_| version(&app, &workflow))).await.into_iter().collect();
        assert_eq!(versions.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1]);
    }
}

/// Puts other steps into the draft; no operation does that yet.
async fn edit(app: &TestApp, workflow: &str, steps: Value) {
    let id: aifirst::shared::id::WorkflowId = workflow.parse().unwrap();
    let tx = app.running.services.db.begin().await.unwrap();
    let graph = json!({ "steps": steps });
    let row = entity::workflow::ActiveModel {
        id: Set(id.uuid()),
        graph: Set(graph),
        draft_version: Set(2),
        ..Default::default()
    };
    row.update(tx.connection()).await.unwrap();
    tx.commit().await.unwrap();
}

on_both! {
    async fn a_run_keeps_the_version_that_it_started_with(app: TestApp) {
        let steps = |told: &str| json!([
            { "key": "ok", "action": { "approval": { "title": "?" } } },
            { "key": "told", "after": ["ok"], "action": { "transform": { "expression": told } } },
        ]);
        let workflow = publish(&app, steps("'old'")).await;
        let old = start(&app, &workflow, json!({})).await;
        let asked = events(&app, &old, &["ApprovalRequested"]).await;
        edit(&app, &workflow, answer("'new'")).await;
        let (number, _) = version(&app, &workflow).await;
        assert_eq!(number, 2);
        let approval = text(asked.last().unwrap(), "/approval/id");
        app.ok(&app.owner, operations()["Decide"], json!({ "a": approval })).await;
        let ended = events(&app, &old, ENDS).await;
        assert_eq!(ended.last().unwrap()["run"]["output"], json!({ "told": "old" }));
        let new = start(&app, &workflow, json!({})).await;
        assert_eq!(events(&app, &new, ENDS).await.last().unwrap()["run"]["output"], json!({ "a": "new" }));
        let number = "query($r: ID!) { node(id: $r) { ... on Run { version { number } } } }";
        for (run, version) in [(&old, 1), (&new, 2)] {
            let of = app.ok(&app.owner, number, json!({ "r": run })).await;
            assert_eq!(of["node"]["version"]["number"], version);
        }
        let pinned = app.ok(&app.owner, START, json!({ "input": { "workflowId": workflow, "version": 1 } })).await;
        let pinned = text(&pinned, "/startRun/run/id");
        assert_eq!(events(&app, &pinned, &["ApprovalRequested", "RunFailed"]).await.last().unwrap()["__typename"], "ApprovalRequested");
        let unknown = app.ok(&app.owner, START, json!({ "input": { "workflowId": workflow, "version": 3 } })).await;
        assert_eq!(unknown["startRun"]["userErrors"][0]["field"], "version", "{unknown:#}");
    }
}

on_both! {
    async fn a_request_that_comes_twice_makes_one_workflow_and_one_run(app: TestApp) {
        let input = |name: &str, key: &str| json!({ "input": { "workspaceId": app.workspace, "name": name, "graph": { "steps": answer("1") }, "idempotencyKey": key } });
        let created = join_all((0..4).map(|_| app.ok(&app.owner, CREATE, input("One", "k")))).await;
        let ids: BTreeSet<_> = created.iter().map(|created| text(created, "/createWorkflow/workflow/id")).collect();
        assert_eq!(ids.len(), 1, "{created:#?}");
        let other = app.ok(&app.owner, CREATE, input("Other", "k")).await;
        assert_eq!(other["createWorkflow"]["userErrors"][0]["code"], "IDEMPOTENCY_CONFLICT", "{other:#}");
        let workflow = ids.into_iter().next().unwrap();
        version(&app, &workflow).await;
        let input = |n: i32, key: &str| json!({ "input": { "workflowId": workflow, "input": { "n": n }, "idempotencyKey": key } });
        let started = join_all((0..4).map(|_| app.ok(&app.owner, START, input(1, "k")))).await;
        let ids: BTreeSet<_> = started.iter().map(|started| text(started, "/startRun/run/id")).collect();
        assert_eq!(ids.len(), 1, "{started:#?}");
        let other = app.ok(&app.owner, START, input(2, "k")).await;
        assert_eq!(other["startRun"]["userErrors"][0]["code"], "IDEMPOTENCY_CONFLICT", "{other:#}");
        let next = app.ok(&app.owner, START, input(2, "l")).await;
        assert!(!ids.contains(&text(&next, "/startRun/run/id")));
        let counts = "query($ws: ID!) { workspace(id: $ws) { workflows { totalCount } runs { totalCount } } }";
        let counts = app.ok(&app.owner, counts, json!({ "ws": app.workspace })).await;
        assert_eq!(counts["workspace"], json!({ "workflows": { "totalCount": 1 }, "runs": { "totalCount": 2 } }));
    }
}

on_both! {
    async fn workflows_of_one_name_made_at_once_have_slugs_of_their_own(app: TestApp) {
        let created = join_all((0..6).map(|_| create(&app, "Weekly Review!", answer("1")))).await;
        let slugs: BTreeSet<_> = created.iter().map(|created| text(created, "/workflow/slug")).collect();
        let expected: BTreeSet<_> = ["weekly-review".to_owned()].into_iter().chain((2..=6).map(|n| format!("weekly-review-{n}"))).collect();
        assert_eq!(slugs, expected);
        let input = json!({ "workspaceId": app.workspace, "name": "Mine", "slug": "mine", "graph": { "steps": answer("1") } });
        let created = join_all((0..4).map(|_| app.ok(&app.owner, CREATE, json!({ "input": input })))).await;
        let (made, refused): (Vec<_>, Vec<_>) = created.iter().partition(|created| created["createWorkflow"]["workflow"].is_object());
        assert_eq!((made.len(), refused.len()), (1, 3), "{created:#?}");
        for refused in refused {
            let error = &refused["createWorkflow"]["userErrors"][0];
            assert_eq!((&error["code"], &error["field"]), (&json!("CONFLICT"), &json!("slug")));
        }
    }
}
