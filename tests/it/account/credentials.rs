//! What is refused at the door, and what a credential costs.
use super::*;
use crate::support::{Database, Nats};

on_both! {
    async fn a_credential_that_is_none_is_refused(app: TestApp) {
        let good = &app.owner.token;
        let mistyped = good.replacen(&good[40..41], if &good[40..41] == "0" { "1" } else { "0" }, 1);
        // Well-formed, its checksum right, made by another server.
        let foreign = "aif_0000000000000000000000000100000000000000000000000000000000000000000000000000006gd172h";
        let long = "x".repeat(7000);
        for credential in [
            "",
            "x",
            "aif_",
            "aif__",
            &good[..good.len() - 1],
            &good[..30],
            &good[4..],
            &good.to_uppercase(),
            &mistyped,
            &format!("{good}0"),
            &format!("{good} {good}"),
            foreign,
            "aif_' OR '1'='1",
            "'; DROP TABLE \"user\"; --",
            "aif_\"\"\"\"''''\\\\",
            "a.b.c",
            "..",
            "eyJhbGciOiJub25lIn0.e30.",
            &long,
        ] {
            app.assert_refused(credential).await;
        }
        app.ok(&app.owner, "{ viewer { id } }", json!({})).await;
    }
}

on_both! {
    async fn a_key_ends_with_its_expiry_and_with_its_revocation(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, "", clock.ambient()).await;
        let at = (clock.now() + TimeDelta::hours(1)).to_rfc3339();
        let (short, _) = app.create_key(&app.owner, json!({ "expiresAt": at })).await;
        let (other, id) = app.create_key(&app.owner, json!({})).await;
        app.ok(&short, "{ viewer { id } }", json!({})).await;
        clock.forward(TimeDelta::hours(1));
        app.assert_refused(&short.token).await;

        app.ok(&other, "{ viewer { id } }", json!({})).await;
        let revoke = "mutation($k: ID!) { revokeApiKey(input: {apiKeyId: $k}) { apiKey { revokedAt } } }";
        let first = app.ok(&app.owner, revoke, json!({ "k": id })).await;
        app.assert_refused(&other.token).await;
        clock.forward(TimeDelta::hours(1));
        assert_eq!(app.ok(&app.owner, revoke, json!({ "k": id })).await, first, "a second time changes nothing");

        let past = "mutation { createApiKey(input: {name: \"k\", expiresAt: \"2020-01-01T00:00:00Z\"}) {
            token userErrors { code } } }";
        assert_eq!(app.mends(&app.owner, past, json!({})).await, "INVALID");
    }
}

counted_on_both! {
    async fn a_credential_costs_one_statement_whatever_its_bearer_is_a_member_of(app: TestApp) {
        for place in 0..5 {
            app.create_workspace(&app.owner, &format!("place-{place}")).await;
        }
        let (_, statements) = app.cost(&app.owner, "{ viewer { id } }", json!({})).await;
        assert_eq!(statements, 1);
        // Refused before any database is asked.
        let cut = &app.owner.token[..80];
        let refused = async { json!(app.refusal(cut).await.0) };
        assert_eq!(app.statements(refused).await, (json!(401), 0));
    }
}

const REVOKE: &str = "mutation($k: ID!) { revokeApiKey(input: {apiKeyId: $k}) { apiKey { id } } }";

on_both! {
    async fn a_credential_is_read_once_and_what_is_changed_holds_from_the_next_request_on(database: Database) {
        let settings = "serve.work = false\nauth.recheck_seconds = 30";
        let app = TestApp::start_with(database, settings, TestClock::default().ambient()).await;
        let mo = app.person("Mo").await;
        app.assert_comes_and_goes(&mo).await;
        let (short, id) = app.create_key(&mo, json!({})).await;
        app.ok(&short, VIEWER, json!({})).await;
        assert_eq!(app.cost(&short, VIEWER, json!({})).await.1, 0);
        app.ok(&mo, REVOKE, json!({ "k": id })).await;
        app.assert_refused(&short.token).await;
    }
}

/// A second server on the same database, with these settings beside.
async fn beside(database: &Database, settings: &str) -> TestApp {
    let settings = format!("database.url = '{}'\nserve.work = false\n{settings}", database.url);
    TestApp::without_workspace(Database::sqlite(), &settings, Ambient::system()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_another_server_revoked_ends_when_the_bus_tells_so() {
    let (database, nats) = (Database::postgres().await, Nats::start().await);
    let settings = format!("auth.recheck_seconds = 30\nevents.url = '{}'", nats.url());
    let other = beside(&database, &settings).await;
    let app = TestApp::start_with(database, &settings, Ambient::system()).await;
    let (key, id) = app.create_key(&app.owner, json!({})).await;
    other.ok(&key, VIEWER, json!({})).await;
    app.ok(&app.owner, REVOKE, json!({ "k": id })).await;
    other.ends(&key.token).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_another_server_revoked_ends_when_what_was_read_is_old() {
    let database = Database::postgres().await;
    let other = beside(&database, "auth.recheck_seconds = 1").await;
    let app = TestApp::start_with(database, "", Ambient::system()).await;
    let (key, id) = app.create_key(&app.owner, json!({})).await;
    other.ok(&key, VIEWER, json!({})).await;
    app.ok(&app.owner, REVOKE, json!({ "k": id })).await;
    other.ends(&key.token).await;
}

on_both! {
    async fn the_last_use_of_a_key_is_written_aside_and_kept_over_a_restart(app: TestApp) {
        let used = "{ viewer { apiKeys { nodes { lastUsedAt } } } }";
        let data = app.ok(&app.owner, used, json!({})).await;
        assert_eq!(data["viewer"]["apiKeys"]["nodes"][0]["lastUsedAt"], json!(null), "not on the request's way");
        let app = app.restart().await;
        let data = app.ok(&app.owner, used, json!({})).await;
        assert!(data["viewer"]["apiKeys"]["nodes"][0]["lastUsedAt"].is_string(), "{data}");
    }
}
