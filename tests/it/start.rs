//! Starting the real binary: what keeps it from starting says what to do, and leaves nothing half-written.
use crate::support::{Binary, Ended};
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
    assert_eq!(reqwest::get(&server.health).await.unwrap().status(), 200);
    server.client().workspace().await;
    let ended = server.stop().await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_setting_to_change() {
    let folder = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for setting in ["LISTEN", "ADMIN_LISTEN"] {
        let ended = Binary::new(folder.path()).set(setting, &address).run(&["serve"]).await;
        assert_refused(&ended, 1, &[&address, &format!("AIFIRST_{setting}")]);
    }
    // Nothing was given out for a server that never served.
    assert!(!folder.path().join("data/dev-token").exists());
}
