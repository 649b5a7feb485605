//! What a workspace has registered is seen by who may register, and retired by them.
use super::*;
use crate::{on_both, support::TestClock};
use aifirst::db::Source;
use chrono::TimeDelta;
use sea_orm::ConnectionTrait;

const ONLY: &str = "http.documents.mode = \"only\"";
const NOT_FOUND: Option<&str> = Some("PERSISTED_QUERY_NOT_FOUND");

impl TestApp {
    async fn retire(&self, person: &Person, input: Value) -> Value {
        let body =
            json!({ "documentId": "x-aifirst:retireTrustedDocuments", "variables": { "input": input } });
        let (_, answer) = self.posted(Some(&person.token), body).await;
        answer.pointer("/data/retireTrustedDocuments").cloned().unwrap_or(answer)
    }

    async fn named(&self, person: &Person, id: &str) -> Value {
        self.posted(Some(&person.token), json!({ "documentId": id })).await.1
    }
}

fn retired(count: u64) -> Value {
    json!({ "retired": count, "userErrors": [] })
}

on_both! {
    async fn a_retired_document_runs_no_more_and_its_id_is_free(database: Database) {
        let app = TestApp::start(database).await.restart_with(ONLY, Ambient::system()).await;
        let both = [("one", VIEWER), ("two", "query Two { viewer { displayName } }")];
        assert_eq!(app.register(&app.owner, &app.workspace, &both).await["registered"], 2);
        for id in ["one", "two"] {
            assert_eq!(code(&app.named(&app.owner, id).await), None, "{id}");
        }
        let input = json!({ "workspaceId": app.workspace, "documentIds": ["one", "never"] });
        assert_eq!(app.retire(&app.owner, input.clone()).await, retired(1));
        assert_eq!(code(&app.named(&app.owner, "one").await), NOT_FOUND);
        assert_eq!(code(&app.named(&app.owner, "two").await), None);
        assert_eq!(app.retire(&app.owner, input).await, retired(0));

        let entries = app.audited("DOCUMENTS_RETIRED").await;
        assert_eq!(entries, json!([{ "actorId": app.owner.id, "data": { "retired": 1 } }]));
        app.registered("one", "query Other { viewer { displayName } }").await;
        assert!(app.named(&app.owner, "one").await["data"]["viewer"]["displayName"].is_string());
    }
}

impl TestApp {
    /// What the audit trail has of an action; read by a document that is registered for it.
    async fn audited(&self, action: &str) -> Value {
        let trail = "query Trail($ws: ID!) { workspace(id: $ws) { auditEntries(first: 100) { nodes { action actorId data } } } }";
        self.registered("trail", trail).await;
        let body = json!({ "documentId": "trail", "variables": { "ws": self.workspace } });
        let (_, answer) = self.posted(Some(&self.owner.token), body).await;
        let entries = answer["data"]["workspace"]["auditEntries"]["nodes"].as_array().unwrap();
        let entries = entries.iter().filter(|entry| entry["action"] == action);
        entries.map(|entry| json!({ "actorId": entry["actorId"], "data": entry["data"] })).collect()
    }
}

// As on a server beside the one that retired it: the rows are gone, and nobody told this one.
on_both! {
    async fn another_server_runs_a_retired_document_until_it_looks_again(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, "", clock.ambient()).await;
        let app = app.restart_with(ONLY, clock.ambient()).await;
        app.registered("one", VIEWER).await;
        assert_eq!(code(&app.named(&app.owner, "one").await), None);
        let tx = app.running.services.db.begin().await.unwrap();
        tx.connection().execute_unprepared("DELETE FROM trusted_document").await.unwrap();
        tx.commit().await.unwrap();
        clock.forward(TimeDelta::seconds(29));
        assert_eq!(code(&app.named(&app.owner, "one").await), None);
        clock.forward(TimeDelta::seconds(2));
        assert_eq!(code(&app.named(&app.owner, "one").await), NOT_FOUND);
        // Whoever retires it again has it gone here, too.
        app.registered("two", VIEWER).await;
        assert_eq!(code(&app.named(&app.owner, "two").await), None);
        let tx = app.running.services.db.begin().await.unwrap();
        tx.connection().execute_unprepared("DELETE FROM trusted_document").await.unwrap();
        tx.commit().await.unwrap();
        let input = json!({ "workspaceId": app.workspace, "documentIds": ["two"] });
        assert_eq!(app.retire(&app.owner, input).await, retired(0));
        assert_eq!(code(&app.named(&app.owner, "two").await), NOT_FOUND);
    }
}

on_both! {
    async fn retiring_is_for_who_may_register_and_reaches_their_workspace_alone(app: TestApp) {
        app.registered("one", VIEWER).await;
        let input = json!({ "workspaceId": app.workspace, "documentIds": ["one"] });
        let member = app.person("Mo Member").await;
        app.join(&member, "MEMBER").await;
        assert_eq!(code(&app.retire(&member, input.clone()).await), Some("FORBIDDEN"));
        let stranger = app.person("Sam Stranger").await;
        assert_eq!(code(&app.retire(&stranger, input.clone()).await), Some("NOT_FOUND"));
        let theirs = app.create_workspace(&stranger, "theirs").await;
        let elsewhere = json!({ "workspaceId": theirs, "documentIds": ["one"] });
        assert_eq!(app.retire(&stranger, elsewhere).await, retired(0));
        assert_eq!(code(&app.named(&app.owner, "one").await), None);
        // The key of a build knows its workspace.
        let key = app.documents_key().await;
        assert_eq!(app.retire(&key, json!({ "documentIds": ["one"] })).await, retired(1));
        assert_eq!(code(&app.named(&app.owner, "one").await), NOT_FOUND);
    }
}

#[tokio::test]
async fn what_cannot_be_retired_is_told_with_its_place() {
    let app = start("").await;
    app.registered("one", VIEWER).await;
    let told = async |input: Value| {
        let payload = app.retire(&app.owner, input).await;
        assert_eq!(payload["retired"], Value::Null, "{payload:#}");
        let errors = payload["userErrors"].as_array().unwrap().clone();
        errors.iter().map(|error| (text(error, "/code"), text(error, "/field"))).collect::<Vec<_>>()
    };
    let invalid = |field: &str| vec![("INVALID".to_owned(), field.to_owned())];
    let ids = |ids: Value| json!({ "workspaceId": app.workspace, "documentIds": ids });
    assert_eq!(told(ids(json!([]))).await, invalid("documentIds"));
    assert_eq!(told(ids(json!(vec!["one"; 1_001]))).await, invalid("documentIds"));
    assert_eq!(told(ids(json!(["one", "a b"]))).await, invalid("documentIds.1"));
    assert_eq!(told(ids(json!(["x".repeat(201)]))).await, invalid("documentIds.0"));
    assert_eq!(told(json!({ "documentIds": ["one"] })).await, invalid("workspaceId"));
    assert_eq!(code(&app.named(&app.owner, "one").await), None, "nothing was retired");
}

const LIST: &str = "query($ws: ID!, $after: String, $application: String) { workspace(id: $ws) {
    trustedDocuments(first: 2, after: $after, filter: { application: $application }) {
        totalCount nodes { documentId application text registeredById } pageInfo { hasNextPage endCursor } } } }";

on_both! {
    async fn what_is_registered_is_listed_newest_first_for_who_may_register(app: TestApp) {
        let hash = sha256(VIEWER);
        for (application, id) in [("web", "a"), ("ios", "b"), ("web", &hash)] {
            let input = json!({ "workspaceId": app.workspace, "application": application,
                "documents": [{ "id": id, "text": VIEWER }] });
            assert_eq!(app.register_input(&app.owner, input).await["registered"], 1);
        }
        let list = async |variables: Value| {
            let mut variables = variables;
            variables["ws"] = json!(app.workspace);
            app.ok(&app.owner, LIST, variables).await["workspace"]["trustedDocuments"].clone()
        };
        let ids = |page: &Value| -> Vec<String> {
            page["nodes"].as_array().unwrap().iter().map(|it| text(it, "/documentId")).collect()
        };
        let first = list(json!({})).await;
        assert_eq!((ids(&first), &first["totalCount"]), (vec![format!("sha256:{hash}"), "b".into()], &json!(3)));
        let expected = json!({ "documentId": "b", "application": "ios", "text": VIEWER, "registeredById": app.owner.id });
        assert_eq!(first["nodes"][1], expected);
        let rest = list(json!({ "after": first["pageInfo"]["endCursor"] })).await;
        assert_eq!((ids(&rest), &rest["pageInfo"]["hasNextPage"]), (vec!["a".into()], &json!(false)));
        assert_eq!(ids(&list(json!({ "application": "ios" })).await), ["b"]);
        assert_eq!(ids(&list(json!({ "application": "none" })).await), [""; 0]);

        let key = app.documents_key().await;
        let own = json!({ "documentId": "x-aifirst:trustedDocuments", "variables": { "workspaceId": app.workspace } });
        let (_, seen) = app.posted(Some(&key.token), own).await;
        assert_eq!(seen["data"]["workspace"]["trustedDocuments"]["nodes"].as_array().unwrap().len(), 3, "{seen:#}");
        let member = app.person("Mo Member").await;
        app.join(&member, "MEMBER").await;
        let refused = app.ask(Some(&member.token), LIST, json!({ "ws": app.workspace })).await;
        assert_eq!((code(&refused), &refused["data"]["workspace"]["trustedDocuments"]), (Some("FORBIDDEN"), &Value::Null));
        let stranger = app.person("Sam Stranger").await;
        let hidden = app.ask(Some(&stranger.token), LIST, json!({ "ws": app.workspace })).await;
        assert_eq!(hidden["data"]["workspace"], Value::Null);
    }
}
