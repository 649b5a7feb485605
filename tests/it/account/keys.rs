//! What a key opens, and where its secret is.
use super::*;
use sea_orm::{ConnectionTrait, Database as Connector, Statement};

const REMEMBER: &str = "mutation($ws: ID!) { remember(input: {workspaceId: $ws, text: \"x\"}) {
    memory { id } userErrors { code } } }";
const INVITE: &str = "mutation($ws: ID!) { inviteMember(input: {workspaceId: $ws, email: \"a@b.c\"}) {
    invitation { id } userErrors { code } } }";

on_both! {
    async fn a_key_is_shown_once_and_only_its_hash_is_stored(app: TestApp) {
        let create = "mutation { createApiKey(input: {name: \"once\", idempotencyKey: \"k\"}) {
            apiKey { id prefix } token userErrors { code } } }";
        let first = app.ok(&app.owner, create, json!({})).await;
        let token = text(&first, "/createApiKey/token");
        assert!(token.starts_with(&text(&first, "/createApiKey/apiKey/prefix")));
        let again = app.ok(&app.owner, create, json!({})).await;
        assert_eq!(again["createApiKey"]["apiKey"], first["createApiKey"]["apiKey"]);
        assert_eq!(again["createApiKey"]["token"], json!(null));
        let invite = "mutation($ws: ID!) { inviteMember(input: {workspaceId: $ws, email: \"a@b.c\"}) { token } }";
        let invitation = text(&app.ok(&app.owner, invite, json!({ "ws": app.workspace })).await, "/inviteMember/token");

        // Behind the kind and the id of the row.
        let secrets = [&token[30..82], &invitation[33..85]];
        assert!(secrets.iter().all(|secret| secret.len() == 52));
        assert_nowhere_in_the_database(&app, &secrets).await;
    }
}

async fn assert_nowhere_in_the_database(app: &TestApp, secrets: &[&str]) {
    if app.database.is_sqlite() {
        let mut searched = String::new();
        for file in std::fs::read_dir(app.database.folder.path()).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                searched.push_str(&String::from_utf8_lossy(&bytes));
                for secret in secrets {
                    let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                    assert!(!found, "{}", path.display());
                }
            }
        }
        assert!(searched.contains("development token"), "the search finds what is stored");
        return;
    }
    let database = Connector::connect(&app.database.url).await.unwrap();
    let ask = |sql: &str| Statement::from_string(database.get_database_backend(), sql);
    let tables = "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'";
    for table in database.query_all_raw(ask(tables)).await.unwrap() {
        let table: String = table.try_get("", "name").unwrap();
        for secret in secrets {
            let sql = format!("SELECT count(*) AS rows FROM \"{table}\" t WHERE t::text LIKE '%{secret}%'");
            let found = database.query_one_raw(ask(&sql)).await.unwrap().unwrap();
            assert_eq!(found.try_get::<i64>("", "rows").unwrap(), 0, "{table}");
        }
    }
}

on_both! {
    async fn a_key_does_no_more_than_its_scopes(app: TestApp) {
        let ws = json!({ "ws": app.workspace });
        let read = app.create_key(&app.owner, json!({ "scopes": ["READ"] })).await.0;
        let write = app.create_key(&app.owner, json!({ "scopes": ["WRITE", "READ"] })).await.0;
        let admin = app.create_key(&app.owner, json!({ "scopes": ["ADMIN"] })).await.0;
        let query = "query($ws: ID!) { workspace(id: $ws) { name } }";
        for key in [&read, &write, &admin] {
            assert_eq!(app.ok(key, query, ws.clone()).await["workspace"]["name"], "acme");
        }
        assert_eq!(app.code(&read, REMEMBER, ws.clone()).await, "FORBIDDEN");
        app.ok(&write, REMEMBER, ws.clone()).await;
        let create = "mutation { createApiKey(input: {name: \"more\", scopes: [ADMIN]}) { token } }";
        for key in [&read, &write] {
            assert_eq!(app.code(key, INVITE, ws.clone()).await, "FORBIDDEN");
            assert_eq!(app.code(key, create, json!({})).await, "FORBIDDEN", "a key makes no greater one");
        }
        app.ok(&admin, INVITE, ws).await;
        let scopes = "{ viewer { apiKeys(first: 2) { nodes { scopes } } } }";
        let shown = app.ok(&app.owner, scopes, json!({})).await;
        let expected = json!([{ "scopes": ["READ", "WRITE", "ADMIN"] }, { "scopes": ["READ", "WRITE"] }]);
        assert_eq!(shown["viewer"]["apiKeys"]["nodes"], expected);
    }
}

on_both! {
    async fn a_key_for_one_workspace_opens_no_other(app: TestApp) {
        let other = app.create_workspace(&app.owner, "other").await;
        let (wide, wide_id) = app.create_key(&app.owner, json!({ "scopes": ["ADMIN"] })).await;
        let (narrow, narrow_id) =
            app.create_key(&app.owner, json!({ "scopes": ["ADMIN"], "workspaceId": app.workspace })).await;
        let query = "query($ws: ID!) { workspace(id: $ws) { slug } viewer { memberships { nodes { workspace { slug } } } } }";
        let shown = app.ok(&narrow, query, json!({ "ws": other })).await;
        let expected = json!({ "workspace": null,
            "viewer": { "memberships": { "nodes": [{ "workspace": { "slug": "acme" } }] } } });
        assert_eq!(shown, expected);
        assert_eq!(app.code(&narrow, REMEMBER, json!({ "ws": other })).await, "NOT_FOUND");
        app.ok(&narrow, REMEMBER, json!({ "ws": app.workspace })).await;

        let create = "mutation { createWorkspace(input: {name: \"x\"}) { workspace { id } } }";
        assert_eq!(app.code(&narrow, create, json!({})).await, "FORBIDDEN");
        let mint = "mutation { createApiKey(input: {name: \"wide\"}) { token } }";
        assert_eq!(app.code(&narrow, mint, json!({})).await, "FORBIDDEN", "else it would open all by a detour");
        let keys = app.ok(&narrow, "{ viewer { apiKeys { nodes { id } } } }", json!({})).await;
        assert_eq!(keys["viewer"]["apiKeys"]["nodes"], json!([{ "id": narrow_id }]));
        let revoke = "mutation($k: ID!) { revokeApiKey(input: {apiKeyId: $k}) { apiKey { id } } }";
        assert_eq!(app.code(&narrow, revoke, json!({ "k": wide_id })).await, "NOT_FOUND");
        app.ok(&wide, revoke, json!({ "k": narrow_id })).await;
        app.assert_refused(&narrow.token).await;
    }
}

on_both! {
    async fn a_key_that_ends_makes_none_that_outlives_it(app: TestApp) {
        let (short, _) = app.create_key(&app.owner, json!({ "scopes": ["ADMIN"], "expiresAt": "2100-01-01T00:00:00Z" })).await;
        let create = "mutation($at: DateTime) { createApiKey(input: {name: \"next\", scopes: [READ], expiresAt: $at}) {
            apiKey { expiresAt } userErrors { code field } } }";
        for at in [Value::Null, json!("2100-01-01T00:00:01Z")] {
            let refused = app.ok(&short, create, json!({ "at": at })).await;
            assert_eq!(refused["createApiKey"]["userErrors"], json!([{ "code": "INVALID", "field": "expiresAt" }]));
        }
        let at = json!("2099-12-31T00:00:00Z");
        let made = app.ok(&short, create, json!({ "at": at })).await;
        assert_eq!(made["createApiKey"], json!({ "apiKey": { "expiresAt": at }, "userErrors": [] }));
    }
}

on_both! {
    async fn a_service_account_works_by_its_keys_until_it_is_deleted(app: TestApp) {
        let create = "mutation($ws: ID!, $role: Role!) { createServiceAccount(input: {workspaceId: $ws,
            name: \"Importer\", role: $role}) { serviceAccount { id name role } userErrors { code field } } }";
        let owner = app.mends(&app.owner, create, json!({ "ws": app.workspace, "role": "OWNER" })).await;
        assert_eq!(owner, "INVALID", "a program owns no workspace");
        let made = app.ok(&app.owner, create, json!({ "ws": app.workspace, "role": "MEMBER" })).await;
        let id = text(&made, "/createServiceAccount/serviceAccount/id");
        let (robot, key) = app.create_key(&app.owner, json!({ "serviceAccountId": id, "scopes": ["ADMIN"] })).await;

        let ws = json!({ "ws": app.workspace });
        let query = "query($ws: ID!) { viewer { id } workspace(id: $ws) { slug } }";
        let shown = app.ok(&robot, query, ws.clone()).await;
        assert_eq!(shown, json!({ "viewer": null, "workspace": { "slug": "acme" } }));
        app.ok(&robot, REMEMBER, ws.clone()).await;
        assert_eq!(app.code(&robot, INVITE, ws.clone()).await, "FORBIDDEN", "its role is MEMBER");

        let list = "query($ws: ID!) { workspace(id: $ws) { apiKeys { nodes { id user { id } serviceAccount { id } } }
            serviceAccounts { totalCount } } }";
        let listed = app.ok(&app.owner, list, ws.clone()).await;
        let expected = json!([{ "id": key, "user": null, "serviceAccount": { "id": id } }]);
        assert_eq!(listed["workspace"]["apiKeys"]["nodes"], expected);

        let delete = "mutation($s: ID!) { deleteServiceAccount(input: {serviceAccountId: $s}) {
            deletedServiceAccountId userErrors { code } } }";
        app.ok(&app.owner, delete, json!({ "s": id })).await;
        app.assert_refused(&robot.token).await;
        let listed = app.ok(&app.owner, list, ws).await;
        assert_eq!(listed["workspace"]["serviceAccounts"]["totalCount"], 0);
    }
}
