//! Where providers may be.
use super::{ask, route, turn};
use crate::support::{
    Binary, Database, TestApp, behind_tls,
    fake::{Fake, Format, Script},
};
use aifirst::{app::App, config::Config, shared::Ambient};
use serde_json::json;
use std::fs;

fn provider(base: &str, more: &str) -> String {
    format!("[gateway.providers.main]\nkind = 'openai-compatible'\nbase_url = '{base}'\n{more}\n")
}

/// What a start with this provider says.
async fn start(base: &str, more: &str) -> Result<(), String> {
    let database = Database::sqlite();
    let config = Config::with(&format!("{}\n{}", database.settings(), provider(base, more))).unwrap();
    App::open(config, Ambient::system()).await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_provider_at_an_address_that_is_never_called_keeps_the_server_from_starting() {
    for (base, said) in [
        ("http://169.254.169.254/latest", "nothing is called"),
        ("https://10.0.0.1/v1", "allow_private"),
        ("https://ana:secret@example.com/v1", "no user or password"),
    ] {
        let told = start(base, "").await.unwrap_err();
        assert!(
            told.starts_with("gateway.providers.main: base_url: ") && told.contains(said),
            "{base}: {told}"
        );
        assert!(!told.contains("secret"), "{told}");
    }
    start("http://192.168.1.1/v1", "allow_private = true").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_called_at_the_addresses_it_has_and_no_answer_leads_elsewhere() {
    let (fake, elsewhere) = (Fake::start(Format::OpenAi).await, Fake::start(Format::OpenAi).await);
    fake.says("one", Script::answer(["here"]));
    let location = format!("{}/chat/completions", elsewhere.base_url());
    let moved = |status| Script::refusal(status, json!({})).with_header("location", &location);
    fake.says("moved", moved(307));
    fake.says("gone", moved(302));
    let base = format!("http://localhost:{}/v1", fake.address.port());
    let retry = "retry = { rounds = 1 }";
    let settings = provider(&base, "")
        + &route("main", &[("main", "one")], retry)
        + &route("moved", &[("main", "moved")], retry)
        + &route("gone", &[("main", "gone")], retry);
    let app = TestApp::start_with(Database::sqlite(), &settings, Ambient::system()).await;
    assert_eq!(ask(&app, "main", "Where?").await.unwrap()["text"], "here");
    for route in ["moved", "gone"] {
        assert_eq!(ask(&app, route, "Where?").await.unwrap_err(), "UNAVAILABLE");
    }
    assert!(elsewhere.all_asked().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_called_by_tls_where_the_machine_trusts_its_certificate() {
    let fake = Fake::start(Format::OpenAi).await;
    fake.says("one", Script::answer(["here"]));
    let base = behind_tls(&fake.base_url()).await;
    let database = Database::sqlite();
    let settings = provider(&base, "") + &route("default", &[("main", "one")], "retry = { rounds = 1 }");
    fs::write(database.folder.path().join("aifirst.toml"), settings).unwrap();
    for (authority, ends) in [("tls", "TurnFailed"), ("ca", "TurnCompleted")] {
        let file = format!("{}/tests/it/keys/{authority}.pem", env!("CARGO_MANIFEST_DIR"));
        let server = Binary::new(database.folder.path()).env("SSL_CERT_FILE", &file).serve().await;
        let events = turn(&server.client()).await;
        assert_eq!(events.last().unwrap()["__typename"], ends, "{events:#?}");
        assert_eq!(fake.all_asked().len(), usize::from(ends == "TurnCompleted"));
        server.stop().await;
    }
}
