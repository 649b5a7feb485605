//! Who asked goes away: the provider is let go at once, and what was used is kept.
use super::{attempt, call, estimated, formats::owner, route};
use crate::{
    coaching::{self, reader::Reader},
    contract::operations,
    on_both,
    support::{
        Database, TestApp,
        fake::{End, Fake, Format, Piece, Script},
        text,
    },
    workflow,
};
use aifirst::{
    gateway::{ChatEvent, ChatRequest},
    shared::Ambient,
};
use futures_util::StreamExt;
use serde_json::json;

const SAID: &str = "Let me think ";

/// A server whose default route leads to a model that says this and then nothing, for as long as somebody listens.
async fn hanging(database: Database, format: Format, said: &str) -> (TestApp, Fake) {
    let fake = Fake::start(format).await;
    let texts = Some(said).filter(|said| !said.is_empty());
    fake.says("one", Script::texts(texts).then(Piece::Hang));
    let settings = fake.settings("main") + &route("default", &[("main", "one"), ("builtin", "builtin")], "");
    (TestApp::start_with(database, &settings, Ambient::system()).await, fake)
}

/// The call was cancelled at its first attempt, which said this.
async fn is_cancelled(app: &TestApp, said: &str) {
    let call = call(app).await;
    assert_eq!((&call["status"], &call["finishReason"]), (&json!("CANCELLED"), &json!(null)), "{call:#}");
    assert_eq!(call["attempts"], json!([attempt("main", "one", "CANCELLED", None)]), "{call:#}");
    assert_eq!(call["outputTokens"], estimated(said), "{call:#}");
    assert!(call["inputTokens"].as_u64() > Some(0), "what was asked was read: {call:#}");
}

on_both! {
    async fn a_turn_that_is_interrupted_lets_its_provider_go_and_keeps_what_was_said(database: Database) {
        let (app, fake) = hanging(database, Format::OpenAi, SAID).await;
        let session = coaching::start(&app).await;
        let (mut events, mut reader) = (coaching::follow(&app, &session, None).await, Reader::default());
        let turn = coaching::send(&app, &session, "Shall I go on?").await;
        reader.read_words(&mut events, &turn, |shown| shown == SAID).await;
        coaching::interrupt(&app, &turn).await;
        // The script never ends: nothing but the connection's end tells it.
        assert_eq!(fake.asked("one")[0].ended().await, End::LeftAlone);
        let ended = coaching::until_over(&mut events, &mut reader, &turn).await;
        assert_eq!((text(&ended, "/__typename"), text(&ended, "/turn/reply/text")), ("TurnInterrupted".into(), SAID.into()));
        is_cancelled(&app, SAID).await;
        assert_eq!(fake.asked("one").len(), 1);
    }
}

on_both! {
    async fn a_run_that_is_cancelled_lets_its_provider_go(database: Database) {
        for said in ["", SAID] {
            let database = if database.is_sqlite() { Database::sqlite() } else { Database::postgres().await };
            let (app, fake) = hanging(database, Format::Anthropic, said).await;
            let steps = json!([{ "key": "ask", "action": { "llm": { "prompt": "Shall I go on?" } } }]);
            let workflow = workflow::publish(&app, steps).await;
            let run = workflow::start(&app, &workflow, json!({})).await;
            let asked = fake.first_asked("one").await;
            app.ok(&app.owner, operations()["Cancel"], json!({ "r": run })).await;
            assert_eq!(asked.ended().await, End::LeftAlone);
            workflow::events(&app, &run, &["RunCancelled"]).await;
            let call = call(&app).await;
            assert_eq!((&call["status"], &call["attempts"][0]["status"]), (&json!("CANCELLED"), &json!("CANCELLED")), "{call:#}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_dropped_lets_its_provider_go_in_every_format() {
    for format in Format::ALL {
        for said in ["", SAID] {
            let (app, fake) = hanging(Database::sqlite(), format, said).await;
            let request = ChatRequest::prompt(app.workspace_id(), "default", "Shall I go on?");
            let mut events = app.running.services.gateway.chat(&owner(&app).await, request).await.unwrap();
            let asked = if said.is_empty() {
                // Somebody listens, until the provider was asked.
                tokio::select! {
                    event = events.next() => panic!("{event:?}"),
                    asked = fake.first_asked("one") => asked,
                }
            } else {
                let event = events.next().await.unwrap();
                assert_eq!(event, ChatEvent::Delta { text: said.to_owned() });
                fake.first_asked("one").await
            };
            drop(events);
            assert_eq!(asked.ended().await, End::LeftAlone, "{format:?}");
            is_cancelled(&app, said).await;
            app.running.stop().await;
        }
    }
}
