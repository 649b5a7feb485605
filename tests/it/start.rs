//! Starting the real binary: what keeps it from starting says what to do, and leaves nothing half-written.
use crate::{
    contract::operations,
    on_both,
    support::{Binary, Ended, got, text},
};
use aifirst::{config::Config, db};
use serde_json::json;
use std::{fs, net::TcpListener, time::Duration};
use tempfile::TempDir;

/// What a failed start ended with: 1 for what is around the server, 2 for what was asked of it.
#[track_caller]
fn assert_refused(ended: &Ended, code: i32, said: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:#?}");
    for wanted in said {
        assert!(ended.stderr.contains(wanted), "{wanted:?} is not said: {ended:#?}");
    }
    assert!(ended.stdout.is_empty() && !ended.stderr.contains("panicked"), "{ended:#?}");
}

#[tokio::test]
async fn a_server_starts_with_nothing_given_and_stops_in_order() {
    let folder = TempDir::new().unwrap();
    let server = Binary::new(folder.path()).serve().await;
    assert_eq!(got(&server.health).await.unwrap().status(), 200);
    server.client().workspace().await;
    let ended = server.stop().await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_setting_to_change() {
    let folder = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for setting in ["LISTEN", "ADMIN_LISTEN"] {
        let ended = Binary::new(folder.path()).set(setting, &address).run(&["serve"]).await;
        assert_refused(&ended, 1, &[&address, &format!("AIFIRST_{setting}")]);
    }
    // Nothing was given out for a server that never served.
    assert!(!folder.path().join("data/dev-token").exists());
}

/// What is in the folder besides the files that the test put there.
#[track_caller]
fn assert_nothing_made(folder: &TempDir, given: &[&str]) {
    let found: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(found.iter().all(|name| given.contains(&name.to_str().unwrap())), "{found:?}");
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_written_is_named_with_the_setting_to_change() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for place in ["file", "file/data"] {
        let ended = Binary::new(folder.path()).set("DATA_DIR", place).run(&["serve"]).await;
        assert_refused(&ended, 1, &[place, "AIFIRST_DATA_DIR"]);
    }
    assert_nothing_made(&folder, &["file"]);
}

#[tokio::test]
async fn a_data_folder_that_a_server_holds_is_left_to_it() {
    let folder = TempDir::new().unwrap();
    let binary = Binary::new(folder.path());
    let server = binary.serve().await;
    for command in ["serve", "demo"] {
        let ended = binary.run(&[command]).await;
        assert_refused(&ended, 1, &["data", "in use", "AIFIRST_DATA_DIR"]);
    }
    server.client().workspace().await;
    // Even one that is killed holds it no longer.
    server.kill();
    binary.serve().await.client().workspace().await;
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_named_without_its_password() {
    let folder = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = listener.local_addr().unwrap();
    drop(listener);
    let nobody = format!("postgres://ana:swordfish@{free}/aifirst");
    let nowhere = format!("sqlite://{}", folder.path().join("missing/aifirst.db").display());
    for (url, shown) in [(&nobody, "ana:***@"), (&nowhere, "missing/aifirst.db")] {
        let binary = Binary::new(folder.path()).set("DATABASE__URL", url);
        let ended = binary.set("DATABASE__ACQUIRE_TIMEOUT_SECONDS", 1).run(&["serve"]).await;
        assert_refused(&ended, 1, &[shown, "AIFIRST_DATABASE__URL"]);
        assert!(!ended.stderr.contains("swordfish"), "{ended:#?}");
    }
    assert!(!folder.path().join("data/dev-token").exists());
}

on_both! {
    async fn a_database_of_a_newer_version_is_refused_and_left_as_it_is(database: Database) {
        let binary = Binary::on(&database);
        binary.serve().await.stop().await;
        let config = Config::with(&database.settings()).unwrap();
        let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_to_come', 0)";
        execute(&config, newer).await;
        for command in ["serve", "migrate"] {
            let ended = binary.run(&[command]).await;
            assert_refused(&ended, 1, &["newer", "m9999_to_come"]);
        }
        execute(&config, "DELETE FROM seaql_migrations WHERE version = 'm9999_to_come'").await;
        binary.serve().await.client().workspace().await;
    }
}

async fn execute(config: &Config, sql: &str) {
    use sea_orm::ConnectionTrait;
    let db = db::connect::connect(config).await.unwrap();
    let tx = db.begin().await.unwrap();
    db::Source::connection(&tx).execute_unprepared(sql).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
}

#[tokio::test]
async fn a_setting_that_is_unknown_or_impossible_is_named_with_its_place() {
    let folder = TempDir::new().unwrap();
    for (variable, value, said) in [
        ("LISTENN", "127.0.0.1:0", "listenn"),
        ("DATABASE__URLL", "x", "database.urll"),
        ("LISTEN", "nowhere", "listen: "),
        ("MODE", "careless", "mode: "),
        ("DATABASE__READERS", "many", "database.readers"),
        ("DATABASE__READERS", "0", "database.readers"),
        ("DATABASE__URL", "mysql://x", "database.url"),
        ("EVENTS__URL", "http://x", "events.url"),
        ("SERVE__WORK", "sometimes", "serve.work"),
        ("LOG__FILTER", "info,[", "log.filter"),
    ] {
        for command in ["serve", "worker", "demo"] {
            let binary = Binary::new(folder.path()).set(variable, value);
            assert_refused(&binary.run(&[command]).await, 2, &[said]);
        }
    }
    assert_nothing_made(&folder, &[]);
}

#[tokio::test]
async fn a_configuration_file_that_cannot_be_used_is_named_with_the_place_in_it() {
    let folder = TempDir::new().unwrap();
    let write = |text: &str| fs::write(folder.path().join("aifirst.toml"), text).unwrap();
    let binary = Binary::new(folder.path());
    for (file, said) in [
        ("this is no TOML", "aifirst.toml"),
        ("listen = ", "aifirst.toml"),
        ("[database]\nurll = 'x'", "database.urll"),
        ("[workflow]\nruns = 'many'", "workflow.runs"),
    ] {
        write(file);
        assert_refused(&binary.run(&["serve"]).await, 2, &[said, "aifirst.toml"]);
    }
    write("listen = 'nowhere'");
    let other = binary.clone().set("CONFIG", "other.toml");
    assert_refused(&other.run(&["serve"]).await, 2, &["AIFIRST_CONFIG", "other.toml"]);
    assert_nothing_made(&folder, &["aifirst.toml"]);
    // The file that is named stands in place of the other.
    fs::write(folder.path().join("other.toml"), "[gateway.builtin]\npace_milliseconds = 1234").unwrap();
    let shown = other.run(&["config"]).await;
    assert!(shown.code == Some(0) && shown.stdout.contains("1234"), "{shown:#?}");
}

#[tokio::test]
async fn production_refuses_secrets_that_others_know() {
    let folder = TempDir::new().unwrap();
    let known = "[auth.jwt]\nissuer = 'https://issuer.example'\n\
        keys = [{ algorithm = 'HS256', secret = 'development-secret-known-to-everybody' }]";
    fs::write(folder.path().join("aifirst.toml"), known).unwrap();
    let production = Binary::new(folder.path()).set("MODE", "production");
    assert_refused(&production.run(&["serve"]).await, 2, &["auth.jwt.keys.0", "everybody knows"]);
    assert_nothing_made(&folder, &["aifirst.toml"]);

    fs::remove_file(folder.path().join("aifirst.toml")).unwrap();
    Binary::new(folder.path()).serve().await.stop().await;
    assert_refused(&production.run(&["serve"]).await, 1, &["aifirst token revoke --development"]);
    let revoked = production.run(&["token", "revoke", "--development"]).await;
    assert_eq!(revoked.code, Some(0), "{revoked:#?}");
    assert_eq!(production.serve().await.stop().await.code, Some(0));
}

on_both! {
    async fn a_server_that_is_told_to_stop_is_unready_at_once_and_finishes_what_it_does(database: Database) {
        let binary = Binary::on(&database).set("GATEWAY__BUILTIN__PACE_MILLISECONDS", 60);
        let server = binary.serve().await;
        let client = server.client();
        let started = client.get(operations()["StartSession"], json!({ "ws": client.workspace().await })).await;
        let session = text(&started, "/startCoachingSession/session/id");
        let mut events = client.subscribe(operations()["Coaching"], json!({ "s": session })).await;
        let message = json!({ "s": session, "text": "I want to plan my week, but I never find the time for it" });
        let turn = text(&client.get(operations()["Send"], message).await, "/sendMessage/turn/id");
        events.until("coachingEvents", |event| event["__typename"] == "TurnDelta").await;

        server.process.signal("TERM");
        let mut told = vec![];
        // The listener goes last, so the server says so until it is gone.
        while let Ok(answer) = got(&server.health).await {
            told.push(answer.status().as_u16());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let unready = told.iter().position(|status| *status == 503).expect("it never was unready");
        assert!(told[unready..].iter().all(|status| *status == 503), "{told:?}");
        let ended = server.process.end().await;
        assert_eq!(ended.code, Some(0), "{ended:#?}");

        let server = binary.serve().await;
        let state = "query($t: ID!) { node(id: $t) { ... on Turn { status } } }";
        assert_eq!(server.client().get(state, json!({ "t": turn })).await["node"]["status"], "COMPLETED");
    }
}
