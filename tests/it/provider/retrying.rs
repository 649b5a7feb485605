//! What is tried again, and when.
use super::{ask, attempt, call, formats::owner, route};
use crate::{
    on_both,
    support::{
        Database, TestApp,
        fake::{Fake, Format, Script},
    },
};
use aifirst::{
    gateway::{ChatRequest, FinishReason},
    shared::Ambient,
};
use serde_json::json;
use std::time::Duration;

async fn before(database: Database, fake: &Fake, more: &str) -> TestApp {
    let settings = fake.settings("main") + &route("main", &[("main", "one")], more);
    TestApp::start_with(database, &settings, Ambient::system()).await
}

on_both! {
    async fn a_provider_that_asks_to_wait_is_asked_again_then_and_not_before(database: Database) {
        let fake = Fake::start(Format::OpenAi).await;
        let wait = Script::too_many_requests().with_header("retry-after", "1");
        fake.says_in_turn("one", vec![wait, Script::answer(["there"])]);
        let app = before(database, &fake, "").await;
        assert_eq!(ask(&app, "main", "Is anybody there?").await.unwrap()["text"], "there");
        let asked = fake.asked("one");
        assert_eq!(asked.len(), 2);
        assert!(asked[1].at - asked[0].at >= Duration::from_secs(1), "{:?}", asked[1].at - asked[0].at);
        let call = call(&app).await;
        let tried = [attempt("main", "one", "FAILED", Some("RATE_LIMITED")), attempt("main", "one", "COMPLETED", None)];
        assert_eq!((&call["status"], &call["attempts"]), (&json!("COMPLETED"), &json!(tried)), "{call:#}");
    }
}

on_both! {
    async fn who_would_have_to_wait_longer_than_a_call_may_take_is_told_so_at_once(database: Database) {
        let fake = Fake::start(Format::Anthropic).await;
        fake.says("one", Script::too_many_requests().with_header("retry-after", "8"));
        let app = before(database, &fake, "timeouts = { total_milliseconds = 7000 }").await;
        assert_eq!(ask(&app, "main", "Is anybody there?").await.unwrap_err(), "RATE_LIMITED");
        assert_eq!(fake.asked("one").len(), 1);
        let call = call(&app).await;
        let tried = [attempt("main", "one", "FAILED", Some("RATE_LIMITED"))];
        assert_eq!((&call["status"], &call["attempts"]), (&json!("FAILED"), &json!(tried)), "{call:#}");
    }
}

on_both! {
    async fn a_target_that_fails_again_and_again_is_left_alone_for_a_while(database: Database) {
        let fake = Fake::start(Format::OpenAi).await;
        fake.says("one", Script::fault());
        let settings = fake.settings("main")
            + &route("main", &[("main", "one"), ("builtin", "builtin")], "retry = { rounds = 1 }");
        let app = TestApp::start_with(database, &settings, Ambient::system()).await;
        let owner = owner(&app).await;
        for _ in 0..8 {
            let request = ChatRequest::prompt(app.workspace_id(), "main", "Notes: one. Two.");
            let answer = app.running.services.gateway.complete(&owner, request).await.unwrap();
            assert_eq!(answer.reason, FinishReason::EndOfTurn);
        }
        // The fifth failure opened its circuit; the others took the next target at once.
        assert_eq!(fake.asked("one").len(), 5);
    }
}
