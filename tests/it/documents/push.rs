//! `aifirst documents push`, as the build of a frontend calls it.
use super::*;
use crate::{
    on_both,
    support::{Binary, Client, Ended, Server, behind_tls},
};
use sea_orm::ConnectionTrait;
use std::{fs, path::Path};

struct Build {
    binary: Binary,
    server: Server,
    key: String,
}

impl Build {
    /// A server that runs nothing but what is registered, and a key for its documents.
    async fn new(binary: Binary) -> Self {
        let server = binary.clone().set("HTTP__DOCUMENTS__MODE", "only").serve().await;
        let create = [
            "token",
            "create",
            "--user",
            "ci@example.org",
            "--workspace",
            "acme",
            "--scope",
            "documents",
            "--role",
            "admin",
        ];
        let made = binary.run(&create).await;
        assert_eq!(made.code, Some(0), "{made:#?}");
        let key = made.stdout.trim().to_owned();
        Self { binary, server, key }
    }

    async fn push(&self, arguments: &[&str]) -> Ended {
        let mut fixed = vec!["documents", "push", "--application", "web"];
        if !arguments.contains(&"--url") {
            fixed.extend(["--url", &self.server.url]);
        }
        let binary = self.binary.clone().set("API_KEY", &self.key);
        binary.run(&[&fixed[..], arguments].concat()).await
    }

    /// Somebody of the workspace for whose application the documents are.
    async fn member(&self) -> Client {
        let create =
            ["token", "create", "--user", "ana@example.org", "--workspace", "acme", "--role", "viewer"];
        let made = self.binary.run(&create).await;
        Client::new(&self.server.url, made.stdout.trim())
    }
}

fn write(folder: &Path, name: &str, content: &Value) -> String {
    let file = folder.join(name);
    fs::write(&file, content.to_string()).unwrap();
    file.display().to_string()
}

on_both! {
    async fn a_manifest_is_pushed_to_a_server_that_runs_trusted_documents_only(database: Database) {
        let build = Build::new(Binary::on(&database)).await;
        let folder = database.folder.path();
        let hash = sha256(VIEWER);
        let first = write(folder, "persisted-documents.json", &json!({ format!("sha256:{hash}"): VIEWER }));
        let apollo = json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations":
            [{ "id": "name", "name": "Name", "type": "query", "body": "query Name { viewer { displayName } }" }] });
        let second = write(folder, "persisted-query-manifest.json", &apollo);
        let push = ["--manifest", &first, "--manifest", &second];
        let only_told = build.push(&[&push[..], &["--validate-only"]].concat()).await;
        assert_eq!(only_told.stdout, "2 documents would be registered for web, 0 were there already\n", "{only_told:#?}");
        for told in ["2 documents registered for web, 0", "0 documents registered for web, 2"] {
            let pushed = build.push(&push).await;
            assert!(pushed.code == Some(0) && pushed.stdout.starts_with(told), "{pushed:#?}");
        }
        let member = build.member().await;
        assert_eq!(member.named("name").await["viewer"]["displayName"], "ana");
        assert!(text(&member.named(&hash).await, "/viewer/id").starts_with("user_"));
    }
}

#[tokio::test]
async fn a_push_that_is_wrong_registers_nothing_and_says_what_to_mend() {
    let folder = tempfile::TempDir::new().unwrap();
    let build = Build::new(Binary::new(folder.path())).await;
    let file = |name: &str, content: &str| {
        fs::write(folder.path().join(name), content).unwrap();
        name.to_owned()
    };
    let altered = sha256(VIEWER);
    let bad = json!({ "good": VIEWER, "bad": "query Q {\n  nope\n}", "worse": "{", altered.as_str(): "{ __typename }" });
    for (name, content, code, said) in [
        ("not-json", "{", 2, vec!["not-json", "not JSON"]),
        ("list", "[]", 2, vec!["list", "object"]),
        ("shape", "{\"a\": {\"text\": \"{ a }\"}}", 2, vec!["shape", "\"a\""]),
        ("empty", "{}", 2, vec!["empty", "no document"]),
        (
            "bad",
            &bad.to_string(),
            1,
            vec![
                "nothing was registered",
                "bad: line 2, column 3: ",
                "GRAPHQL_VALIDATION_FAILED",
                "worse: line 1",
                "GRAPHQL_PARSE_FAILED",
                altered.as_str(),
            ],
        ),
    ] {
        let ended = build.push(&["--manifest", &file(name, content)]).await;
        assert_eq!(ended.code, Some(code), "{ended:#?}");
        assert!(said.iter().all(|it| ended.stderr.contains(it)) && ended.stdout.is_empty(), "{ended:#?}");
    }
    let good = file("good", &json!({ "good": VIEWER }).to_string());
    let pushed = build.push(&["--manifest", &good]).await;
    assert!(pushed.stdout.starts_with("1 documents registered"), "{pushed:#?}");

    let missing = build.push(&["--manifest", "nowhere.json"]).await;
    assert!(missing.code == Some(2) && missing.stderr.contains("nowhere.json"), "{missing:#?}");
    let elsewhere = build.push(&["--manifest", &good, "--workspace", "ws_00000000000000000000000000"]).await;
    assert!(elsewhere.code == Some(1) && elsewhere.stderr.contains("NOT_FOUND"), "{elsewhere:#?}");
    let nobody = build.push(&["--manifest", &good, "--url", "http://127.0.0.1:1/graphql"]).await;
    assert!(nobody.code == Some(1) && nobody.stderr.contains("127.0.0.1:1"), "{nobody:#?}");
    let health = build.push(&["--manifest", &good, "--url", &build.server.health]).await;
    assert!(health.code == Some(1) && health.stderr.contains("GraphQL"), "{health:#?}");
    let fixed =
        ["documents", "push", "--application", "web", "--manifest", &good, "--url", &build.server.url];
    let keyless = build.binary.run(&fixed).await;
    assert!(keyless.code == Some(2) && keyless.stderr.contains("AIFIRST_API_KEY"), "{keyless:#?}");
    let wrong = build.binary.clone().set("API_KEY", "aif_nonsense").run(&fixed).await;
    assert!(wrong.code == Some(1) && wrong.stderr.contains("UNAUTHENTICATED"), "{wrong:#?}");
}

#[tokio::test]
async fn a_manifest_of_any_size_goes_in_parts_all_or_nothing() {
    let folder = tempfile::TempDir::new().unwrap();
    let build = Build::new(Binary::new(folder.path())).await;
    let mut documents: serde_json::Map<String, Value> =
        (0..2_500).map(|i| (format!("d{i:04}"), json!("{ __typename }"))).collect();
    documents.insert("z".into(), "{ nope }".into());
    let bad = write(folder.path(), "bad.json", &Value::from(documents.clone()));
    let refused = build.push(&["--manifest", &bad]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("z: line 1"), "{refused:#?}");
    documents.insert("z".into(), VIEWER.into());
    let good = write(folder.path(), "good.json", &Value::from(documents));
    let pushed = build.push(&["--manifest", &good]).await;
    assert_eq!(pushed.stdout, "2501 documents registered for web, 0 were there already\n", "{pushed:#?}");
}

#[tokio::test]
async fn an_id_with_two_texts_is_found_before_anything_is_sent() {
    let folder = tempfile::TempDir::new().unwrap();
    let build = Build::new(Binary::new(folder.path())).await;
    // More than one request: each of them alone is good.
    let documents = |prefix: &str, text: &str| {
        let mut documents: serde_json::Map<String, Value> =
            (0..700).map(|i| (format!("{prefix}{i}"), json!(VIEWER))).collect();
        documents.insert("twice".into(), text.into());
        write(folder.path(), prefix, &documents.into())
    };
    let (first, second) = (documents("a", VIEWER), documents("b", "{ __typename }"));
    let push = ["--manifest", &first, "--manifest", &second];
    let refused = build.push(&push).await;
    assert!(refused.code == Some(2) && refused.stderr.contains("twice: "), "{refused:#?}");
    let first = build.push(&push[..2]).await;
    assert_eq!(first.stdout, "701 documents registered for web, 0 were there already\n", "{first:#?}");
}

#[tokio::test]
async fn a_manifest_is_pushed_over_tls_to_a_server_that_is_trusted() {
    let folder = tempfile::TempDir::new().unwrap();
    let build = Build::new(Binary::new(folder.path())).await;
    let url = behind_tls(&build.server.url).await;
    let good = write(folder.path(), "good.json", &json!({ "good": VIEWER }));
    let push = ["--manifest", &good, "--url", &url];
    let refused = build.push(&push).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("certificate"), "{refused:#?}");
    fs::write(folder.path().join("ca.pem"), include_str!("../keys/ca.pem")).unwrap();
    let trusting = Build { binary: build.binary.clone().env("SSL_CERT_FILE", "ca.pem"), ..build };
    let pushed = trusting.push(&push).await;
    assert_eq!(pushed.stdout, "1 documents registered for web, 0 were there already\n", "{pushed:#?}");
}

#[tokio::test]
async fn what_was_pushed_is_listed_and_retired() {
    let folder = tempfile::TempDir::new().unwrap();
    let build = Build::new(Binary::new(folder.path())).await;
    let documents: serde_json::Map<String, Value> =
        (0..103).map(|i| (format!("d{i:03}"), json!(VIEWER))).collect();
    let manifest = write(folder.path(), "manifest.json", &Value::from(documents));
    let run = async |arguments: &[&str]| {
        let url = ["--url", &build.server.url];
        build.binary.clone().set("API_KEY", &build.key).run(&[&["documents"], arguments, &url].concat()).await
    };
    let pushed = run(&["push", "--application", "web", "--manifest", &manifest]).await;
    assert_eq!(pushed.code, Some(0), "{pushed:#?}");
    let made = build
        .binary
        .run(&["token", "create", "--user", "ana@example.org", "--workspace", "acme", "--role", "viewer"])
        .await;
    let member = Client::new(&build.server.url, made.stdout.trim());
    let workspaces = "query Mine { viewer { memberships { nodes { workspace { id } } } } }";
    let mine = write(folder.path(), "mine.json", &json!({ "mine": workspaces }));
    assert_eq!(run(&["push", "--application", "ios", "--manifest", &mine]).await.code, Some(0));
    let workspace = text(&member.named("mine").await, "/viewer/memberships/nodes/0/workspace/id");

    let listed = run(&["list", "--workspace", &workspace]).await;
    let lines: Vec<_> = listed.stdout.lines().map(|line| line.split('\t').collect::<Vec<_>>()).collect();
    assert_eq!(lines.len(), 104, "{listed:#?}");
    assert_eq!(lines[0][..2], ["mine", "ios"], "{listed:#?}");
    let ios = run(&["list", "--workspace", &workspace, "--application", "ios"]).await;
    assert_eq!(ios.stdout.lines().count(), 1, "{ios:#?}");
    let nowhere = run(&["list", "--workspace", "ws_00000000000000000000000000"]).await;
    assert_eq!(nowhere.code, Some(1), "{nowhere:#?}");

    let retired = run(&["retire", "mine", "d000", "never"]).await;
    assert_eq!(retired.stdout, "2 documents retired, 1 were not there\n", "{retired:#?}");
    assert_eq!(
        code(&member.answer(json!({ "documentId": "mine" })).await),
        Some("PERSISTED_QUERY_NOT_FOUND")
    );
    let wrong = run(&["retire", "a b"]).await;
    assert!(wrong.code == Some(1) && wrong.stderr.contains("a b"), "{wrong:#?}");
}

/// On PostgreSQL alone, where the test reaches the database of a server that runs.
#[tokio::test]
async fn a_push_that_is_too_much_says_what_was_registered() {
    let database = Database::postgres().await;
    let build = Build::new(Binary::on(&database)).await;
    let documents = |range: std::ops::Range<u32>| {
        let documents: serde_json::Map<String, Value> =
            range.map(|i| (format!("d{i:05}"), json!("{ __typename }"))).collect();
        write(database.folder.path(), "manifest.json", &documents.into())
    };
    let one = documents(0..1);
    assert_eq!(build.push(&["--manifest", &one]).await.code, Some(0));
    let connection = sea_orm::Database::connect(&database.url).await.unwrap();
    let copies = "INSERT INTO trusted_document (id, workspace_id, application, document_id, text, registered_by, created_at)
        SELECT gen_random_uuid(), workspace_id, application, 'x' || i, text, registered_by, created_at
        FROM trusted_document, generate_series(2, 18500) i";
    connection.execute_unprepared(copies).await.unwrap();
    // Three requests, of which the second is too much.
    let many = documents(0..2_001);
    let cut = build.push(&["--manifest", &many]).await;
    assert!(
        cut.code == Some(1) && cut.stderr.contains("1000 documents were registered, the others were not"),
        "{cut:#?}"
    );
    assert!(cut.stderr.contains("20000"), "{cut:#?}");
    let again = build.push(&["--manifest", &documents(0..1_000)]).await;
    assert_eq!(again.stdout, "0 documents registered for web, 1000 were there already\n", "{again:#?}");
    connection.close().await.unwrap();
}

/// On PostgreSQL alone: one process holds a SQLite database.
#[tokio::test]
async fn a_server_learns_of_what_was_pushed_to_another() {
    let database = Database::postgres().await;
    let build = Build::new(Binary::on(&database)).await;
    let other =
        Binary::on(&database).set("DATA_DIR", "other").set("HTTP__DOCUMENTS__MODE", "only").serve().await;
    let member = build.member().await.at(&other);
    let unknown = member.answer(json!({ "documentId": "new" })).await;
    assert_eq!(code(&unknown), Some("PERSISTED_QUERY_NOT_FOUND"));
    let file = write(database.folder.path(), "new.json", &json!({ "new": VIEWER }));
    assert_eq!(build.push(&["--manifest", &file]).await.code, Some(0));
    assert!(text(&member.named("new").await, "/viewer/id").starts_with("user_"));
}
