//! What a server does with documents that nobody registered.
use super::*;
use crate::{
    on_both,
    support::{Binary, Socket},
};
use std::fs;

const ONLY: &str = "http.documents.mode = 'only'";
const SCHEMA: &str = "query Schema { __schema { queryType { name } } }";

async fn only(database: Database) -> TestApp {
    // Its workspace is made while everything runs.
    let app = TestApp::start(database).await;
    app.registered("viewer", VIEWER).await;
    app.restart_with(ONLY, Ambient::system()).await
}

on_both! {
    async fn only_what_is_registered_runs_where_the_server_says_so(database: Database) {
        let app = only(database).await;
        let member = app.running.services.account.create_user("Mo Member", None).await.unwrap();
        let member = Person { id: member.to_string(), token: app.running.services.account.mint_key(member, "test").await.unwrap() };
        let named = json!({ "documentId": "viewer" });
        assert_eq!(app.posted(Some(&app.owner.token), named.clone()).await.1["data"]["viewer"]["id"], app.owner.id);
        assert_eq!(app.posted(None, named.clone()).await.0, 401);
        assert_eq!(code(&app.posted(Some(&member.token), named).await.1), Some("PERSISTED_QUERY_NOT_FOUND"));

        // Not even what does not parse: it never reaches the parser.
        for document in [VIEWER, "{ __typename }", "{", SCHEMA] {
            let text = json!({ "query": document });
            let (status, refused) = app.posted(Some(&member.token), text.clone()).await;
            assert_eq!((status, code(&refused)), (403, Some("FORBIDDEN")), "{document}");
            assert_eq!(app.posted(None, text).await.0, 401, "{document}");
        }
        let mutation = "mutation { createWorkspace(input: {name: \"x\", slug: \"untrusted\"}) { workspace { id } } }";
        for document in [VIEWER, mutation, "{ __schema { queryType { name } } viewer { id } }"] {
            assert_eq!(app.code(&app.owner, document, json!({})).await, "FORBIDDEN", "{document}");
        }
        assert!(app.running.services.account.find_workspace_by_slug("untrusted").await.unwrap().is_none());

        let mut socket = Socket::connect(&app.url(), Some(&app.owner.token)).await;
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": { "query": VIEWER } })).await;
        assert_eq!(text(&socket.receive().await.unwrap(), "/payload/0/extensions/code"), "FORBIDDEN");
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": { "query": "", "documentId": "viewer" } })).await;
        assert_eq!(socket.receive().await.unwrap()["payload"]["data"]["viewer"]["id"], app.owner.id);
        let events = app.http.post(app.url()).header(header::ACCEPT, "text/event-stream").bearer_auth(&app.owner.token);
        let refused = events.json(&json!({ "query": VIEWER })).send().await.unwrap();
        assert_eq!(refused.status(), 403);
        let batch = app.http.post(app.url()).bearer_auth(&app.owner.token).json(&json!([{ "query": VIEWER }]));
        assert_eq!(batch.send().await.unwrap().status(), 400);
        assert!(app.metrics().await.contains("aifirst_untrusted_documents_total{outcome=\"refused\"}"));
    }
}

on_both! {
    async fn nothing_is_registered_in_passing_where_only_trusted_documents_run(database: Database) {
        let app = only(database).await;
        let token = Some(app.owner.token.as_str());
        let hash = sha256(VIEWER);
        let hashed = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
        let with_text = beside(&VIEWER.into(), hashed.clone());
        for (body, expected) in [
            // Told that hashes are not supported, a client would send no more of those that are.
            (&hashed, "PERSISTED_QUERY_NOT_FOUND"),
            (&with_text, "PERSISTED_QUERY_NOT_SUPPORTED"),
            (&hashed, "PERSISTED_QUERY_NOT_FOUND"),
        ] {
            let (status, refused) = app.posted(token, body.clone()).await;
            assert_eq!((status, code(&refused)), (400, Some(expected)), "{body}");
        }
        // New documents come in all the same, and run at once.
        app.registered(&hash, VIEWER).await;
        for body in [hashed, with_text] {
            assert_eq!(app.posted(token, body).await.1["data"]["viewer"]["id"], app.owner.id);
        }
    }
}

on_both! {
    async fn the_schema_is_read_by_who_may_register_documents(database: Database) {
        let app = only(database).await;
        let key = app.running.services.account.mint_key_with(
            app.owner.id.parse().unwrap(),
            aifirst::account::OperatorKey {
                workspace: Some("acme".into()),
                name: "build".into(),
                limit: aifirst::shared::actor::KeyScope::Documents,
                expires_at: None,
            },
        );
        let key = secrecy::ExposeSecret::expose_secret(&key.await.unwrap()).to_owned();
        for token in [&app.owner.token, &key] {
            let (status, answer) = app.posted(Some(token), json!({ "query": SCHEMA })).await;
            assert_eq!((status, &answer["data"]["__schema"]["queryType"]["name"]), (200, &json!("Query")));
        }
        let read = app.running.services.account.mint_key_with(
            app.owner.id.parse().unwrap(),
            aifirst::account::OperatorKey {
                workspace: Some("acme".into()),
                name: "page".into(),
                limit: aifirst::shared::actor::KeyScope::Write,
                expires_at: None,
            },
        );
        let read = secrecy::ExposeSecret::expose_secret(&read.await.unwrap()).to_owned();
        assert_eq!(code(&app.posted(Some(&read), json!({ "query": SCHEMA })).await.1), Some("FORBIDDEN"));
    }
}

#[tokio::test]
async fn untrusted_documents_run_and_are_counted_where_they_are_only_watched() {
    let app = start("http.documents.mode = 'log'").await;
    let counted = async || {
        let metrics = app.metrics().await;
        let line = metrics
            .lines()
            .find(|line| line.starts_with("aifirst_untrusted_documents_total{outcome=\"ran\"}"));
        line.map_or(0, |line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
    };
    app.registered("viewer", VIEWER).await;
    let before = counted().await;
    app.posted(Some(&app.owner.token), json!({ "documentId": "viewer" })).await;
    assert_eq!(counted().await, before, "it is trusted");
    app.ok(&app.owner, VIEWER, json!({})).await;
    assert_eq!(counted().await, before + 1);
}

#[tokio::test]
async fn a_server_tells_its_log_which_untrusted_document_ran_and_not_what_is_in_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let server = Binary::new(folder.path()).set("HTTP__DOCUMENTS__MODE", "log").serve().await;
    let document = "query Told { viewer { displayName } } # canary";
    server.client().get(document, json!({})).await;
    let ended = server.stop().await;
    let line = ended.stderr.lines().find(|line| line.contains("\"operation\":\"Told\"")).unwrap();
    assert!(line.contains(&sha256(document)), "{line}");
    assert!(!ended.stderr.contains("canary") && !ended.stderr.contains("displayName"), "{}", ended.stderr);
}

on_both! {
    async fn what_the_operator_lets_everybody_run_needs_no_workspace(database: Database) {
        let file = database.folder.path().join("manifest.json");
        fs::write(&file, json!({ "me": VIEWER, "ping": "{ __typename }" }).to_string()).unwrap();
        let settings = format!("{ONLY}\nhttp.documents.manifests = ['{}']", file.display());
        let app = TestApp::without_workspace(database, &settings, Ambient::system()).await;
        let me = app.posted(Some(&app.owner.token), json!({ "documentId": "me" })).await.1;
        assert_eq!(me["data"]["viewer"]["id"], app.owner.id);
        assert_eq!(app.posted(None, json!({ "documentId": "me" })).await.0, 401, "the document is no credential");
        assert_eq!(app.posted(None, json!({ "documentId": "ping" })).await.1["data"]["__typename"], "Query");
    }
}

#[tokio::test]
async fn a_manifest_of_the_operators_that_cannot_be_used_stops_the_start_and_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("manifest.json");
    fs::write(folder.path().join("aifirst.toml"), "http.documents.manifests = ['manifest.json']").unwrap();
    let binary = Binary::new(folder.path());
    for (content, said) in [
        (None, "manifest.json"),
        (Some("[]"), "manifest.json"),
        (Some("{\"broken\": \"{ nope }\"}"), "broken: line 1, column 3: "),
    ] {
        content.map(|content| fs::write(&file, content).unwrap());
        let ended = binary.run(&["serve"]).await;
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        assert!(
            ended.stderr.contains("http.documents.manifests") && ended.stderr.contains(said),
            "{ended:#?}"
        );
    }
    let ended = binary.set("HTTP__DOCUMENTS__MODE", "sometimes").run(&["serve"]).await;
    assert!(ended.code == Some(2) && ended.stderr.contains("http.documents.mode"), "{ended:#?}");
}
