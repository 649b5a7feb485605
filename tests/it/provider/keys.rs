//! Keys reach their providers, and nobody else.
use super::{route, turn};
use crate::support::{
    Binary, Database,
    fake::{Fake, Format, Piece, Script},
};
use serde_json::json;
use std::fs;

const KEYS: [&str; 3] = ["sk-first-5f1c0f1d", "sk-second-77aa12c9", "AIza-third-0b8e3344"];

/// By default a turn comes to all three: two that fail, in a way of their own each, and one that answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_reach_their_providers_and_stand_in_no_log_and_in_no_output() {
    let database = Database::sqlite();
    let formats = [Format::OpenAi, Format::Anthropic, Format::Gemini];
    let scripts =
        [Script::unauthorized(), Script::texts(["Well, "]).then(Piece::Cut), Script::answer(["go."])];
    let (mut fakes, mut settings) = (vec![], String::new());
    for (place, (format, script)) in formats.into_iter().zip(scripts).enumerate() {
        let fake = Fake::start(format).await;
        fake.says("one", script);
        settings += &fake.settings(format.kind());
        settings += &match place {
            0 => "api_key_env = 'AIFIRST_TEST_FIRST_KEY'\n".to_owned(),
            _ => format!("api_key = '{}'\n", KEYS[place]),
        };
        fakes.push(fake);
    }
    settings += &route("default", &formats.map(|format| (format.kind(), "one")), "");
    fs::write(database.folder.path().join("aifirst.toml"), settings).unwrap();
    let binary =
        Binary::new(database.folder.path()).set("TEST_FIRST_KEY", KEYS[0]).set("LOG__FILTER", "trace");

    let shown = binary.run(&["config"]).await;
    assert!(shown.code == Some(0) && shown.stdout.contains("gateway.providers.anthropic"), "{shown:#?}");

    let server = binary.serve().await;
    let client = server.client();
    let events = turn(&client).await;
    assert_eq!(events.last().unwrap()["__typename"], "TurnCompleted", "{events:#?}");
    let ended = server.stop().await;

    let headers = ["authorization", "x-api-key", "x-goog-api-key"];
    for (place, fake) in fakes.iter().enumerate() {
        let asked = fake.asked("one").remove(0);
        let sent = asked.header(headers[place]).unwrap_or_default().trim_start_matches("Bearer ").to_owned();
        assert_eq!(sent, KEYS[place]);
        assert!(!asked.path.contains(KEYS[place]) && !asked.body.to_string().contains(KEYS[place]));
    }
    assert!(ended.stderr.len() > 10_000, "it logs all there is: {}", ended.stderr.len());
    for key in KEYS {
        assert!(!shown.stdout.contains(key) && !shown.stderr.contains(key), "{shown:#?}");
        assert!(!json!(events).to_string().contains(key));
        for line in ended.stdout.lines().chain(ended.stderr.lines()) {
            assert!(!line.contains(key), "{line}");
        }
    }
}
